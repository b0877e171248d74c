//! Which task the thread is polling: to refuse waits that could never end.

use std::cell::Cell;

use super::{TaskId, state::TaskCore};

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
thread_local! {
    static CURRENT: Cell<u64> = const { Cell::new(0) };
}

// The threads of a model are not those of the system.
#[cfg(any(windlass_loom, windlass_shuttle))]
crate::sync::thread_local! {
    static CURRENT: Cell<u64> = Cell::new(0);
}

/// Restores what was current before; polls may be nested (a `run` inside a task).
pub(super) struct Entered(u64);

pub(super) fn enter<T>(core: &TaskCore<T>) -> Entered {
    let id = core.id().get();
    // A thread on its way out polls nothing that could wait for itself.
    Entered(CURRENT.try_with(|current| current.replace(id)).unwrap_or(0))
}

impl Drop for Entered {
    fn drop(&mut self) {
        let _ = CURRENT.try_with(|current| current.set(self.0));
    }
}

/// The task whose future is being polled on this thread.
pub(crate) fn id() -> Option<TaskId> {
    let id = CURRENT.try_with(Cell::get).unwrap_or(0);
    (id != 0).then(|| TaskId::new(id))
}
