//! [`Settle`]: waiting until nothing else is ready to run.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Weak,
    task::{Context, Poll},
};

use super::{
    core::{Core, SettleKey, Turn},
    drive::driven_here,
};
use crate::sync::Arc;

/// How often we give way to an executor that cannot tell when it is idle.
const ROUNDS: u32 = 32;

/// Waits until all other tasks wait: the future of
/// [`SimRuntime::settle`](super::SimRuntime::settle).
///
/// # Cancel safety
///
/// Dropping it ends the waiting and leaves no trace.
#[must_use = "nothing is waited for unless this is awaited"]
pub struct Settle {
    /// Where we wait in the runtime that drives us, or did until our turn came.
    place: Option<(Weak<Core>, SettleKey)>,
    turn: Turn,
    rounds: u32,
}

impl Settle {
    pub(super) fn new(turn: Turn) -> Self {
        Settle {
            place: None,
            turn,
            rounds: ROUNDS,
        }
    }

    fn poll_in(core: &Core, key: SettleKey, cx: &Context<'_>) -> Poll<()> {
        let mut waker = cx.waker().clone();
        if core.swap_settling(key, &mut waker) {
            // Pending: the driver will wake us when nothing else is ready.
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    fn poll_round(&mut self, cx: &Context<'_>) -> Poll<()> {
        if self.rounds == 0 {
            return Poll::Ready(());
        }
        self.rounds -= 1;
        // Pending: woken already.
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Future for Settle {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some((core, key)) = &self.place {
            // A runtime that is gone has nothing ready.
            let Some(core) = core.upgrade() else {
                return Poll::Ready(());
            };
            return Self::poll_in(&core, *key, cx);
        }
        let Some(core) = driven_here() else {
            return self.poll_round(cx);
        };
        let key = core.settle(self.turn, cx.waker().clone());
        self.place = Some((Arc::downgrade(&core), key));
        // Pending: the driver will wake us when nothing else is ready.
        Poll::Pending
    }
}

impl Drop for Settle {
    fn drop(&mut self) {
        let Some((core, key)) = self.place.take() else {
            return;
        };
        if let Some(core) = core.upgrade() {
            drop(core.leave_settling(key));
        }
    }
}

impl fmt::Debug for Settle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settle").finish_non_exhaustive()
    }
}
