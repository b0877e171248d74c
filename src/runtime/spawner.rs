//! Starting work: [`Spawner`] and [`LocalSpawner`].

use std::{future::Future, sync::OnceLock, thread};

use super::Kept;

/// As many small pieces of work as make the poll of a task no longer than that of others.
#[allow(dead_code, reason = "for adapters, which are features")]
pub(crate) const IN_A_ROW: usize = 64;

/// Runs unit futures; a cheap handle on an executor.
///
/// Everything above this trait (results, panics, cancellation, names) is written once, in
/// [`Ctx`](crate::Ctx) and [`Task`](crate::Task). What is left for an executor is the contract
/// below. Each clause is a test of `testing::conformance::check_spawner` (feature `test-util`), and
/// the seventh, for executors that have an end, of `check_owner` there.
///
/// # Contract
///
/// 1. `spawn` does not poll the future inside the call. (The caller may be inside a poll itself,
///    and what it spawned must not run in the middle of that.)
/// 2. Each future is polled until it ends, unless it is dropped first. An executor may drop one
///    unfinished at any time, also inside `spawn`: this is how shutting down looks.
/// 3. A future is polled by one thread at a time, and never inside its own poll.
/// 4. Each wake leads to another poll, wherever it comes from: another thread, the poll itself,
///    while the executor is idle. Several wakes may lead to one poll; polls that nobody asked for
///    are harmless.
/// 5. A future that has ended is dropped at once, before that thread polls anything else.
/// 6. A future that wakes itself in each poll does not keep others from running.
/// 7. A handle keeps no future alive. When the owner of the executor has been dropped, so have the
///    futures, although they may hold handles and although others may hold their wakers; what is
///    spawned after that is dropped inside the call, and late wakes do nothing.
/// 8. `spawn` works from any thread, inside futures, and inside their destructors.
/// 9. `spawn_blocking` runs the work once on a thread that may block, not inside the call; or it
///    drops it unrun, after the executor's end.
///
/// What a future does that panics is not part of it: those of this crate do not.
///
/// # Examples
///
/// A complete executor, with one thread, and the suite that says so. `examples/custom_executor.rs`
/// has another, which runs on the thread that waits, under a whole [`Ctx`](crate::Ctx).
///
/// ```
/// use std::{
///     collections::{HashMap, VecDeque},
///     future::Future,
///     mem,
///     pin::Pin,
///     sync::{Arc, Condvar, Mutex, Weak},
///     task::{Context, Wake, Waker},
///     thread,
/// };
/// use windlass::{BlockOn, Result, Spawner};
///
/// /// The owner: its drop is the end of the executor. (None of its own tasks may drop it.)
/// struct Worker {
///     shared: Arc<Shared>,
///     thread: Option<thread::JoinHandle<()>>,
/// }
///
/// /// It holds the executor weakly, and so keeps no task alive (clause 7).
/// #[derive(Clone)]
/// struct Handle(Weak<Shared>);
///
/// #[derive(Default)]
/// struct Shared {
///     state: Mutex<State>,
///     changed: Condvar,
/// }
///
/// #[derive(Default)]
/// struct State {
///     ready: VecDeque<Arc<Task>>,
///     /// All that have not ended: a task that waits is held by nobody else.
///     tasks: HashMap<u64, Arc<Task>>,
///     spawned: u64,
///     closed: bool,
/// }
///
/// struct Task {
///     id: u64,
///     /// Elsewhere while it is polled.
///     work: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
///     shared: Weak<Shared>,
/// }
///
/// impl Spawner for Handle {
///     fn spawn<F>(&self, future: F)
///     where
///         F: Future<Output = ()> + Send + 'static,
///     {
///         let Some(shared) = self.0.upgrade() else { return };
///         let mut state = shared.state.lock().unwrap();
///         if state.closed {
///             return; // `future` is dropped after the lock
///         }
///         state.spawned += 1;
///         let task = Arc::new(Task {
///             id: state.spawned,
///             work: Mutex::new(Some(Box::pin(future))),
///             shared: self.0.clone(),
///         });
///         state.tasks.insert(task.id, task.clone());
///         drop(state);
///         task.wake();
///     }
/// }
///
/// impl Wake for Task {
///     fn wake(self: Arc<Self>) {
///         let Some(shared) = self.shared.upgrade() else { return };
///         shared.state.lock().unwrap().ready.push_back(self);
///         shared.changed.notify_one();
///     }
/// }
///
/// impl Shared {
///     fn run(&self) {
///         while let Some(task) = self.next_ready() {
///             // Taken out, so that no lock of ours is held during the poll.
///             let Some(mut work) = task.work.lock().unwrap().take() else { continue };
///             let waker = Waker::from(task.clone());
///             if work.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {
///                 *task.work.lock().unwrap() = Some(work);
///             } else {
///                 drop(work); // at once (clause 5)
///                 self.state.lock().unwrap().tasks.remove(&task.id);
///             }
///         }
///     }
///
///     fn next_ready(&self) -> Option<Arc<Task>> {
///         let mut state = self.state.lock().unwrap();
///         while !state.closed {
///             if let Some(task) = state.ready.pop_front() {
///                 return Some(task);
///             }
///             state = self.changed.wait(state).unwrap();
///         }
///         None
///     }
/// }
///
/// impl Worker {
///     fn new() -> Self {
///         let shared = Arc::new(Shared::default());
///         let running = shared.clone();
///         let thread = Some(thread::spawn(move || running.run()));
///         Worker { shared, thread }
///     }
///
///     fn handle(&self) -> Handle {
///         Handle(Arc::downgrade(&self.shared))
///     }
/// }
///
/// impl Drop for Worker {
///     fn drop(&mut self) {
///         self.shared.state.lock().unwrap().closed = true;
///         self.shared.changed.notify_one();
///         let _ = self.thread.take().map(|thread| thread.join());
///         let left = mem::take(&mut self.shared.state.lock().unwrap().tasks);
///         for task in left.into_values() {
///             let work = task.work.lock().unwrap().take();
///             drop(work); // outside the locks: destructors may spawn and wake
///         }
///     }
/// }
///
/// impl BlockOn for Worker {
///     fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
///         Ok(futures::executor::block_on(future)) // the thread runs the tasks
///     }
/// }
///
/// let worker = Worker::new();
/// let (send, receive) = futures::channel::oneshot::channel();
/// worker.handle().spawn(async { send.send(7).unwrap() });
/// assert_eq!(worker.block_on(receive).unwrap(), Ok(7));
///
/// # #[cfg(feature = "test-util")] {
/// fn make() -> (Handle, Worker) {
///     let worker = Worker::new();
///     (worker.handle(), worker)
/// }
/// windlass::testing::conformance::check_spawner(make);
/// windlass::testing::conformance::check_owner(make);
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an executor",
    note = "the adapters are, each behind its feature; `Ctx::on` puts a context on one"
)]
pub trait Spawner: Clone + Send + Sync + 'static {
    /// Hands `future` to the executor.
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Runs `work` on a thread that may block.
    ///
    /// As provided, that is a thread of a pool which all executors of the program share. It grows
    /// and shrinks with the work.
    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        blocking::unblock(work).detach();
    }

    /// Like `spawn`; gives back what a task's handle keeps of it.
    #[doc(hidden)]
    fn spawn_kept<F>(&self, future: F) -> Kept
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawn(future);
        Kept::default()
    }

    /// How many futures run at the same time, about: as many as there are processors, and at least
    /// four.
    #[doc(hidden)]
    fn width(&self) -> usize {
        static WIDTH: OnceLock<usize> = OnceLock::new();
        *WIDTH.get_or_init(|| thread::available_parallelism().map_or(4, |width| width.get().max(4)))
    }

    /// How many pieces of work that are over at once a task of ours may take up in one poll.
    ///
    /// One, where a thread may keep for itself what it has spawned or woken last, until the poll that
    /// it is in returns, also while others are idle: a long piece would hold that back.
    #[doc(hidden)]
    fn in_a_row(&self) -> usize {
        1
    }
}

/// Runs unit futures that are not `Send`; a cheap handle on an executor of one thread.
///
/// # Contract
///
/// Clauses 1 to 7 of [`Spawner`], and clause 8 on the one thread that there is: the handle need not
/// be `Send`. Each is a test of `testing::conformance::check_local` (feature `test-util`), the
/// seventh of `check_local_owner` there. In addition:
///
/// 1. A future is polled and dropped on the thread that called `spawn_local`. (Its waker may be
///    woken from any.)
///
/// # Examples
///
/// Local and threaded work share one tree of contexts with [`Ctx::on`](crate::Ctx::on). For a local
/// executor see `TokioLocal` and `SmolLocal` among the [`adapters`](crate::adapters).
pub trait LocalSpawner: Clone + 'static {
    /// Hands `future` to the executor of this thread.
    fn spawn_local<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static;
}
