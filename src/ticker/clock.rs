//! A timer of any type together with the one sleep that a ticker arms again and again.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use pin_project::pin_project;

use crate::{Sleep, Timer, runtime::deadline_after};

/// A [`TickClock`] without its type.
pub(super) type AnyClock = Pin<Box<dyn TickClock + Send>>;

/// Where a wait for the clock led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fired {
    /// The time may have come: look at the clock.
    InTime,
    /// The clock has shut down, and the time will never come.
    Orphaned,
}

/// Instants are counted from the start of the clock, which is the first reading.
pub(super) trait TickClock {
    /// How long ago the start was. The first call is the start.
    fn elapsed(self: Pin<&mut Self>) -> Duration;

    /// Arms the sleep, for `until` in place of what it was armed for before.
    fn arm(self: Pin<&mut Self>, until: Duration);

    /// Ready when the sleep has ended; it is then not polled again before it is armed.
    fn poll_fired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fired>;

    /// Takes the sleep out of the timer.
    fn disarm(self: Pin<&mut Self>);
}

/// The boxed clock of `timer`: the only allocation of ours, and one sleep of the timer's.
pub(super) fn any_clock<R: Timer<Sleep: Send> + Send>(timer: R) -> AnyClock {
    Box::pin(OneSleep {
        timer,
        start: None,
        sleep: None,
    })
}

#[pin_project]
struct OneSleep<R: Timer> {
    timer: R,
    start: Option<Instant>,
    /// Made when it is first needed; from then on it is reset.
    #[pin]
    sleep: Option<R::Sleep>,
}

impl<R: Timer> TickClock for OneSleep<R> {
    fn elapsed(self: Pin<&mut Self>) -> Duration {
        let this = self.project();
        let now = this.timer.now();
        now.saturating_duration_since(*this.start.get_or_insert(now))
    }

    fn arm(self: Pin<&mut Self>, until: Duration) {
        let mut this = self.project();
        let now = this.timer.now();
        let start = *this.start.get_or_insert(now);
        let far = deadline_after(now, Duration::MAX);
        let deadline = start.checked_add(until).map_or(far, |at| at.min(far));
        match this.sleep.as_mut().as_pin_mut() {
            Some(sleep) => sleep.reset(deadline),
            None => this.sleep.set(Some(this.timer.sleep_until(deadline))),
        }
    }

    fn poll_fired(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fired> {
        let Some(mut sleep) = self.project().sleep.as_pin_mut() else {
            return Poll::Ready(Fired::InTime); // not armed: nothing to wait for
        };
        // Pending: the timer will wake us.
        ready!(sleep.as_mut().poll(cx));
        Poll::Ready(if sleep.is_orphaned() {
            Fired::Orphaned
        } else {
            Fired::InTime
        })
    }

    fn disarm(self: Pin<&mut Self>) {
        self.project().sleep.set(None);
    }
}
