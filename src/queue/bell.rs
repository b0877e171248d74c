//! [`Bell`]: wakes everybody at a queue when its context ends, its breaker is set or it is closed.
//!
//! It knows nothing of what is in the queue, so that a waker can be made of it, whatever the items
//! are. Who waits for items or room waits in a list of the queue; the bell only keeps the waker of
//! each stream that has ever waited, until it rings or the stream goes.
//!
//! # Invariants
//!
//! 1. Who rings makes the reason visible first. Who registers looks for a reason after that. Both pass
//!    through the lock in between: so either the reason is seen, or the waker is found.
//! 2. `rings` is raised with each ring, under the lock: a place of an earlier round is no longer
//!    there.

use std::task::{Context, Wake, Waker};

use crate::{
    ctx::firing::wake_all,
    registry::Key,
    status::{Waiters, is_same},
    sync::{Arc, AtomicUsize, Mutex, Ordering, lock},
};

#[derive(Default)]
pub(super) struct Bell {
    rings: AtomicUsize,
    waiters: Mutex<Waiters>,
}

/// Somebody's place at the bell.
#[derive(Debug)]
pub(super) struct Place {
    key: Key,
    round: usize,
    /// What is registered: it is compared without the lock.
    waker: Waker,
}

impl Bell {
    pub(super) fn ring(&self) {
        let mut waiters = lock(&self.waiters);
        let all = waiters.take();
        self.rings.fetch_add(1, Ordering::Release);
        drop(waiters);
        wake_all(all);
    }

    /// Has the waker of `cx` woken when the bell rings; nothing to do if `place` says it is so.
    ///
    /// The caller looks afterwards whether there is a reason already.
    pub(super) fn register(&self, place: &mut Option<Place>, cx: &Context<'_>) {
        // Acquire: partner of the Release in `ring`.
        let rings = self.rings.load(Ordering::Acquire);
        let is_here = |place: &Place| place.round == rings && is_same(&place.waker, cx.waker());
        if place.as_ref().is_some_and(is_here) {
            return;
        }
        self.leave(place);
        let (waker, fresh) = (cx.waker().clone(), cx.waker().clone()); // outside the lock
        let mut waiters = lock(&self.waiters);
        let key = waiters.insert(fresh);
        let round = self.rings.load(Ordering::Relaxed); // written under this lock only
        drop(waiters);
        *place = Some(Place { key, round, waker });
    }

    pub(super) fn leave(&self, place: &mut Option<Place>) {
        if let Some(Place { key, round, .. }) = place.take() {
            let mut waiters = lock(&self.waiters);
            let is_here = round == self.rings.load(Ordering::Relaxed);
            let gone = if is_here { waiters.remove(key) } else { None };
            drop(waiters);
            drop(gone);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}
