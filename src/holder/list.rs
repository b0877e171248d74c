//! [`Lists`]: the tasks of a holder's own node, behind one lock, or several once threads meet there.
//!
//! # Invariants
//!
//! 1. A member is in the list that its `list` names, at its `slot`: leaving needs no search.
//! 2. Ids are given under the lock of a list, and grow in it; across lists they grow wherever one
//!    spawn comes after another.
//! 3. `spread` is set under the lock of `first`. Who has passed through that lock finds the other
//!    lists; or else everything that is done in them comes after its own stay there.
//! 4. The members from `counted_from` on are counted in the [`Room`](super::room::Room); the others
//!    are `uncounted`, here. Whether a member is counted is decided under the lock of the list.

#[cfg(all(test, not(any(windlass_loom, windlass_shuttle))))]
mod tests;

use super::room::Meter;
use crate::{
    ctx::live::{FAR, Slots},
    sync::{Arc, AtomicUsize, Mutex, MutexGuard, OnceLock, Ordering, lock, mutant, try_lock},
    task::AnyTask,
};

/// How many further lists there are, once there are some.
const SPREAD: usize = 8;

pub(super) struct Lists {
    first: List,
    spread: OnceLock<Box<[Apart; SPREAD]>>,
}

/// In a cache line of its own.
#[derive(Default)]
#[repr(align(64))]
struct Apart(List);

#[derive(Default)]
struct List {
    shared: Mutex<Shared>,
    /// How many of the members are not counted in the room. Written under the lock.
    uncounted: AtomicUsize,
}

struct Shared {
    members: Slots<Arc<dyn AnyTask>>,
    counted_from: u64,
}

/// What a member was when it left.
pub(super) struct Gone {
    /// To be dropped outside the lock.
    pub(super) task: Arc<dyn AnyTask>,
    pub(super) was_counted: bool,
    /// The room has to hear of it.
    pub(super) frees_room: bool,
}

impl Default for Lists {
    fn default() -> Self {
        let (first, spread) = (List::default(), OnceLock::new());
        Lists { first, spread }
    }
}

impl Default for Shared {
    fn default() -> Self {
        let (members, counted_from) = (Slots::default(), u64::MAX);
        Shared {
            members,
            counted_from,
        }
    }
}

impl Lists {
    /// Takes a task in, and gives it its id; gives it back if it is to be counted in the room.
    pub(super) fn join(&self, task: Arc<dyn AnyTask>, meter: &Meter) -> Option<Arc<dyn AnyTask>> {
        let Some(spread) = self.spread.get() else {
            return self.first.join(self.lock_first(), task, meter);
        };
        let turn = next_turn();
        let list = &spread[turn].0;
        task.list().store(turn as u8 + 1, Ordering::Relaxed); // `turn` is less than `SPREAD`
        list.join(lock(&list.shared), task, meter)
    }

    /// Takes a task off; `None` if it is not here any more.
    pub(super) fn leave(&self, task: &dyn AnyTask, meter: &Meter) -> Option<Gone> {
        let list = usize::from(task.list().load(Ordering::Relaxed));
        match list.checked_sub(1) {
            None => self.first.leave(self.lock_first(), task, meter),
            Some(turn) => {
                let list = &self.spread.get()?.get(turn)?.0;
                list.leave(lock(&list.shared), task, meter)
            }
        }
    }

    /// Locks the first list. Who has to wait for it makes the others, for those who come later.
    fn lock_first(&self) -> MutexGuard<'_, Shared> {
        match try_lock(&self.first.shared) {
            Some(shared) => shared,
            None => self.lock_and_spread(),
        }
    }

    #[cold]
    fn lock_and_spread(&self) -> MutexGuard<'_, Shared> {
        if mutant("spread_outside_the_lock") {
            let _ = self.spread.set(Box::default());
        }
        let more = self.spread.get().is_none().then(Box::default);
        let shared = lock(&self.first.shared);
        if let Some(more) = more {
            let _ = self.spread.set(more); // another thread may be first
        }
        shared
    }

    fn all(&self) -> impl Iterator<Item = &List> {
        // The others are looked for when the first has been visited (invariant 3).
        let spread = std::iter::once_with(|| self.spread.get()).flatten();
        let spread = spread.filter(|_| !mutant("overlook_the_others"));
        let spread = spread.flat_map(|lists| lists.iter().map(|apart| &apart.0));
        std::iter::once(&self.first).chain(spread)
    }

    pub(super) fn len(&self) -> usize {
        self.all()
            .map(|list| lock(&list.shared).members.len())
            .sum()
    }

    /// How long the lists are, empty places included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(super) fn places(&self) -> usize {
        self.all()
            .map(|list| lock(&list.shared).members.places())
            .sum()
    }

    /// The members, in the order in which they came.
    pub(super) fn members(&self) -> Vec<Arc<dyn AnyTask>> {
        let mut members = Vec::new();
        for list in self.all() {
            members.extend(lock(&list.shared).members.iter().cloned());
        }
        if self.spread.get().is_some() {
            members.sort_by_key(|task| task.id());
        }
        members
    }

    pub(super) fn contains(&self, id: u64) -> bool {
        let has = |list: &List| lock(&list.shared).find(id).is_some();
        self.all().any(has)
    }

    /// Waits until nobody is in a list who has not seen that room is counted.
    pub(super) fn pass(&self) {
        self.all().for_each(|list| drop(lock(&list.shared)));
    }

    /// How many members are not counted in the room; after a [`pass`](Self::pass) it only falls.
    pub(super) fn uncounted(&self) -> usize {
        // Relaxed: who looks has the lock of the room, and those who free room come there after.
        let uncounted = |list: &List| list.uncounted.load(Ordering::Relaxed);
        self.all().map(uncounted).sum()
    }
}

impl List {
    fn join(
        &self,
        mut shared: MutexGuard<'_, Shared>,
        task: Arc<dyn AnyTask>,
        meter: &Meter,
    ) -> Option<Arc<dyn AnyTask>> {
        let id = crate::ids::next(); // under the lock: ids grow in a list
        task.set_id(id);
        let counted = meter.is_on().then(|| Arc::clone(&task));
        match counted {
            Some(_) => shared.counted_from = shared.counted_from.min(id),
            None => self.count(|uncounted| uncounted + 1),
        }
        shared.members.insert(task);
        counted
    }

    fn leave(
        &self,
        mut shared: MutexGuard<'_, Shared>,
        task: &dyn AnyTask,
        meter: &Meter,
    ) -> Option<Gone> {
        let place = shared.place_of(task)?;
        let gone = shared.members.remove(place)?;
        let was_counted = task.id().get() >= shared.counted_from;
        if !was_counted {
            self.count(|uncounted| uncounted - 1);
        }
        Some(Gone {
            task: gone,
            was_counted,
            frees_room: meter.is_on() && (was_counted || !mutant("leave_without_telling")),
        })
    }

    /// Changes the number of those who are not counted; the caller has the lock.
    fn count(&self, change: impl FnOnce(usize) -> usize) {
        let uncounted = self.uncounted.load(Ordering::Relaxed);
        self.uncounted.store(change(uncounted), Ordering::Relaxed);
    }
}

impl Shared {
    /// Where the task is, if it is here: it may have left before.
    fn place_of(&self, task: &dyn AnyTask) -> Option<usize> {
        let place = match task.slot().load(Ordering::Relaxed) {
            FAR => self.find(task.id().get())?,
            near => near as usize,
        };
        let is_there = |there: &Arc<dyn AnyTask>| std::ptr::addr_eq(Arc::as_ptr(there), task);
        self.members
            .get(place)
            .is_some_and(is_there)
            .then_some(place)
    }

    fn find(&self, id: u64) -> Option<usize> {
        self.members.find(id, |task| task.id().get())
    }
}

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
thread_local! {
    static TURN: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

// The threads of a model are not those of the system.
#[cfg(any(windlass_loom, windlass_shuttle))]
crate::sync::thread_local! {
    static TURN: std::cell::Cell<usize> = std::cell::Cell::new(0);
}

/// Which list is next for this thread.
fn next_turn() -> usize {
    let next = |turn: &std::cell::Cell<usize>| turn.replace((turn.get() + 1) % SPREAD);
    TURN.try_with(next).unwrap_or(0) // a thread on its way out has no turn any more
}
