//! The least that a tree of contexts can be: nodes that end together and wake what waits in them.
//! No errors, no panic guards, no counts, no callbacks.

use std::{
    borrow::Cow,
    future::Future,
    panic::Location,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, Weak,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use pin_project::{pin_project, pinned_drop};

use super::{BareTask, lock, place};

// ===== a chain =====

/// A node that knows its parent and nothing else, and goes without recursion.
pub(crate) struct BareLink {
    parent: Option<Arc<BareLink>>,
    _name: Cow<'static, str>,
    _created_at: &'static Location<'static>,
    ended: OnceLock<()>,
}

impl BareLink {
    #[track_caller]
    pub(crate) fn new(parent: Option<&Arc<BareLink>>) -> Arc<Self> {
        Arc::new(BareLink {
            parent: parent.cloned(),
            _name: Cow::Borrowed("node"),
            _created_at: Location::caller(),
            ended: OnceLock::new(),
        })
    }

    pub(crate) fn end(&self) {
        let _ = self.ended.set(());
    }
}

impl Drop for BareLink {
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(mut link) = next.and_then(Arc::into_inner) {
            next = link.parent.take();
        }
    }
}

// ===== a tree that wakes what waits in it =====

/// A node that is known to its parent, with the wakers of its tasks.
pub(crate) struct BareNode {
    parent: Option<Arc<BareNode>>,
    ended: AtomicBool,
    place: AtomicUsize,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    children: Vec<Option<Weak<BareNode>>>,
    tasks: Vec<Option<Waker>>,
}

impl BareNode {
    pub(crate) fn new(parent: Option<&Arc<BareNode>>) -> Arc<Self> {
        let node = Arc::new(BareNode {
            parent: parent.cloned(),
            ended: AtomicBool::new(false),
            place: AtomicUsize::new(0),
            inner: Mutex::default(),
        });
        if let Some(parent) = parent {
            let mut inner = lock(&parent.inner);
            node.place.store(inner.children.len(), Ordering::Relaxed);
            inner.children.push(Some(Arc::downgrade(&node)));
        }
        node
    }

    /// Marks all nodes, then wakes all tasks.
    pub(crate) fn end(&self) {
        let mut unvisited = self.mark();
        let mut wakers = Vec::new();
        while let Some(node) = unvisited.0.pop() {
            let (children, mut tasks) = node.mark();
            unvisited.0.extend(children);
            wakers.append(&mut tasks);
        }
        wakers.append(&mut unvisited.1);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn mark(&self) -> (Vec<Arc<BareNode>>, Vec<Waker>) {
        let mut inner = lock(&self.inner);
        self.ended.store(true, Ordering::Release);
        let known = inner.children.iter().flatten();
        let children = known.filter_map(Weak::upgrade).collect();
        let wakers = inner.tasks.iter_mut().filter_map(Option::take).collect();
        (children, wakers)
    }

    /// Spawns on tokio, in this node, with a handle.
    pub(crate) fn spawn<F>(self: &Arc<Self>, future: F) -> BareTask<Option<F::Output>>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (place, handle) = place();
        let listed = self.listed(future);
        tokio::spawn(async move { place.fill(listed.await) });
        handle
    }

    /// `future` until the node ends.
    pub(crate) fn listed<F: Future>(
        self: &Arc<Self>,
        future: F,
    ) -> impl Future<Output = Option<F::Output>> + use<F> {
        BareListed {
            future: Some(future),
            node: Arc::clone(self),
            at: None,
        }
    }
}

impl Drop for BareNode {
    fn drop(&mut self) {
        let Some(parent) = &self.parent else { return };
        let mut inner = lock(&parent.inner);
        let at = self.place.load(Ordering::Relaxed);
        let gone = inner.children.get_mut(at).and_then(Option::take);
        drop(inner);
        drop(gone);
    }
}

/// A future that is dropped when its node ends; listed there while it is pending.
#[pin_project(PinnedDrop)]
struct BareListed<F> {
    #[pin]
    future: Option<F>,
    node: Arc<BareNode>,
    at: Option<usize>,
}

impl<F: Future> Future for BareListed<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut this = self.project();
        let polled = match this.future.as_mut().as_pin_mut() {
            Some(future) => future.poll(cx).map(Some),
            None => return Poll::Pending, // it has ended
        };
        if let Poll::Ready(value) = polled {
            return Poll::Ready(value); // the drop takes it off
        }
        if this.node.ended.load(Ordering::Acquire) {
            this.future.set(None);
            return Poll::Ready(None);
        }
        if this.at.is_none() {
            let waker = Some(cx.waker().clone());
            let mut inner = lock(&this.node.inner);
            *this.at = Some(inner.tasks.len());
            inner.tasks.push(waker);
            if this.node.ended.load(Ordering::Relaxed) {
                cx.waker().wake_by_ref();
            }
        }
        Poll::Pending // the future will wake us, or the end of the node
    }
}

#[pinned_drop]
impl<F> PinnedDrop for BareListed<F> {
    fn drop(self: Pin<&mut Self>) {
        let Some(at) = self.at else { return };
        let mut inner = lock(&self.node.inner);
        let waker = inner.tasks.get_mut(at).and_then(Option::take);
        while inner.tasks.last().is_some_and(Option::is_none) {
            inner.tasks.pop();
        }
        drop(inner);
        drop(waker);
    }
}
