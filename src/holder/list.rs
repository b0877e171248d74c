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
//! 5. A list beyond the first keeps up to [`KEPT`] members that have left, until as many have come
//!    or the holder ends: of the small ones that were spawned without wishes, so that nothing of
//!    the user's is kept.
//!
//! # Why something is kept
//!
//! A task is made by the thread that spawns and would be freed by the one that ends it; there the
//! two would meet at the allocator's locks, which cost more than all the rest (measured on several
//! workers: twice the time a task). So who ends a task leaves it, with the executor's handle on it,
//! to who spawns the next. See [`Kept`](crate::runtime::Kept) for tasks that are joined. Holders
//! that one thread uses at a time keep nothing.

#[cfg(all(test, not(any(windlass_loom, windlass_shuttle))))]
mod tests;

use super::room::Meter;
use crate::{
    ctx::live::{FAR, Slots},
    report::isolate,
    sync::{
        Arc, AtomicBool, AtomicUsize, Mutex, MutexGuard, OnceLock, Ordering, lock, mutant, try_lock,
    },
    task::AnyTask,
};

/// How many further lists there are, once there are some.
const SPREAD: usize = 8;

/// How many members that have left are kept in such a list.
const KEPT: usize = 2;

pub(super) struct Lists {
    first: List,
    spread: OnceLock<Box<[Apart; SPREAD]>>,
    /// The holder has ended: nothing is kept any more. Set before the locks are passed.
    is_closed: AtomicBool,
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
    /// Members that have left, for those who come to free (invariant 5).
    kept: Vec<Arc<dyn AnyTask>>,
}

/// What a member was when it left.
pub(super) struct Gone {
    /// To be dropped outside the lock; none if it is kept.
    pub(super) task: Option<Arc<dyn AnyTask>>,
    pub(super) was_counted: bool,
    /// The room has to hear of it.
    pub(super) frees_room: bool,
}

impl Default for Lists {
    fn default() -> Self {
        Lists {
            first: List::default(),
            spread: OnceLock::new(),
            is_closed: AtomicBool::new(false),
        }
    }
}

impl Default for Shared {
    fn default() -> Self {
        let (members, counted_from) = (Slots::default(), u64::MAX);
        Shared {
            members,
            counted_from,
            kept: Vec::new(),
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
        let mut shared = lock(&list.shared);
        let oldest = (!shared.kept.is_empty()).then(|| shared.kept.remove(0));
        let counted = list.join(shared, task, meter);
        if let Some(oldest) = oldest {
            isolate("the destructor of a task's value", || drop(oldest));
        }
        counted
    }

    /// Takes a task off; `None` if it is not here any more.
    pub(super) fn leave(&self, task: &dyn AnyTask, meter: &Meter) -> Option<Gone> {
        let list = usize::from(task.list().load(Ordering::Relaxed));
        match list.checked_sub(1) {
            None => self.first.leave(self.lock_first(), task, meter, false),
            Some(turn) => {
                let list = &self.spread.get()?.get(turn)?.0;
                let shared = lock(&list.shared);
                let may_keep = task.is_bare() && !self.is_closed();
                list.leave(shared, task, meter, may_keep)
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

    /// Frees what is kept; nothing is kept from here on.
    pub(super) fn close(&self) {
        // Release, before the locks; see invariant 3 for lists that are made meanwhile.
        self.is_closed.store(true, Ordering::Release);
        for list in self.all() {
            let kept = std::mem::take(&mut lock(&list.shared).kept);
            isolate("the destructor of a task's value", || drop(kept));
        }
    }

    /// Under the lock of a list this is exact, as far as the list is concerned.
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire) && !mutant("keep_after_the_end")
    }

    /// Makes the other lists, as if two threads had met.
    #[cfg(test)]
    pub(super) fn spread(&self) {
        drop(self.lock_and_spread());
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
        may_keep: bool,
    ) -> Option<Gone> {
        let place = shared.place_of(task)?;
        let mut gone = shared.members.remove(place);
        if may_keep && shared.kept.len() < KEPT {
            shared.kept.extend(gone.take());
        }
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
