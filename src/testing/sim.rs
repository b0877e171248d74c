//! [`SimRuntime`]: a deterministic executor on one thread, with a virtual clock.

use std::{
    fmt,
    future::Future,
    panic::Location,
    time::{Duration, Instant},
};

use super::{
    clock::VirtualClock,
    core::{Core, Turn},
    drive::{Drive, Refused},
    settle::Settle,
    unfinished::Unfinished,
};
use crate::{
    AnySleep, BlockOn, LocalSpawner, Result, Spawner, Timer, runtime::IN_A_ROW, sync::Arc,
};

/// A runtime for tests: everything runs on the thread that calls [`block_on`](Self::block_on), in
/// an order that is the same each time, on a clock that jumps when nothing is ready.
///
/// **Owner and handles.** The value made by [`new`](Self::new) or [`seeded`](Self::seeded) owns the
/// tasks: when it goes they are dropped, although they may hold clones of it. Clones are handles.
/// They can spawn and drive while the owner lives, and keep no task alive; what is spawned after
/// it has gone is dropped at once.
///
/// **Order.** Ready tasks run in the order in which they became ready; with a seed, in an order
/// drawn by lot, which is the same for the same seed. Blocking work runs as a task like the others,
/// when its turn comes, and so holds up all of them.
///
/// **Time.** The clock stands still while something is ready. Then it moves to the next timer, at
/// once: see [`VirtualClock`]. If there is no timer either, nothing can ever become ready, and
/// [`block_on`](Self::block_on) says who waits, instead of hanging. Other threads may wake tasks;
/// [`wait_for_threads`](Self::wait_for_threads) makes the simulation wait for them.
///
/// **Panics.** A task that panics is dropped, and its panic goes on out of what drives the runtime.
/// The other tasks are as they were. (Tasks of a [`Ctx`](crate::Ctx) catch their panics
/// themselves.)
///
/// **Where to keep the owner.** Next to the contexts, not in them: tasks hold their contexts, so an
/// owner that was moved into a root context, and not cloned for it, stays while its tasks do.
/// [`simulate`](super::simulate) keeps it for you.
///
/// # Comparison with paused time in tokio, and with trio's clock
///
/// `tokio::time::pause` stops the clock of one tokio runtime, and of nothing else; it advances by
/// whole milliseconds, and `advance` returns before tasks it has woken have run. Here any code that
/// takes a [`Timer`] is tested, to the nanosecond, and `advance` returns when all is at rest. The
/// jump is the one of trio's `MockClock(autojump_threshold=0)`. Do not use this runtime for what
/// waits for sockets or files: to it they are other threads.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// use windlass::{Spawner, Timer, testing::SimRuntime};
///
/// let rt = SimRuntime::new();
/// let (send, receive) = futures::channel::oneshot::channel();
/// let handle = rt.clone();
/// rt.spawn(async move {
///     handle.sleep(Duration::from_secs(3600)).await;
///     send.send("an hour later").ok();
/// });
/// assert_eq!(rt.block_on(receive), Ok("an hour later"));
/// assert_eq!(rt.clock().elapsed(), Duration::from_secs(3600));
/// ```
///
/// What can never end says so:
///
/// ```
/// use windlass::{BlockOn, testing::SimRuntime};
///
/// let rt = SimRuntime::new();
/// let error = BlockOn::block_on(&rt, std::future::pending::<()>()).unwrap_err();
/// assert!(error.to_string().starts_with("the simulation has stalled at 0ns"));
/// ```
pub struct SimRuntime {
    core: Arc<Core>,
    /// There in the value that was made by `new` or `seeded`, and in no clone.
    _owner: Option<Owner>,
}

/// Drops the tasks when it goes.
struct Owner(Arc<Core>);

// ===== impl SimRuntime =====

impl SimRuntime {
    /// Creates a runtime that runs ready tasks first come, first served.
    pub fn new() -> Self {
        Self::with_core(Core::new(None))
    }

    /// Creates a runtime that draws the next task by lot among those that are ready.
    ///
    /// The same seed draws the same lots.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, Mutex};
    /// use windlass::{Spawner, testing::SimRuntime};
    ///
    /// fn order(seed: u64) -> Vec<u32> {
    ///     let (rt, seen) = (SimRuntime::seeded(seed), Arc::new(Mutex::new(Vec::new())));
    ///     for n in 0..10 {
    ///         let seen = Arc::clone(&seen);
    ///         rt.spawn(async move { seen.lock().unwrap().push(n) });
    ///     }
    ///     rt.run_until_stalled();
    ///     let seen = seen.lock().unwrap().clone();
    ///     seen
    /// }
    ///
    /// assert_eq!(order(7), order(7));
    /// assert!((0..9).any(|seed| order(seed) != order(seed + 1)));
    /// ```
    pub fn seeded(seed: u64) -> Self {
        Self::with_core(Core::new(Some(seed)))
    }

    fn with_core(core: Arc<Core>) -> Self {
        SimRuntime {
            _owner: Some(Owner(Arc::clone(&core))),
            core,
        }
    }

    /// Returns the clock of this runtime.
    pub fn clock(&self) -> &VirtualClock {
        &self.core.clock
    }

    /// Runs `future` to its end on this thread, and the tasks meanwhile.
    ///
    /// When it returns, tasks that have not ended stay as they are, for the next call.
    /// [`BlockOn::block_on`] does the same and returns an error where this panics.
    ///
    /// # Panics
    ///
    /// If `future` or a task panics, with that panic. If nothing is ready, no timer is pending (or
    /// auto-jump is off) and no other thread is being waited for: nothing can ever become ready,
    /// and the message lists who waits. If this runtime is running already, on this thread or on
    /// another.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.block_on_at(future, Location::caller())
    }

    #[track_caller]
    pub(super) fn block_on_at<F>(&self, future: F, at: &'static Location<'static>) -> F::Output
    where
        F: Future,
    {
        match self.drive(future, at) {
            Ok(output) => output,
            Err(refused) => panic!("{refused}"),
        }
    }

    /// Runs what is ready until nothing is. The clock stands still, unless a task moves it.
    ///
    /// # Panics
    ///
    /// If a task panics, with that panic. If this runtime is running already.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::{Ctx, testing::SimRuntime};
    ///
    /// let rt = SimRuntime::new();
    /// let ctx = Ctx::root("app", rt.clone());
    /// let (quick, slow) = (ctx.spawn(async {}), ctx.spawn(std::future::pending::<()>()));
    /// rt.run_until_stalled();
    /// assert!(quick.is_done() && !slow.is_done());
    /// ```
    #[track_caller]
    pub fn run_until_stalled(&self) {
        match Drive::begin(&self.core) {
            Ok(drive) => drive.run_until_stalled(),
            Err(refused) => panic!("{refused}"),
        }
    }

    /// Waits until nothing else is ready to run: every other task waits.
    ///
    /// If several wait like this, they go on one after the other, in order; each lets everything
    /// that it makes ready run before the next. [`Dominoes`](super::Dominoes) that can fall do so
    /// first. The clock does not jump meanwhile. On an executor that is not a [`SimRuntime`], nobody
    /// can tell when it is idle: there this gives way to it a number of times.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the waiting and leaves no trace.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let (mut send, receive) = futures::channel::oneshot::channel::<u32>();
    ///     let task = sim.ctx.spawn(async { receive.await.unwrap_or(0) });
    ///     sim.rt.settle().await;
    ///     assert!(!send.is_canceled() && !task.is_done(), "it waits");
    ///     send.send(1).unwrap();
    ///     sim.rt.settle().await;
    ///     assert!(task.is_done());
    /// });
    /// ```
    #[doc(alias = "wait_all_tasks_blocked")]
    pub fn settle(&self) -> Settle {
        Settle::new(Turn::Fair)
    }

    /// Lets [`block_on`](Self::block_on) wait for wakes from other threads, for `real` time at the
    /// most, before it takes it that nothing can ever become ready. Zero at first.
    ///
    /// While timers are pending it is the clock that decides when time goes on: see
    /// [`VirtualClock::auto_jump_after`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{thread, time::Duration};
    /// use windlass::{Promise, testing::SimRuntime};
    ///
    /// let rt = SimRuntime::new();
    /// rt.wait_for_threads(Duration::from_secs(60));
    /// let answer = Promise::new();
    /// let waits = answer.wait();
    /// let thread = thread::spawn(move || answer.set(42));
    /// assert_eq!(rt.block_on(waits).unwrap(), 42);
    /// assert!(thread.join().unwrap());
    /// ```
    pub fn wait_for_threads(&self, real: Duration) {
        self.core.set_patience(real);
    }

    /// Lets everything ready run, and says what still runs then.
    #[track_caller]
    pub(super) fn unfinished(&self) -> Vec<Unfinished> {
        /// What spins for so long will not end by itself.
        const ENOUGH: usize = 100_000;
        match Drive::begin(&self.core) {
            Ok(drive) => drive.run_for(ENOUGH),
            Err(refused) => panic!("{refused}"),
        }
        Unfinished::all(&self.core)
    }

    fn drive<F: Future>(
        &self,
        future: F,
        at: &'static Location<'static>,
    ) -> Result<F::Output, Refused> {
        Drive::begin(&self.core)?.block_on(future, at)
    }
}

impl Clone for SimRuntime {
    /// Makes a handle, which keeps no task alive.
    fn clone(&self) -> Self {
        SimRuntime {
            core: Arc::clone(&self.core),
            _owner: None,
        }
    }
}

impl Default for SimRuntime {
    fn default() -> Self {
        Self::new()
    }
}

impl Spawner for SimRuntime {
    #[track_caller]
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.core.spawn(Box::pin(future), Location::caller());
    }

    // The same on each machine, so that a seed is.
    fn width(&self) -> usize {
        4
    }

    // There is one thread.
    fn in_a_row(&self) -> usize {
        IN_A_ROW
    }

    /// Runs `work` on the thread of the simulation, when its turn comes.
    #[track_caller]
    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        let task = async move { work() };
        self.core.spawn(Box::pin(task), Location::caller());
    }
}

impl LocalSpawner for SimRuntime {
    /// Hands `future` to the simulation; it runs while this thread drives it, and on no other.
    #[track_caller]
    fn spawn_local<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.core.spawn_local(Box::pin(future), Location::caller());
    }
}

impl Timer for SimRuntime {
    type Sleep = AnySleep;

    fn now(&self) -> Instant {
        self.core.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> AnySleep {
        self.core.clock.sleep_until(deadline)
    }
}

impl BlockOn for SimRuntime {
    /// Does what the inherent [`block_on`](SimRuntime::block_on) does, with errors in place of its
    /// own panics.
    ///
    /// # Errors
    ///
    /// [`Stalled`](super::Stalled) (find it with [`Error::downcast_ref`](crate::Error::downcast_ref)) if nothing can ever become
    /// ready; [`NestedRun`](crate::NestedRun) if the runtime is running already.
    ///
    /// # Panics
    ///
    /// If `future` or a task panics, with that panic.
    #[track_caller]
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(self.drive(future, Location::caller())?)
    }
}

impl fmt::Debug for SimRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut out = f.debug_struct("SimRuntime");
        match self.core.try_len() {
            Some(tasks) => out.field("tasks", &tasks),
            None => out.field("tasks", &format_args!("<locked>")),
        };
        out.field("clock", &self.core.clock).finish()
    }
}

// ===== impl Owner =====

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.close();
    }
}
