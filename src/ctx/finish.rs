//! Waiting until nothing runs below a context: `finish`, `cancel_and_wait`, `shutdown`.

use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use super::{
    Ctx,
    live::{IdleList, Live},
    rare::Tally,
};
use crate::{
    Error,
    registry::Key,
    status::{leave, poll_in},
    sync::{Arc, mutant},
    task::{AnyTask, current},
};

/// What ran below, and how it ended.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     let app = sim.ctx.child("app");
///     drop(app.spawn(async {}));
///     drop(app.task("bad").silent().try_spawn(async { Err::<(), _>("broken") }));
///     let finished = app.finish().await;
///     assert_eq!((finished.completed, finished.failed, finished.cancelled), (1, 1, 0));
///     assert_eq!(finished.first_error.unwrap().to_string(), "broken");
/// });
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct Finished {
    /// Tasks that returned a value, since the context was made.
    pub completed: usize,
    /// Tasks that failed, panicked or ran out of time.
    pub failed: usize,
    /// Tasks that were cancelled.
    pub cancelled: usize,
    /// The first error of those that failed.
    pub first_error: Option<Error>,
    /// What still ran when the grace of a shutdown was over, and was dropped then.
    pub dropped: Vec<Straggler>,
    /// Of those, what still runs: a [`Shutdown`](crate::Shutdown) waits for them no longer.
    pub left: Vec<Straggler>,
    /// How long the wait took: of a shutdown on the runtime's clock, else on the system's.
    pub took: Duration,
}

/// A task that held up a shutdown.
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
///     sim.rt.settle().await;
///     let finished = app.shutdown(Duration::from_secs(2)).await;
///     let straggler = &finished.dropped[0];
///     assert_eq!(straggler.path, "sim-->app-->deaf");
///     assert_eq!(straggler.held_for, Duration::from_secs(2));
///     assert!(straggler.to_string().contains("spawned at"));
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Straggler {
    /// The names from the root down to the task; of a path of more than 16 contexts the first 4 and
    /// the last 12.
    pub path: String,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// For how long it went on after it was asked to stop, on the runtime's clock.
    pub held_for: Duration,
}

impl<R> Ctx<R> {
    /// Waits until nothing runs below, without asking anything to stop.
    ///
    /// Tasks that are spawned meanwhile are waited for too. What is waited for are tasks; a mere
    /// handle or wait holds nothing up.
    ///
    /// A task below that calls this would wait for itself: it is refused, at once, with a
    /// `first_error` that says so.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future stops the waiting, not the tasks. Call `finish` again to go on.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let app = sim.ctx.child("app");
    ///     let inner = app.clone();
    ///     drop(app.try_spawn(async move { inner.sleep(Duration::from_secs(2)).await }));
    ///     assert_eq!(app.finish().await.completed, 1);
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(2));
    /// });
    /// ```
    pub async fn finish(&self) -> Finished {
        if let Some(refused) = self.refuse_self_wait() {
            return refused;
        }
        let start = Instant::now();
        self.wait_idle().await;
        self.finished(start.elapsed())
    }

    /// Ends the context and waits until nothing runs below.
    ///
    /// A task below that calls this is dropped while it waits, when its grace is over.
    ///
    /// # Cancel safety
    ///
    /// The end comes with the first poll and stands. Dropping the future stops the waiting.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let app = sim.ctx.child("app");
    ///     let task = app.spawn(std::future::pending::<()>());
    ///     assert_eq!(app.cancel_and_wait().await.cancelled, 1);
    ///     assert!(task.is_done(), "its future was dropped");
    /// });
    /// ```
    #[track_caller]
    pub fn cancel_and_wait(&self) -> impl Future<Output = Finished> {
        let caller = Location::caller();
        async move {
            let start = Instant::now();
            let node = self.node();
            node.end(|| node.cancelled(None, caller, None));
            self.wait_idle().await;
            self.finished(start.elapsed())
        }
    }

    pub(crate) async fn wait_idle(&self) {
        let Some(live) = self.node().live() else {
            return; // nothing ever ran here
        };
        let mut before = pass(live).await;
        while !mutant("one_pass_is_enough") {
            let seen = pass(live).await;
            if seen == before {
                return;
            }
            before = seen;
        }
    }

    /// What a task gets that would wait for itself.
    pub(crate) fn refuse_self_wait(&self) -> Option<Finished> {
        let current = current::get()?;
        self.places().any(|place| place.holds(current)).then(|| {
            let mut refused = self.finished(Duration::ZERO);
            refused.first_error = Some(Error::failed(
                "a task cannot wait for the holder or context that it runs in: \
                 wait outside, or for the others one by one",
            ));
            refused
        })
    }

    pub(crate) fn finished(&self, took: Duration) -> Finished {
        let (ended, tally) = self.node().live().map(total).unwrap_or_default();
        let (failed, cancelled) = (tally.failed, tally.cancelled);
        let first_error = tally.first_error;
        let completed = count(ended.saturating_sub(failed + cancelled));
        let (failed, cancelled) = (count(failed), count(cancelled));
        Finished {
            completed,
            failed,
            cancelled,
            first_error,
            dropped: Vec::new(),
            left: Vec::new(),
            took,
        }
    }
}

impl Straggler {
    /// How long it held up whatever is not known yet.
    pub(super) fn of(task: &dyn AnyTask) -> Straggler {
        Straggler {
            path: task.error_path(),
            spawned_at: task.spawned_at(),
            held_for: Duration::ZERO,
        }
    }

    pub(super) fn held_for(self, held_for: Duration) -> Straggler {
        Straggler { held_for, ..self }
    }
}

/// A node in which nothing ran when a pass was there, and what had run in it until then.
struct Seen {
    live: Arc<Live>,
    sums: (u64, u32),
}

impl PartialEq for Seen {
    fn eq(&self, other: &Seen) -> bool {
        Arc::ptr_eq(&self.live, &other.live) && self.sums == other.sums
    }
}

/// One pass over what is below: waits at each node until nothing runs in it.
///
/// Work may have come to a node after we left it, from one that we had not reached. But what ran
/// in a node only grows; so if the next pass sees the same, nothing ran in any of them in between,
/// all at the same moment.
async fn pass(root: &Arc<Live>) -> Vec<Seen> {
    let mut seen = Vec::new();
    let mut unvisited = vec![Arc::clone(root)];
    while let Some(live) = unvisited.pop() {
        let sums = match live.idle_sums() {
            Some(sums) => sums,
            None => Idle::new(&live).await,
        };
        unvisited.extend(live.children());
        seen.push(Seen { live, sums });
    }
    seen
}

/// Everything that was counted below `root`, but for what other holders count.
fn total(root: &Arc<Live>) -> (u64, Tally) {
    let (mut ended, mut tally) = (0, Tally::default());
    let mut unvisited = vec![Arc::clone(root)];
    while let Some(live) = unvisited.pop() {
        let (sums, children) = live.sums_and_children();
        ended += sums.ended;
        tally.add(sums.tally);
        unvisited.extend(children.into_iter().filter(|child| root.counts_with(child)));
    }
    (ended, tally)
}

fn count(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

/// Waits until nothing runs in one node itself.
struct Idle {
    live: Arc<Live>,
    key: Option<Key>,
}

impl Idle {
    fn new(live: &Arc<Live>) -> Idle {
        Idle {
            live: Arc::clone(live),
            key: None,
        }
    }
}

impl Future for Idle {
    type Output = (u64, u32);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(u64, u32)> {
        let this = &mut *self;
        loop {
            // Pending: the task that ends last will wake us.
            ready!(poll_in(&IdleList(&this.live), &mut this.key, cx));
            if let Some(sums) = this.live.idle_sums() {
                return Poll::Ready(sums);
            }
        }
    }
}

impl Drop for Idle {
    fn drop(&mut self) {
        leave(&IdleList(&self.live), &mut self.key);
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finished {
            completed,
            failed,
            cancelled,
            took,
            ..
        } = self;
        write!(
            f,
            "{completed} completed, {failed} failed, {cancelled} cancelled in {took:?}"
        )?;
        for straggler in &self.dropped {
            write!(f, "\n  held up by {straggler}")?;
        }
        for straggler in &self.left {
            write!(f, "\n  still running: {straggler}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Straggler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Straggler {
            path,
            spawned_at,
            held_for,
        } = self;
        write!(f, "{path}, spawned at {spawned_at}, for {held_for:?}")
    }
}
