//! Which task the thread is polling: to refuse waits that could never end.

use std::cell::Cell;

use super::{TaskId, state::TaskCore};
use crate::{
    ctx::{live::Live, tree::Node},
    sync::Arc,
};

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
thread_local! {
    static CURRENT: Cell<Current> = const { Cell::new(Current::NONE) };
}

// The threads of a model are not those of the system.
#[cfg(any(windlass_loom, windlass_shuttle))]
crate::sync::thread_local! {
    static CURRENT: Cell<Current> = Cell::new(Current::NONE);
}

/// A task that is being polled on this thread.
#[derive(Clone, Copy)]
pub(crate) struct Current {
    id: u64,
    /// Where the linked half of its node is, which the task keeps in place.
    live: usize,
}

impl Current {
    const NONE: Current = Current { id: 0, live: 0 };

    fn of<T>(core: &TaskCore<T>) -> Current {
        Current {
            id: core.id().get(),
            live: core.node().live().map_or(0, address),
        }
    }

    pub(crate) fn id(self) -> TaskId {
        TaskId::new(self.id)
    }

    /// Whether it runs in this very node.
    pub(crate) fn runs_in(self, live: &Arc<Live>) -> bool {
        self.live == address(live)
    }
}

fn address(live: &Arc<Live>) -> usize {
    Arc::as_ptr(live).addr()
}

/// Restores what was current before; polls may be nested (a `run` inside a task).
pub(super) struct Entered(Current);

pub(super) fn enter<T>(core: &TaskCore<T>) -> Entered {
    enter_as(Current::of(core))
}

/// Enters a task that has no record yet.
pub(super) fn enter_light(id: u64, node: &Node) -> Entered {
    let live = node.live().map_or(0, address);
    enter_as(Current { id, live })
}

fn enter_as(inner: Current) -> Entered {
    // A thread on its way out polls nothing that could wait for itself.
    let outer = CURRENT.try_with(|current| current.replace(inner));
    Entered(outer.unwrap_or(Current::NONE))
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.0));
    }
}

/// The task whose future is being polled on this thread.
pub(crate) fn get() -> Option<Current> {
    let current = CURRENT.try_with(Cell::get).unwrap_or(Current::NONE);
    (current.id != 0).then_some(current)
}
