//! [`Room`]: a holder's limit, and who waits for it.
//!
//! # Invariants
//!
//! 1. A counted member runs, or it is in `queued`; `reserved` slots stand for members to come.
//!    Members that run, counted or not, and reserved slots together are at most `limit`, unless the
//!    limit was lowered. Those in `exempt` run besides: others that have room may wait for calls,
//!    and for what cleans up.
//! 2. Queued members start in the order in which they were spawned. They come before those who
//!    wait for a slot, because they are work that exists.
//! 3. Whoever frees room hands it on: to queued members, then to the first who waits for a slot.
//!    One who was called and goes without taking it hands the call on.
//! 4. There is a limit, or a slot, only after the meter was switched on and everybody was seen out
//!    of the lists who had not seen that: members that are not counted do not become more then.
//!
//! Most holders never have either, and never come here.

use std::{
    collections::{BTreeMap, BTreeSet},
    task::Waker,
};

use crate::{
    TaskId,
    report::isolate,
    status::Waiters,
    sync::{Arc, AtomicU8, Ordering},
    task::AnyTask,
};

/// Whether room is counted: it is once there was a limit, or a slot.
#[derive(Default)]
pub(super) struct Meter(AtomicU8);

const ON: u8 = 1;
/// On, and everybody knows it.
const SETTLED: u8 = 2;

impl Meter {
    /// Under the lock of a list this is exact, as far as the list is concerned (invariant 4).
    /// Elsewhere, Acquire is the partner of `switch_on`.
    pub(super) fn is_on(&self) -> bool {
        self.0.load(Ordering::Acquire) != 0
    }

    pub(super) fn is_settled(&self) -> bool {
        self.0.load(Ordering::Acquire) == SETTLED
    }

    pub(super) fn switch_on(&self) {
        self.0.fetch_max(ON, Ordering::AcqRel);
    }

    pub(super) fn settle(&self) {
        self.0.store(SETTLED, Ordering::Release);
    }
}

pub(super) struct Room {
    pub(super) limit: usize,
    /// Counted members that run.
    pub(super) running: usize,
    pub(super) reserved: usize,
    pub(super) queued: BTreeMap<TaskId, Arc<dyn AnyTask>>,
    pub(super) exempt: BTreeSet<TaskId>,
    /// Those who wait for a slot.
    pub(super) reservers: Waiters,
}

impl Default for Room {
    fn default() -> Self {
        Room {
            limit: usize::MAX,
            running: 0,
            reserved: 0,
            queued: BTreeMap::new(),
            exempt: BTreeSet::new(),
            reservers: Waiters::default(),
        }
    }
}

/// What is to be told of freed room, outside the lock.
#[derive(Default)]
pub(super) struct Freed {
    started: Vec<Arc<dyn AnyTask>>,
    reserver: Option<Waker>,
}

impl Freed {
    pub(super) fn tell(self) {
        self.started.iter().for_each(|task| task.ask());
        if let Some(waker) = self.reserver {
            isolate("a waker", || waker.wake());
        }
    }
}

impl Room {
    /// `uncounted` members run besides.
    pub(super) fn has_room(&self, uncounted: usize) -> bool {
        self.limit == usize::MAX || uncounted + self.running + self.reserved < self.limit
    }

    /// Gives room to whom it belongs (invariants 2 and 3).
    pub(super) fn hand_on(&mut self, uncounted: usize) -> Freed {
        let mut freed = Freed::default();
        while self.has_room(uncounted) {
            let Some((_, task)) = self.queued.pop_first() else {
                freed.reserver = self.reservers.take_first();
                break;
            };
            self.running += 1;
            freed.started.push(task);
        }
        freed
    }
}
