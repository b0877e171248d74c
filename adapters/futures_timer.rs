//! [`FuturesTimer`]: a clock for executors that have none.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use futures_timer::Delay;

use crate::{Sleep, Timer, runtime::deadline_within_reach};

/// The system's monotonic clock, with the timer thread of the `futures-timer` crate.
///
/// [`WithTimer::new(spawner, FuturesTimer)`](crate::WithTimer::new) completes an executor that has
/// no clock of its own. The thread starts with the first sleep that has to wait.
///
/// # Examples
///
/// ```
/// use windlass::{Timer, adapters::FuturesTimer};
///
/// let before = FuturesTimer.now();
/// let past = FuturesTimer.sleep_until(before); // ready at once
/// futures::executor::block_on(past);
/// assert!(FuturesTimer.now() >= before);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct FuturesTimer;

/// The sleep of [`FuturesTimer`] and of [`Embedded`](super::Embedded).
///
/// # Cancel safety
///
/// Dropping it disarms it and loses nothing.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct FuturesSleep {
    deadline: Instant,
    /// Made when it is first waited for: only then is the timer thread spoken to.
    delay: Option<Delay>,
    orphaned: bool,
}

// ===== impl FuturesTimer =====

impl Timer for FuturesTimer {
    type Sleep = FuturesSleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> FuturesSleep {
        FuturesSleep {
            deadline,
            delay: None,
            orphaned: false,
        }
    }
}

// ===== impl FuturesSleep =====

impl Future for FuturesSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            let now = Instant::now();
            if now >= self.deadline || self.orphaned {
                return Poll::Ready(());
            }
            let ahead = deadline_within_reach(now, self.deadline) - now;
            let delay = self.delay.get_or_insert_with(|| Delay::new(ahead));
            match catch_unwind(AssertUnwindSafe(|| Pin::new(delay).poll(cx))) {
                // Pending: the timer thread wakes us.
                Ok(Poll::Pending) => return Poll::Pending,
                // Early: it happens when the timer thread hears of a `Delay` and of its reset at
                // the same time. A new one has no former deadline to mix up.
                Ok(Poll::Ready(())) => self.delay = None,
                // A `Delay` panics when the system refused the timer thread: nobody would wake us.
                Err(_) => self.orphaned = true,
            }
        }
    }
}

impl Sleep for FuturesSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        let now = Instant::now();
        let ahead = deadline_within_reach(now, deadline).saturating_duration_since(now);
        if let Some(delay) = &mut self.delay {
            delay.reset(ahead);
        }
        self.deadline = deadline;
    }

    fn is_orphaned(&self) -> bool {
        self.orphaned
    }
}

impl fmt::Debug for FuturesSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FuturesSleep")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
