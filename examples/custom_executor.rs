//! An executor written by hand, and a tree of work on it.
//!
//! It has no thread: tasks run on the thread that calls `block_on`, while that waits. It has no
//! clock either; `WithTimer` adds one. `tests/custom_executor.rs` runs the suite on it.
//!
//! ```text
//! cargo run --example custom_executor
//! ```

use std::{
    cell::Cell,
    collections::{HashMap, VecDeque},
    fmt,
    future::{Future, pending},
    marker::PhantomData,
    mem,
    pin::{Pin, pin},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use windlass::{BlockOn, Ctx, NestedRun, Result, Spawner, WithTimer, adapters::FuturesTimer};

/// The owner of the tasks: dropping it drops them. It stays on its thread, and so do their polls.
#[must_use = "dropping the executor drops its tasks"]
pub struct Executor {
    shared: Arc<Shared>,
    driven: Cell<bool>,
    stays_here: PhantomData<*const ()>,
}

/// Spawns from any thread. It holds the executor weakly, and so keeps no task alive.
#[derive(Clone)]
pub struct Handle(Weak<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// Notified when something becomes ready.
    ready: Condvar,
}

#[derive(Default)]
struct State {
    ready: VecDeque<Arc<Task>>,
    /// All that have not ended. A task that waits is held by nobody else.
    tasks: HashMap<u64, Arc<Task>>,
    spawned: u64,
    main_is_ready: bool,
    closed: bool,
}

struct Task {
    id: u64,
    /// Taken out while it is polled: no lock is held then.
    work: Mutex<Option<Work>>,
    /// Whether it is in `ready`; so it is there once, however often it is woken.
    queued: AtomicBool,
    shared: Weak<Shared>,
}

type Work = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Wakes the future that `block_on` was called with.
struct Main(Arc<Shared>);

impl fmt::Debug for Executor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Executor").finish_non_exhaustive()
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").finish_non_exhaustive()
    }
}

// ===== spawning =====

impl Spawner for Handle {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(shared) = self.0.upgrade() else {
            return;
        };
        let mut state = shared.lock();
        if state.closed {
            // The lock goes first, then the future.
            return;
        }
        state.spawned += 1;
        let task = Arc::new(Task {
            id: state.spawned,
            work: Mutex::new(Some(Box::pin(future))),
            queued: AtomicBool::new(false),
            shared: self.0.clone(),
        });
        state.tasks.insert(task.id, Arc::clone(&task));
        drop(state);
        task.wake();
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        // Partner: the swap in `run`, before the poll. Either that poll sees what this wake is
        // about, or we find `false` and queue the task again.
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(shared) = self.shared.upgrade() {
            shared.lock().ready.push_back(self);
            shared.ready.notify_all();
        }
    }
}

impl Wake for Main {
    fn wake(self: Arc<Self>) {
        self.0.lock().main_is_ready = true;
        self.0.ready.notify_all();
    }
}

// ===== running =====

impl Executor {
    /// An executor without tasks.
    #[allow(clippy::new_without_default, reason = "an owner is made on purpose")]
    pub fn new() -> Self {
        Executor {
            shared: Arc::default(),
            driven: Cell::new(false),
            stays_here: PhantomData,
        }
    }

    /// A handle to spawn with.
    pub fn handle(&self) -> Handle {
        Handle(Arc::downgrade(&self.shared))
    }

    fn drive<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let main = Waker::from(Arc::new(Main(Arc::clone(&self.shared))));
        main.wake_by_ref();
        loop {
            let (poll_main, batch) = self.shared.wait_for_work();
            if poll_main {
                if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&main)) {
                    // What was not run yet is the next call's.
                    self.shared.put_back(batch);
                    return output;
                }
            }
            // What becomes ready meanwhile waits for the next batch: nobody starves.
            batch.into_iter().for_each(|task| self.shared.run(task));
        }
    }
}

impl BlockOn for Executor {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        if self.driven.replace(true) {
            return Err(
                NestedRun::new("it is running this executor: `.await` the future instead").into(),
            );
        }
        let _reset = Reset(&self.driven);
        Ok(self.drive(future))
    }
}

impl Drop for Executor {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        let left = mem::take(&mut self.shared.lock().tasks);
        for task in left.into_values() {
            // Outside the locks: destructors may spawn and wake.
            let work = lock(&task.work).take();
            drop(work);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether the main future is to be polled, and the tasks that are.
    fn wait_for_work(&self) -> (bool, VecDeque<Arc<Task>>) {
        let mut state = self.lock();
        while !state.main_is_ready && state.ready.is_empty() {
            let woken = self.ready.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        let poll_main = mem::take(&mut state.main_is_ready);
        (poll_main, mem::take(&mut state.ready))
    }

    fn put_back(&self, mut batch: VecDeque<Arc<Task>>) {
        let mut state = self.lock();
        batch.append(&mut state.ready);
        state.ready = batch;
    }

    fn run(&self, task: Arc<Task>) {
        task.queued.swap(false, Ordering::AcqRel);
        let Some(mut work) = lock(&task.work).take() else {
            return;
        };
        let waker = Waker::from(Arc::clone(&task));
        let poll = work.as_mut().poll(&mut Context::from_waker(&waker));
        if poll.is_pending() {
            *lock(&task.work) = Some(work);
        } else {
            // At once, before anything else runs.
            drop(work);
            self.lock().tasks.remove(&task.id);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Lets `block_on` be called again, also when it panics.
struct Reset<'a>(&'a Cell<bool>);

impl Drop for Reset<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

// ===== using it =====

/// Spawns, waits and cancels on an [`Executor`].
pub fn main() -> Result<()> {
    let executor = Executor::new();
    let app = Ctx::root("app", WithTimer::new(executor.handle(), FuturesTimer));

    executor.block_on(async {
        // Spawn, and wait.
        let sum = app.spawn(async { (1..=10).sum::<u32>() });
        println!("a task returned {}", sum.await?);

        // Cancel: everything below ends, and says why.
        let server = app.child("server");
        let connection = server.task("connection").spawn(pending::<()>());
        server.cancel_with("shutdown requested");
        let Err(why) = connection.await else {
            unreachable!("it was pending for ever");
        };
        println!("another ended: {why}");

        // Time: the clock is the one that was added.
        let late = app.timeout(Duration::from_millis(10), pending::<()>());
        if let Err(why) = late.await {
            println!("a third took too long: {why}");
        }
        Ok(())
    })?
}
