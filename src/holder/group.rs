//! The count behind a [`TaskHolder`](super::TaskHolder): its members, its limit, its slots.
//!
//! # Invariants
//!
//! 1. A task is a member from its spawn until its future has finished or was dropped.
//! 2. A member runs, or it is in `queued`; `reserved` slots stand for members to come. Members
//!    that run and reserved slots together are at most `limit`, unless the limit was lowered.
//! 3. Queued members start in the order in which they were spawned. They come before those who
//!    wait for a slot, because they are work that exists.
//! 4. Whoever frees room hands it on: to queued members, then to the first who waits for a slot.
//!    One who was called and goes without taking it hands the call on.
//!
//! One lock; tasks are asked and wakers woken after it is released.

use std::{collections::BTreeMap, task::Waker};

use crate::{
    Error, TaskId, TaskWatch,
    ctx::{extras::Group, tree::Node},
    registry::{Key, Registry},
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicBool, Mutex, OnceLock, Ordering, Weak, lock, mutant},
    task::AnyTask,
};

#[derive(Default)]
pub(crate) struct Members {
    shared: Mutex<Shared>,
    /// Whether there ever was a limit: without one nothing is ever queued.
    is_limited: AtomicBool,
    fails_fast: AtomicBool,
    /// The holder's node, which a failure ends.
    node: OnceLock<Weak<Node>>,
}

struct Shared {
    members: Registry<Arc<dyn AnyTask>>,
    /// Members that came from elsewhere, by their own ids.
    adopted: BTreeMap<TaskId, u64>,
    queued: BTreeMap<TaskId, Arc<dyn AnyTask>>,
    limit: usize,
    reserved: usize,
    /// Those who wait for a slot.
    reservers: Waiters,
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            members: Registry::default(),
            adopted: BTreeMap::new(),
            queued: BTreeMap::new(),
            limit: usize::MAX,
            reserved: 0,
            reservers: Registry::default(),
        }
    }
}

/// What is to be told of freed room, outside the lock.
#[derive(Default)]
struct Freed {
    started: Vec<Arc<dyn AnyTask>>,
    reserver: Option<Waker>,
}

impl Freed {
    fn tell(self) {
        self.started.iter().for_each(|task| task.ask());
        if let Some(waker) = self.reserver {
            isolate("a waker", || waker.wake());
        }
    }
}

impl Shared {
    fn has_room(&self) -> bool {
        self.members.len() - self.queued.len() + self.reserved < self.limit
    }

    /// Gives room to whom it belongs (invariants 3 and 4).
    fn hand_on(&mut self) -> Freed {
        let mut freed = Freed::default();
        while self.has_room() {
            let Some((_, task)) = self.queued.pop_first() else {
                freed.reserver = self.reservers.take_first();
                break;
            };
            freed.started.push(task);
        }
        freed
    }

    fn contains(&mut self, id: TaskId) -> bool {
        self.adopted.contains_key(&id) || self.members.get_mut(Key::of(id.get())).is_some()
    }
}

impl Members {
    pub(super) fn set_node(&self, node: &Arc<Node>) {
        let _ = self.node.set(Arc::downgrade(node)); // set once, by `TaskHolder::new`
    }

    pub(super) fn set_fails_fast(&self) {
        self.fails_fast.store(true, Ordering::Release);
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.is_limited.store(true, Ordering::Release); // partner: `admits_all`
        let mut shared = lock(&self.shared);
        shared.limit = limit;
        let freed = shared.hand_on();
        drop(shared);
        freed.tell();
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.shared).members.len()
    }

    /// How long its lists are, empty places included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(super) fn places(&self) -> [usize; 4] {
        let shared = lock(&self.shared);
        [
            shared.members.places(),
            shared.adopted.len(),
            shared.queued.len(),
            shared.reservers.places(),
        ]
    }

    pub(super) fn watches(&self) -> Vec<TaskWatch> {
        self.members().into_iter().map(TaskWatch::new).collect()
    }

    // ===== adopted tasks =====

    /// Makes a task from elsewhere a member; false if it is one.
    pub(super) fn adopt(&self, task: Arc<dyn AnyTask>) -> bool {
        let mut shared = lock(&self.shared);
        let id = task.id();
        if shared.contains(id) {
            drop(shared);
            return false;
        }
        let place = crate::ids::next(); // under the lock: places grow
        shared.members.insert_as(place, task);
        shared.adopted.insert(id, place);
        true
    }

    pub(super) fn release(&self, id: TaskId, error: Option<&Error>) {
        let mut shared = lock(&self.shared);
        let place = shared.adopted.remove(&id);
        let gone = place.and_then(|place| shared.members.remove(Key::of(place)));
        let freed = shared.hand_on();
        drop(shared);
        drop(gone);
        freed.tell();
        self.end_if_failed(error);
    }

    /// Asks all adopted tasks to stop: the holder's context, which has ended, is not theirs.
    pub(super) fn cancel_adopted(&self) {
        for task in self.adopted() {
            task.cancel(task.spawned_at());
        }
    }

    fn adopted(&self) -> Vec<Arc<dyn AnyTask>> {
        let mut shared = lock(&self.shared);
        let places: Vec<u64> = shared.adopted.values().copied().collect();
        let members = &mut shared.members;
        places
            .into_iter()
            .filter_map(|place| members.get_mut(Key::of(place)).map(|task| Arc::clone(task)))
            .collect()
    }

    // ===== slots =====

    /// Takes room for one task, if there is some.
    pub(super) fn try_reserve(&self) -> bool {
        let mut shared = lock(&self.shared);
        let has_room = shared.has_room();
        shared.reserved += usize::from(has_room);
        has_room
    }

    /// Gives a slot back that no task was spawned through.
    fn release_slot(&self) {
        let mut shared = lock(&self.shared);
        shared.reserved -= 1;
        let freed = shared.hand_on();
        drop(shared);
        freed.tell();
    }

    /// Hands room on, if there is some: somebody who was called for it did not come.
    pub(super) fn pass_on(&self) {
        let freed = lock(&self.shared).hand_on();
        freed.tell();
    }

    fn end_if_failed(&self, error: Option<&Error>) {
        let Some(error) =
            error.filter(|error| !error.is_cancelled() && self.fails_fast.load(Ordering::Acquire))
        else {
            return;
        };
        if mutant("fail_without_ending") {
            return;
        }
        if let Some(node) = self.node.get().and_then(Weak::upgrade) {
            node.end(|| error.clone());
        }
    }
}

impl WaitList for Members {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut shared = lock(&self.shared);
        let has_room = shared.has_room();
        visit(&mut shared.reservers, has_room);
    }
}

impl Group for Members {
    fn joined(&self, task: Arc<dyn AnyTask>) {
        let has_slot = task.takes_slot();
        let mut shared = lock(&self.shared);
        let id = crate::ids::next(); // under the lock: ids grow within a holder
        task.set_id(id);
        shared.reserved -= usize::from(has_slot);
        let may_start = has_slot || (shared.has_room() && shared.queued.is_empty());
        if !may_start {
            shared.queued.insert(TaskId::new(id), Arc::clone(&task));
        }
        shared.members.insert_as(id, task);
    }

    fn admits_all(&self) -> bool {
        // Acquire: partner of `set_limit`. A task that was queued saw the limit when it joined.
        !self.is_limited.load(Ordering::Acquire)
    }

    fn admit(&self, id: TaskId) -> bool {
        !lock(&self.shared).queued.contains_key(&id)
    }

    fn members(&self) -> Vec<Arc<dyn AnyTask>> {
        lock(&self.shared).members.iter().map(Arc::clone).collect()
    }

    fn contains(&self, id: TaskId) -> bool {
        lock(&self.shared).contains(id)
    }

    fn left(&self, task: &dyn AnyTask, error: Option<&Error>) {
        let mut shared = lock(&self.shared);
        let queued = shared.queued.remove(&task.id());
        let gone = shared.members.remove(Key::of(task.id().get()));
        let freed = shared.hand_on();
        drop(shared);
        drop((queued, gone));
        freed.tell();
        self.end_if_failed(error);
    }
}

/// Room that a slot stands for, until a task takes it.
pub(crate) struct Reservation {
    members: Arc<Members>,
    is_taken: AtomicBool,
}

impl Reservation {
    /// The room must have been taken before.
    pub(super) fn new(members: Arc<Members>) -> Self {
        Reservation {
            members,
            is_taken: AtomicBool::new(false),
        }
    }

    /// Says yes once: the task takes the room over.
    pub(crate) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::AcqRel)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if self.take() {
            self.members.release_slot();
        }
    }
}
