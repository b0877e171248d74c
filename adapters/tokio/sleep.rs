//! [`TokioSleep`]: tokio's sleep, which outlives its runtime.
//!
//! Tokio wakes every sleep when the runtime shuts down, and panics when one is polled after that.
//! It cannot be asked whether that has happened, but there is a sign: a sleep that has ended
//! although its deadline lies ahead.

use std::{
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
    time::Instant,
};

use pin_project::pin_project;
use tokio::{runtime::Handle, time};

use crate::{Sleep, runtime::deadline_within_reach};

/// The sleep of [`Tokio`](super::Tokio).
///
/// # Cancel safety
///
/// Dropping it disarms it and loses nothing.
#[pin_project]
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct TokioSleep {
    /// There is none if the runtime was built without timers.
    #[pin]
    inner: Option<time::Sleep>,
    handle: Handle,
    deadline: Instant,
    /// Whether the timer has been told of the deadline; or of a former one that has passed.
    armed: bool,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    Fired,
    /// It has ended because the runtime is gone, or has no timers.
    Orphaned,
}

impl TokioSleep {
    /// A sleep until what `deadline` makes of the present instant.
    #[inline]
    pub(super) fn new(handle: Handle, mut deadline: impl FnMut(Instant) -> Instant) -> Self {
        let mut inner = None; // here, not in the value of the closure: it is large to move
        let made = guarded(|| {
            let _context = handle.enter();
            let now = time::Instant::now().into_std();
            let deadline = deadline_within_reach(now, deadline(now));
            inner = Some(time::sleep_until(deadline.into()));
            (deadline, state_of(deadline, now))
        });
        // Without timers, or a context on a thread that ends, it is an orphan, whenever it was due.
        let orphan = || (deadline(Instant::now()), State::Orphaned);
        let (deadline, state) = made.unwrap_or_else(orphan);
        TokioSleep {
            inner,
            handle,
            deadline,
            armed: false,
            state,
        }
    }
}

/// What has passed when it is set never goes to the timer, which may be up to a millisecond behind.
fn state_of(deadline: Instant, now: Instant) -> State {
    if deadline <= now {
        State::Fired
    } else {
        State::Waiting
    }
}

fn now_on(handle: &Handle) -> Instant {
    let _context = handle.enter();
    time::Instant::now().into_std()
}

impl Future for TokioSleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let (State::Waiting, Some(mut inner)) = (*this.state, this.inner.as_mut().as_pin_mut())
        else {
            return Poll::Ready(());
        };
        let early = guarded(|| {
            // Unlike the first poll, this does not panic if the runtime is gone.
            if !*this.armed {
                inner.as_mut().reset((*this.deadline).into());
                *this.armed = true;
            }
            if !inner.is_elapsed() && inner.as_mut().poll(cx).is_pending() {
                // The timer wakes us, at the deadline or when the runtime shuts down.
                return Poll::Pending;
            }
            Poll::Ready(now_on(this.handle) < *this.deadline)
        });
        *this.state = match early {
            Some(Poll::Pending) => return Poll::Pending,
            Some(Poll::Ready(false)) => State::Fired,
            // The panic is the one of a runtime that shut down just before the poll.
            Some(Poll::Ready(true)) | None => State::Orphaned,
        };
        Poll::Ready(())
    }
}

impl Sleep for TokioSleep {
    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        let mut this = self.project();
        let Some(inner) = this.inner.as_mut().as_pin_mut() else {
            return;
        };
        let done = guarded(|| {
            let now = now_on(this.handle);
            *this.deadline = deadline_within_reach(now, deadline);
            *this.state = state_of(*this.deadline, now);
            if *this.armed {
                // Takes the old deadline from the timer.
                inner.reset((*this.deadline).into());
            }
        });
        if done.is_none() {
            *this.state = State::Orphaned;
        }
    }

    fn is_orphaned(&self) -> bool {
        self.state == State::Orphaned
    }
}

impl fmt::Debug for TokioSleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioSleep")
            .field("deadline", &self.deadline)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Calls into tokio where it may panic: without timers, after shutdown, and while the variables of
/// the thread are being dropped. Then there is no value.
pub(super) fn guarded<T>(call: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(call)).ok()
}
