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
    /// `None`: it could not be made.
    deadline: Option<Instant>,
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
    pub(super) fn new(handle: Handle, deadline: impl FnMut(Instant) -> Instant) -> Self {
        let mut sleep = TokioSleep::unmade(handle);
        // It can be moved: nobody has polled it.
        make(&sleep.handle, deadline, |inner, at, state| {
            (sleep.inner, sleep.deadline, sleep.state) = (Some(inner), Some(at), state);
        });
        sleep
    }

    /// The same where it is to stay: a sleep of tokio's is large to move.
    #[inline]
    pub(super) fn put(
        handle: Handle,
        mut place: Pin<&mut Option<TokioSleep>>,
        deadline: impl FnMut(Instant) -> Instant,
    ) {
        place.set(Some(TokioSleep::unmade(handle)));
        let Some(sleep) = place.as_pin_mut() else {
            return; // not reached: it is there
        };
        let mut this = sleep.project();
        make(this.handle, deadline, |inner, at, state| {
            this.inner.set(Some(inner));
            (*this.deadline, *this.state) = (Some(at), state);
        });
    }

    fn unmade(handle: Handle) -> Self {
        TokioSleep {
            inner: None,
            handle,
            deadline: None,
            armed: false,
            state: State::Orphaned,
        }
    }
}

/// Gives a sleep of tokio's to `keep`, with its deadline, and where it stands.
///
/// Without timers, or a context on a thread that ends, there is none, and it stays an orphan,
/// whenever it was due.
#[inline]
fn make(
    handle: &Handle,
    mut deadline: impl FnMut(Instant) -> Instant,
    keep: impl FnOnce(time::Sleep, Instant, State),
) {
    let made = guarded(|| {
        let _context = handle.enter();
        let now = time::Instant::now().into_std();
        let deadline = deadline_within_reach(now, deadline(now));
        let state = state_of(deadline, now);
        keep(time::sleep_until(deadline.into()), deadline, state);
    });
    if made.is_none() {
        deadline(Instant::now()); // whoever asks for it is told all the same
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
        let inner = this.inner.as_mut().as_pin_mut();
        let (State::Waiting, Some(mut inner), Some(deadline)) =
            (*this.state, inner, *this.deadline)
        else {
            return Poll::Ready(());
        };
        let early = guarded(|| {
            // Unlike the first poll, this does not panic if the runtime is gone.
            if !*this.armed {
                inner.as_mut().reset(deadline.into());
                *this.armed = true;
            }
            if !inner.is_elapsed() && inner.as_mut().poll(cx).is_pending() {
                // The timer wakes us, at the deadline or when the runtime shuts down.
                return Poll::Pending;
            }
            Poll::Ready(now_on(this.handle) < deadline)
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
            let deadline = deadline_within_reach(now, deadline);
            *this.deadline = Some(deadline);
            *this.state = state_of(deadline, now);
            if *this.armed {
                // Takes the old deadline from the timer.
                inner.reset(deadline.into());
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
