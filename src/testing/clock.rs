//! [`VirtualClock`]: time that moves when the test says so.

use std::{
    fmt,
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    core::Turn,
    settle::Settle,
    sleep::VirtualSleep,
    timers::{TimerKey, Timers},
};
use crate::{
    AnySleep, Timer,
    report::isolate,
    runtime::deadline_after,
    sync::{Arc, Mutex, lock, try_lock},
};

/// A clock that stands still until it is told to move.
///
/// It is a [`Timer`] of its own. A [`SimRuntime`](super::SimRuntime) comes with one; any other
/// spawner is given one by [`WithTimer::new(spawner, clock)`](crate::WithTimer::new). Clones share
/// one hand.
///
/// The clock moves in two ways. [`advance`](Self::advance) moves it by hand, on every runtime. With
/// *auto-jump* on, as it is at first, a [`SimRuntime`](super::SimRuntime) moves its own clock to
/// the next timer whenever nothing is ready to run. Other executors do not tell when they are idle,
/// so with them the clock never jumps by itself.
///
/// In both ways it stops exactly at each due time. A timer fires once, in the order of due times
/// and, among those due at one time, in the order in which they were first polled. One that is
/// dropped or reset leaves at once: the clock does not jump to where it would have been. A timer
/// that is due now or earlier is ready when it is first polled, without having been registered.
/// Each costs O(log n) among n.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// use windlass::{Timer, testing::SimRuntime};
///
/// let rt = SimRuntime::new();
/// let clock = rt.clock().clone();
/// rt.block_on(async {
///     clock.sleep(Duration::from_secs(5)).await;
///     assert_eq!(clock.elapsed(), Duration::from_secs(5));
/// });
/// ```
#[derive(Clone)]
pub struct VirtualClock(Arc<Shared>);

struct Shared {
    start: Instant,
    state: Mutex<State>,
}

struct State {
    /// Without a waker: a [`Stop`].
    timers: Timers<Option<Waker>>,
    /// How long the executor must have been idle before the clock jumps; `None`: it never does.
    jump_after: Option<Duration>,
    /// When timers fired, if that is being recorded.
    fired: Option<Vec<Duration>>,
}

/// A place where the clock stops, whoever moves it: there ends somebody's advance.
struct Stop<'a> {
    clock: &'a VirtualClock,
    /// `None` if it was reached before it was there.
    key: Option<TimerKey>,
}

// ===== impl VirtualClock =====

impl VirtualClock {
    /// Creates a clock that reads zero and jumps by itself where it can.
    pub fn new() -> Self {
        Self::starting_at(Duration::ZERO)
    }

    /// Creates a clock that reads `elapsed` at first; about thirty years at the most.
    pub fn starting_at(elapsed: Duration) -> Self {
        let start = Instant::now();
        let first = deadline_after(start, elapsed).duration_since(start);
        VirtualClock(Arc::new(Shared {
            start,
            state: Mutex::new(State {
                timers: Timers::starting_at(first),
                jump_after: Some(Duration::ZERO),
                fired: None,
            }),
        }))
    }

    /// Says what the clock reads: the time that has passed on it since it was made.
    pub fn elapsed(&self) -> Duration {
        lock(&self.0.state).timers.now()
    }

    /// Moves the clock on by `d`, about thirty years at the most.
    ///
    /// On the way, and at its end, the clock stops at each time at which a timer is due, fires it,
    /// and waits until the work woken by it has nothing left to do; timers that this work arms take
    /// part. Before it moves at all it lets everything that is ready run, so timers of tasks that
    /// were just spawned take part as well. With a duration of zero that is all it does.
    ///
    /// Inside a [`SimRuntime`](super::SimRuntime), "nothing left to do" is exact. On another
    /// executor nobody can tell: there it gives way to the executor a number of times, which on an
    /// executor with one thread and a fair queue is enough for chains of about thirty wakes.
    /// Several may advance one clock at the same time; inside a [`SimRuntime`](super::SimRuntime)
    /// each returns exactly when its own time has come.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future leaves the clock where it has come to. Nothing that was due
    /// until then is lost.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// use windlass::{Timer, testing::VirtualClock};
    ///
    /// # futures::executor::block_on(async {
    /// let clock = VirtualClock::new();
    /// let before = clock.now();
    /// clock.advance(Duration::from_millis(1300)).await;
    /// assert_eq!(clock.now() - before, Duration::from_millis(1300));
    /// # });
    /// ```
    pub async fn advance(&self, d: Duration) {
        let target = self.reading_at(deadline_after(self.now(), d));
        let _stop = Stop::at(self, target);
        loop {
            Settle::new(Turn::Before(target)).await;
            // Ends: each round takes out a timer, at the last the one that `_stop` stands for.
            if self.elapsed() >= target || !self.jump(target) {
                return;
            }
        }
    }

    /// Moves the clock to the next time at which a timer is due; false if there is none.
    ///
    /// Like [`advance`](Self::advance) it lets everything run that is ready, before and after.
    ///
    /// # Cancel safety
    ///
    /// As for [`advance`](Self::advance).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///     use windlass::Timer;
    ///
    ///     sim.clock.auto_jump(false);
    ///     let clock = sim.clock.clone();
    ///     let task = sim.ctx.spawn(async move { clock.sleep(Duration::from_secs(7)).await });
    ///     assert!(sim.clock.advance_to_next().await);
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(7));
    ///     assert!(task.is_done());
    ///     assert!(!sim.clock.advance_to_next().await, "no other timer");
    /// });
    /// ```
    pub async fn advance_to_next(&self) -> bool {
        Settle::new(Turn::Fair).await;
        let moved = self.jump(Duration::MAX);
        if moved {
            Settle::new(Turn::Fair).await;
        }
        moved
    }

    /// Sets whether the clock jumps to the next timer when nothing is ready to run.
    ///
    /// It does at first. Only a [`SimRuntime`](super::SimRuntime) can tell when that is so.
    pub fn auto_jump(&self, on: bool) {
        self.set_jump(on.then_some(Duration::ZERO));
    }

    /// Lets the clock jump only after nothing was ready for `idle` of real time.
    ///
    /// For a simulation that also waits for other threads: their wakes get that long to arrive
    /// before time goes on. It turns auto-jump on.
    pub fn auto_jump_after(&self, idle: Duration) {
        self.set_jump(Some(idle));
    }

    /// Starts to record when timers fire; see [`fired`](Self::fired).
    ///
    /// It is off at first, because the record grows with each timer.
    pub fn record_fired(&self) {
        lock(&self.0.state).fired.get_or_insert_default();
    }

    /// Says what the clock read when each timer fired, since [`record_fired`](Self::record_fired).
    ///
    /// Timers that were dropped before they were due are not in it, and neither are those that were
    /// due when they were first polled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     sim.clock.record_fired();
    ///     for n in [3, 1] {
    ///         sim.ctx.sleep(Duration::from_secs(n)).await.unwrap();
    ///     }
    ///     assert_eq!(sim.clock.fired(), [3, 4].map(Duration::from_secs));
    /// });
    /// ```
    pub fn fired(&self) -> Vec<Duration> {
        lock(&self.0.state).fired.clone().unwrap_or_default()
    }

    // ----- for the executor, the sleeps and the reports

    /// How long nothing must have been ready before the clock jumps; `None` if it is not to jump,
    /// or has nowhere to jump to.
    pub(super) fn idle_before_jump(&self) -> Option<Duration> {
        let state = lock(&self.0.state);
        state.jump_after.filter(|_| state.timers.len() > 0)
    }

    /// How many timers are pending, and how far away the next one is.
    pub(super) fn pending(&self) -> (usize, Option<Duration>) {
        let state = lock(&self.0.state);
        let next = state.timers.next_due();
        let ahead = next.map(|due| due.saturating_sub(state.timers.now()));
        (state.timers.len(), ahead)
    }

    /// Goes to the next due time, if that is not after `limit`, and fires what is due there.
    pub(super) fn jump(&self, limit: Duration) -> bool {
        let is_due = self.with_timers(|timers| timers.step(limit));
        if is_due {
            self.fire();
        }
        is_due
    }

    /// The reading of this clock at `instant`; zero for what was before it.
    pub(super) fn reading_at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(self.0.start)
    }

    /// Visits the timers under the lock: `visit` calls, wakes and drops nothing of the user's.
    pub(super) fn with_timers<T>(&self, visit: impl FnOnce(&mut Timers<Option<Waker>>) -> T) -> T {
        visit(&mut lock(&self.0.state).timers)
    }

    fn set_jump(&self, after: Option<Duration>) {
        lock(&self.0.state).jump_after = after;
    }

    /// Wakes those whose time has come, one by one: each is out before it is woken, so a waker that
    /// comes back in here, and advances the clock, meets none twice and loses none.
    fn fire(&self) {
        while let Some(waker) = self.take_due() {
            isolate("a waker of a timer", || waker.wake());
        }
    }

    fn take_due(&self) -> Option<Waker> {
        let mut state = lock(&self.0.state);
        loop {
            let Some(waker) = state.timers.pop_due()? else {
                continue;
            };
            let now = state.timers.now();
            if let Some(fired) = &mut state.fired {
                fired.push(now);
            }
            return Some(waker);
        }
    }
}

impl Default for VirtualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Timer for VirtualClock {
    type Sleep = AnySleep;

    fn now(&self) -> Instant {
        self.0.start + self.elapsed()
    }

    fn sleep_until(&self, deadline: Instant) -> AnySleep {
        AnySleep::new(VirtualSleep::new(self.clone(), deadline))
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("VirtualClock");
        match try_lock(&self.0.state) {
            Some(state) => out
                .field("elapsed", &state.timers.now())
                .field("timers", &state.timers.len())
                .field("jump_after", &state.jump_after),
            None => out.field("state", &format_args!("<locked>")),
        };
        out.finish()
    }
}

// ===== impl Stop =====

impl<'a> Stop<'a> {
    fn at(clock: &'a VirtualClock, due: Duration) -> Self {
        let key = clock.with_timers(|timers| timers.arm(due, None).ok());
        Stop { clock, key }
    }
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            let waker = self.clock.with_timers(|timers| timers.disarm(key));
            drop(waker); // there is none; outside the lock all the same
        }
    }
}
