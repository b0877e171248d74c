//! [`CtxGuard`], which ends its context, and [`WeakCtx`], which does not hold it.

use std::{
    fmt,
    task::{Context, Poll},
};

use super::{Ctx, tree::Node};
use crate::{
    AnyRuntime, Error, FutureStatus, State, WaitSlot,
    sync::{Arc, Weak},
};

/// Ends its context when dropped.
///
/// It is not a handle to pass around: it is not `Clone`, and [`ctx`](Self::ctx) gives the handle.
///
/// # Examples
///
/// ```
/// use windlass::Ctx;
///
/// let app = Ctx::root_on("app", ());
/// let guard = app.child("session").guard();
/// let session = guard.ctx().clone();
/// drop(guard);
/// assert!(session.is_cancelled());
///
/// let kept = app.child("session").guard().disarm();
/// assert!(!kept.is_done());
/// ```
#[must_use = "dropping the guard ends the context and everything in it; keep it, or `disarm()` it"]
pub struct CtxGuard<R = AnyRuntime> {
    ctx: Ctx<R>,
    end: EndOnDrop,
}

/// The part of a guard that ends the node; empty once it is disarmed.
struct EndOnDrop(Option<Arc<Node>>);

impl<R> CtxGuard<R> {
    pub(super) fn new(ctx: Ctx<R>) -> Self {
        let end = EndOnDrop(Some(Arc::clone(ctx.node())));
        CtxGuard { ctx, end }
    }

    /// Returns the context that is guarded.
    pub fn ctx(&self) -> &Ctx<R> {
        &self.ctx
    }

    /// Gives the handle back and ends nothing.
    pub fn disarm(self) -> Ctx<R> {
        let CtxGuard { ctx, mut end } = self;
        end.0 = None;
        ctx
    }
}

impl Drop for EndOnDrop {
    fn drop(&mut self) {
        if let Some(node) = self.0.take() {
            let reason = Some("its guard was dropped".into());
            node.end(|| node.cancelled(reason, node.created_at(), None));
        }
    }
}

impl<R> FutureStatus for CtxGuard<R> {
    fn stays_done(&self) -> bool {
        true
    }

    fn state(&self) -> State {
        self.ctx.state()
    }

    fn error(&self) -> Option<Error> {
        self.ctx.error()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        self.ctx.poll_done(slot, cx)
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        self.ctx.cancel()
    }

    fn label(&self) -> Option<&str> {
        self.ctx.label()
    }
}

impl<R> fmt::Debug for CtxGuard<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CtxGuard").field(&self.ctx).finish()
    }
}

/// A handle that does not keep its context from ending.
///
/// # Examples
///
/// ```
/// use windlass::Ctx;
///
/// let ctx = Ctx::root_on("cache", ());
/// let weak = ctx.downgrade();
/// assert_eq!(weak.upgrade().unwrap().name(), "cache");
/// drop(ctx);
/// assert!(weak.upgrade().is_none());
/// ```
pub struct WeakCtx<R = AnyRuntime> {
    node: Weak<Node>,
    rt: R,
}

impl<R: Clone> WeakCtx<R> {
    pub(super) fn new(ctx: &Ctx<R>) -> Self {
        WeakCtx {
            node: Arc::downgrade(ctx.node()),
            rt: ctx.runtime().clone(),
        }
    }

    /// Makes a handle again; `None` once the last handle has gone and nothing runs there.
    pub fn upgrade(&self) -> Option<Ctx<R>> {
        Some(Ctx::from_node(self.node.upgrade()?, self.rt.clone()))
    }
}

impl<R: Clone> Clone for WeakCtx<R> {
    fn clone(&self) -> Self {
        WeakCtx {
            node: Weak::clone(&self.node),
            rt: self.rt.clone(),
        }
    }
}

impl<R> fmt::Debug for WeakCtx<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.node.upgrade().map(|node| node.path());
        f.debug_struct("WeakCtx").field("path", &path).finish()
    }
}
