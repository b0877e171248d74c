//! Running a simulated runtime: poll what is ready, then let time pass, then give up.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind},
    pin::{Pin, pin},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

use super::{
    arena,
    cell::{Cell, Found, Held},
    core::Core,
    stall::Stalled,
};
use crate::{Error, NestedRun, report::isolate, sync::Arc, task::AnyTask};

/// How long the driver sleeps at a time while it waits for other threads.
const GLANCE: Duration = Duration::from_millis(10);

thread_local! {
    /// The runtimes that this thread drives, the innermost last.
    static DRIVEN: RefCell<Vec<Arc<Core>>> = const { RefCell::new(Vec::new()) };
}

/// The runtime that drives the code which asks.
pub(super) fn driven_here() -> Option<Arc<Core>> {
    let driven = DRIVEN.try_with(|driven| driven.borrow().last().cloned());
    driven.ok().flatten()
}

/// Tells the runtime that drives us, if one does, which task of a context it is polling.
pub(crate) fn name_polled<T: AnyTask + 'static>(task: &Arc<T>) {
    if let Some(core) = driven_here() {
        let task: Arc<dyn AnyTask> = Arc::<T>::clone(task);
        core.name_polled(&task);
    }
}

/// A seed from the simulation that runs the code which asks: what is random there comes out the
/// same each time. `None` outside of simulations.
pub(crate) fn seed_here() -> Option<u64> {
    driven_here().map(|core| core.next_seed())
}

/// Why a runtime did not run a future to its end.
#[derive(Debug)]
pub(super) enum Refused {
    Nested(NestedRun),
    Stalled(Stalled),
}

/// The right to poll the tasks of `core`; there is one at a time.
pub(super) struct Drive {
    core: Arc<Core>,
}

// ===== impl Drive =====

impl Drive {
    pub(super) fn begin(core: &Arc<Core>) -> Result<Self, Refused> {
        arena::sweep();
        match core.begin_driving() {
            Ok(()) => {
                DRIVEN.with(|driven| driven.borrow_mut().push(Arc::clone(core)));
                Ok(Drive {
                    core: Arc::clone(core),
                })
            }
            Err(driver) => Err(Refused::nested(driver == thread::current().id())),
        }
    }

    /// Runs `future` to its end, and whatever else is ready meanwhile.
    pub(super) fn block_on<F: Future>(
        &self,
        future: F,
        at: &'static Location<'static>,
    ) -> Result<F::Output, Refused> {
        let mut future = pin!(future);
        let main = Arc::new(Cell::main(&self.core, self.core.next_id(), at));
        Arc::clone(&main).wake();
        loop {
            if let Poll::Ready(output) = self.run_ready(Some((&main, future.as_mut()))) {
                return Ok(output);
            }
            if !self.pass_time() {
                return Err(Refused::Stalled(Stalled::of(&self.core, at)));
            }
        }
    }

    /// Runs what is ready until nothing is, or until the main future has ended.
    fn run_ready<F: Future>(&self, mut main: Option<(&Arc<Cell>, Pin<&mut F>)>) -> Poll<F::Output> {
        while let Some(cell) = self.next_ready() {
            let main = main.as_mut().filter(|(main, _)| Arc::ptr_eq(main, &cell));
            let Some((_, future)) = main else {
                self.run(&cell);
                continue;
            };
            cell.begin_poll();
            self.core.set_polled(cell.id);
            let waker = Waker::from(cell);
            let poll = future.as_mut().poll(&mut Context::from_waker(&waker));
            if poll.is_ready() {
                return poll;
            }
        }
        // Pending: a wake queues the cell of the main future.
        Poll::Pending
    }

    /// Runs what is ready until nothing is, or for `polls` polls.
    pub(super) fn run_for(&self, polls: usize) {
        for _ in 0..polls {
            let Some(cell) = self.next_ready() else {
                return;
            };
            self.run(&cell);
        }
    }

    /// Runs what is ready until nothing is.
    pub(super) fn run_until_stalled(&self) {
        let _ = self.run_ready::<std::future::Ready<()>>(None);
    }

    /// The next ready task. Those who wait for idleness come when there is none, one at a time.
    fn next_ready(&self) -> Option<Arc<Cell>> {
        loop {
            if let Some(cell) = self.core.pop_ready() {
                return Some(cell);
            }
            let settled = self.core.pop_settling()?;
            isolate("a waker", || settled.wake());
        }
    }

    /// Polls one task. What it panics with goes on to whoever drives, after it has been dropped.
    fn run(&self, cell: &Arc<Cell>) {
        let mut held = match cell.take(&self.core) {
            Found::Future(held) => held,
            Found::Elsewhere => return self.core.set_aside(Arc::clone(cell)),
            Found::Nothing => return,
        };
        cell.begin_poll();
        self.core.set_polled(cell.id);
        let waker = Waker::from(Arc::clone(cell));
        let mut cx = Context::from_waker(&waker);
        match catch_unwind(AssertUnwindSafe(|| held.poll(&mut cx))) {
            // Pending: a wake queues the cell.
            Ok(Poll::Pending) => drop(cell.put_back(&self.core, held)),
            Ok(Poll::Ready(())) => self.finish(cell, held),
            Err(panic) => {
                isolate("the destructor of a task", || self.finish(cell, held));
                resume_unwind(panic);
            }
        }
    }

    fn finish(&self, cell: &Cell, held: Held) {
        cell.retire(&self.core);
        self.core.remove(cell.id);
        drop(held);
    }

    /// Nothing is ready: lets the clock jump, or waits for other threads; false if all is in vain.
    fn pass_time(&self) -> bool {
        let clock = &self.core.clock;
        let mut wait = clock.idle_before_jump();
        if wait.is_none_or(|idle| !idle.is_zero()) && self.is_disturbed(&mut wait) {
            return true;
        }
        wait.is_some() && clock.jump(Duration::MAX)
    }

    /// Whether another thread made something ready, within the time that we wait for that; `wait`
    /// is how long a jump of the clock is put off, if one is to come.
    fn is_disturbed(&self, wait: &mut Option<Duration>) -> bool {
        let idle_since = Instant::now();
        loop {
            let patience = wait.unwrap_or_else(|| self.core.patience());
            let rest = patience.saturating_sub(idle_since.elapsed());
            // Wakes end the wait at once. What else another thread may do, such as arming a timer
            // on this clock, is looked for every now and then.
            if self.core.wait_for_threads(rest.min(GLANCE)) {
                return true;
            }
            if rest.is_zero() {
                return false;
            }
            *wait = self.core.clock.idle_before_jump();
        }
    }
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.core.end_driving();
        // Runtimes are left in the reverse order of entering.
        let left = DRIVEN.try_with(|driven| driven.borrow_mut().pop());
        drop(left);
        arena::sweep();
    }
}

// ===== impl Refused =====

impl Refused {
    fn nested(is_same_thread: bool) -> Self {
        Refused::Nested(NestedRun::new(match is_same_thread {
            true => {
                "it runs this simulation already, and what calls here is part of it; \
                 await the future instead of blocking on it, or spawn it"
            }
            false => {
                "another thread is running this simulation; \
                 hand the future to it with `spawn`, or wait until its `block_on` has returned"
            }
        }))
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Nested(nested) => nested.into(),
            Refused::Stalled(stalled) => Error::failed(stalled),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refused::Nested(nested) => nested.fmt(f),
            Refused::Stalled(stalled) => stalled.fmt(f),
        }
    }
}
