//! The tasks of the simulated runtime: one cell each, which is also the task's waker.
//!
//! # States
//!
//! | body | set by | meaning |
//! |---|---|---|
//! | `Idle` | `new`, `put_back` | the future is here, between two polls |
//! | `Away` | `local`, `put_back` | it is in the arena of its thread, between two polls |
//! | `Running` | `take` | the driver holds the future |
//! | `Main` | `main` | it is the future given to `block_on`, on the driver's stack |
//! | `Gone` | `retire` | finished or dropped; for ever |
//!
//! # Invariants
//!
//! 1. The future is polled and dropped outside the lock of its cell.
//! 2. `queued` is true while the cell is in the ready queue or set aside, so it is there once at
//!    the most. A cell that is `Gone` does nothing when its turn comes.

use std::{
    future::Future,
    panic::Location,
    pin::Pin,
    sync::Weak,
    task::{Context, Poll, Wake},
    thread::{self, ThreadId},
};

use super::{
    arena::{self, LocalFuture},
    core::Core,
};
use crate::{
    sync::{Arc, AtomicBool, Mutex, OnceLock, Ordering, lock},
    task::AnyTask,
};

pub(super) type SendFuture = Pin<Box<dyn Future<Output = ()> + Send>>;

pub(super) struct Cell {
    pub(super) id: u64,
    pub(super) spawned_at: &'static Location<'static>,
    /// Weak, because the core holds the cells.
    core: Weak<Core>,
    /// The task of a context that runs in it: learnt when that first waits.
    task: OnceLock<Weak<dyn AnyTask>>,
    queued: AtomicBool,
    body: Mutex<Body>,
}

enum Body {
    Idle(SendFuture),
    Away(ThreadId),
    Running,
    Main,
    Gone,
}

/// A future while the driver holds it.
pub(super) enum Held {
    Sent(SendFuture),
    Local(LocalFuture),
}

/// What [`Cell::take`] found.
pub(super) enum Found {
    Future(Held),
    /// It lives on another thread.
    Elsewhere,
    Nothing,
}

// ===== impl Cell =====

impl Cell {
    pub(super) fn sent(
        core: &Arc<Core>,
        id: u64,
        at: &'static Location<'static>,
        f: SendFuture,
    ) -> Self {
        Self::with(core, id, at, Body::Idle(f))
    }

    /// A task of this thread; its future goes into the arena.
    pub(super) fn local(core: &Arc<Core>, id: u64, at: &'static Location<'static>) -> Self {
        Self::with(core, id, at, Body::Away(thread::current().id()))
    }

    pub(super) fn main(core: &Arc<Core>, id: u64, at: &'static Location<'static>) -> Self {
        Self::with(core, id, at, Body::Main)
    }

    fn with(core: &Arc<Core>, id: u64, spawned_at: &'static Location<'static>, body: Body) -> Self {
        Cell {
            id,
            spawned_at,
            core: Arc::downgrade(core),
            task: OnceLock::new(),
            queued: AtomicBool::new(false),
            body: Mutex::new(body),
        }
    }

    /// Lets wakes queue the cell again; called right before a poll, so that none is lost in it.
    pub(super) fn begin_poll(&self) {
        // Pairs with the swap in `wake_by_ref`: a wake that finds `true` came before this, and the
        // poll that follows sees what it announces.
        self.queued.swap(false, Ordering::AcqRel);
    }

    /// Takes the future out for a poll.
    pub(super) fn take(&self, core: &Core) -> Found {
        let mut body = lock(&self.body);
        match &*body {
            Body::Idle(_) => match std::mem::replace(&mut *body, Body::Running) {
                Body::Idle(future) => Found::Future(Held::Sent(future)),
                _ => Found::Nothing,
            },
            Body::Away(thread) if *thread == thread::current().id() => {
                *body = Body::Running;
                arena::take(core, self.id).map_or(Found::Nothing, |f| Found::Future(Held::Local(f)))
            }
            Body::Away(_) => Found::Elsewhere,
            Body::Running | Body::Main | Body::Gone => Found::Nothing,
        }
    }

    /// Puts the future back after a poll; gives it back to be dropped if the task is gone.
    pub(super) fn put_back(&self, core: &Arc<Core>, held: Held) -> Option<Held> {
        let mut body = lock(&self.body);
        if !matches!(*body, Body::Running) {
            return Some(held);
        }
        match held {
            Held::Sent(future) => {
                *body = Body::Idle(future);
                None
            }
            Held::Local(future) => {
                *body = Body::Away(thread::current().id());
                arena::put(core, self.id, future).map(Held::Local)
            }
        }
    }

    /// Marks the task as gone, and takes its future if it is here.
    pub(super) fn retire(&self, core: &Core) -> Option<Held> {
        // Spares late wakes the way into the queue; it orders nothing.
        self.queued.store(true, Ordering::Relaxed);
        match std::mem::replace(&mut *lock(&self.body), Body::Gone) {
            Body::Idle(future) => Some(Held::Sent(future)),
            Body::Away(thread) if thread == thread::current().id() => {
                arena::take(core, self.id).map(Held::Local)
            }
            Body::Away(_) | Body::Running | Body::Main | Body::Gone => None,
        }
    }

    /// Says which task of a context runs here; the first one stands.
    pub(super) fn set_task(&self, task: &Arc<dyn AnyTask>) {
        let _ = self.task.set(Arc::downgrade(task));
    }

    /// The task of a context that runs here, if one does.
    pub(super) fn task(&self) -> Option<Arc<dyn AnyTask>> {
        self.task.get()?.upgrade()
    }

    /// Whether it lives on another thread than this one.
    pub(super) fn is_elsewhere(&self) -> bool {
        matches!(&*lock(&self.body), Body::Away(thread) if *thread != thread::current().id())
    }
}

impl Wake for Cell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        if let Some(core) = self.core.upgrade() {
            core.enqueue(Arc::clone(self));
        }
    }
}

// ===== impl Held =====

impl Held {
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Held::Sent(future) => future.as_mut().poll(cx),
            Held::Local(future) => future.as_mut().poll(cx),
        }
    }
}
