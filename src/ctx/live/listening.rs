//! Those who wait for a node or are to be called: the lists of a linked half.

use std::task::Waker;

use super::super::{
    deadline::Deadlines,
    rare::{Callback, Undo},
    roll::Roll,
};
use super::{DONE, Live};
use crate::{
    registry::Key,
    status::{WaitList, Waiters},
    sync::{Arc, Ordering, lock, mutant},
};

impl WaitList for Live {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut shared = lock(&self.shared);
        let is_done = self.state.load(Ordering::Relaxed) & DONE != 0;
        visit(
            &mut shared.waiters,
            is_done && !mutant("wait_without_looking"),
        );
    }
}

/// What `poll_in` and `leave` do in a [`WaitList`], for the waits that there are most of.
impl Live {
    /// Registers the waker of one who waits for the end; hands it back if the node has ended.
    pub(crate) fn register(&self, waker: Waker) -> Result<Key, Waker> {
        let mut shared = lock(&self.shared);
        let is_done = self.state.load(Ordering::Relaxed) & DONE != 0;
        if is_done && !mutant("wait_without_looking") {
            return Err(waker);
        }
        Ok(shared.waiters.insert(waker))
    }

    /// Takes a waker off, unless an end has taken it; the caller drops it.
    pub(crate) fn unregister(&self, key: Key) -> Option<Waker> {
        lock(&self.shared).waiters.remove(key)
    }
}

/// Those who wait until a node is asked to stop.
pub(crate) struct StopList<'a>(pub(crate) &'a Live);

impl WaitList for StopList<'_> {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut shared = lock(&self.0.shared);
        let is_stopping = self.0.state.load(Ordering::Relaxed) != 0;
        visit(&mut shared.rare().stop_waiters, is_stopping);
    }
}

impl Live {
    /// Registers a callback; hands it back if the node has ended.
    pub(crate) fn on_done(&self, callback: Callback) -> Result<u64, Callback> {
        let mut shared = lock(&self.shared);
        let is_done = self.state.load(Ordering::Relaxed) & DONE != 0;
        if is_done && !mutant("list_callback_of_done_node") {
            return Err(callback);
        }
        let id = crate::ids::next(); // under the lock: ids grow within a node
        shared.rare().callbacks.insert_as(id, callback);
        Ok(id)
    }

    pub(crate) fn remove_on_done(&self, id: u64) -> Option<Callback> {
        lock(&self.shared)
            .rare
            .as_mut()?
            .callbacks
            .remove(Key::of(id))
    }

    pub(crate) fn has_on_done(&self, id: u64) -> bool {
        let mut shared = lock(&self.shared);
        let rare = shared.rare.as_mut();
        rare.is_some_and(|rare| rare.callbacks.get_mut(Key::of(id)).is_some())
    }

    /// The roll that is kept by a shutdown of this node, made if there is none.
    pub(crate) fn call_roll(&self) -> Arc<Roll> {
        let mut shared = lock(&self.shared);
        let kept = &mut shared.rare().roll;
        let roll = kept.upgrade().unwrap_or_default();
        *kept = Arc::downgrade(&roll);
        // Under the lock. Release: partner of the Acquire in `roll`. What is dropped because of
        // the end that follows has seen that end, and so this.
        self.has_roll.store(true, Ordering::Release);
        roll
    }

    pub(crate) fn roll(&self) -> Option<Arc<Roll>> {
        let is_kept = self.has_roll.load(Ordering::Acquire);
        is_kept.then(|| lock(&self.shared).rare().roll.upgrade())?
    }

    /// Has `undo` run when the node ends or goes; at once if it has ended.
    pub(crate) fn add_undo(&self, undo: Undo) {
        let mut shared = lock(&self.shared);
        if self.state.load(Ordering::Relaxed) & DONE == 0 {
            shared.rare().undo.push(undo);
            return;
        }
        drop(shared);
        undo.run();
    }

    /// The deadlines of the tree, if some were directly below.
    pub(crate) fn deadlines(&self) -> Option<&Arc<Deadlines>> {
        self.deadlines.get()
    }

    /// Keeps the deadlines of the tree.
    pub(crate) fn learn_deadlines(&self, deadlines: Arc<Deadlines>) {
        if mutant("learn_outside_the_lock") {
            let _ = self.deadlines.set(deadlines);
            return;
        }
        // The lock is that of `mark`: the end comes later and finds them, or has come, and whoever
        // is here sees it.
        let _shared = lock(&self.shared);
        let _ = self.deadlines.set(deadlines); // the first counts
    }
}
