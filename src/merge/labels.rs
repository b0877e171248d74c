//! The labels of a merge, and which sources share one.

use crate::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// Sources that are delivered under one label, or in one place of the order: those of a labelled
/// feeder; in order, an outermost source and everything below it.
///
/// A merge that is neither labelled nor ordered has no families.
pub(super) struct Family {
    /// The outermost source; 0 if it is that of a feeder.
    pub(super) root: u64,
    /// Where the label lies; the default if there is none.
    pub(super) label: Option<usize>,
    /// Members whose terminal item was not delivered, and feeders. AcqRel on the way down, so that
    /// whoever counts the last one out comes after all of them; those who count in hold one.
    live: AtomicUsize,
}

impl Family {
    pub(super) fn new(root: u64, label: Option<usize>) -> Arc<Self> {
        Arc::new(Family {
            root,
            label,
            live: AtomicUsize::new(1),
        })
    }

    pub(super) fn count_in(&self) {
        self.live.fetch_add(1, Ordering::Relaxed);
    }

    /// True for the last one.
    pub(super) fn count_out(&self) -> bool {
        self.live.fetch_sub(1, Ordering::AcqRel) == 1
    }
}

/// The labels of the families that live.
pub(super) struct Labels<L>(Mutex<Slots<L>>);

struct Slots<L> {
    all: Vec<Option<Arc<L>>>,
    free: Vec<usize>,
    is_closed: bool,
}

impl<L> Labels<L> {
    #[allow(clippy::arc_with_non_send_sync)] // in place, nothing of it leaves the thread
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Labels(Mutex::new(Slots {
            all: Vec::new(),
            free: Vec::new(),
            is_closed: false,
        })))
    }

    /// Keeps a label; `None` if the merge is over.
    pub(super) fn insert(&self, label: L) -> Option<usize> {
        #[allow(clippy::arc_with_non_send_sync)]
        let label = Arc::new(label);
        let mut slots = lock(&self.0);
        if slots.is_closed {
            drop(slots);
            return None; // the label is dropped without the lock
        }
        if let Some(index) = slots.free.pop() {
            slots.all[index] = Some(label);
            return Some(index);
        }
        slots.all.push(Some(label));
        Some(slots.all.len() - 1)
    }

    pub(super) fn get(&self, index: usize) -> Option<Arc<L>> {
        lock(&self.0).all.get(index)?.clone()
    }

    /// Takes a label out, for the caller to drop.
    pub(super) fn remove(&self, index: usize) -> Option<Arc<L>> {
        let mut slots = lock(&self.0);
        let label = slots.all.get_mut(index)?.take()?;
        slots.free.push(index);
        if slots.free.len() == slots.all.len() {
            slots.all = Vec::new();
            slots.free = Vec::new();
        }
        Some(label)
    }

    pub(super) fn close(&self) {
        let mut slots = lock(&self.0);
        slots.is_closed = true;
        let all = std::mem::take(&mut slots.all);
        slots.free = Vec::new();
        drop(slots);
        drop(all);
    }
}

/// The labels that the streamer has seen and may see again, so that an item takes no lock.
///
/// A label goes with each end of a source of its family: it is never kept longer than by `Labels`.
pub(super) struct Known<L> {
    places: Vec<Option<Arc<L>>>,
    /// How often a label was forgotten since the places were last looked through.
    forgotten: usize,
}

/// So many places are left alone.
const KEPT: usize = 64;

impl<L> Default for Known<L> {
    fn default() -> Self {
        Known {
            places: Vec::new(),
            forgotten: 0,
        }
    }
}

impl<L> Known<L> {
    pub(super) fn get(&mut self, labels: &Labels<L>, index: usize) -> Option<&L> {
        if self.places.len() <= index {
            self.places.resize_with(index + 1, || None);
        }
        let known = &mut self.places[index];
        if known.is_none() {
            *known = labels.get(index);
        }
        known.as_deref()
    }

    pub(super) fn forget(&mut self, index: usize) {
        let forgotten = self.places.get_mut(index).and_then(Option::take);
        drop(forgotten);
        self.forgotten += 1;
        if self.forgotten > self.places.len().max(KEPT) {
            self.trim();
        }
    }

    /// Gives back the places at the end that are empty. It pays for itself: as many labels have gone
    /// as there are places.
    fn trim(&mut self) {
        self.forgotten = 0;
        let last = self.places.iter().rposition(Option::is_some);
        self.places.truncate(last.map_or(0, |last| last + 1));
        self.places.shrink_to(KEPT.max(2 * self.places.len()));
    }
}
