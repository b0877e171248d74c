//! The sleep of a [`VirtualClock`].

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{
    clock::VirtualClock,
    timers::{TimerKey, Timers},
};
use crate::{Sleep, report::isolate};

/// Ends when the clock reads `due`. Registered from its first pending poll on.
#[derive(Debug)]
pub(super) struct VirtualSleep {
    clock: VirtualClock,
    due: Duration,
    /// Where it is registered, or was until it fired.
    key: Option<TimerKey>,
}

// ===== impl VirtualSleep =====

impl VirtualSleep {
    pub(super) fn new(clock: VirtualClock, deadline: Instant) -> Self {
        let due = clock.reading_at(deadline);
        VirtualSleep {
            clock,
            due,
            key: None,
        }
    }

    fn leave(&mut self) -> Option<Waker> {
        let key = self.key.take()?;
        self.clock
            .with_timers(|timers| timers.disarm(key))
            .flatten()
    }

    /// Arms with `waker`, which is given back if the time has come already.
    fn arm(&mut self, waker: Waker) -> Option<Waker> {
        let due = self.due;
        match self
            .clock
            .with_timers(|timers| timers.arm(due, Some(waker)))
        {
            Ok(key) => {
                self.key = Some(key);
                None
            }
            Err(waker) => waker,
        }
    }

    /// Whether the registration lacks the waker of `cx`.
    fn is_stale(timers: &mut Timers<Option<Waker>>, key: TimerKey, cx: &Context<'_>) -> bool {
        // It compares two addresses, and calls nothing.
        timers
            .get_mut(key)
            .and_then(|place| place.as_ref())
            .is_some_and(|waker| !waker.will_wake(cx.waker()))
    }

    /// Puts `waker` in, and takes the one out that was there; false if it has fired meanwhile.
    fn swap_waker(&self, key: TimerKey, waker: &mut Waker) -> bool {
        self.clock.with_timers(|timers| {
            match timers.get_mut(key).and_then(|place| place.as_mut()) {
                Some(place) => {
                    mem::swap(place, waker);
                    true
                }
                None => false,
            }
        })
    }
}

impl Future for VirtualSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.due;
        let Some(key) = self.key else {
            if self.clock.elapsed() >= due {
                return Poll::Ready(());
            }
            // Pending: whoever moves the clock to `due` will wake us.
            return match self.arm(cx.waker().clone()) {
                None => Poll::Pending,
                Some(_) => Poll::Ready(()),
            };
        };
        let (is_due, is_stale) = self
            .clock
            .with_timers(|timers| (timers.now() >= due, Self::is_stale(timers, key, cx)));
        if is_due {
            drop(self.leave());
            return Poll::Ready(());
        }
        // If it fires in between, the waker that is called is the old one: so we end here.
        let mut waker = is_stale.then(|| cx.waker().clone());
        if let Some(waker) = &mut waker {
            if !self.swap_waker(key, waker) {
                return Poll::Ready(());
            }
        }
        // Pending: whoever moves the clock to `due` will wake us.
        Poll::Pending
    }
}

impl Sleep for VirtualSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.due = self.clock.reading_at(deadline);
        // Whoever waits here goes on waiting, until the new time.
        let Some(waker) = self.leave() else { return };
        if let Some(waker) = self.arm(waker) {
            isolate("a waker of a timer", || waker.wake());
        }
    }
}

impl Drop for VirtualSleep {
    fn drop(&mut self) {
        drop(self.leave());
    }
}
