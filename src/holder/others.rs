//! [`Others`]: members of a holder that do not run in its own node.
//!
//! Those that were spawned in contexts below it, by their ids; those that were adopted, by the
//! number they were given then. Both grow, with the ids of the own ones: that is the order of
//! insertion. They are few, or have a node each: one lock will do, and a search.
//!
//! Whether they are counted in the room is decided as in [`Lists`](super::list::Lists).

use std::collections::BTreeMap;

use super::{list::Gone, room::Meter};
use crate::{
    TaskId,
    registry::{Key, Registry},
    sync::{Arc, AtomicUsize, Mutex, Ordering, lock, mutant},
    task::AnyTask,
};

#[derive(Default)]
pub(super) struct Others {
    shared: Mutex<Shared>,
    /// How many of them are not counted in the room. Written under the lock.
    uncounted: AtomicUsize,
}

struct Shared {
    members: Registry<Arc<dyn AnyTask>>,
    /// Members that came from elsewhere, by their own ids.
    adopted: BTreeMap<TaskId, u64>,
    counted_from: u64,
}

impl Default for Shared {
    fn default() -> Self {
        Shared {
            members: Registry::default(),
            adopted: BTreeMap::new(),
            counted_from: u64::MAX,
        }
    }
}

impl Others {
    /// Takes a task in that was spawned below, and gives it its id; gives it back if it is to be
    /// counted in the room.
    pub(super) fn join(&self, task: Arc<dyn AnyTask>, meter: &Meter) -> Option<Arc<dyn AnyTask>> {
        let mut shared = lock(&self.shared);
        let id = crate::ids::next(); // under the lock: ids grow
        task.set_id(id);
        let counted = meter.is_on().then(|| Arc::clone(&task));
        self.insert(&mut shared, id, task, counted.is_some());
        counted
    }

    /// Takes a task in from elsewhere, unless it is here; says whether it is to be counted.
    pub(super) fn adopt(&self, task: Arc<dyn AnyTask>, meter: &Meter) -> Option<bool> {
        let mut shared = lock(&self.shared);
        if shared.contains(task.id()) {
            drop(shared);
            return None;
        }
        let place = crate::ids::next(); // under the lock: places grow
        let is_counted = meter.is_on();
        shared.adopted.insert(task.id(), place);
        self.insert(&mut shared, place, task, is_counted);
        Some(is_counted)
    }

    fn insert(&self, shared: &mut Shared, key: u64, task: Arc<dyn AnyTask>, is_counted: bool) {
        if is_counted {
            shared.counted_from = shared.counted_from.min(key);
        } else {
            self.count(|uncounted| uncounted + 1);
        }
        shared.members.insert_as(key, task);
    }

    /// Takes a task off that was spawned below; `None` if it is not here any more.
    pub(super) fn leave(&self, id: TaskId, meter: &Meter) -> Option<Gone> {
        self.remove(&mut lock(&self.shared), id.get(), meter)
    }

    /// Takes a task off that was adopted.
    pub(super) fn release(&self, id: TaskId, meter: &Meter) -> Option<Gone> {
        let mut shared = lock(&self.shared);
        let place = shared.adopted.remove(&id)?;
        self.remove(&mut shared, place, meter)
    }

    fn remove(&self, shared: &mut Shared, key: u64, meter: &Meter) -> Option<Gone> {
        let task = shared.members.remove(Key::of(key))?;
        let was_counted = key >= shared.counted_from;
        if !was_counted {
            self.count(|uncounted| uncounted - 1);
        }
        Some(Gone {
            task: Some(task),
            was_counted,
            frees_room: meter.is_on() && (was_counted || !mutant("leave_without_telling")),
        })
    }

    /// Changes the number of those who are not counted; the caller has the lock.
    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let uncounted = self.uncounted.load(Ordering::Relaxed);
        self.uncounted.store(change(uncounted), Ordering::Relaxed);
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.shared).members.len()
    }

    /// How long its lists are, empty places included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(super) fn places(&self) -> [usize; 2] {
        let shared = lock(&self.shared);
        [shared.members.places(), shared.adopted.len()]
    }

    /// The members with the numbers by which they are ordered.
    pub(super) fn members(&self) -> Vec<(u64, Arc<dyn AnyTask>)> {
        let shared = lock(&self.shared);
        let members = shared.members.entries();
        members.map(|(key, task)| (key, Arc::clone(task))).collect()
    }

    pub(super) fn contains(&self, id: TaskId) -> bool {
        lock(&self.shared).contains(id)
    }

    pub(super) fn adopted(&self) -> Vec<Arc<dyn AnyTask>> {
        let mut shared = lock(&self.shared);
        let places: Vec<u64> = shared.adopted.values().copied().collect();
        let members = &mut shared.members;
        let find = |place| members.get_mut(Key::of(place)).map(|task| Arc::clone(task));
        places.into_iter().filter_map(find).collect()
    }

    /// As [`Lists::pass`](super::list::Lists::pass).
    pub(super) fn pass(&self) {
        drop(lock(&self.shared));
    }

    pub(super) fn uncounted(&self) -> usize {
        self.uncounted.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn contains(&mut self, id: TaskId) -> bool {
        self.adopted.contains_key(&id) || self.members.get_mut(Key::of(id.get())).is_some()
    }
}
