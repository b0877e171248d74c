//! How a scope polls its body and its tasks, and how these call the body.
//!
//! # Invariants
//!
//! 1. The body is polled with the waker of the scope. A handle that only the body has polled, with
//!    that very waker, notes the body in its slot, and no clone of the waker.
//! 2. A task whose slot notes the body *calls* it when it is over, and the scope polls the body
//!    again before it returns, unless that is over: tasks end while the scope is polled, or with it.
//! 3. Only the body adds tasks.

use std::{
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, RawWakerVTable, Waker, ready},
};

use super::{InPlaceScope, task::Member};
use crate::{
    BoxError, Error, Result,
    ctx::{EndWatch, tree::Node},
    error::Panicked,
    group::Group,
    report::isolate,
    sync::Arc,
};

/// So often the body is polled in one poll of the scope; then the executor goes on.
const ROUNDS: usize = 128;

/// What the scope and its tasks share, without atomics.
pub(super) struct Place {
    /// Where in the tree the tasks are.
    pub(super) node: Arc<Node>,
    /// What the body is polled with, while it is.
    waker: Cell<Option<Identity>>,
    /// Whether a task has called the body (invariant 2).
    pub(super) is_body_called: Cell<bool>,
}

/// What tells a waker from others while it lives.
type Identity = (*const (), &'static RawWakerVTable);

/// A scope that is polled.
pub(super) struct Nursery<'a, 'env, B, T> {
    scope: &'a InPlaceScope<'env>,
    body: Pin<&'a mut Option<B>>,
    members: Group<Member<'env>>,
    watch: EndWatch,
    outcome: Option<Result<T>>,
}

// ===== polling =====

impl<'a, 'env, B, T> Nursery<'a, 'env, B, T> {
    pub(super) fn new(
        scope: &'a InPlaceScope<'env>,
        body: Pin<&'a mut Option<B>>,
        node: &Arc<Node>,
    ) -> Self {
        Nursery {
            scope,
            body,
            members: Group::new(),
            watch: EndWatch::new(node),
            outcome: None,
        }
    }

    /// What came of it; drops the members that are left, and the body.
    pub(super) fn into_outcome(mut self) -> Result<T> {
        drop(self.members);
        isolate("the destructor of a scope's body", || self.body.set(None));
        match self.outcome {
            Some(outcome) => outcome,
            None => unreachable!("the scope goes on until there is an outcome"),
        }
    }
}

impl<B, T, E> Nursery<'_, '_, B, T>
where
    B: Future<Output = Result<T, E>>,
    E: Into<BoxError> + 'static,
{
    /// Ready once there is an outcome, and nobody left to wait for.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !ready!(self.watch.poll_start(cx)) {
            return self.end();
        }
        for _ in 0..ROUNDS {
            if self.poll_body(cx).is_ready() {
                return Poll::Ready(());
            }
            let polled = self.poll_members(cx);
            if polled.is_ready() && self.outcome.is_some() {
                return Poll::Ready(());
            }
            if !self.is_body_next() {
                // The body, a member, or the end of the context will wake us.
                ready!(self.watch.poll_end(cx));
                return self.end();
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The context has ended.
    fn end(&mut self) -> Poll<()> {
        self.outcome = Some(Err(self.watch.error()));
        Poll::Ready(())
    }

    /// Polls the body, unless it is over; ready if nobody is to be waited for.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outcome.is_some() {
            return Poll::Pending;
        }
        let Some(body) = self.body.as_mut().as_pin_mut() else {
            return Poll::Pending; // not reached: it is there as long as the scope is polled
        };
        self.outcome = match self.scope.place.poll(body, cx) {
            Poll::Ready(Ok(returned)) => Some(returned.map_err(Error::from_user)),
            Poll::Ready(Err(payload)) => Some(Err(Error::Panicked(Panicked::new(payload)))),
            Poll::Pending if self.watch.node().is_done() => Some(Err(self.watch.error())),
            Poll::Pending => None,
        };
        match self.outcome {
            Some(Err(_)) => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }

    /// Polls those that were woken, until none is or the body is next; ready if there are none.
    fn poll_members(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.members
            .line()
            .append(&mut self.scope.fresh.borrow_mut());
        loop {
            if ready!(self.members.poll_next(cx)).is_none() {
                return Poll::Ready(());
            }
            if self.is_body_next() {
                return Poll::Pending;
            }
        }
    }

    /// Whether the body was called, and those who were in line before have had their turns. One that
    /// is over is called in vain.
    fn is_body_next(&mut self) -> bool {
        let is_called = self.outcome.is_none() && self.scope.place.is_body_called.get();
        is_called && self.members.line().is_idle()
    }
}

// ===== the body's waker =====

impl Place {
    pub(super) fn new(node: &Arc<Node>) -> Self {
        Place {
            node: Arc::clone(node),
            waker: Cell::new(None),
            is_body_called: Cell::new(false),
        }
    }

    /// Polls the body, of which `cx` is that of the scope.
    fn poll<F: Future>(
        &self,
        body: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<std::thread::Result<F::Output>> {
        self.is_body_called.set(false);
        self.waker.set(Some(identity(cx.waker())));
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll(cx)));
        self.waker.set(None);
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }

    /// Whether `waker` is the one that the body is polled with now.
    pub(super) fn is_bodys(&self, waker: &Waker) -> bool {
        self.waker.get() == Some(identity(waker))
    }
}

fn identity(waker: &Waker) -> Identity {
    (waker.data(), waker.vtable())
}
