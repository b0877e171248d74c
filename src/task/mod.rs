//! Tasks: work that runs in a context.

mod any;
mod blocking;
mod builder;
pub(crate) mod current;
mod finish;
pub(crate) mod harness;
pub(crate) mod light;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
pub(crate) mod models;
pub(crate) mod options;
#[cfg_attr(not(feature = "tracing"), path = "no_span.rs")]
mod span;
pub(crate) mod spawn;
pub(crate) mod state;
mod watch;

use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

use self::state::{Register, TaskCore};
pub(crate) use self::{any::AnyTask, finish::report_below};
pub use self::{
    builder::TaskBuilder,
    spawn::{FallibleUseTrySpawn, Plain, Returns, TryFut},
    watch::{TaskDone, TaskWatch},
};
use crate::{
    CallbackId, Error, FutureStatus, Result, State, WaitSlot,
    ctx::{live::Verdict, tree::Node},
    report::isolate,
    runtime::Kept,
    sync::Arc,
};

/// Which task; given once in a program.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     let [a, b] = [1, 2].map(|n| sim.ctx.spawn(async move { n }));
///     assert!(a.id() < b.id(), "given in order");
///     assert_eq!(a.id(), a.watch().id());
/// });
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Hash)]
pub struct TaskId(u64);

/// Work that runs in a context; the owner's handle, which gives the value.
///
/// Awaiting it gives what the work returned, or the [`Error`] that says why it returned nothing.
///
/// Dropping it detaches the work, which goes on: its context still owns it. A failure of detached
/// work is reported.
///
/// While it exists it counts as a handle on the context that the work was spawned in.
///
/// # Cancel safety
///
/// Dropping the handle loses the value and nothing else. Awaiting `&mut task` instead of `task`
/// keeps it across a dropped wait.
///
/// # Comparison with join handles
///
/// Dropping it detaches, as in tokio and async-std, and not as in smol, where it cancels; but a
/// detached task still ends with its context, and its failure is reported, so neither is lost. For
/// a future that is awaited where it is made, and nowhere else, no task is needed: await it, or
/// [`gather`](crate::gather) several.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     let task = sim.ctx.task("answer").spawn(async { 42 });
///     assert!(!task.is_done(), "it has not been polled yet");
///     assert_eq!(task.path(), "sim-->answer");
///     assert_eq!(task.await.unwrap(), 42);
/// });
/// ```
#[must_use = "dropping a task detaches it: it goes on, and its value is lost; await it, or `drop` it on purpose"]
pub struct Task<T> {
    core: Arc<TaskCore<T>>,
    /// Erases the core; made where `T: 'static` was known.
    erase: fn(&Arc<TaskCore<T>>) -> Arc<dyn AnyTask>,
    /// Dropped with the handle, or with the task: see [`TaskCore::detach`].
    kept: Kept,
}

// ===== impl Task =====

impl<T> Task<T> {
    pub(crate) fn new(core: Arc<TaskCore<T>>, kept: Kept) -> Self
    where
        T: Send + 'static,
    {
        Task {
            core,
            erase: |core| Arc::<TaskCore<T>>::clone(core),
            kept,
        }
    }

    pub(crate) fn erased(&self) -> Arc<dyn AnyTask> {
        (self.erase)(&self.core)
    }

    /// Says which task this is.
    pub fn id(&self) -> TaskId {
        self.core.id()
    }

    /// Returns the name given to the builder; else that of its own context, else `task`.
    pub fn name(&self) -> &str {
        self.core.name()
    }

    /// Returns the names from the root down to this task: `app-->server-->accept`.
    pub fn path(&self) -> String {
        self.core.path()
    }

    /// Asks the task to stop. True for the first request, unless the task has ended.
    ///
    /// It promises no outcome: a future that returns wins, until it is dropped. Nothing is waited
    /// for; [`cancel_and_wait`](Self::cancel_and_wait) does that.
    #[doc(alias = "abort")]
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.core.cancel(Location::caller())
    }

    /// Asks the task to stop and waits for what becomes of it.
    ///
    /// # Errors
    ///
    /// Those of awaiting the task: usually [`Error::Cancelled`].
    ///
    /// # Cancel safety
    ///
    /// The request is made on the first poll and stands. Dropping the future detaches the task.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let task = sim.ctx.spawn(std::future::pending::<()>());
    ///     assert!(task.cancel_and_wait().await.unwrap_err().is_cancelled());
    /// });
    /// ```
    #[track_caller]
    pub fn cancel_and_wait(self) -> impl Future<Output = Result<T>> {
        let caller = Location::caller();
        async move {
            self.core.cancel(caller);
            self.await
        }
    }

    /// Makes a view of the task without its value, to be cloned and kept by others.
    #[doc(alias = "AbortHandle")]
    pub fn watch(&self) -> TaskWatch {
        TaskWatch::new(self.erased())
    }

    /// Says whether the future has finished or was dropped.
    ///
    /// True from the start of the done-callbacks on; joiners are woken after them.
    pub fn is_done(&self) -> bool {
        self.core.is_done()
    }

    /// Says whether it ended by cancellation.
    pub fn is_cancelled(&self) -> bool {
        self.error().is_some_and(|error| error.is_cancelled())
    }

    /// Says why there is no value; `None` while the task runs and after success.
    pub fn error(&self) -> Option<Error> {
        self.core.error()
    }

    /// Calls `f` on the outcome, before the owner gets it; exactly once.
    ///
    /// It is called on the thread that ends the task: on value, error, panic, cancellation and
    /// shutdown of the executor. If the task has ended already, it is called now. If the value was
    /// taken already, it gets an error that says so. A panic in it is reported and goes no
    /// further.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::sync::mpsc;
    ///
    ///     let (tell, told) = mpsc::channel();
    ///     let task = sim.ctx.spawn(async { 42 });
    ///     task.on_done(move |outcome| tell.send(*outcome.unwrap()).unwrap());
    ///     assert_eq!(task.await.unwrap(), 42);
    ///     assert_eq!(told.try_recv(), Ok(42), "before the owner");
    /// });
    /// ```
    #[doc(alias = "add_done_callback")]
    pub fn on_done<F>(&self, f: F) -> CallbackId
    where
        F: FnOnce(Result<&T, &Error>) + Send + 'static,
    {
        match self.core.on_done(Box::new(f)) {
            Register::Listed(id) => CallbackId::new(id),
            Register::Lent(id, outcome) => {
                finish::settle(&self.core, outcome).wake();
                CallbackId::new(id)
            }
            Register::Late(f, error) => {
                isolate("a done-callback of a task", || f(Err(&error)));
                CallbackId::new(crate::ids::next())
            }
        }
    }

    /// Takes a callback back; false if it was called, is being called, or is not of this task.
    pub fn remove_on_done(&self, id: CallbackId) -> bool {
        self.core.remove_on_done(id.get()).is_some()
    }

    /// Says whether a callback waits to be called.
    pub fn has_on_done(&self, id: CallbackId) -> bool {
        self.core.has_on_done(id.get())
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T>;

    /// # Cancel safety
    ///
    /// The outcome leaves the task in the poll that is ready, and not before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        self.core.poll_join(cx)
    }
}

impl<T> FutureStatus for Task<T> {
    fn stays_done(&self) -> bool {
        true
    }

    fn state(&self) -> State {
        state(&self.core.is_done(), self.core.is_asked(), self.core.node())
    }

    fn error(&self) -> Option<Error> {
        self.core.error()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        if self.core.is_over() && !slot.is_used() {
            return Poll::Ready(());
        }
        slot.poll_in(|| self.erased().waits(), cx)
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        self.core.cancel(Location::caller())
    }

    fn label(&self) -> Option<&str> {
        Some(self.name())
    }
}

/// A task that is not done stops when it, or its context, was asked to.
fn state(is_done: &bool, is_asked: bool, node: &Node) -> State {
    if *is_done {
        State::Done
    } else if is_asked || node.verdict() != Verdict::Live {
        State::Stopping
    } else {
        State::Pending
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if let Some(outcome) = self.core.detach(std::mem::take(&mut self.kept)) {
            finish::discard(&self.core, outcome);
        }
    }
}

impl<T> fmt::Debug for Task<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = FutureStatus::state(self);
        f.debug_struct("Task")
            .field("path", &self.path())
            .field("state", &state)
            .finish()
    }
}

// ===== impl TaskId =====

impl TaskId {
    pub(crate) fn new(id: u64) -> TaskId {
        TaskId(id)
    }

    pub(crate) fn get(self) -> u64 {
        self.0
    }
}
