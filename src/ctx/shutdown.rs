//! Shutting down in two phases: announce and wait, then end and wait.

use std::{
    collections::HashSet,
    fmt,
    panic::Location,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use futures::future::{Either, select};

use super::{Ctx, Finished, Straggler, roll::Roll};
use crate::{Runtime, TaskId, report::isolate, sync::Arc, task::AnyTask};

impl<R: Runtime> Ctx<R> {
    /// Asks everything below to stop, waits until nothing runs or `grace` is over, ends the
    /// context, and waits for what was left.
    ///
    /// The report names what had to be dropped. Work that blocks a thread and has begun cannot be
    /// dropped: it is waited for, and named; [`phased_shutdown`](Self::phased_shutdown) bounds that
    /// wait, too. A task below that calls this waits for itself, for the whole grace, and is then
    /// dropped.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the shutdown where it is: everything below stays asked to stop.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let app = sim.ctx.child("app");
    ///     drop(app.task("deaf").spawn(std::future::pending::<()>()));
    ///     let inner = app.clone();
    ///     drop(app.spawn(async move { inner.stopping().await }));
    ///     sim.rt.settle().await;
    ///
    ///     let finished = app.shutdown(Duration::from_secs(3)).await;
    ///     assert_eq!((finished.completed, finished.cancelled), (1, 1));
    ///     assert_eq!(finished.took, Duration::from_secs(3));
    ///     assert_eq!(finished.dropped[0].path, "sim-->app-->deaf");
    /// });
    /// ```
    #[track_caller]
    pub fn shutdown(&self, grace: Duration) -> impl Future<Output = Finished> {
        self.phased_shutdown(grace).run()
    }

    /// Begins a shutdown with a bound for each of its two phases, and with progress.
    ///
    /// Nothing happens before [`run`](Shutdown::run).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let app = sim.ctx.child("app");
    ///     drop(app.task("stubborn").spawn(std::future::pending::<()>()));
    ///     drop(app.try_spawn({
    ///         let app = app.clone();
    ///         async move {
    ///             app.stopping().await;
    ///             app.sleep(Duration::from_secs(1)).await // finishes what it has begun
    ///         }
    ///     }));
    ///     app.sleep(Duration::from_secs(1)).await.unwrap();
    ///
    ///     let mut seen = Vec::new();
    ///     let finished = app
    ///         .phased_shutdown(Duration::from_secs(5))
    ///         .drop_within(Duration::from_secs(1))
    ///         .on_progress(Duration::from_secs(2), |progress| seen.push(progress.waits_for.len()))
    ///         .run()
    ///         .await;
    ///     assert_eq!((finished.completed, finished.cancelled), (1, 1));
    ///     assert_eq!(finished.dropped.len(), 1);
    ///     assert!(finished.dropped[0].path.ends_with("app-->stubborn"));
    ///     assert!(finished.left.is_empty());
    ///     assert_eq!(seen, [1, 1], "after two and four seconds only the stubborn one was left");
    /// });
    /// ```
    #[track_caller]
    pub fn phased_shutdown(&self, grace: Duration) -> Shutdown<'_, R> {
        Shutdown {
            ctx: self,
            grace,
            limit: None,
            every: Duration::MAX,
            tell: None,
            asked_at: Location::caller(),
        }
    }
}

/// Where a [`Shutdown`] stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShutdownPhase {
    /// Everything was asked to stop, and may finish what it does.
    Stopping,
    /// The grace is over, and everything was ended.
    Dropping,
}

/// What a [`Shutdown`] tells while it waits.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::ShutdownPhase;
///
///     let app = sim.ctx.child("app");
///     drop(app.task("deaf").spawn(std::future::pending::<()>()));
///     sim.rt.settle().await;
///     let mut told = Vec::new();
///     app.phased_shutdown(Duration::from_secs(3))
///         .on_progress(Duration::from_secs(1), |progress| {
///             assert_eq!(progress.phase, ShutdownPhase::Stopping);
///             assert_eq!(progress.waits_for[0].path, "sim-->app-->deaf");
///             told.push(progress.elapsed.as_secs());
///         })
///         .run()
///         .await;
///     assert_eq!(told, [1, 2]);
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownProgress {
    /// Which of the two phases it is in.
    pub phase: ShutdownPhase,
    /// For how long the shutdown has been going on, on the runtime's clock.
    pub elapsed: Duration,
    /// The tasks that it waits for, with how long they have held it up. Those that have not been
    /// polled yet are not among them, except in a holder.
    pub waits_for: Vec<Straggler>,
}

type Tell<'a> = Box<dyn FnMut(&ShutdownProgress) + Send + 'a>;

/// A shutdown in two phases: [`Ctx::phased_shutdown`].
///
/// First everything below is asked to stop, and has the grace to finish what it does. Then the
/// context ends, and what is left is dropped; that takes a moment for tasks with a grace of their
/// own, and for ever for work that blocks a thread and does not look at its `stop`.
#[must_use = "nothing is shut down until `run()` is awaited"]
pub struct Shutdown<'a, R> {
    ctx: &'a Ctx<R>,
    grace: Duration,
    limit: Option<Duration>,
    every: Duration,
    tell: Option<Tell<'a>>,
    asked_at: &'static Location<'static>,
}

impl<'a, R: Runtime> Shutdown<'a, R> {
    /// Waits for at most `limit` in the second phase; what still runs then is in
    /// [`Finished::left`], and goes on without being waited for.
    pub fn drop_within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Calls `f` every `every` while it waits. Zero counts as a millisecond.
    ///
    /// A panic in it is reported, and the shutdown goes on.
    pub fn on_progress<F>(mut self, every: Duration, f: F) -> Self
    where
        F: FnMut(&ShutdownProgress) + Send + 'a,
    {
        self.every = every.max(Duration::from_millis(1));
        self.tell = Some(Box::new(f));
        self
    }

    /// Shuts down, and tells how it went.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the shutdown where it is: everything below stays asked to stop,
    /// and ended if the second phase had begun.
    pub async fn run(mut self) -> Finished {
        let ctx = self.ctx;
        let start = ctx.now();
        let elapsed = || ctx.now().saturating_duration_since(start);
        ctx.stop();
        self.wait(ShutdownPhase::Stopping, start, Some(self.grace))
            .await;
        let held_for = elapsed();
        let roll = ctx.node().link().ok().map(|live| live.call_roll());
        let mut dropped = named(&ctx.running(), held_for);
        let node = ctx.node();
        node.end(|| node.cancelled(Some("shutdown".into()), self.asked_at, None));
        let is_over = self.wait(ShutdownPhase::Dropping, start, self.limit).await;
        let left = if is_over {
            Vec::new()
        } else {
            stragglers(named(&ctx.running(), elapsed()))
        };
        if let Some(roll) = roll {
            add_unseen(&mut dropped, &roll, held_for);
        }
        Finished {
            dropped: stragglers(dropped),
            left,
            ..ctx.finished(elapsed())
        }
    }

    /// Waits until nothing runs, for at most `limit`; false if something still does.
    async fn wait(
        &mut self,
        phase: ShutdownPhase,
        start: Instant,
        limit: Option<Duration>,
    ) -> bool {
        let ctx = self.ctx;
        let begun = ctx.now();
        let mut idle = pin!(ctx.wait_idle());
        loop {
            let left =
                limit.map(|limit| limit.saturating_sub(ctx.now().saturating_duration_since(begun)));
            let every = self.tell.as_ref().map(|_| self.every);
            let Some(nap) = left.into_iter().chain(every).min() else {
                idle.await;
                return true;
            };
            if let Nap::Idle = nap_or_idle(ctx, nap, idle.as_mut()).await {
                return true;
            }
            if left.is_some_and(|left| left <= nap) {
                return false;
            }
            self.tell(phase, start);
        }
    }

    fn tell(&mut self, phase: ShutdownPhase, start: Instant) {
        let elapsed = self.ctx.now().saturating_duration_since(start);
        let progress = ShutdownProgress {
            phase,
            elapsed,
            waits_for: stragglers(named(&self.ctx.running(), elapsed)),
        };
        if let Some(tell) = &mut self.tell {
            isolate("a progress callback", || tell(&progress));
        }
    }
}

type Named = Vec<(TaskId, Straggler)>;

fn named(tasks: &[Arc<dyn AnyTask>], held_for: Duration) -> Named {
    let named = |task: &Arc<dyn AnyTask>| (task.id(), Straggler::of(&**task).held_for(held_for));
    tasks.iter().map(named).collect()
}

fn stragglers(named: Named) -> Vec<Straggler> {
    named.into_iter().map(|(_, straggler)| straggler).collect()
}

/// Adds those that were dropped without having been seen: nobody had polled them.
fn add_unseen(dropped: &mut Named, roll: &Roll, held_for: Duration) {
    let seen: HashSet<TaskId> = dropped.iter().map(|(id, _)| *id).collect();
    let called = roll.called().into_iter();
    let unseen = called.filter(|(id, _)| !seen.contains(id));
    dropped.extend(unseen.map(|(id, straggler)| (id, straggler.held_for(held_for))));
}

enum Nap {
    Idle,
    Over,
}

async fn nap_or_idle<R: Runtime>(
    ctx: &Ctx<R>,
    nap: Duration,
    idle: Pin<&mut impl Future<Output = ()>>,
) -> Nap {
    let sleep = pin!(ctx.runtime().sleep(nap));
    match select(idle, sleep).await {
        Either::Left(_) => Nap::Idle,
        Either::Right(_) => Nap::Over,
    }
}

impl<R> fmt::Debug for Shutdown<'_, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("ctx", self.ctx)
            .field("grace", &self.grace)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}
