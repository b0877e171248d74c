//! Time: [`Timer`], [`Sleep`] and [`Runtime`].

use std::{
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use super::Spawner;

/// Thirty years: the farthest that a deadline reaches. Later ones saturate here.
const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

/// A clock, as a value.
pub trait Timer: Clone + 'static {
    /// The future that ends at a deadline.
    type Sleep: Sleep;

    /// The present instant on this clock.
    fn now(&self) -> Instant;

    /// A future that ends at `deadline`; at once if that is past.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// A future that ends after `duration`; about thirty years at the most.
    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.sleep_until(deadline_after(self.now(), duration))
    }
}

/// The end of `duration` counted from `now`, about thirty years ahead at the most.
pub(crate) fn deadline_after(now: Instant, duration: Duration) -> Instant {
    let reach = duration.min(FAR);
    now.checked_add(reach).unwrap_or(now)
}

/// `deadline`, or about thirty years from `now` if that is sooner.
pub(crate) fn deadline_within_reach(now: Instant, deadline: Instant) -> Instant {
    deadline.min(deadline_after(now, FAR))
}

/// A timer's future, which can be armed again.
pub trait Sleep: Future<Output = ()> + 'static {
    /// Arms the sleep again, for `deadline`, whether or not it has ended before.
    fn reset(self: Pin<&mut Self>, deadline: Instant);

    /// Whether the clock behind has shut down, so that the sleep ended for that reason only.
    ///
    /// Waits of this crate then report a cancellation, `executor shut down`. The provided method
    /// says no.
    fn is_orphaned(&self) -> bool {
        false
    }
}

/// What the helpers need at the most: something that spawns and has a clock.
pub trait Runtime: Spawner + Timer<Sleep: Send> {}

impl<T: Spawner + Timer<Sleep: Send>> Runtime for T {}
