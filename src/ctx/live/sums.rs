//! What ran in a node so far, in children that went included.

use std::task::Waker;

use super::super::{
    firing,
    rare::{Sums, Tally},
};
use super::{Live, Shared, WAITED};
use crate::{
    Error,
    registry::Taken,
    sync::{Arc, Ordering, lock, mutant},
};

impl Live {
    /// Takes `child`, in which nothing runs, off the list and adds up what ran in it.
    pub(crate) fn disown(&self, child: &Live) {
        let sums = if child.has_run() && self.counts_with(child) {
            Some(child.sums())
        } else {
            None
        };
        let mut shared = lock(&self.shared);
        let mut idle = Taken::default();
        if let Some(sums) = sums {
            idle = self.fold(&mut shared, sums);
        } else if child.has_run() {
            self.gone.fetch_add(1, Ordering::AcqRel);
        }
        let gone = shared.children.remove(child.slot.load(Ordering::Relaxed));
        drop(shared);
        drop(gone);
        firing::wake_all(idle);
    }

    /// Whether anything ever ran in the node, or in one below that has gone.
    fn has_run(&self) -> bool {
        self.spawned.load(Ordering::Acquire) != 0 || self.gone.load(Ordering::Acquire) != 0
    }

    /// Whether tasks of `child` are counted where those of this node are.
    pub(crate) fn counts_with(&self, child: &Live) -> bool {
        match (&self.group, &child.group) {
            (None, None) => true,
            (Some(mine), Some(its)) => std::ptr::addr_eq(Arc::as_ptr(mine), Arc::as_ptr(its)),
            _ => false,
        }
    }

    /// Adds up what ran in a child. Gives those who are to be woken for it: a task that ended
    /// between our two steps has seen more spawned than ended, and left the waking to us.
    fn fold(&self, shared: &mut Shared, sums: Sums) -> Taken<Waker> {
        let tally = sums.tally;
        if let Some(error) = tally.first_error {
            shared.rare().first_error.get_or_insert(error);
        }
        // Relaxed, both: published as in `depart`, by what follows.
        if tally.failed > 0 {
            self.failed.fetch_add(tally.failed, Ordering::Relaxed);
        }
        if tally.cancelled > 0 {
            self.cancelled.fetch_add(tally.cancelled, Ordering::Relaxed);
        }
        self.spawned.fetch_add(sums.ended, Ordering::AcqRel);
        // AcqRel: partner of the `fetch_add` in `depart`; whichever is last sees both sums.
        let before = self.ended.fetch_add(sums.ended, Ordering::AcqRel);
        let ended = (before & !WAITED) + sums.ended;
        let is_last = before & WAITED != 0 && ended == self.spawned.load(Ordering::Acquire);
        if !is_last || mutant("fold_without_waking") {
            return Taken::default();
        }
        self.take_idle_waiters(shared)
    }

    /// What ran here and in children that went, if nothing runs in the node itself.
    pub(crate) fn idle_sums(&self) -> Option<(u64, u32)> {
        // `ended` first: if `spawned`, read later, is no greater, nothing ran at this moment.
        let ended = self.ended.load(Ordering::Acquire) & !WAITED;
        // Read by writing. AcqRel: partner of `expect_task`. After an end, either we see a task
        // that was expected, or whoever expected it sees the end and does not begin; with a mere
        // load both could miss the other (model `spawn_while_the_holder_finishes`).
        let spawned = if mutant("merely_load_spawned") {
            self.spawned.load(Ordering::Acquire)
        } else {
            self.spawned.fetch_add(0, Ordering::AcqRel)
        };
        let is_idle = ended == spawned;
        is_idle.then(|| (spawned, self.gone.load(Ordering::Acquire)))
    }

    /// Whether nothing runs in the node itself.
    #[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
    pub(crate) fn is_idle(&self) -> bool {
        self.idle_sums().is_some()
    }

    /// In one step, so that a child that goes meanwhile is counted once: here, or as a child.
    pub(crate) fn sums_and_children(&self) -> (Sums, Vec<Arc<Live>>) {
        let shared = lock(&self.shared);
        let children = shared.children.iter().cloned().collect();
        let mut sums = self.counts();
        sums.tally.first_error = shared.first_error();
        (sums, children)
    }

    /// Of a node in which nothing runs.
    fn sums(&self) -> Sums {
        let mut sums = self.counts();
        if sums.tally.failed > 0 {
            sums.tally.first_error = lock(&self.shared).first_error();
        }
        sums
    }

    fn counts(&self) -> Sums {
        // `ended` first, with Acquire: partner of the `fetch_add` in `depart` and `fold`. The other
        // two have then counted at least as many as it has.
        let ended = self.ended.load(Ordering::Acquire) & !WAITED;
        let tally = Tally {
            failed: self.failed.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            first_error: None,
        };
        Sums { ended, tally }
    }
}

impl Shared {
    fn first_error(&self) -> Option<Error> {
        self.rare.as_ref()?.first_error.clone()
    }
}
