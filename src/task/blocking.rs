//! Tasks that block a thread: work that has started is only asked to stop, work that has not is
//! dropped.

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
    error::Panicked,
    report::isolate,
    runtime::Kept,
    sync::{Arc, Mutex, lock},
};

/// Work on its way to a thread. Whoever takes it out of here runs it, or drops it.
struct Job<W, T: Send + 'static> {
    core: Arc<TaskCore<T>>,
    work: Mutex<Option<W>>,
}

/// Gives `work` to a thread of `rt` that may block, unless the context has ended.
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
        work: Mutex::new(Some(work)),
    });
    if job.is_on() {
        let ticket = Ticket(job);
        rt.spawn_blocking(move || ticket.0.run());
    } else {
        job.give_up();
    }
    task
}

/// The executor's hold on a job: if it drops that unused, the job gives up.
struct Ticket<W: Send, T: Send + 'static>(Arc<Job<W, T>>)
where
    W: FnOnce(&Ctx<()>) -> Result<T> + 'static;

impl<W, T> Drop for Ticket<W, T>
where
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    fn drop(&mut self) {
        self.0.give_up();
    }
}

impl<W, T> Job<W, T>
where
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    /// Has the task counted and listed, so that an end reaches it while it waits for a thread.
    fn is_on(self: &Arc<Self>) -> bool {
        if !expect(&self.core) {
            return false;
        }
        // The task's waker is the job itself: to be asked means to give up, unless it has begun.
        self.core.park(&Waker::from(Arc::clone(self)));
        let task: Arc<dyn AnyTask> = Arc::<TaskCore<T>>::clone(&self.core);
        self.core.set_listed(); // first: once it is listed, another thread may end it
        let live = self.core.node().live();
        let is_listed = live.is_some_and(|live| live.enlist(task));
        if !is_listed {
            self.core.take_listed();
        }
        is_listed
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

impl<W, T> Wake for Job<W, T>
where
    W: FnOnce(&Ctx<()>) -> Result<T> + Send + 'static,
    T: Send + 'static,
{
    fn wake(self: Arc<Self>) {
        self.give_up();
    }
}
