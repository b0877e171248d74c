//! [`Ctx`]: a place in a tree of work, which ends together with everything below it.

mod below;
mod build;
mod callbacks;
mod calls;
mod deadline;
pub(crate) mod ending;
pub(crate) mod extras;
mod finish;
pub(crate) mod firing;
mod futures;
mod guard;
pub(crate) mod live;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;
pub(crate) mod rare;
pub(crate) mod roll;
mod shutdown;
mod spawn;
mod timeout;
mod timing;
pub(crate) mod tree;

use std::{
    fmt,
    panic::Location,
    task::{Context, Poll},
};

pub use self::{
    build::CtxBuilder,
    callbacks::CallbackId,
    calls::CallHandle,
    finish::{Finished, Straggler},
    futures::{Done, RunUntilDone, Stopping},
    guard::{CtxGuard, WeakCtx},
    shutdown::{Shutdown, ShutdownPhase, ShutdownProgress},
    timeout::Timeout,
    timing::CtxSleep,
};
pub(crate) use self::{
    futures::{EndWatch, yield_once},
    timing::orphaned,
};
use self::{live::Verdict, tree::Node};
use crate::{
    AnyRuntime, BoxError, Error, FutureStatus, Name, Result, Runtime, State, TaskBuilder, WaitSlot,
    sync::Arc,
};

/// A handle on a node of a tree of work.
///
/// What runs in a context ends when the context ends; a context ends when it is ended, when its
/// parent ends, or when its last handle goes and nothing runs in it. Nothing goes upwards: a
/// failed or cancelled context leaves its parent alone.
///
/// Cloning a handle is cheap (two reference counts); dropping it does nothing while others hold
/// the node, while something runs in it, or while it has children.
///
/// `R` is the runtime that the handle carries: anything for a mere tree of cancellations, a
/// [`Spawner`](crate::Spawner) for tasks, a [`Timer`](crate::Timer) for time. `Ctx` alone means
/// `Ctx<AnyRuntime>`.
///
/// # Comparison with Go's context, trio and `CancellationToken`
///
/// The tree is that of Go's `context`: values and deadlines are seen downwards, and ends go
/// downwards. What Go lacks is from trio: the tree knows what runs in it, and can be waited for. A
/// `tokio_util::sync::CancellationToken` is enough where a flag is all that is wanted, without tasks,
/// deadlines and reasons; for work that always runs to its end, none of them is needed.
///
/// # Examples
///
/// ```
/// use windlass::Ctx;
///
/// let app = Ctx::root_on("app", ()); // a mere tree: it carries no runtime
/// let server = app.child("server");
/// let conn = server.child("conn");
/// assert_eq!(conn.path(), "app-->server-->conn");
///
/// assert!(server.cancel_with("maintenance"));
/// assert!(conn.is_done() && !app.is_done(), "downwards, never upwards");
/// let why = conn.error().unwrap().to_string();
/// assert_eq!(why, "cancelled at app-->server by maintenance");
/// ```
#[doc(alias = "CancellationToken")]
#[doc(alias = "CancelScope")]
#[doc(alias = "Context")]
pub struct Ctx<R = AnyRuntime> {
    node: Arc<Node>,
    rt: R,
}

impl Ctx {
    /// Starts a tree on `rt`, whose type is erased.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "embedded")] {
    /// use windlass::{BlockOn, Ctx, adapters::Embedded};
    ///
    /// let rt = Embedded::global();
    /// let app = Ctx::root("app", rt.clone());
    /// let task = app.spawn(async { 6 * 7 });
    /// assert_eq!(rt.block_on(task).unwrap().unwrap(), 42);
    /// # }
    /// ```
    #[track_caller]
    pub fn root(name: impl Into<Name>, rt: impl Runtime) -> Ctx {
        Ctx::root_on(name, AnyRuntime::new(rt))
    }
}

impl<R: Clone> Ctx<R> {
    /// Starts a tree on `rt` and keeps its type: nothing is boxed.
    #[track_caller]
    pub fn root_on(name: impl Into<Name>, rt: R) -> Ctx<R> {
        Ctx::from_node(Node::new(None, name.into(), Location::caller(), None), rt)
    }

    /// Makes a context below this one. On a done context the child is born done.
    ///
    /// It costs one allocation and takes no lock.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Ctx;
    ///
    /// let app = Ctx::root_on("app", ());
    /// app.cancel();
    /// assert!(app.child("late").is_done());
    /// ```
    #[track_caller]
    pub fn child(&self, name: impl Into<Name>) -> Ctx<R> {
        let parent = Some(Arc::clone(&self.node));
        let node = Node::new(parent, name.into(), Location::caller(), None);
        Ctx::from_node(node, self.rt.clone())
    }

    /// Begins a context below this one that has a deadline, values or other wishes.
    #[track_caller]
    #[inline]
    pub fn build(&self, name: impl Into<Name>) -> CtxBuilder<R> {
        CtxBuilder::new(self.clone(), name.into())
    }

    /// Makes a guard of this handle: when that is dropped, the context ends.
    ///
    /// It ends like a cancellation, with the reason that its guard was dropped. What runs there is
    /// not waited for; [`cancel_and_wait`](Self::cancel_and_wait) does that.
    pub fn guard(self) -> CtxGuard<R> {
        CtxGuard::new(self)
    }

    /// Makes a handle that does not keep the context from ending.
    ///
    /// A context ends when its last handle goes and nothing runs in it.
    pub fn downgrade(&self) -> WeakCtx<R> {
        WeakCtx::new(self)
    }

    /// Returns the same node, on another runtime.
    ///
    /// Sleeps, timeouts and tickers go by the clock of the handle they are made with. For deadlines
    /// a tree has one clock, that of the runtime which the first of those that are pending was set
    /// on; so runtimes that set deadlines in one tree must tell the same time. The adapters do, also
    /// beside each other; a simulated clock does not. What needs a deadline on another clock is made
    /// a root there that [also ends](CtxBuilder::also_ends_with) with this one.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::testing::SimRuntime;
    ///
    ///     let here = sim.ctx.child("work");
    ///     let elsewhere = here.on(SimRuntime::new()); // another clock, other threads
    ///     assert_eq!(elsewhere.path(), here.path());
    ///     here.cancel();
    ///     assert!(elsewhere.is_done());
    /// });
    /// ```
    pub fn on<R2>(&self, rt: R2) -> Ctx<R2> {
        Ctx::from_node(Arc::clone(&self.node), rt)
    }

    /// Begins a task with a name and other wishes.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let task = sim.ctx.task("accept").spawn(async {});
    ///     assert_eq!((task.name(), task.path().as_str()), ("accept", "sim-->accept"));
    ///     task.await.unwrap();
    /// });
    /// ```
    pub fn task(&self, name: impl Into<Name>) -> TaskBuilder<R> {
        TaskBuilder::new(self.clone(), name.into())
    }

    /// Returns the runtime that this handle carries.
    pub fn runtime(&self) -> &R {
        &self.rt
    }
}

impl<R> Ctx<R> {
    pub(crate) fn from_node(node: Arc<Node>, rt: R) -> Self {
        Ctx { node, rt }
    }

    pub(crate) fn into_parts(self) -> (Arc<Node>, R) {
        (self.node, self.rt)
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    // ===== asking and ending =====

    /// Asks everything below to stop. True if this call was the first to ask.
    ///
    /// Nothing ends: in the whole subtree [`is_stopping`](Self::is_stopping) is true from now on
    /// and [`stopping`](Self::stopping) resolves, while timers, children and spawns still work.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Ctx;
    ///
    /// let app = Ctx::root_on("app", ());
    /// let conn = app.child("conn");
    /// assert!(app.stop());
    /// assert!(conn.is_stopping() && !conn.is_done());
    /// assert!(!app.stop(), "asked before");
    /// ```
    pub fn stop(&self) -> bool {
        self.node.stop()
    }

    /// Says whether the context was asked to stop, or has ended.
    pub fn is_stopping(&self) -> bool {
        self.node.verdict() != Verdict::Live
    }

    /// Ends the context and everything below. True if this call did it.
    ///
    /// When it returns true, every descendant context is done and every task below has been asked
    /// to stop. If the context has ended before, nothing changes.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Ctx;
    ///
    /// let app = Ctx::root_on("app", ());
    /// assert!(app.cancel());
    /// assert!(!app.cancel(), "the first one wins");
    /// assert!(app.is_cancelled());
    /// ```
    #[track_caller]
    pub fn cancel(&self) -> bool {
        let caller = Location::caller();
        self.node.end(|| self.node.cancelled(None, caller, None))
    }

    /// Ends the context like [`cancel`](Self::cancel) and says why.
    ///
    /// The reason is read back with [`Cancelled::reason`](crate::Cancelled::reason), and is in the
    /// text of the error, together with the path of this context; where the call was made is its
    /// [`location`](crate::Cancelled::location).
    #[track_caller]
    pub fn cancel_with(&self, reason: impl Into<Name>) -> bool {
        let caller = Location::caller();
        self.node
            .end(|| self.node.cancelled(Some(reason.into()), caller, None))
    }

    /// Ends the context with an error of the user's. True if this call did it.
    ///
    /// Everything below ends with the same error: contexts report it, and tasks are cancelled with
    /// it as the cause. If the error has one of ours in its chain, the context ends with that one:
    /// so a context that is failed with the cancellation of another is cancelled. If the context
    /// has ended before, the error is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use windlass::Ctx;
    ///
    /// let app = Ctx::root_on("app", ());
    /// assert!(app.fail(io::Error::from(io::ErrorKind::BrokenPipe)));
    /// assert!(!app.is_cancelled());
    /// assert!(app.error().unwrap().is::<io::Error>());
    /// ```
    pub fn fail(&self, error: impl Into<BoxError>) -> bool {
        self.node.end(|| Error::failed(error))
    }

    /// Says whether the context has ended. Takes no lock.
    #[inline]
    pub fn is_done(&self) -> bool {
        self.node.is_done()
    }

    /// Says whether the context ended by cancellation, and not by a failure or a deadline.
    pub fn is_cancelled(&self) -> bool {
        self.error().is_some_and(|error| error.is_cancelled())
    }

    /// Says why the context has ended; `None` while it has not. Once there, it never changes.
    pub fn error(&self) -> Option<Error> {
        self.node.outcome()
    }

    /// Returns `Ok` while the context goes on; for `ctx.check()?` between two steps of work.
    ///
    /// # Errors
    ///
    /// The error that the context ended with.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::{Ctx, Result};
    ///
    /// fn sum(ctx: &Ctx<()>, numbers: &[u32]) -> Result<u32> {
    ///     let mut sum = 0;
    ///     for n in numbers {
    ///         ctx.check()?;
    ///         sum += n;
    ///     }
    ///     Ok(sum)
    /// }
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// assert_eq!(sum(&ctx, &[1, 2]).unwrap(), 3);
    /// ctx.cancel();
    /// assert!(sum(&ctx, &[1, 2]).unwrap_err().is_cancelled());
    /// ```
    pub fn check(&self) -> Result<()> {
        self.error().map_or(Ok(()), Err)
    }

    // ===== names =====

    /// Returns the name of this node.
    pub fn name(&self) -> &str {
        self.node.name()
    }

    /// Returns the names from the root down to here: `app-->server-->conn`.
    pub fn path(&self) -> String {
        self.node.path()
    }

    /// Says how many contexts are above; 0 for a root.
    pub fn depth(&self) -> usize {
        self.node.path_up().count() - 1
    }

    /// Returns the value of type `T` of the nearest context, from here upwards, that was built with
    /// one.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Ctx;
    ///
    /// #[derive(Debug, PartialEq)]
    /// struct User(&'static str);
    ///
    /// let app = Ctx::root_on("app", ());
    /// let request = app.build("request").value(User("ada")).start();
    /// assert_eq!(*request.child("query").value::<User>().unwrap(), User("ada"));
    /// assert!(app.value::<User>().is_none(), "values are seen downwards");
    /// ```
    pub fn value<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.node.path_up().find_map(|node| node.extras()?.value())
    }
}

impl<R> FutureStatus for Ctx<R> {
    fn stays_done(&self) -> bool {
        true
    }

    fn state(&self) -> State {
        match self.node.verdict() {
            Verdict::Live => State::Pending,
            Verdict::Stopping => State::Stopping,
            Verdict::Done => State::Done,
        }
    }

    fn error(&self) -> Option<Error> {
        self.node.outcome()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        match self.node.link() {
            Ok(live) => slot.poll_in(|| Arc::<live::Live>::clone(live), cx),
            Err(_) => Poll::Ready(()),
        }
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        Ctx::cancel(self)
    }

    fn label(&self) -> Option<&str> {
        Some(self.name())
    }
}

impl<R: Clone> Clone for Ctx<R> {
    fn clone(&self) -> Self {
        Ctx {
            node: Arc::clone(&self.node),
            rt: self.rt.clone(),
        }
    }
}

impl<R> fmt::Debug for Ctx<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = FutureStatus::state(self);
        f.debug_struct("Ctx")
            .field("path", &self.path())
            .field("state", &state)
            .finish()
    }
}
