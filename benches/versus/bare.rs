//! [`Bare`]: a lock around a list, the least that a queue in safe code can be.

use std::{
    collections::VecDeque,
    future::poll_fn,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

/// A queue for one consumer, without anything a queue of ours has: no context, no end but
/// [`close`](Self::close), no hooks, no breaker, one waker.
///
/// It says what is left to be gained: one lock to put in, one to take out, four atomic
/// read-modify-writes an item.
#[derive(Default)]
pub(crate) struct Bare(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    items: VecDeque<u64>,
    waker: Option<Waker>,
    is_closed: bool,
}

impl Bare {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn append(&self, item: u64) {
        let mut inner = self.lock();
        inner.items.push_back(item);
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn close(&self) {
        let mut inner = self.lock();
        inner.is_closed = true;
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }

    pub(crate) async fn next(&self) -> Option<u64> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &Context<'_>) -> Poll<Option<u64>> {
        let mut fresh = None;
        loop {
            let mut inner = self.lock();
            if let Some(item) = inner.items.pop_front() {
                return Poll::Ready(Some(item));
            }
            if inner.is_closed {
                return Poll::Ready(None);
            }
            if fresh.is_some() {
                let old = mem::replace(&mut inner.waker, fresh);
                drop(inner);
                drop(old);
                return Poll::Pending; // `append` or `close` will wake us
            }
            drop(inner);
            fresh = Some(cx.waker().clone()); // outside the lock
        }
    }
}
