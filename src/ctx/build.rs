//! [`CtxBuilder`]: a context with wishes, which are known before it exists.

use std::{
    fmt, mem,
    panic::Location,
    time::{Duration, Instant},
};

use super::{
    Ctx, CtxGuard, deadline,
    extras::{Before, Deadline, Extras, SharedGroup},
    rare::Undo,
    tree::Node,
};
use crate::{Name, Runtime, report::Failure, runtime::deadline_after, sync::Arc};

/// A context about to be made: `ctx.build(name)`, wishes, [`start`](Self::start) or
/// [`guard`](Self::guard).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///
///     let request = sim
///         .ctx
///         .build("request")
///         .timeout(Duration::from_secs(5))
///         .value(String::from("ada"))
///         .start();
///     assert_eq!(request.remaining(), Some(Duration::from_secs(5)));
///     assert_eq!(*request.value::<String>().unwrap(), "ada");
///     assert!(request.done().await.is_timed_out());
///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(5));
/// });
/// ```
#[must_use = "no context is made until `start()` or `guard()` is called"]
pub struct CtxBuilder<R = crate::AnyRuntime> {
    parent: Ctx<R>,
    /// In their place from the start: they are large, and a builder is moved with each wish.
    extras: Box<Extras>,
    /// Registers the deadline; known where `R: Runtime` was.
    arm: Option<fn(&Arc<Node>, &R)>,
}

impl<R> CtxBuilder<R> {
    #[inline]
    pub(crate) fn new(parent: Ctx<R>, name: Name) -> Self {
        let mut extras = Box::<Extras>::default();
        extras.before.name = name;
        CtxBuilder {
            parent,
            extras,
            arm: None,
        }
    }

    /// The context that it is to be below.
    pub(crate) fn parent(&self) -> &Ctx<R> {
        &self.parent
    }

    /// Gives the context a value, which [`Ctx::value`] finds here and below.
    ///
    /// There is one value of each type in a context; a second one takes the place of the first. One
    /// further down hides it from what is below that, as with Go's `context.WithValue`.
    #[doc(alias = "WithValue")]
    pub fn value<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.extras.set_value(value);
        self
    }

    /// Has failures that nobody awaits told to `report`, here and below.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::sync::{Arc, Mutex};
    ///
    ///     let told = Arc::new(Mutex::new(Vec::new()));
    ///     let log = Arc::clone(&told);
    ///     let app = sim
    ///         .ctx
    ///         .build("app")
    ///         .reporter(move |failure| log.lock().unwrap().push(failure.to_string()))
    ///         .start();
    ///     drop(app.task("job").try_spawn(async { Err::<(), _>("broken") })); // nobody awaits it
    ///     sim.rt.settle().await;
    ///     let told = told.lock().unwrap();
    ///     assert!(told[0].contains("sim-->app-->job") && told[0].contains("broken"), "{told:?}");
    /// });
    /// ```
    pub fn reporter<F>(mut self, report: F) -> Self
    where
        F: Fn(&Failure<'_>) + Send + Sync + 'static,
    {
        self.extras.reporter = Some(Arc::new(report));
        self
    }

    /// Has the context end, with the same error, when `other` ends too.
    ///
    /// Neither holds the other; when the context ends first, `other` forgets it.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Ctx;
    ///
    /// let (app, conn) = (Ctx::root_on("app", ()), Ctx::root_on("conn", ()));
    /// let request = app.build("request").also_ends_with(&conn).start();
    /// conn.cancel_with("hung up");
    /// assert!(request.is_done() && !app.is_done());
    /// assert_eq!(request.error().unwrap().to_string(), "cancelled at conn by hung up");
    /// ```
    pub fn also_ends_with<R2>(mut self, other: &Ctx<R2>) -> Self {
        self.extras
            .before
            .also_ends_with
            .push(Arc::clone(other.node()));
        self
    }

    /// Has the tasks here and below counted by `group`.
    pub(crate) fn group(mut self, group: SharedGroup) -> Self {
        self.extras.group = Some(group);
        self
    }

    /// Has the context be one for cleaning up.
    pub(super) fn for_cleanup(mut self) -> Self {
        self.extras.is_cleanup = true;
        self
    }

    /// Makes the context.
    #[track_caller]
    #[inline]
    pub fn start(self) -> Ctx<R> {
        let (parent, rt) = self.parent.into_parts();
        let mut extras = self.extras;
        let Before {
            name,
            also_ends_with,
        } = mem::take(&mut extras.before);
        let node = Node::new(Some(parent), name, Location::caller(), Some(extras));
        if let Some(arm) = self.arm {
            arm(&node, &rt);
        }
        for other in also_ends_with {
            end_with(&node, &other);
        }
        Ctx::from_node(node, rt)
    }

    /// Makes the context and a guard that ends it.
    #[track_caller]
    pub fn guard(self) -> CtxGuard<R> {
        CtxGuard::new(self.start())
    }
}

impl<R: Runtime> CtxBuilder<R> {
    /// Ends the context `d` from now, with [`Error::TimedOut`](crate::Error::TimedOut).
    ///
    /// Zero gives a context that is done at once; durations beyond thirty years count as thirty
    /// years. The earlier deadline wins, this or an ancestor's.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let request = sim.ctx.build("request").timeout(Duration::from_secs(5)).start();
    ///     assert!(request.done().await.is_timed_out());
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(5));
    ///     assert!(sim.ctx.build("late").timeout(Duration::ZERO).start().is_done());
    /// });
    /// ```
    #[inline]
    pub fn timeout(self, d: Duration) -> Self {
        let at = deadline_after(self.parent.runtime().now(), d);
        self.with_deadline(Deadline::new(at, d))
    }

    /// Ends the context at `at` on the runtime's clock.
    ///
    /// An instant that has passed gives a context that is done at once. The earlier deadline wins,
    /// this or an ancestor's.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let at = sim.ctx.now() + Duration::from_secs(5);
    ///     let request = sim.ctx.build("request").deadline(at).start();
    ///     assert_eq!(request.deadline(), Some(at));
    ///     assert!(request.done().await.is_timed_out());
    ///     assert!(sim.ctx.build("late").deadline(at).start().is_done());
    /// });
    /// ```
    pub fn deadline(self, at: Instant) -> Self {
        let after = at.saturating_duration_since(self.parent.runtime().now());
        self.with_deadline(Deadline::new(at, after))
    }

    #[inline]
    fn with_deadline(mut self, deadline: Deadline) -> Self {
        self.extras.deadline = Some(deadline);
        self.arm = Some(deadline::arm::<R>);
        self
    }
}

/// Has `node` end when `other` does.
fn end_with(node: &Arc<Node>, other: &Arc<Node>) {
    let weak = Arc::downgrade(node);
    let end = move |error: &crate::Error| {
        if let Some(node) = weak.upgrade() {
            node.end(|| error.clone());
        }
    };
    let (mine, its) = match (node.link(), other.link()) {
        (Ok(mine), Ok(its)) => (mine, its),
        (_, Err(error)) => return end(error),
        (Err(_), _) => return,
    };
    match its.on_done(Box::new(end)) {
        Err(end) => {
            if let Some(error) = its.outcome() {
                end(error);
            }
        }
        Ok(id) => {
            let its = Arc::downgrade(its);
            let forget = move || drop(its.upgrade().map(|its| its.remove_on_done(id)));
            mine.add_undo(Undo(Box::new(forget)));
        }
    }
}

impl<R> fmt::Debug for CtxBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CtxBuilder")
            .field("name", &self.extras.before.name)
            .finish_non_exhaustive()
    }
}
