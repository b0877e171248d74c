//! The members behind a [`TaskHolder`](super::TaskHolder), and its room.
//!
//! # Invariants
//!
//! 1. A task is a member from its spawn until its future has finished or was dropped.
//! 2. A member is in `own` if it was spawned in the holder's own node, which does not list it; else
//!    in `others`.
//! 3. A member that is counted comes to the room after it was listed, and goes there after it has
//!    left its list, once each.
//!
//! # What a task costs
//!
//! One that was spawned on the holder itself, whose handle is dropped, that waits once and returns a
//! value. A lock is two atomic read-modify-writes.
//!
//! | | locks | other read-modify-writes |
//! |---|---|---|
//! | spawning | its list | its number; `spawned`; the counts of its node, and of it for the list and the executor |
//! | dropping the handle | its own | its count |
//! | waiting | its own | a clone of the waker |
//! | ending | its list; its own | `ended`; the four counts and the clone |
//! | the first poll, once there was a limit | the room | |
//! | joining, leaving, once there was a limit | and the room | |
//!
//! So 22 in all, ten of them for locks that another task may want only if it is in the same list.
//!
//! One lock at a time; tasks are asked, woken and dropped after it is released.

use super::{
    list::{Gone, Lists},
    others::Others,
    room::{Freed, Meter, Room},
};
use crate::{
    Error, TaskId, TaskWatch,
    ctx::{extras::Group, tree::Node},
    status::{WaitList, Waiters},
    sync::{Arc, AtomicBool, Mutex, MutexGuard, OnceLock, Ordering, Weak, lock, mutant},
    task::AnyTask,
};

#[derive(Default)]
pub(crate) struct Members {
    meter: Meter,
    fails_fast: AtomicBool,
    /// The holder's node, which a failure ends.
    node: OnceLock<Weak<Node>>,
    own: Lists,
    others: Others,
    room: Mutex<Room>,
}

impl Members {
    pub(super) fn set_node(&self, node: &Arc<Node>) {
        let _ = self.node.set(Arc::downgrade(node)); // set once, by `TaskHolder::new`
    }

    pub(super) fn set_fails_fast(&self) {
        self.fails_fast.store(true, Ordering::Release);
    }

    pub(super) fn len(&self) -> usize {
        self.own.len() + self.others.len()
    }

    /// Has several lists from here on, as if two threads had met.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(super) fn spread(&self) {
        self.own.spread();
    }

    /// How long its lists are, empty places included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(super) fn places(&self) -> [usize; 4] {
        let [others, adopted] = self.others.places();
        let room = lock(&self.room);
        let waiting = room.queued.len() + room.exempt.len();
        let reservers = room.reservers.places();
        drop(room);
        [self.own.places() + others, adopted, waiting, reservers]
    }

    pub(super) fn watches(&self) -> Vec<TaskWatch> {
        self.members().into_iter().map(TaskWatch::new).collect()
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

// ===== adopted tasks =====

impl Members {
    /// Makes a task from elsewhere a member; false if it is one.
    pub(super) fn adopt(&self, task: Arc<dyn AnyTask>) -> bool {
        let is_counted = self.others.adopt(task, &self.meter);
        if is_counted == Some(true) {
            lock(&self.room).running += 1; // it runs already, room or not
        }
        is_counted.is_some()
    }

    pub(super) fn release(&self, id: TaskId, error: Option<&Error>) {
        if let Some(gone) = self.others.release(id, &self.meter) {
            self.leave_room(id, gone);
        }
        self.end_if_failed(error);
    }

    /// Asks all adopted tasks to stop: the holder's context, which has ended, is not theirs.
    pub(super) fn cancel_adopted(&self) {
        for task in self.others.adopted() {
            task.cancel(task.spawned_at());
        }
    }
}

// ===== room =====

impl Members {
    pub(super) fn set_limit(&self, limit: usize) {
        self.count_room();
        let mut room = lock(&self.room);
        room.limit = limit;
        self.hand_on(room);
    }

    /// Has every member counted from here on; those that were there before are known by number.
    fn count_room(&self) {
        if self.meter.is_settled() {
            return;
        }
        self.meter.switch_on();
        if !mutant("count_without_passing") {
            self.own.pass();
            self.others.pass();
        }
        self.meter.settle();
    }

    /// Takes room for one task, if there is some.
    pub(super) fn try_reserve(&self) -> bool {
        self.count_room();
        let mut room = lock(&self.room);
        let has_room = self.has(&room);
        room.reserved += usize::from(has_room);
        has_room
    }

    /// Gives a slot back that no task was spawned through.
    fn release_slot(&self) {
        let mut room = lock(&self.room);
        room.reserved -= 1;
        self.hand_on(room);
    }

    /// Hands room on, if there is some: somebody who was called for it did not come.
    pub(super) fn pass_on(&self) {
        self.hand_on(lock(&self.room));
    }

    fn has(&self, room: &Room) -> bool {
        room.has_room(self.uncounted())
    }

    fn uncounted(&self) -> usize {
        self.own.uncounted() + self.others.uncounted()
    }

    fn hand_on(&self, mut room: MutexGuard<'_, Room>) {
        let freed: Freed = room.hand_on(self.uncounted());
        drop(room);
        freed.tell();
    }

    /// A counted task has joined: it may start, or it is queued.
    fn enter_room(&self, task: Arc<dyn AnyTask>, has_slot: bool) {
        let is_exempt = !has_slot && task.is_exempt();
        let mut room = lock(&self.room);
        room.reserved -= usize::from(has_slot);
        if is_exempt {
            room.exempt.insert(task.id());
            drop(room);
        } else if has_slot || self.has(&room) && room.queued.is_empty() {
            room.running += 1;
            drop(room);
        } else {
            room.queued.insert(task.id(), task);
        }
    }

    /// A member has left its list.
    fn leave_room(&self, id: TaskId, gone: Gone) {
        if gone.frees_room {
            let mut room = lock(&self.room);
            let (queued, is_exempt) = (room.queued.remove(&id), room.exempt.remove(&id));
            room.running -= usize::from(gone.was_counted && queued.is_none() && !is_exempt);
            self.hand_on(room);
            drop(queued);
        }
        drop(gone.task);
    }
}

impl WaitList for Members {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut room = lock(&self.room);
        let has_room = self.has(&room);
        visit(&mut room.reservers, has_room);
    }
}

impl Group for Members {
    fn joined(&self, task: Arc<dyn AnyTask>, is_own: bool) {
        let has_slot = task.takes_slot();
        let counted = if is_own {
            self.own.join(task, &self.meter)
        } else {
            self.others.join(task, &self.meter)
        };
        if let Some(task) = counted {
            self.enter_room(task, has_slot);
        }
    }

    fn admits_all(&self) -> bool {
        // A task that was queued saw that room is counted when it joined.
        !self.meter.is_on()
    }

    fn admit(&self, id: TaskId) -> bool {
        !lock(&self.room).queued.contains_key(&id)
    }

    fn members(&self) -> Vec<Arc<dyn AnyTask>> {
        let (own, others) = (self.own.members(), self.others.members());
        if others.is_empty() {
            return own;
        }
        let own = own.into_iter().map(|task| (task.id().get(), task));
        let mut all: Vec<_> = own.chain(others).collect();
        all.sort_by_key(|(key, _)| *key);
        all.into_iter().map(|(_, task)| task).collect()
    }

    fn own(&self) -> Vec<Arc<dyn AnyTask>> {
        self.own.members()
    }

    fn ended(&self) {
        self.own.close();
    }

    fn contains(&self, id: TaskId) -> bool {
        self.others.contains(id) || self.own.contains(id.get())
    }

    fn left(&self, task: &dyn AnyTask, is_own: bool, error: Option<&Error>) {
        let id = task.id();
        let gone = if is_own {
            self.own.leave(task, &self.meter)
        } else {
            self.others.leave(task.id(), &self.meter)
        };
        if let Some(gone) = gone {
            self.leave_room(id, gone);
        }
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
