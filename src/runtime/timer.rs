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
///
/// Nothing in this crate reads a global clock. So a test can bring one that it moves itself, and a
/// runtime one that it pauses.
///
/// # Contract
///
/// Each clause is a test of `testing::conformance::check_timer` (feature `test-util`).
///
/// 1. `now` never goes back.
/// 2. Clones share the clock.
/// 3. A sleep ends at its deadline or soon after, and never before; when one has ended, so have
///    those with earlier deadlines. (Unless it is [orphaned](Sleep::is_orphaned).)
/// 4. A deadline that has passed when the sleep is made or reset is ready at the first poll, without
///    a wake.
/// 5. A sleep that has ended stays ready until it is reset.
/// 6. It wakes the waker of the last poll.
/// 7. `reset` arms it for another deadline: before the first poll, while it waits, and after it has
///    ended. It is to be polled again then; a waker from before need not be woken.
/// 8. Deadlines may lie at any distance. Beyond about thirty years they may count as thirty years.
/// 9. A sleep that was dropped wakes nobody.
///
/// Sleeps work wherever they are polled, also outside the runtime that the clock belongs to. A
/// clock that can shut down before them ends them then and says so: see [`Sleep::is_orphaned`].
///
/// # Examples
///
/// A clock of one's own, for an executor with a loop that looks for what is due:
///
/// ```
/// use std::{
///     collections::BTreeMap,
///     future::Future,
///     pin::Pin,
///     sync::{Arc, Mutex},
///     task::{Context, Poll, Waker},
///     time::{Duration, Instant},
/// };
/// use windlass::{Sleep, Timer};
///
/// /// It moves when it is told to.
/// #[derive(Clone)]
/// struct Wheel(Arc<Mutex<State>>);
///
/// struct State {
///     now: Instant,
///     made: u64,
///     wakers: BTreeMap<(Instant, u64), Waker>,
/// }
///
/// struct Nap {
///     wheel: Wheel,
///     place: (Instant, u64),
/// }
///
/// impl Wheel {
///     fn turn_to(&self, now: Instant) {
///         let mut state = self.0.lock().unwrap();
///         state.now = now;
///         let later = state.wakers.split_off(&(now, u64::MAX));
///         let due = std::mem::replace(&mut state.wakers, later);
///         drop(state); // wakers are not ours: never under a lock
///         due.into_values().for_each(Waker::wake);
///     }
/// }
///
/// impl Timer for Wheel {
///     type Sleep = Nap;
///
///     fn now(&self) -> Instant {
///         self.0.lock().unwrap().now
///     }
///
///     fn sleep_until(&self, deadline: Instant) -> Nap {
///         let mut state = self.0.lock().unwrap();
///         state.made += 1;
///         let place = (deadline, state.made);
///         Nap { wheel: self.clone(), place }
///     }
/// }
///
/// impl Future for Nap {
///     type Output = ();
///
///     fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
///         let fresh = cx.waker().clone();
///         let mut state = self.wheel.0.lock().unwrap();
///         if self.place.0 <= state.now {
///             return Poll::Ready(());
///         }
///         // Pending: `turn_to` wakes it.
///         let former = state.wakers.insert(self.place, fresh);
///         drop(state);
///         drop(former);
///         Poll::Pending
///     }
/// }
///
/// impl Nap {
///     fn disarm(&self) {
///         let former = self.wheel.0.lock().unwrap().wakers.remove(&self.place);
///         drop(former);
///     }
/// }
///
/// impl Sleep for Nap {
///     fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
///         self.disarm();
///         self.place.0 = deadline;
///     }
/// }
///
/// impl Drop for Nap {
///     fn drop(&mut self) {
///         self.disarm();
///     }
/// }
///
/// let start = Instant::now();
/// let wakers = BTreeMap::new();
/// let wheel = Wheel(Arc::new(Mutex::new(State { now: start, made: 0, wakers })));
/// let mut nap = Box::pin(wheel.sleep(Duration::from_secs(60)));
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(nap.as_mut().poll(&mut cx).is_pending());
/// wheel.turn_to(start + Duration::from_secs(60));
/// assert!(nap.as_mut().poll(&mut cx).is_ready());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no clock",
    note = "`WithTimer::new(executor, FuturesTimer)` completes an executor that has none (feature `futures-timer`)"
)]
pub trait Timer: Clone + 'static {
    /// The future that ends at a deadline.
    type Sleep: Sleep;

    /// Returns the present instant on this clock.
    fn now(&self) -> Instant;

    /// Makes a future that ends at `deadline`; at once if that is past.
    fn sleep_until(&self, deadline: Instant) -> Self::Sleep;

    /// Makes a future that ends after `duration`; about thirty years at the most.
    fn sleep(&self, duration: Duration) -> Self::Sleep {
        self.sleep_until(deadline_after(self.now(), duration))
    }

    /// Like `sleep`, of a clock that is not needed any more; also tells the deadline.
    #[doc(hidden)]
    fn into_sleep(self, duration: Duration, deadline: &mut Option<Instant>) -> Self::Sleep {
        let at = deadline_after(self.now(), duration);
        *deadline = Some(at);
        self.sleep_until(at)
    }

    /// The same where it is to stay: sleeps may be large to move.
    #[doc(hidden)]
    fn put_sleep(
        self,
        duration: Duration,
        deadline: &mut Option<Instant>,
        mut place: Pin<&mut Option<Self::Sleep>>,
    ) {
        place.set(Some(self.into_sleep(duration, deadline)));
    }
}

/// The end of `duration` counted from `now`, about thirty years ahead at the most.
pub(crate) fn deadline_after(now: Instant, duration: Duration) -> Instant {
    let reach = duration.min(FAR);
    now.checked_add(reach).unwrap_or(now)
}

/// `deadline`, or about thirty years from `now` if that is sooner.
#[cfg(any(
    feature = "futures-timer",
    feature = "tokio",
    feature = "smol",
    feature = "async-std"
))]
pub(crate) fn deadline_within_reach(now: Instant, deadline: Instant) -> Instant {
    deadline.min(deadline_after(now, FAR))
}

/// A timer's future, which can be armed again. Its contract is part of [`Timer`]'s.
///
/// # Cancel safety
///
/// Dropping it disarms it and loses nothing.
pub trait Sleep: Future<Output = ()> + 'static {
    /// Arms the sleep again, for `deadline`, whether or not it has ended before.
    fn reset(self: Pin<&mut Self>, deadline: Instant);

    /// Says whether the clock behind has shut down, so that the sleep ended for that reason only.
    ///
    /// Waits of this crate then report a cancellation, `executor shut down`. The provided method
    /// says no.
    fn is_orphaned(&self) -> bool {
        false
    }
}

/// What the helpers need at the most: something that spawns and has a clock.
///
/// Nobody implements it: whatever is a [`Spawner`] and a [`Timer`] is one. An executor without a
/// clock becomes one with [`WithTimer`](super::WithTimer). Contract: that of both, tested by
/// `testing::conformance::check` (feature `test-util`).
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, Runtime, Task};
///
/// /// Takes whichever runtime the caller has, and boxes nothing.
/// fn start<R: Runtime>(ctx: &Ctx<R>) -> Task<u32> {
///     ctx.task("job").timeout(std::time::Duration::from_secs(5)).spawn(async { 42 })
/// }
/// # #[cfg(feature = "test-util")]
/// # {
/// let rt = windlass::testing::SimRuntime::new();
/// let ctx = Ctx::root_on("app", rt.clone());
/// assert_eq!(rt.block_on(start(&ctx)).unwrap(), 42);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a runtime",
    note = "a runtime is a `Spawner`, and a `Timer` whose sleeps are `Send`; the adapters are, each behind its feature",
    note = "`WithTimer::new(executor, FuturesTimer)` completes an executor that has no clock (feature `futures-timer`)"
)]
pub trait Runtime: Spawner + Timer<Sleep: Send> {}

impl<T: Spawner + Timer<Sleep: Send>> Runtime for T {}
