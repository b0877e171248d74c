//! Spawning in a context.

use std::{future::Future, panic::Location};

use super::Ctx;
use crate::{
    BoxError, LocalSpawner, Result, Returns, Spawner, Task, TryFut,
    runtime::Kept,
    sync::Arc,
    task::{
        harness::{Always, Fallible, Harness},
        spawn::Plan,
    },
};

impl<R> Ctx<R> {
    #[track_caller]
    #[inline]
    fn plan(&self) -> Plan {
        let (node, spawned_at) = (Arc::clone(self.node()), Location::caller());
        Plan {
            node,
            spawned_at,
            options: None,
        }
    }
}

impl<R: Spawner> Ctx<R> {
    /// Runs `f` as a task of this context.
    ///
    /// The task ends with the context: its future is dropped then, at its next await. A context
    /// that has ended gives a task that is cancelled already. For a future of a `Result` there is
    /// [`try_spawn`](Self::try_spawn); `spawn` does not take it.
    ///
    /// It is not polled inside this call. If the executor has shut down, or does so later, the task
    /// is cancelled too. A panic in it becomes the task's error,
    /// [`Error::Panicked`](crate::Error::Panicked), and goes no further. If the `Task` is dropped,
    /// the work goes on, and a failure of it is reported.
    ///
    /// That a task has an owner besides its handle is trio's idea, here without a block of code
    /// around it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let app = sim.ctx.child("app");
    ///     let task = app.spawn(async { "value" });
    ///     assert_eq!(task.await.unwrap(), "value");
    ///
    ///     let endless = app.spawn(std::future::pending::<()>());
    ///     app.cancel();
    ///     assert!(endless.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[doc(alias = "create_task")]
    #[doc(alias = "start_soon")]
    #[track_caller]
    pub fn spawn<F, K>(&self, f: F) -> Task<F::Output>
    where
        F: Future<Output: Send + Returns<K>> + Send + 'static,
    {
        self.plan().start(f, |harness: Harness<_, Always, _>| {
            self.runtime().spawn_kept(harness)
        })
    }

    /// Runs a future of a `Result` as a task of this context; its error becomes the task's.
    ///
    /// The error is kept whole, unless it is one of ours in disguise: see [`Error`](crate::Error).
    /// If nobody will see it, it is reported to the context's reporter. In all else it is
    /// [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::num::ParseIntError;
    ///
    ///     let task = sim.ctx.try_spawn(async { "12".parse::<u8>() });
    ///     assert_eq!(task.await.unwrap(), 12);
    ///
    ///     let task = sim.ctx.try_spawn(async { "x".parse::<u8>() });
    ///     assert!(task.await.unwrap_err().is::<ParseIntError>());
    /// });
    /// ```
    #[track_caller]
    pub fn try_spawn<F>(&self, f: F) -> Task<F::Ok>
    where
        F: TryFut<Ok: Send> + Send + 'static,
    {
        self.plan().start(f, |harness: Harness<_, Fallible, _>| {
            self.runtime().spawn_kept(harness)
        })
    }

    /// Runs `work` on a thread that may block.
    ///
    /// Work that has not begun when the context ends is dropped. Work that has is only asked: it
    /// looks at `stop.is_done()`, or goes on with `stop.check()?`, and is waited for.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let app = sim.ctx.child("app");
    ///     let sum = app.spawn_blocking(|stop| {
    ///         (0..1000).take_while(|_| !stop.is_done()).sum::<u32>()
    ///     });
    ///     assert_eq!(sum.await.unwrap(), 499_500);
    /// });
    /// ```
    #[doc(alias = "to_thread")]
    #[doc(alias = "run_in_executor")]
    #[track_caller]
    pub fn spawn_blocking<W, T, K>(&self, work: W) -> Task<T>
    where
        W: FnOnce(&Ctx<()>) -> T + Send + 'static,
        T: Returns<K> + Send + 'static,
    {
        self.task("blocking").spawn_blocking(work)
    }

    /// Runs fallible `work` on a thread that may block; its error becomes the task's.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::io;
    ///
    ///     let task = sim.ctx.try_spawn_blocking(|stop| {
    ///         stop.check()?; // between two steps
    ///         Err::<(), _>(windlass::Error::from(io::Error::other("disk full")))
    ///     });
    ///     assert!(task.await.unwrap_err().is::<io::Error>());
    /// });
    /// ```
    #[track_caller]
    pub fn try_spawn_blocking<W, T, E>(&self, work: W) -> Task<T>
    where
        W: FnOnce(&Ctx<()>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError> + 'static,
    {
        self.task("blocking").try_spawn_blocking(work)
    }

    /// Runs what `body` makes of a context of the task's own, which ends with the task.
    ///
    /// The context has the task's name. What is spawned in it is cancelled when the task ends, so a
    /// task that returns early leaves nothing behind; what is to be waited for first is spawned in a
    /// [`TaskHolder`](crate::TaskHolder).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let task = sim.ctx.task("conn").spawn_with(async |conn| {
    ///         let reader = conn.task("reader").spawn(std::future::pending::<()>());
    ///         reader.watch() // `reader` is cancelled when `conn` ends
    ///     });
    ///     let reader = task.await.unwrap();
    ///     assert_eq!(reader.path(), "sim-->conn-->reader");
    ///     assert!(reader.wait().await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_with<B, F, K>(&self, body: B) -> Task<F::Output>
    where
        B: FnOnce(Ctx<R>) -> F,
        F: Future<Output: Send + Returns<K>> + Send + 'static,
    {
        self.task("task").spawn_with(body)
    }

    /// Runs the fallible future that `body` makes of a context of the task's own.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let task = sim.ctx.task("conn").try_spawn_with(async |conn| {
    ///         let half = conn.try_spawn(async { "21".parse::<u32>() }).await?;
    ///         windlass::ok(2 * half)
    ///     });
    ///     assert_eq!(task.await.unwrap(), 42);
    /// });
    /// ```
    #[track_caller]
    pub fn try_spawn_with<B, F>(&self, body: B) -> Task<F::Ok>
    where
        B: FnOnce(Ctx<R>) -> F,
        F: TryFut<Ok: Send> + Send + 'static,
    {
        self.task("task").try_spawn_with(body)
    }
}

impl<R: LocalSpawner> Ctx<R> {
    /// Runs a future that need not be `Send` on the executor of this thread.
    ///
    /// Where this runtime has an executor on this thread, as [`SimRuntime`](crate::testing) and the
    /// local handles of the [`adapters`](crate::adapters) have. In all else it is
    /// [`spawn`](Self::spawn).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::rc::Rc;
    ///
    ///     let local = sim.ctx.on(sim.rt.clone()); // a `LocalSpawner`, on the same node
    ///     let shared = Rc::new(1);
    ///     let task = local.spawn_local(async move { *shared + 1 });
    ///     assert_eq!(task.await.unwrap(), 2);
    /// });
    /// ```
    #[track_caller]
    pub fn spawn_local<F, K>(&self, f: F) -> Task<F::Output>
    where
        F: Future<Output: Send + Returns<K>> + 'static,
    {
        self.plan().start(f, |harness: Harness<_, Always, _>| {
            self.runtime().spawn_local(harness);
            Kept::default()
        })
    }

    /// Runs a fallible future that need not be `Send` on the executor of this thread.
    #[track_caller]
    pub fn try_spawn_local<F>(&self, f: F) -> Task<F::Ok>
    where
        F: TryFut<Ok: Send> + 'static,
    {
        self.plan().start(f, |harness: Harness<_, Fallible, _>| {
            self.runtime().spawn_local(harness);
            Kept::default()
        })
    }
}
