//! What runs in a node: counting it, listing it, and waiting until it is over.

use std::task::Waker;

use super::{
    super::{firing, rare::Loss},
    DONE, Live, Placed, Shared, WAITED,
};
use crate::{
    registry::Taken,
    status::{WaitList, Waiters},
    sync::{Arc, Ordering, lock, mutant},
    task::AnyTask,
};

/// How many tasks a node lists at most; a thousand million, whose places a slot can still tell.
/// Those beyond are ended when they would have to wait.
const MOST_TASKS: usize = (u32::MAX / 4) as usize;

/// Stands for every place that a slot cannot tell. A node has none: see [`MOST_TASKS`].
pub(crate) const FAR: u32 = u32::MAX;

/// Those who wait until nothing runs in a node itself.
pub(crate) struct IdleList<'a>(pub(crate) &'a Live);

impl WaitList for IdleList<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut shared = lock(&self.0.shared);
        // AcqRel: partner of the `fetch_add` in `depart`. One of the two sees the other: either
        // the last task sees WAITED and comes for the lock, or we see that it has ended.
        let ended = self.0.ended.fetch_or(WAITED, Ordering::AcqRel) & !WAITED;
        let is_idle = ended == self.0.spawned.load(Ordering::Acquire);
        let is_idle = is_idle && !mutant("idle_without_looking");
        visit(&mut shared.rare().idle_waiters, is_idle);
    }
}

impl Live {
    /// How long its lists of tasks, of children and of others are, empty places included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(crate) fn places(&self) -> [usize; 3] {
        let mut shared = lock(&self.shared);
        let (tasks, children) = (shared.tasks.places(), shared.children.places());
        let rare = shared.rare();
        let others = rare.callbacks.places() + rare.idle_waiters.places() + rare.undo.capacity();
        [tasks, children, others]
    }

    /// A task is on its way: it counts from here on.
    pub(crate) fn expect_task(&self) {
        self.spawned.fetch_add(1, Ordering::AcqRel);
    }

    /// Lists a task that was polled and goes on; false if the node has ended.
    ///
    /// What is spawned in the node of a holder is listed there: see invariant 5. The task's waker
    /// must be in its place already.
    pub(crate) fn enlist(&self, task: impl FnOnce() -> Arc<dyn AnyTask>) -> bool {
        if self.starts_group {
            return !self.verdict().is_done();
        }
        let task = task();
        let mut shared = lock(&self.shared);
        if self.state.load(Ordering::Relaxed) & DONE != 0 {
            drop(shared);
            return false;
        }
        if shared.tasks.len() > MOST_TASKS {
            drop(shared);
            return false;
        }
        shared.tasks.insert(task);
        true
    }

    /// Takes a listed task off.
    pub(crate) fn delist(&self, task: &dyn AnyTask) {
        if self.starts_group {
            return;
        }
        let mut shared = lock(&self.shared);
        let gone = shared
            .tasks
            .remove(task.slot().load(Ordering::Relaxed) as usize);
        drop(shared);
        drop(gone);
    }

    /// A task that was expected has ended.
    pub(crate) fn depart(&self, loss: Option<Loss>) {
        if let Some(loss) = loss {
            self.count(loss);
        }
        // AcqRel: partner of `IdleList::visit` and `is_idle`.
        let before = self.ended.fetch_add(1, Ordering::AcqRel);
        if before & WAITED != 0 && !mutant("depart_without_waking") {
            self.wake_if_idle((before & !WAITED) + 1);
        }
    }

    /// Relaxed: `depart` publishes it, and `counts` looks at `ended` first.
    fn count(&self, loss: Loss) {
        match loss {
            Loss::Cancelled => self.cancelled.fetch_add(1, Ordering::Relaxed),
            Loss::Failed(error) => {
                let mut shared = lock(&self.shared);
                let later = match &mut shared.rare().first_error {
                    Some(_) => Some(error),
                    none => none.replace(error),
                };
                drop(shared);
                drop(later); // user code: outside the lock
                self.failed.fetch_add(1, Ordering::Relaxed)
            }
        };
    }

    #[cold]
    fn wake_if_idle(&self, ended: u64) {
        if ended != self.spawned.load(Ordering::Acquire) {
            return; // whoever ends last comes here too
        }
        let idle = self.take_idle_waiters(&mut lock(&self.shared));
        firing::wake_all(idle);
    }

    pub(super) fn take_idle_waiters(&self, shared: &mut Shared) -> Taken<Waker> {
        self.ended.fetch_and(!WAITED, Ordering::AcqRel);
        shared.rare().idle_waiters.take()
    }
}

impl Placed for Arc<dyn AnyTask> {
    fn set_place(&self, place: usize) {
        let place = u32::try_from(place).unwrap_or(FAR);
        self.slot().store(place, Ordering::Relaxed);
    }
}
