//! What ran in a node so far, in children that went included.

use super::super::rare::{Sums, Tally};
use super::{Live, Shared, WAITED};
use crate::sync::{Arc, Ordering, lock, mutant};

impl Live {
    /// Takes `child`, in which nothing runs, off the list and adds up what ran in it.
    pub(crate) fn disown(&self, child: &Live) {
        let sums = if child.has_run() && self.counts_with(child) {
            Some(child.sums())
        } else {
            None
        };
        let mut shared = lock(&self.shared);
        if child.has_run() {
            // Under the lock; Release: partner of the Acquire in `idle_sums`.
            let gone = self.gone.load(Ordering::Relaxed);
            self.gone
                .store(gone.wrapping_add(1).max(1), Ordering::Release); // 0 means none
        }
        if let Some(sums) = sums {
            if mutant("fold_in_two_steps") {
                let gone = shared.children.remove(child.slot.load(Ordering::Relaxed));
                drop((shared, gone));
                return lock(&self.shared).rare().fold(sums);
            }
            shared.rare().fold(sums);
        }
        let gone = shared.children.remove(child.slot.load(Ordering::Relaxed));
        drop(shared);
        drop(gone);
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

    /// What ran here and how many children went, if nothing runs in the node itself.
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
        (self.sums_of(&shared), children)
    }

    /// Of a node in which nothing runs, and that knows no children any more.
    fn sums(&self) -> Sums {
        let counts = self.counts();
        if counts.tally.failed == 0 && self.gone.load(Ordering::Acquire) == 0 {
            return counts; // the rest is empty
        }
        self.sums_of(&lock(&self.shared))
    }

    fn sums_of(&self, shared: &Shared) -> Sums {
        let mut sums = self.counts();
        if let Some(rare) = &shared.rare {
            sums.ended += rare.folded.ended;
            sums.tally.add(rare.folded.tally.clone());
            sums.tally.first_error = rare.first_error.clone();
        }
        sums
    }

    /// Of the tasks in the node itself, without their first error.
    fn counts(&self) -> Sums {
        // `ended` first, with Acquire: partner of the `fetch_add` in `depart`. The other two have
        // then counted at least as many as it has.
        let ended = self.ended.load(Ordering::Acquire) & !WAITED;
        let tally = Tally {
            failed: self.failed.load(Ordering::Relaxed),
            cancelled: self.cancelled.load(Ordering::Relaxed),
            first_error: None,
        };
        Sums { ended, tally }
    }
}
