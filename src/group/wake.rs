//! How a member of a group is woken: by its [`Signal`], or by itself while it is polled ([`Polling`]).

use std::cell::Cell;

use futures::task::{ArcWake, AtomicWaker};

use crate::{
    report::isolate,
    sync::{Arc, AtomicBool, Mutex, Ordering, lock},
};

/// The lanes that were woken since the group has looked.
#[derive(Default)]
pub(super) struct Woken {
    /// Set with the first index that is pushed (Release), cleared by the group with the lock, when it
    /// takes them; without the lock it looks here (Acquire).
    pub(super) has_any: AtomicBool,
    pub(super) lanes: Mutex<Vec<usize>>,
    pub(super) parent: AtomicWaker,
}

/// The waker of a lane.
pub(super) struct Signal {
    woken: Arc<Woken>,
    lane: usize,
    /// Set by whoever pushes the index (AcqRel), cleared by the group (Release) when it takes it.
    pub(super) is_woken: AtomicBool,
}

thread_local! {
    /// The address of the signal of the lane that this thread polls; 0 for none. The lowest bit, which
    /// no address has, says that it was woken meanwhile.
    static POLLED: Cell<usize> = const { Cell::new(0) };
}

/// Puts back, when dropped, what was polled before: groups may lie in members of groups.
pub(super) struct Polling(usize);

impl Polling {
    #[inline]
    pub(super) fn lane(signal: &Arc<Signal>) -> Self {
        Polling(POLLED.replace(Arc::as_ptr(signal) as usize))
    }

    /// Whether the lane was woken from this thread since.
    #[inline]
    pub(super) fn was_woken(&self) -> bool {
        POLLED.get() & 1 == 1
    }
}

impl Drop for Polling {
    #[inline]
    fn drop(&mut self) {
        POLLED.set(self.0);
    }
}

/// Notes the wake of a lane that this thread polls.
fn note(signal: &Arc<Signal>) -> bool {
    let noted = POLLED.try_with(|polled| {
        let address = polled.get() & !1;
        let is_polled = address == Arc::as_ptr(signal) as usize;
        if is_polled {
            polled.set(address | 1);
        }
        is_polled
    });
    noted.unwrap_or(false) // the thread ends: nothing is polled on it
}

impl Signal {
    pub(super) fn new(woken: &Arc<Woken>, lane: usize) -> Arc<Self> {
        Arc::new(Signal {
            woken: Arc::clone(woken),
            lane,
            is_woken: AtomicBool::new(false),
        })
    }
}

impl ArcWake for Signal {
    fn wake_by_ref(this: &Arc<Self>) {
        if note(this) {
            return;
        }
        if this.is_woken.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut lanes = lock(&this.woken.lanes);
        let is_first = lanes.is_empty();
        lanes.push(this.lane);
        if is_first {
            this.woken.has_any.store(true, Ordering::Release);
        }
        drop(lanes);
        if is_first {
            isolate("a waker", || this.woken.parent.wake());
        }
    }
}
