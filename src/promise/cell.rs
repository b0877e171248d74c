//! What the handles of one promise share: its outcome, or those who wait for it.
//!
//! # States
//!
//! | slot | set by | means |
//! |---|---|---|
//! | empty | birth | pending, and nobody listens |
//! | `Outcome` | whoever gives it first; a query, where an ancestor has one | done; nobody is to be told |
//! | `Listened` | the first who waits or registers a callback | see there |
//!
//! One write decides between an outcome and those who listen: a promise that nobody listens to
//! is set without a lock and without a second write.
//!
//! # Invariants
//!
//! 1. An outcome is written once: whoever comes first wins, and it never changes.
//! 2. Whoever listens registers under the lock of the lists, while they are not over. Whoever gives
//!    an outcome writes it, and then ends the lists. So a listener is called, or sees the outcome.
//! 3. Whoever ends the lists, and nobody else, calls the callbacks, and then wakes those who wait.
//! 4. `setters` counts those who may still give an outcome. When none is left, a promise that
//!    somebody observes is cancelled. For a child its living parent is one of them.
//! 5. Children hold their parents' cells, parents know children weakly.

use std::panic::Location;

use super::listened::{Callback, Listened};
use crate::{
    Error, Name, Result,
    error::Cancelled,
    sync::{Arc, AtomicUsize, OnceLock, Ordering, mutant},
};

const NOBODY: &str = "nobody being left to set it";

pub(super) struct Cell<T> {
    slot: OnceLock<Slot<T>>,
    setters: AtomicUsize,
    made_at: &'static Location<'static>,
    name: Option<Name>,
    parent: Option<Arc<Cell<T>>>,
}

enum Slot<T> {
    Outcome(Result<T>),
    Listened(Box<Listened<T>>),
}

// ===== birth and reading =====

impl<T> Cell<T> {
    /// A pending cell with one setter; with a parent it has two (invariant 4).
    pub(super) fn new(
        name: Option<Name>,
        made_at: &'static Location<'static>,
        parent: Option<Arc<Cell<T>>>,
    ) -> Arc<Self> {
        Arc::new(Cell {
            slot: OnceLock::new(),
            setters: AtomicUsize::new(1 + usize::from(parent.is_some())),
            made_at,
            name,
            parent,
        })
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    pub(super) fn parent(&self) -> Option<&Arc<Cell<T>>> {
        self.parent.as_ref()
    }

    /// The outcome, once there is one. Takes no lock.
    #[inline]
    pub(super) fn outcome(&self) -> Option<&Result<T>> {
        let own = self.own_outcome();
        if own.is_some() || self.parent.is_none() {
            return own;
        }
        self.inherit();
        self.own_outcome()
    }

    #[inline]
    fn own_outcome(&self) -> Option<&Result<T>> {
        match self.slot.get()? {
            Slot::Outcome(outcome) => Some(outcome),
            Slot::Listened(listened) => listened.outcome(),
        }
    }

    /// The outcome, for those who were told of it.
    pub(super) fn told(&self) -> &Result<T> {
        match self.own_outcome() {
            Some(outcome) => outcome,
            None => unreachable!("those who wait are woken after the outcome is there"),
        }
    }

    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.outcome().is_some()
    }

    /// Fixes a child whose parent is fixed, before the parent's callback gets here.
    #[cold]
    fn inherit(&self) {
        let mut at = self.parent.as_deref();
        while let Some(cell) = at {
            if let Some(outcome) = cell.own_outcome() {
                // Somebody else may have been first: then that is the outcome.
                self.fill(&mut Some(self.ended_by(outcome.as_ref().err())), Err);
                return;
            }
            at = cell.parent.as_deref();
        }
    }

    /// What a child ends with when its parent does: the very error, or a cancellation.
    fn ended_by(&self, parent: Option<&Error>) -> Error {
        let has_value = || self.cancelled(Some("its parent having a value"), self.made_at);
        parent.map_or_else(has_value, Error::clone)
    }

    /// A cancellation that starts here.
    pub(super) fn cancelled(
        &self,
        reason: Option<&'static str>,
        location: &'static Location<'static>,
    ) -> Error {
        let path = self.name().unwrap_or_default().to_owned();
        let reason = reason.map(Name::Borrowed);
        Error::Cancelled(Cancelled::new(path, reason, location, None))
    }
}

// ===== settling =====

impl<T> Cell<T> {
    /// Fixes the outcome and tells everybody; false if there is one.
    pub(super) fn set(self: &Arc<Self>, outcome: Result<T>) -> bool {
        let mut offered = Some(outcome);
        self.offer(&mut offered, |outcome| outcome);
        offered.is_none()
    }

    /// Fixes the outcome and tells everybody; leaves what is offered if there is one.
    #[inline]
    pub(super) fn offer<V>(
        self: &Arc<Self>,
        offered: &mut Option<V>,
        outcome: impl Fn(V) -> Result<T>,
    ) {
        // Only a child looks first; elsewhere the write itself finds out.
        if self.parent.is_some() && self.is_done() {
            return;
        }
        if mutant("tell_before_the_outcome") {
            self.tell();
        }
        self.fill(offered, outcome);
        if offered.is_none() {
            self.tell();
        }
    }

    /// Writes the outcome (invariant 1), and tells nobody. What is offered is made an outcome in its
    /// place: it may be large.
    #[inline]
    fn fill<V>(&self, offered: &mut Option<V>, outcome: impl Fn(V) -> Result<T>) {
        let mut take = || match offered.take() {
            Some(offered) => outcome(offered),
            None => unreachable!("it is offered once, and taken once"),
        };
        let slot = self.slot.get_or_init(|| Slot::Outcome(take()));
        if let Slot::Listened(listened) = slot {
            listened.fill(take);
        }
    }

    /// The parent has ended, or is no longer listened to.
    pub(super) fn follow(self: &Arc<Self>, parent: Option<&Error>) {
        // Somebody else may have been first: then that is the outcome.
        let mut offered = Some(self.ended_by(parent));
        self.fill(&mut offered, Err);
        if offered.is_none() || !mutant("tell_only_what_is_new") {
            self.tell(); // also what a query has fixed, which tells nobody
        }
    }

    /// Tells those who listen, once, that the outcome is there.
    #[inline]
    pub(super) fn tell(self: &Arc<Self>) {
        if let Some(listened) = self.listeners() {
            listened.tell(self);
        }
    }

    /// One setter fewer, by a handle that goes (invariant 4). Nobody counts any more once it is done.
    pub(super) fn release(self: &Arc<Self>) {
        if self.is_last_setter() && (Arc::strong_count(self) > 1 || self.is_listened()) {
            self.give_up(NOBODY);
        }
    }

    /// One setter fewer, by a handle that is awaited: there is somebody who observes.
    pub(super) fn release_to_wait(self: &Arc<Self>) {
        if self.is_last_setter() {
            self.give_up(NOBODY);
        }
    }

    fn is_last_setter(&self) -> bool {
        // AcqRel: the last one sees the handles that those before it have made.
        self.setters.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Cancels it for a reason of ours, unless it has an outcome.
    pub(super) fn give_up(self: &Arc<Self>, reason: &'static str) {
        if !self.is_done() {
            let _ = self.set(Err(self.cancelled(Some(reason), self.made_at)));
        }
    }

    /// One setter more.
    pub(super) fn retain(&self) {
        self.setters.fetch_add(1, Ordering::Relaxed); // the caller's handle carries the order
    }

    pub(super) fn is_listened(&self) -> bool {
        self.listeners().is_some()
    }
}

// ===== listening =====

impl<T> Cell<T> {
    /// Where to listen; `None` if there was an outcome before anybody did.
    pub(super) fn listen(&self) -> Option<&Listened<T>> {
        if self.slot.get().is_none() {
            // Somebody else may have been first, with an outcome, or to listen.
            let _ = self.slot.set(Slot::Listened(Box::default()));
        }
        self.listeners()
    }

    /// Those who listen, if anybody ever did.
    #[inline]
    pub(super) fn listeners(&self) -> Option<&Listened<T>> {
        match self.slot.get() {
            Some(Slot::Listened(listened)) => Some(listened),
            _ => None,
        }
    }

    /// Registers a callback; gives it back if it comes too late.
    pub(super) fn on_done(&self, callback: Callback<T>) -> Result<u64, Callback<T>>
    where
        T: 'static,
    {
        match self.listen() {
            Some(listened) => listened.on_done(callback),
            None => Err(callback),
        }
    }

    /// Takes a callback out, to be dropped outside the lock.
    pub(super) fn remove_on_done(&self, id: u64) -> Option<Callback<T>> {
        self.listeners()?.remove_on_done(id)
    }

    pub(super) fn has_on_done(&self, id: u64) -> bool {
        self.listeners()
            .is_some_and(|listened| listened.has_on_done(id))
    }

    /// How many callbacks wait to be called.
    #[cfg(test)]
    pub(super) fn callbacks(&self) -> usize {
        self.listeners().map_or(0, Listened::callbacks)
    }
}

impl<T> Drop for Cell<T> {
    /// Takes a line of parents apart in a loop: it may be long, and dropping it would recurse.
    fn drop(&mut self) {
        let mut next = self.parent.take();
        while let Some(mut cell) = next.and_then(Arc::into_inner) {
            next = cell.parent.take();
        }
    }
}
