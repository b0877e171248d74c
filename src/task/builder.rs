//! [`TaskBuilder`]: a task with a name and other wishes.

use std::{
    fmt,
    future::Future,
    panic::Location,
    time::{Duration, Instant},
};

use super::{
    Returns, Task, TryFut,
    blocking::start_blocking,
    harness::{Always, Fallible, Harness},
    options::{Grace, Options},
    spawn::Plan,
};
use crate::{
    BoxError, Ctx, CtxBuilder, LocalSpawner, Name, Result, Runtime, Spawner, holder::Reservation,
    runtime::Kept,
};

/// A task about to be spawned: `ctx.task(name)`, wishes, `spawn`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///
///     let conn = sim.ctx.task("conn").timeout(Duration::from_secs(2)).silent();
///     let task = conn.spawn(std::future::pending::<()>());
///     assert_eq!(task.path(), "sim-->conn");
///     assert!(task.await.unwrap_err().is_timed_out());
/// });
/// ```
#[must_use = "nothing runs until one of the `spawn` methods is called"]
pub struct TaskBuilder<R = crate::AnyRuntime> {
    place: Place<R>,
    options: Options,
}

/// Where the task is to run.
enum Place<R> {
    In(Ctx<R>),
    /// In a context of its own, as far as it is wished for already.
    Own(CtxBuilder<R>),
}

impl<R> TaskBuilder<R> {
    pub(crate) fn new(ctx: Ctx<R>, name: Name) -> Self {
        let options = Options {
            name: Some(name),
            ..Options::default()
        };
        let place = Place::In(ctx);
        TaskBuilder { place, options }
    }

    /// Has the task take the room of a slot.
    pub(crate) fn through(mut self, slot: Reservation) -> Self {
        self.options.slot = Some(slot);
        self
    }

    /// Has the task wait for no room in its group, and take none.
    pub(crate) fn exempt(mut self) -> Self {
        self.options.is_exempt = true;
        self
    }

    /// Never reports a failure of the task, whoever sees it or not.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::sync::{Arc, Mutex};
    ///
    ///     let told = Arc::new(Mutex::new(0));
    ///     let count = Arc::clone(&told);
    ///     let app = sim.ctx.build("app").reporter(move |_| *count.lock().unwrap() += 1).start();
    ///     drop(app.task("job").silent().try_spawn(async { Err::<(), _>("broken") }));
    ///     app.finish().await;
    ///     assert_eq!(*told.lock().unwrap(), 0);
    /// });
    /// ```
    pub fn silent(mut self) -> Self {
        self.options.is_silent = true;
        self
    }

    /// Reports a failure of the task when it happens, also if somebody awaits the outcome.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::sync::{Arc, Mutex};
    ///
    ///     let told = Arc::new(Mutex::new(0));
    ///     let count = Arc::clone(&told);
    ///     let app = sim.ctx.build("app").reporter(move |_| *count.lock().unwrap() += 1).start();
    ///     let task = app.task("job").always_report().try_spawn(async { Err::<(), _>("broken") });
    ///     assert!(task.await.is_err());
    ///     assert_eq!(*told.lock().unwrap(), 1, "although it was awaited");
    /// });
    /// ```
    pub fn always_report(mut self) -> Self {
        self.options.always_reports = true;
        self
    }

    /// Gives the task a context of its own that carries `value`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let job = sim.ctx.task("job").value(7_u8);
    ///     let task = job.spawn_with(async |ctx| *ctx.value::<u8>().unwrap());
    ///     assert_eq!(task.await.unwrap(), 7);
    ///     assert!(sim.ctx.value::<u8>().is_none());
    /// });
    /// ```
    pub fn value<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.with_own(|own| own.value(value))
    }

    fn with_own(mut self, change: impl FnOnce(CtxBuilder<R>) -> CtxBuilder<R>) -> Self {
        self.place = Place::Own(change(self.place.own(&self.options)));
        self
    }

    #[track_caller]
    fn plan(mut self) -> (Plan, R) {
        let ctx = match self.place {
            Place::In(ctx) => ctx,
            Place::Own(own) => {
                self.options.owns_node = true;
                own.start()
            }
        };
        let (node, rt) = ctx.into_parts();
        let options = Some(Box::new(self.options));
        (
            Plan {
                node,
                spawned_at: Location::caller(),
                options,
            },
            rt,
        )
    }
}

impl<R: Clone> TaskBuilder<R> {
    #[track_caller]
    fn plan_with_own(mut self) -> (Plan, R, Ctx<R>) {
        let own = self.place.own(&self.options).start();
        self.options.owns_node = true;
        self.place = Place::In(own.clone());
        let (plan, rt) = self.plan();
        (plan, rt, own)
    }
}

impl<R> Place<R> {
    /// A context of the task's own.
    fn own(self, options: &Options) -> CtxBuilder<R> {
        match self {
            Place::In(ctx) => CtxBuilder::new(ctx, options.name.clone().unwrap_or_default()),
            Place::Own(own) => own,
        }
    }

    /// The context that has the runtime.
    fn ctx(&self) -> &Ctx<R> {
        match self {
            Place::In(ctx) => ctx,
            Place::Own(own) => own.parent(),
        }
    }
}

impl<R: Runtime> TaskBuilder<R> {
    /// Gives the task at most `d` from now; then it ends with
    /// [`Error::TimedOut`](crate::Error::TimedOut).
    ///
    /// It runs in a context of its own that has this deadline. Zero gives a task that is not
    /// polled; durations beyond thirty years count as thirty years.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let task = sim.ctx.task("job").timeout(Duration::from_secs(3)).spawn(async {
    ///         std::future::pending::<()>().await
    ///     });
    ///     assert!(task.await.unwrap_err().is_timed_out());
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3));
    /// });
    /// ```
    pub fn timeout(self, d: Duration) -> Self {
        self.with_own(|own| own.timeout(d))
    }

    /// Gives the task until `at` on the runtime's clock.
    ///
    /// It runs in a context of its own that has this deadline. An instant that has passed gives a
    /// task that is not polled.
    pub fn deadline(self, at: Instant) -> Self {
        self.with_own(|own| own.deadline(at))
    }

    /// Sets what the task still gets after a plain end of its context, or a `cancel` of its own.
    ///
    /// Within it the future is polled on, and what it returns is the outcome. An end that `stop`
    /// (or `shutdown`) has announced leaves no grace: the time before was that.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let app = sim.ctx.child("app");
    ///     let cleanup = sim.ctx.clone(); // the task's own context has ended by then
    ///     let task = app.task("writer").grace(Duration::from_secs(5)).try_spawn(async move {
    ///         cleanup.sleep(Duration::from_secs(3)).await?;
    ///         windlass::ok("all is written")
    ///     });
    ///     sim.rt.settle().await;
    ///     app.cancel();
    ///     assert_eq!(task.await.unwrap(), "all is written");
    /// });
    /// ```
    pub fn grace(mut self, d: Duration) -> Self {
        let rt = self.place.ctx().runtime().clone();
        self.options.grace = Some(Grace::new(move || Box::pin(rt.sleep(d))));
        self
    }
}

impl<R: Spawner> TaskBuilder<R> {
    /// Spawns `f`; see [`Ctx::spawn`].
    #[track_caller]
    pub fn spawn<F, K>(self, f: F) -> Task<F::Output>
    where
        F: Future<Output: Send + Returns<K>> + Send + 'static,
    {
        let (plan, rt) = self.plan();
        plan.start(f, |harness: Harness<_, Always, _>| rt.spawn_kept(harness))
    }

    /// Spawns a future of a `Result`; see [`Ctx::try_spawn`].
    #[track_caller]
    pub fn try_spawn<F>(self, f: F) -> Task<F::Ok>
    where
        F: TryFut<Ok: Send> + Send + 'static,
    {
        let (plan, rt) = self.plan();
        plan.start(f, |harness: Harness<_, Fallible, _>| rt.spawn_kept(harness))
    }

    /// Spawns what `body` makes of a context of the task's own, which ends with it.
    #[track_caller]
    pub fn spawn_with<B, F, K>(self, body: B) -> Task<F::Output>
    where
        B: FnOnce(Ctx<R>) -> F,
        F: Future<Output: Send + Returns<K>> + Send + 'static,
    {
        let (plan, rt, own) = self.plan_with_own();
        plan.start(body(own), |harness: Harness<_, Always, _>| {
            rt.spawn_kept(harness)
        })
    }

    /// Spawns the fallible future that `body` makes of a context of the task's own.
    #[track_caller]
    pub fn try_spawn_with<B, F>(self, body: B) -> Task<F::Ok>
    where
        B: FnOnce(Ctx<R>) -> F,
        F: TryFut<Ok: Send> + Send + 'static,
    {
        let (plan, rt, own) = self.plan_with_own();
        plan.start(body(own), |harness: Harness<_, Fallible, _>| {
            rt.spawn_kept(harness)
        })
    }

    /// Runs `work` on a thread that may block; see [`Ctx::spawn_blocking`].
    #[track_caller]
    pub fn spawn_blocking<W, T, K>(self, work: W) -> Task<T>
    where
        W: FnOnce(&Ctx<()>) -> T + Send + 'static,
        T: Returns<K> + Send + 'static,
    {
        let (plan, rt) = self.plan();
        start_blocking(plan, &rt, move |stop| Ok(work(stop)))
    }

    /// Runs fallible `work` on a thread that may block; see [`Ctx::try_spawn_blocking`].
    #[track_caller]
    pub fn try_spawn_blocking<W, T, E>(self, work: W) -> Task<T>
    where
        W: FnOnce(&Ctx<()>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let (plan, rt) = self.plan();
        start_blocking(plan, &rt, move |stop| {
            work(stop).map_err(crate::Error::from_user)
        })
    }
}

impl<R: LocalSpawner> TaskBuilder<R> {
    /// Spawns a future that need not be `Send` on the executor of this thread.
    #[track_caller]
    pub fn spawn_local<F, K>(self, f: F) -> Task<F::Output>
    where
        F: Future<Output: Send + Returns<K>> + 'static,
    {
        let (plan, rt) = self.plan();
        plan.start(f, |harness: Harness<_, Always, _>| {
            rt.spawn_local(harness);
            Kept::default()
        })
    }

    /// Spawns a fallible future that need not be `Send` on the executor of this thread.
    #[track_caller]
    pub fn try_spawn_local<F>(self, f: F) -> Task<F::Ok>
    where
        F: TryFut<Ok: Send> + 'static,
    {
        let (plan, rt) = self.plan();
        plan.start(f, |harness: Harness<_, Fallible, _>| {
            rt.spawn_local(harness);
            Kept::default()
        })
    }
}

impl<R> fmt::Debug for TaskBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.options.name)
            .finish_non_exhaustive()
    }
}
