//! [`TaskHolder`]: a guard that waits for its tasks.

mod group;
mod in_place;
mod list;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;
mod others;
mod room;
mod scope;
mod slot;
#[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
mod tests;

use std::{
    fmt,
    ops::Deref,
    time::{Duration, Instant},
};

pub(crate) use self::group::{Members, Reservation};
pub use self::{
    in_place::{InPlaceScope, InPlaceTask, scope_in_place},
    slot::Slot,
};
use crate::{
    AnyRuntime, Ctx, Finished, Name, Runtime, Task, TaskId, TaskWatch,
    ctx::{extras::Group, rare::Loss},
    sync::{Arc, mutant},
};

/// A context whose tasks are counted, limited, and waited for.
///
/// It derefs to its context, a child of the one it was made in. Whatever is spawned there, or
/// below, through whichever handle, belongs to it, as long as it is the nearest holder. A finished
/// task leaves at once: memory follows the tasks that live, but for a few small blocks that a
/// holder keeps for the next tasks once several threads have met in it.
///
/// Dropping a holder that has not finished cancels its tasks without waiting; a holder further up
/// still waits for them.
///
/// # Comparison with `JoinSet`
///
/// A holder gives no results back: await the [`Task`]s for those, or use a merge. In return its
/// memory does not grow with results that nobody fetches, and one failure need not be noticed by
/// hand: see [`fail_fast`](Self::fail_fast).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::{TaskHolder, ok};
///
///     let downloads = TaskHolder::new(&sim.ctx, "downloads").limit(2);
///     for file in 0..5 {
///         let ctx = downloads.handle();
///         drop(downloads.task(format!("file {file}")).silent().try_spawn(async move {
///             ctx.sleep(Duration::from_secs(1)).await?;
///             if file == 3 { Err("disk full")? }
///             ok(file)
///         }));
///     }
///     assert_eq!(downloads.pending(), 5);
///
///     let finished = downloads.finish().await;
///     assert_eq!((finished.completed, finished.failed), (4, 1));
///     assert_eq!(finished.first_error.unwrap().to_string(), "disk full");
///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3)); // two at a time
///     assert!(downloads.spawn(async {}).await.unwrap_err().is_cancelled()); // it is over
/// });
/// ```
#[doc(alias = "nursery")]
#[doc(alias = "TaskGroup")]
#[doc(alias = "JoinSet")]
#[doc(alias = "TaskTracker")]
#[must_use = "dropping the holder cancels its tasks; call `finish()`, or run in `scope()`"]
pub struct TaskHolder<R = AnyRuntime> {
    ctx: Ctx<R>,
    members: Arc<Members>,
}

impl<R: Clone> TaskHolder<R> {
    /// Makes a holder below `ctx`.
    ///
    /// Whatever ends `ctx` ends the holder and its tasks; the end of the holder leaves `ctx` alone.
    #[track_caller]
    pub fn new(ctx: &Ctx<R>, name: impl Into<Name>) -> Self {
        let members = Arc::new(Members::default());
        let group = Arc::<Members>::clone(&members);
        let ctx = ctx.build(name).group(group).start();
        members.set_node(ctx.node());
        let adopted = Arc::downgrade(&members);
        ctx.on_done(move |_| {
            if let Some(members) = adopted.upgrade() {
                members.cancel_adopted();
            }
        });
        TaskHolder { ctx, members }
    }

    /// Lets at most `n` tasks run at a time; further ones are queued, in order.
    ///
    /// With zero none starts until the limit is raised. What is queued counts as pending. Blocking
    /// work is a task like others: it is given no thread before there is room. Calls
    /// ([`Ctx::call_soon`] and its kin) and what runs in a [cleanup](Ctx::cleanup) context neither
    /// wait for room nor take any.
    ///
    /// What a task spawns in its context belongs to the holder, too, and so do the sources of a
    /// [`Merge`](crate::Merge). When all room is taken by tasks that wait for such ones, nothing goes
    /// on: give those a holder of their own.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "jobs").limit(2);
    ///     for _ in 0..4 {
    ///         let ctx = holder.handle();
    ///         drop(holder.try_spawn(async move { ctx.sleep(Duration::from_secs(1)).await }));
    ///     }
    ///     assert_eq!(holder.finish().await.completed, 4);
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(2), "two at a time");
    /// });
    /// ```
    pub fn limit(self, n: usize) -> Self {
        self.set_limit(n);
        self
    }

    /// Has the first failure of a task end the holder, with that error.
    ///
    /// Cancellations are not failures.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "all").fail_fast();
    ///     let endless = holder.spawn(std::future::pending::<()>());
    ///     drop(holder.task("bad").silent().try_spawn(async { Err::<(), _>("broken") }));
    ///     let finished = holder.finish().await;
    ///     assert_eq!((finished.failed, finished.cancelled), (1, 1));
    ///     assert!(endless.is_done());
    /// });
    /// ```
    pub fn fail_fast(self) -> Self {
        self.members.set_fails_fast();
        self
    }

    /// Returns the holder's context, to be given away.
    pub fn handle(&self) -> Ctx<R> {
        self.ctx.clone()
    }

    /// Changes the limit, also while tasks run. Lowering it stops none.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "jobs").limit(0);
    ///     let task = holder.spawn(async { 1 });
    ///     sim.rt.settle().await;
    ///     assert!(!task.is_done(), "there is no room");
    ///     holder.set_limit(1);
    ///     assert_eq!(task.await.unwrap(), 1);
    /// });
    /// ```
    pub fn set_limit(&self, n: usize) {
        self.members.set_limit(n);
    }

    /// Has a task from elsewhere waited for here, and cancelled when the holder ends.
    ///
    /// It runs already, so the limit does not hold it back, but it takes up room. On a holder that
    /// has ended the task is cancelled. A task that is a member is left alone.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "jobs");
    ///     let task = holder.adopt(sim.ctx.spawn(std::future::pending::<()>()));
    ///     assert!(holder.contains(task.id()));
    ///     holder.cancel();
    ///     assert!(task.await.unwrap_err().is_cancelled());
    /// });
    /// ```
    pub fn adopt<T>(&self, t: Task<T>) -> Task<T> {
        let Ok(live) = self.ctx.node().link() else {
            t.cancel();
            return t;
        };
        let task = t.erased();
        let is_born_here = task.node().live().is_some_and(|its| live.counts_with(its));
        if is_born_here && !mutant("adopt_members") || t.is_done() || !self.members.adopt(task) {
            return t;
        }
        live.expect_task();
        let (members, live, id) = (Arc::clone(&self.members), Arc::clone(live), t.id());
        t.on_done(move |outcome| {
            let error = outcome.err();
            members.release(id, error);
            live.depart(error.map(Loss::of));
        });
        if self.ctx.is_done() && !mutant("adopt_without_looking") {
            t.cancel();
        }
        t
    }

    /// Says how many tasks have not finished yet, queued ones included.
    pub fn pending(&self) -> usize {
        self.members.len()
    }

    /// Says whether a task that has not finished is held here.
    pub fn contains(&self, id: TaskId) -> bool {
        self.members.contains(id)
    }

    /// Returns the tasks that have not finished, in order of insertion.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "jobs");
    ///     let forever = |name| holder.task(name).spawn(std::future::pending::<()>());
    ///     let [a, b] = ["a", "b"].map(forever);
    ///     let names: Vec<_> = holder.tasks().iter().map(|task| task.name().to_owned()).collect();
    ///     assert_eq!(names, ["a", "b"]);
    ///     assert!(holder.contains(a.id()));
    ///     a.cancel_and_wait().await.unwrap_err();
    ///     assert_eq!(holder.pending(), 1);
    ///     drop(b);
    /// });
    /// ```
    pub fn tasks(&self) -> Vec<TaskWatch> {
        self.members.watches()
    }

    /// Waits until every task has finished, and ends the holder then.
    ///
    /// Tasks may be added while it waits; they are waited for too. If the holder's context ends,
    /// the tasks are cancelled and then waited for. A task of the holder that calls this would
    /// wait for itself: it is refused, at once, with a `first_error` that says so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting, not the tasks: none is cancelled and nothing is
    /// lost. Call `finish` again to continue.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "jobs");
    ///     let inner = holder.handle();
    ///     // Its own task is spawned while `finish` waits.
    ///     drop(holder.spawn(async move { drop(inner.spawn(async {})) }));
    ///     assert_eq!(holder.finish().await.completed, 2);
    ///     assert!(holder.is_done());
    /// });
    /// ```
    pub async fn finish(&self) -> Finished {
        if let Some(refused) = self.ctx.refuse_self_wait() {
            return refused;
        }
        let start = Instant::now();
        self.ctx.wait_idle().await;
        self.close().await;
        self.ctx.finished(start.elapsed())
    }

    /// Ends an idle holder. Whoever spawned just now has a task that is on its way out.
    async fn close(&self) {
        self.ctx.cancel_with("finished");
        if !mutant("finish_without_looking_again") {
            self.ctx.wait_idle().await;
        }
    }
}

impl<R: Runtime> TaskHolder<R> {
    /// Asks the tasks to stop, gives them `grace`, drops those that are left, and names them.
    ///
    /// See [`Ctx::shutdown`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the shutdown where it is: the tasks stay asked to stop.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "jobs");
    ///     drop(holder.task("deaf").spawn(std::future::pending::<()>()));
    ///     let finished = holder.shutdown(Duration::from_secs(2)).await;
    ///     assert_eq!(finished.dropped[0].path, "sim-->jobs-->deaf");
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(2));
    /// });
    /// ```
    #[track_caller]
    pub fn shutdown(&self, grace: Duration) -> impl Future<Output = Finished> {
        let shutdown = self.ctx.phased_shutdown(grace);
        async move {
            match self.ctx.refuse_self_wait() {
                Some(refused) => refused,
                None => shutdown.run().await,
            }
        }
    }
}

impl<R> Deref for TaskHolder<R> {
    type Target = Ctx<R>;

    fn deref(&self) -> &Ctx<R> {
        &self.ctx
    }
}

impl<R> Drop for TaskHolder<R> {
    fn drop(&mut self) {
        let node = self.ctx.node();
        let reason = Some("its holder was dropped".into());
        node.end(|| node.cancelled(reason, node.created_at(), None));
    }
}

impl<R> fmt::Debug for TaskHolder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskHolder")
            .field("ctx", &self.ctx)
            .finish_non_exhaustive()
    }
}
