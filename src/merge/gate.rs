//! [`Gate`]: what holds a source back.

use std::task::{Context, Poll};

use futures::task::AtomicWaker;

use crate::sync::{AtomicBool, Ordering};

/// Holds a source back until its item has been taken, or the source it made has begun.
#[derive(Default)]
pub(super) struct Gate {
    /// Set by the source (Release), cleared by the streamer (Release) before it wakes the source,
    /// which registers before it looks again (Acquire).
    is_shut: AtomicBool,
    source: AtomicWaker,
}

impl Gate {
    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
    }

    pub(super) fn open(&self) {
        self.is_shut.store(false, Ordering::Release);
        self.source.wake();
    }

    pub(super) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_shut.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.source.register(cx.waker());
        if self.is_shut.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}
