//! What never waits needs no executor: a future that is ready soon is polled in place.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

/// Up to so many polls of a future that is busy come before tasks of the pool have a turn.
const BUSY_POLLS: u32 = 32;

/// Polls `future` as long as it wakes itself in its polls: what never waits needs no executor.
///
/// It is polled again by whoever drives it next, which sees what has woken it meanwhile.
pub(super) fn poll_while_busy<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let poll = |(busy, waker): &(Arc<Busy>, Waker)| {
        for _ in 0..BUSY_POLLS {
            let poll = future.as_mut().poll(&mut Context::from_waker(waker));
            if let Poll::Ready(output) = poll {
                return Some(output);
            }
            // Nested uses share the flag, and may take a wake for their own: then it is driven.
            if !busy.0.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        None
    };
    BUSY.try_with(poll).ok().flatten() // a thread on its way out has none
}

/// Notes that it was woken.
struct Busy(AtomicBool);

impl Wake for Busy {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    static BUSY: (Arc<Busy>, Waker) = {
        let busy = Arc::new(Busy(AtomicBool::new(false)));
        (Arc::clone(&busy), busy.into())
    };
}
