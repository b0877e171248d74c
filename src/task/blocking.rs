//! Tasks that block a thread: work that has started is only asked to stop, work that has not is
//! dropped.
//!
//! # Invariants
//!
//! 1. Work is given to the executor once, and only when the group admits the task; until then the
//!    group or the end of the task wakes the job.
//! 2. Whoever takes the work out of the job runs it, or drops it and ends the task.
//! 3. The job is the task's waker, and so holds itself; from the end of the task on it does not.

#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Wake, Waker},
};

use super::{
    AnyTask, Task,
    finish::{Reason, complete},
    spawn::{Plan, expect},
    state::TaskCore,
};
use crate::{
    Ctx, Error, Result, Spawner,
    ctx::firing::run_in_turn,
    error::Panicked,
    report::isolate,
    runtime::Kept,
    sync::{Arc, AtomicBool, Mutex, Ordering, lock, mutant},
};

/// Work on its way to a thread.
struct Job<R, W, T: Send + 'static> {
    core: Arc<TaskCore<T>>,
    rt: R,
    work: Mutex<Option<W>>,
    is_handed_over: AtomicBool,
}

/// Gives `work` to a thread of `rt` that may block, when it may start; unless the context has ended.
pub(super) fn start_blocking<R, W, T>(mut plan: Plan, rt: &R, work: W) -> Task<T>
where
    R: Spawner,
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    plan.options.get_or_insert_default().is_blocking = true;
    let core = plan.core();
    let task = Task::new(Arc::clone(&core), Kept::default());
    let job = Arc::new(Job {
        core,
        rt: rt.clone(),
        work: Mutex::new(Some(work)),
        is_handed_over: AtomicBool::new(false),
    });
    if job.is_on() {
        job.go_on();
    } else {
        job.give_up();
    }
    task
}

/// The executor's hold on a job: if it drops that unused, the job gives up.
struct Ticket<R: Spawner, W, T: Send + 'static>(Arc<Job<R, W, T>>)
where
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static;

impl<R, W, T> Drop for Ticket<R, W, T>
where
    R: Spawner,
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl<R, W, T> Job<R, W, T>
where
    R: Spawner,
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    /// Has the task counted and listed, so that an end reaches it while it waits for a thread.
    fn is_on(&self) -> bool {
        if !expect(&self.core) {
            return false;
        }
        let task: Arc<dyn AnyTask> = Arc::<TaskCore<T>>::clone(&self.core);
        self.core.set_listed(); // first: once it is listed, another thread may end it
        let live = self.core.node().live();
        let is_listed = live.is_some_and(|live| live.enlist(|| task));
        if !is_listed {
            self.core.take_listed();
        }
        is_listed
    }

    /// Gives up, is handed over, or waits: whoever ends or admits the task will wake us.
    fn go_on(self: &Arc<Self>) {
        let is_early = mutant("admit_work_before_parking") && !self.is_admitted();
        // The waker first: who ends or admits the task later finds it, and what came before shows.
        self.core.park(&Waker::from(Arc::clone(self)));
        if Reason::of(&*self.core).is_some() {
            self.give_up();
        } else if !is_early
            && self.is_admitted()
            && !self.is_handed_over.swap(true, Ordering::AcqRel)
        {
            let ticket = Ticket(Arc::clone(self));
            self.rt.spawn_blocking(move || ticket.0.run());
        }
        if self.core.is_done() && !mutant("park_work_that_is_over") {
            self.core.unpark(); // invariant 3: it may have ended before it was parked
        }
    }

    fn is_admitted(&self) -> bool {
        let group = self.core.node().live().and_then(|live| live.group());
        group.is_none_or(|group| group.admits_all() || group.admit(self.core.id()))
    }

    fn take(&self) -> Option<W> {
        lock(&self.work).take()
    }

    fn run(&self) {
        if Reason::of(&*self.core).is_some() {
            return self.give_up();
        }
        let Some(work) = self.take() else {
            return; // given up meanwhile
        };
        let stop = Ctx::from_node(Arc::clone(self.core.node()), ());
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&stop)));
        let outcome = outcome.unwrap_or_else(|panic| Err(Error::Panicked(Panicked::new(panic))));
        complete(&self.core, Some(outcome));
    }

    /// Drops work that has not begun; leaves alone what has.
    fn give_up(&self) {
        if let Some(work) = self.take() {
            isolate("the destructor of blocking work", || drop(work));
            complete(&self.core, None);
        }
    }
}

impl<R, W, T> Wake for Job<R, W, T>
where
    R: Spawner,
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    /// In turn, because what one job frees when it gives up may wake the next.
    fn wake(self: Arc<Self>) {
        run_in_turn(Box::new(move || {
            // Guarded, as all that runs in turn must be: a runtime may have no thread to give.
            isolate("a runtime's spawn_blocking", || self.go_on());
        }));
    }
}
