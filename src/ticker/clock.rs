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

    /// Ready when the sleep for `until` has ended; arms it first unless it is armed for that.
    fn poll_until(self: Pin<&mut Self>, until: Duration, cx: &mut Context<'_>) -> Poll<Fired>;

    /// Takes the sleep out of the timer, if it is armed for later than `now`.
    ///
    /// One that has fired stays for the next time, although nobody may have seen it fire.
    fn disarm_after(self: Pin<&mut Self>, now: Duration);
}

/// The boxed clock of `timer`: the only allocation of ours, and one sleep of the timer's.
pub(super) fn any_clock<R: Timer<Sleep: Send> + Send>(timer: R) -> AnyClock {
    Box::pin(OneSleep {
        timer,
        start: None,
        sleep: None,
        armed: None,
    })
}

#[pin_project]
struct OneSleep<R: Timer> {
    timer: R,
    start: Option<Instant>,
    /// Made when it is first needed; from then on it is reset.
    #[pin]
    sleep: Option<R::Sleep>,
    /// What the sleep is armed for; `None` once it has ended.
    armed: Option<Duration>,
}

impl<R: Timer> TickClock for OneSleep<R> {
    fn elapsed(self: Pin<&mut Self>) -> Duration {
        let this = self.project();
        let now = this.timer.now();
        now.saturating_duration_since(*this.start.get_or_insert(now))
    }

    fn poll_until(mut self: Pin<&mut Self>, until: Duration, cx: &mut Context<'_>) -> Poll<Fired> {
        if self.armed != Some(until) {
            self.as_mut().arm(until);
        }
        let mut this = self.project();
        let Some(mut sleep) = this.sleep.as_mut().as_pin_mut() else {
            unreachable!("armed just above");
        };
        // Pending: the timer will wake us.
        ready!(sleep.as_mut().poll(cx));
        *this.armed = None; // a sleep that has ended is not polled again before it is reset
        Poll::Ready(if sleep.is_orphaned() {
            Fired::Orphaned
        } else {
            Fired::InTime
        })
    }

    fn disarm_after(self: Pin<&mut Self>, now: Duration) {
        let mut this = self.project();
        if this.armed.is_some_and(|until| until > now) {
            *this.armed = None;
            this.sleep.set(None);
        }
    }
}

impl<R: Timer> OneSleep<R> {
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
        *this.armed = Some(until);
    }
}
