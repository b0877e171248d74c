//! Calling a function soon, later, or at an instant.

use std::{
    fmt,
    future::Future,
    panic::Location,
    time::{Duration, Instant},
};

use super::Ctx;
use crate::{
    Runtime, Spawner, TaskWatch,
    runtime::deadline_after,
    sync::{Arc, AtomicU8, Ordering},
};

/// A call that was asked for. Dropping the handle does not take the call back.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::Event;
///
///     let (rang, alarm) = (Event::new(), Event::new());
///     let ring = rang.clone();
///     let call = sim.ctx.call_later(Duration::from_secs(3), move || ring.set());
///     let never = sim.ctx.call_later(Duration::from_secs(3), move || alarm.set());
///     assert!(never.cancel() && !never.cancel(), "taken back once");
///
///     rang.wait().await;
///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3));
///     assert!(call.has_run() && !never.has_run());
/// });
/// ```
#[derive(Clone)]
pub struct CallHandle {
    task: TaskWatch,
    when: Instant,
    turn: Arc<Turn>,
}

/// Whether the function was called, or will never be: whoever comes first decides.
struct Turn(AtomicU8);

const OPEN: u8 = 0;
const RUN: u8 = 1;
const TAKEN_BACK: u8 = 2;

impl Turn {
    fn take(&self, what: u8) -> bool {
        // AcqRel: partner of the Acquire in `has_run`, and of the other side's exchange.
        self.0
            .compare_exchange(OPEN, what, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl<R: Spawner> Ctx<R> {
    /// Calls `f` on the executor's next turn; not inside this call.
    ///
    /// Calls that are asked for on one thread run in that order where the executor is first come,
    /// first served. If the context ends first, `f` is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::Event;
    ///
    ///     let called = Event::new();
    ///     let set = called.clone();
    ///     let call = sim.ctx.call_soon(move || set.set());
    ///     assert!(!call.has_run(), "not inside this call");
    ///     called.wait().await;
    ///     assert!(call.has_run());
    /// });
    /// ```
    #[track_caller]
    pub fn call_soon<F>(&self, f: F) -> CallHandle
    where
        F: FnOnce() + Send + 'static,
    {
        self.call(Instant::now(), async {}, f)
    }

    #[track_caller]
    fn call<F, W>(&self, when: Instant, wait: W, f: F) -> CallHandle
    where
        F: FnOnce() + Send + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let turn = Arc::new(Turn(AtomicU8::new(OPEN)));
        let mine = Arc::clone(&turn);
        let task = self.task("call").exempt().spawn(async move {
            wait.await;
            if mine.take(RUN) {
                f();
            }
        });
        CallHandle {
            task: task.watch(),
            when,
            turn,
        }
    }
}

impl<R: Runtime> Ctx<R> {
    /// Calls `f` after `d`. If the context ends first, `f` is dropped.
    ///
    /// Zero calls it on the next turn; durations beyond thirty years count as thirty years. A panic
    /// in `f` is reported.
    #[track_caller]
    pub fn call_later<F>(&self, d: Duration, f: F) -> CallHandle
    where
        F: FnOnce() + Send + 'static,
    {
        self.call_at(deadline_after(self.now(), d), f)
    }

    /// Calls `f` at `at` on the runtime's clock; on the next turn if that is past.
    ///
    /// Earlier instants come first, and equal ones in the order in which they were asked for, as
    /// far as the runtime's timer keeps to that.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::{sync::mpsc, time::Duration};
    ///
    ///     let (tell, told) = mpsc::channel();
    ///     let now = sim.ctx.now();
    ///     for n in [3, 1, 2] {
    ///         let tell = tell.clone();
    ///         sim.ctx.call_at(now + Duration::from_secs(n), move || tell.send(n).unwrap());
    ///     }
    ///     sim.clock.advance(Duration::from_secs(5)).await;
    ///     assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2, 3]);
    /// });
    /// ```
    #[track_caller]
    pub fn call_at<F>(&self, at: Instant, f: F) -> CallHandle
    where
        F: FnOnce() + Send + 'static,
    {
        self.call(at, self.runtime().sleep_until(at), f)
    }
}

impl CallHandle {
    /// Takes the call back: the function is not called any more, and dropped.
    ///
    /// False if it was called, or taken back before.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        let is_first = self.turn.take(TAKEN_BACK);
        if is_first {
            self.task.cancel();
        }
        is_first
    }

    /// Says when the call is due; for `call_soon` when it was asked for, on the system's clock.
    pub fn when(&self) -> Instant {
        self.when
    }

    /// Says whether the function was called.
    pub fn has_run(&self) -> bool {
        self.turn.0.load(Ordering::Acquire) == RUN
    }

    /// Says where the call was asked for.
    pub fn asked_at(&self) -> &'static Location<'static> {
        self.task.spawned_at()
    }
}

impl fmt::Debug for CallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CallHandle { when, .. } = self;
        f.debug_struct("CallHandle")
            .field("when", when)
            .field("has_run", &self.has_run())
            .finish()
    }
}
