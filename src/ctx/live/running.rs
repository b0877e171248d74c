//! What runs in a node: counting it, listing it, and waiting until it is over.

use super::{super::firing, DONE, Live, WAITED, give_back, grow};
use crate::{
    Error,
    status::{WaitList, Waiters},
    sync::{Arc, Ordering, lock, mutant},
    task::AnyTask,
};

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
    /// A task is on its way: it counts from here on.
    pub(crate) fn expect_task(&self) {
        self.spawned.fetch_add(1, Ordering::AcqRel);
    }

    /// Lists a task that was polled and goes on; false if the node has ended.
    pub(crate) fn enlist(&self, task: Arc<dyn AnyTask>) -> bool {
        let mut shared = lock(&self.shared);
        if self.state.load(Ordering::Relaxed) & DONE != 0 {
            drop(shared);
            return false;
        }
        let Ok(slot) = u32::try_from(shared.tasks.len()) else {
            drop(shared);
            return false; // four thousand million tasks in one context
        };
        task.slot().store(slot, Ordering::Relaxed);
        grow(&mut shared.tasks);
        shared.tasks.push(task);
        true
    }

    /// Takes a listed task off.
    pub(crate) fn delist(&self, task: &dyn AnyTask) {
        let mut shared = lock(&self.shared);
        let slot = task.slot().load(Ordering::Relaxed);
        let gone = shared.tasks.swap_remove(slot as usize);
        if let Some(moved) = shared.tasks.get(slot as usize) {
            moved.slot().store(slot, Ordering::Relaxed);
        }
        give_back(&mut shared.tasks);
        drop(shared);
        drop(gone);
    }

    /// A task that was expected has ended.
    pub(crate) fn depart(&self, error: Option<&Error>) {
        if let Some(error) = error {
            lock(&self.shared).rare().tally.count(error);
        }
        // AcqRel: partner of `IdleList::visit` and `is_idle`.
        let before = self.ended.fetch_add(1, Ordering::AcqRel);
        if before & WAITED != 0 {
            self.wake_if_idle((before & !WAITED) + 1);
        }
    }

    #[cold]
    fn wake_if_idle(&self, ended: u64) {
        if ended != self.spawned.load(Ordering::Acquire) {
            return; // whoever ends last comes here too
        }
        let mut shared = lock(&self.shared);
        self.ended.fetch_and(!WAITED, Ordering::AcqRel);
        let idle = shared.rare().idle_waiters.take();
        drop(shared);
        firing::wake_all(idle);
    }
}
