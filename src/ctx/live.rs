//! The linked half of a node: who is below it, who waits for it, what runs in it.
//!
//! # Invariants
//!
//! 1. `DONE` is set once, under the lock, together with the ending; from then on nobody is added.
//! 2. `SETTLED` means that every node below is marked: another ending call need not walk there.
//!    Until then an ending call walks through a node that another call is just ending.
//! 3. A child is in its parent's list, at `slot`, until its node goes, also after the end: what
//!    still runs below is found that way. `slot` is written under the parent's lock only. The
//!    same holds for tasks, until they are done.
//! 4. `ended <= spawned`; both only grow. Nothing runs in the node itself when they are equal.
//! 5. The tasks of a node that starts a group, that of a holder, are in no list of the node: its
//!    group lists them, from their spawn on. An end marks the node, then takes them from the group,
//!    under its locks, and asks each, under the lock of the task. A task joins its group before it
//!    is polled, and looks at the mark then; it looks again after each poll, with its waker in its
//!    place. So either the end comes later to a lock, and finds the task, and its waker; or the
//!    task does, and sees the mark (model `holder_ends_while_its_task_is_spawned_and_parks`).
//!
//! Everything of the user's (wakers, callbacks, tasks) leaves the lock in a [`Walk`] and is fired
//! after all nodes of the ending are marked.

#[cfg(test)]
mod kit;
mod listening;
mod running;
mod segments;
mod slots;
mod sums;
#[cfg(all(test, not(any(windlass_loom, windlass_shuttle))))]
mod tests;

use super::{
    deadline::Deadlines,
    ending::Ending,
    extras::SharedGroup,
    firing::{self, Action, Walk},
    rare::{Rare, Undo},
};
use crate::{
    Error,
    status::Waiters,
    sync::{
        Arc, AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Mutex, OnceLock, Ordering,
        lock, mutant,
    },
    task::AnyTask,
};

pub(crate) use self::{
    listening::StopList,
    running::{FAR, IdleList},
    slots::{Placed, Slots},
};

const STOPPING: u8 = 1;
const DONE: u8 = 2;
const SETTLED: u8 = 4;

/// In `ended`: somebody waits until nothing runs here.
const WAITED: u64 = 1 << 63;

/// Where a node stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Live,
    Stopping,
    Done,
}

/// In this order in memory, so that three kinds of threads share no cache line: those that spawn
/// write `spawned`, those that run tasks read what begins with `state`, those that end tasks write
/// `ended`.
#[repr(C)]
pub(crate) struct Live {
    spawned: AtomicU64,
    shared: Mutex<Shared>,
    state: AtomicU8,
    /// A shutdown wants to know who is dropped; so it is in `rare`.
    has_roll: AtomicBool,
    /// It is the node of a holder, whose group lists its tasks (invariant 5).
    starts_group: bool,
    /// How many children went in which something had run. Written under the lock.
    gone: AtomicU32,
    group: Option<SharedGroup>,
    ending: OnceLock<Ending>,
    /// Place in the parent's list (invariant 3).
    slot: AtomicUsize,
    /// Of the tree, once there are some directly below; written under the lock.
    deadlines: OnceLock<Arc<Deadlines>>,
    /// Measured: with this size, a half, its node and its task lie so behind each other that an
    /// end comes through a tree of waiting tasks a quarter faster than with less.
    apart: u64,
    /// How many of those that `ended` counts gave no value: each is counted here first.
    cancelled: AtomicU64,
    failed: AtomicU64,
    ended: AtomicU64,
}

#[derive(Default)]
struct Shared {
    waiters: Waiters,
    children: Slots<Arc<Live>>,
    tasks: Slots<Arc<dyn AnyTask>>,
    rare: Option<Box<Rare>>,
}

impl Verdict {
    pub(crate) fn is_done(self) -> bool {
        self == Verdict::Done
    }
}

// ===== birth and place in the tree =====

impl Live {
    /// The half of a root, which starts `group` if there is one.
    pub(crate) fn new(group: Option<SharedGroup>) -> Arc<Live> {
        Live::with(group.is_some(), group)
    }

    fn with(starts_group: bool, group: Option<SharedGroup>) -> Arc<Live> {
        Arc::new(Live {
            spawned: AtomicU64::new(0),
            shared: Mutex::new(Shared::default()),
            state: AtomicU8::new(0),
            has_roll: AtomicBool::new(false),
            starts_group,
            gone: AtomicU32::new(0),
            group,
            ending: OnceLock::new(),
            slot: AtomicUsize::new(0),
            deadlines: OnceLock::new(),
            apart: 0,
            cancelled: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        })
    }

    /// A half for a child, not yet adopted, in `group` or else in the group of this node.
    pub(crate) fn heir(&self, group: Option<SharedGroup>) -> Arc<Live> {
        Live::with(group.is_some(), group.or_else(|| self.group.clone()))
    }

    /// Takes `child` in; or says how this node has ended.
    pub(crate) fn adopt(&self, child: &Arc<Live>) -> Result<(), Ending> {
        let mut shared = lock(&self.shared);
        let state = self.state.load(Ordering::Relaxed); // written under this lock only
        if let Some(ending) = self.ending.get() {
            return Err(ending.clone());
        }
        child.state.store(state & STOPPING, Ordering::Relaxed); // not published yet
        shared.children.insert(Arc::clone(child));
        Ok(())
    }

    /// The node goes: takes back the registrations elsewhere, unless somebody listens here.
    ///
    /// True means that somebody does, and has to be told of an end.
    pub(crate) fn retire(self: &Arc<Self>) -> bool {
        if self.verdict().is_done() {
            return false; // the end has taken everything back
        }
        let mut shared = lock(&self.shared);
        let is_observed = Arc::strong_count(self) > 1 || shared.listens();
        let rare = shared.rare.as_mut().filter(|_| !is_observed);
        let undo = rare
            .map(|rare| std::mem::take(&mut rare.undo))
            .unwrap_or_default();
        drop(shared);
        undo.into_iter().for_each(Undo::run);
        is_observed
    }
}

impl Placed for Arc<Live> {
    fn set_place(&self, place: usize) {
        self.slot.store(place, Ordering::Relaxed);
    }
}

// ===== reading =====

impl Live {
    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        // Acquire: partner of the Release in `mark` and `mark_stopping`. With Relaxed, `ending`
        // could still look empty to a thread that saw DONE.
        match self.state.load(Ordering::Acquire) {
            0 => Verdict::Live,
            STOPPING => Verdict::Stopping,
            _ => Verdict::Done,
        }
    }

    /// Whether `stop` has announced the end.
    pub(crate) fn was_stopping(&self) -> bool {
        self.state.load(Ordering::Acquire) & STOPPING != 0
    }

    pub(crate) fn outcome(&self) -> Option<&Error> {
        self.ending().map(Ending::error)
    }

    pub(crate) fn ending(&self) -> Option<&Ending> {
        if self.verdict().is_done() {
            self.ending.get()
        } else {
            None
        }
    }

    pub(crate) fn group(&self) -> Option<&SharedGroup> {
        self.group.as_ref()
    }

    /// Whether the tasks of this very node are listed by its group.
    pub(crate) fn starts_group(&self) -> bool {
        self.starts_group
    }

    fn own_group(&self) -> Option<&SharedGroup> {
        self.group.as_ref().filter(|_| self.starts_group)
    }

    /// How many tasks run in the node itself, or are on their way to their first poll.
    #[cfg(feature = "test-util")]
    pub(crate) fn running(&self) -> u64 {
        let ended = self.ended.load(Ordering::Acquire) & !WAITED;
        self.spawned.load(Ordering::Acquire).saturating_sub(ended)
    }

    /// How many tasks were spawned here that have not been polled yet.
    pub(crate) fn unlisted(&self) -> usize {
        let listed = match self.own_group() {
            Some(_) => self.tasks().len(),
            None => lock(&self.shared).tasks.len(),
        };
        let ended = self.ended.load(Ordering::Acquire) & !WAITED;
        let running = self.spawned.load(Ordering::Acquire).saturating_sub(ended);
        usize::try_from(running)
            .unwrap_or(usize::MAX)
            .saturating_sub(listed)
    }

    /// What is below: copies, so that nothing is locked while they are looked at.
    pub(crate) fn children(&self) -> Vec<Arc<Live>> {
        lock(&self.shared).children.iter().cloned().collect()
    }

    /// What runs here and was polled at least once.
    pub(crate) fn tasks(&self) -> Vec<Arc<dyn AnyTask>> {
        let Some(group) = self.own_group() else {
            return lock(&self.shared).tasks.iter().cloned().collect();
        };
        let mut tasks = group.own();
        tasks.retain(|task| task.is_listed());
        tasks
    }
}

// ===== ending =====

impl Live {
    /// Ends the node and everything below; false if it had ended before.
    pub(crate) fn end(self: &Arc<Self>, ending: Ending) -> bool {
        let mut walk = Walk::default();
        if !self.mark(&ending, &mut walk) {
            return false;
        }
        while let Some(child) = walk.unvisited.pop() {
            child.mark(&ending, &mut walk);
        }
        for inner in walk.inner.drain(..) {
            inner.set_settled();
        }
        let deadlines = walk.deadlines.take();
        if let Some(deadlines) = deadlines.filter(|_| !mutant("end_without_pruning")) {
            walk.push(Action::Prune(deadlines));
        }
        firing::fire(walk);
        true
    }

    /// Marks one node unless it is done, and in any case finds out what is below it.
    fn mark(self: &Arc<Self>, ending: &Ending, walk: &mut Walk) -> bool {
        let mut shared = lock(&self.shared);
        let before = self.state.load(Ordering::Relaxed); // written under this lock only
        let is_first = before & DONE == 0;
        let mut after = before | DONE;
        if !is_first && mutant("stop_at_done_nodes") {
            return false;
        }
        if before & SETTLED == 0 {
            if shared.children.len() == 0 {
                after |= SETTLED;
            } else {
                walk.unvisited.reserve(shared.children.len());
                walk.unvisited.extend(shared.children.iter().cloned());
                walk.inner.push(Arc::clone(self));
            }
        }
        if is_first {
            let _ = self.ending.set(ending.clone()); // empty: DONE was not set
            shared.harvest(ending.error(), walk);
            if let Some(group) = self.own_group() {
                ask_group(group, walk);
            }
            if let Some(deadlines) = self.deadlines.get() {
                walk.deadlines.get_or_insert_with(|| Arc::clone(deadlines));
            }
        }
        // Release: partner of the Acquire in `verdict`; publishes `ending`.
        self.state.store(after, Ordering::Release);
        is_first
    }

    fn set_settled(&self) {
        let _writing = lock(&self.shared);
        let state = self.state.load(Ordering::Relaxed);
        self.state.store(state | SETTLED, Ordering::Release);
    }

    /// Asks everything below to stop; false if that was done before, or the node has ended.
    pub(crate) fn stop(self: &Arc<Self>) -> bool {
        let mut walk = Walk::default();
        let is_first = self.mark_stopping(&mut walk);
        while let Some(child) = walk.unvisited.pop() {
            child.mark_stopping(&mut walk);
        }
        firing::fire(walk);
        is_first
    }

    fn mark_stopping(&self, walk: &mut Walk) -> bool {
        let mut shared = lock(&self.shared);
        let before = self.state.load(Ordering::Relaxed);
        if before & DONE != 0 {
            return false;
        }
        // Release: partner of the Acquire in `verdict`.
        self.state.store(before | STOPPING, Ordering::Release);
        walk.unvisited.extend(shared.children.iter().cloned());
        if let Some(rare) = &mut shared.rare {
            walk.wake(rare.stop_waiters.take());
        }
        before & STOPPING == 0
    }
}

/// Has the tasks of a group asked: they are taken from it later, when the node is marked.
fn ask_group(group: &SharedGroup, walk: &mut Walk) {
    if mutant("take_before_marking") {
        walk.push(Action::AskAll(group.own()));
    } else if !mutant("end_without_asking") {
        walk.push(Action::AskGroup(Arc::clone(group)));
    }
}

impl Shared {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    fn listens(&self) -> bool {
        let has_callbacks = |rare: &Rare| !rare.callbacks.is_empty();
        !self.waiters.is_empty() || self.rare.as_deref().is_some_and(has_callbacks)
    }

    /// Moves all that is to be fired into the walk: callbacks, then wakers, then tasks.
    fn harvest(&mut self, error: &Error, walk: &mut Walk) {
        if let Some(rare) = &mut self.rare {
            walk.call(error, rare.callbacks.take());
            walk.undo(std::mem::take(&mut rare.undo));
            walk.wake(rare.stop_waiters.take());
        }
        walk.wake(self.waiters.take());
        // The tasks stay listed until they are gone: a shutdown names those that stay.
        let mut tasks = self.tasks.iter().cloned();
        match (self.tasks.len(), tasks.next()) {
            (1, Some(task)) => walk.ask(task),
            (_, Some(first)) => walk.push(Action::AskAll(
                std::iter::once(first).chain(tasks).collect(),
            )),
            (_, None) => {}
        }
    }
}
