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
    name: Option<Box<Name>>,
    parent: Option<Parent<T>>,
}

/// What a child ends with.
struct Parent<T> {
    cell: Arc<Cell<T>>,
    child_made_at: &'static Location<'static>,
}

enum Slot<T> {
    Outcome(Result<T>),
    Listened(Box<Listened<T>>),
}

// ===== birth and reading =====

impl<T> Default for Cell<T> {
    /// A pending cell with one setter. `Arc::default` makes it where it stays; `Arc::new` would
    /// move it there.
    #[inline]
    fn default() -> Self {
        Cell {
            slot: OnceLock::new(),
            setters: AtomicUsize::new(1),
            name: None,
            parent: None,
        }
    }
}

impl<T> Cell<T> {
    /// A pending cell with one setter.
    pub(super) fn new(name: Option<Name>) -> Arc<Self> {
        match name {
            None => Arc::default(),
            Some(name) => Arc::new(Cell {
                slot: OnceLock::new(),
                setters: AtomicUsize::new(1),
                name: Some(Box::new(name)),
                parent: None,
            }),
        }
    }

    /// A pending cell with a parent, and so with two setters (invariant 4).
    pub(super) fn child(
        name: Option<Name>,
        parent: &Arc<Cell<T>>,
        child_made_at: &'static Location<'static>,
    ) -> Arc<Self> {
        let cell = Arc::clone(parent);
        Arc::new(Cell {
            slot: OnceLock::new(),
            setters: AtomicUsize::new(2),
            name: name.map(Box::new),
            parent: Some(Parent {
                cell,
                child_made_at,
            }),
        })
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.name.as_ref().map(|name| &***name)
    }

    pub(super) fn parent(&self) -> Option<&Arc<Cell<T>>> {
        self.parent.as_ref().map(|parent| &parent.cell)
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
        let mut at = self.parent();
        while let Some(cell) = at {
            if let Some(outcome) = cell.own_outcome() {
                // Somebody else may have been first: then that is the outcome.
                self.fill_below(outcome.as_ref().err());
                return;
            }
            at = cell.parent();
        }
    }

    /// Fixes a child that ends because its parent did, with the very error or a cancellation; true
    /// if this call did it.
    fn fill_below(&self, end: Option<&Error>) -> bool {
        let Some(parent) = &self.parent else {
            return false;
        };
        let has_value = || self.cancelled(Some("its parent having a value"), parent.child_made_at);
        let mut offered = Some(end.map_or_else(has_value, Error::clone));
        self.fill(&mut offered, Err);
        offered.is_none()
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
        let is_alone = mutant("look_for_listeners_before_the_write") && !self.is_listened();
        let listened = self.fill(offered, outcome);
        if let (Some(listened), true, false) = (listened, offered.is_none(), is_alone) {
            listened.tell(self);
        }
    }

    /// Writes the outcome (invariant 1), and tells nobody of those it gives back, who listen. What is
    /// offered is made an outcome in its place: it may be large.
    #[inline]
    fn fill<V>(
        &self,
        offered: &mut Option<V>,
        outcome: impl Fn(V) -> Result<T>,
    ) -> Option<&Listened<T>> {
        let mut take = || match offered.take() {
            Some(offered) => outcome(offered),
            None => unreachable!("it is offered once, and taken once"),
        };
        match self.slot.get_or_init(|| Slot::Outcome(take())) {
            Slot::Outcome(_) => None,
            Slot::Listened(listened) => {
                listened.fill(take);
                Some(listened)
            }
        }
    }

    /// The parent has ended, or is no longer listened to.
    pub(super) fn follow(self: &Arc<Self>, parent: Option<&Error>) {
        // Somebody else may have been first: then that is the outcome.
        let is_first = self.fill_below(parent);
        if is_first || !mutant("tell_only_what_is_new") {
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
    pub(super) fn release(self: &Arc<Self>, made_at: &'static Location<'static>) {
        if self.is_last_setter() && (Arc::strong_count(self) > 1 || self.is_listened()) {
            self.give_up(NOBODY, made_at);
        }
    }

    /// One setter fewer, by a handle that is awaited: there is somebody who observes.
    pub(super) fn release_to_wait(self: &Arc<Self>, made_at: &'static Location<'static>) {
        if self.is_last_setter() {
            self.give_up(NOBODY, made_at);
        }
    }

    fn is_last_setter(&self) -> bool {
        if mutant("count_in_two_steps") {
            let before = self.setters.load(Ordering::Acquire);
            self.setters.store(before - 1, Ordering::Release);
            return before == 1;
        }
        // AcqRel: the last one sees the handles that those before it have made.
        self.setters.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Cancels it for a reason of ours, unless it has an outcome.
    pub(super) fn give_up(
        self: &Arc<Self>,
        reason: &'static str,
        made_at: &'static Location<'static>,
    ) {
        if !self.is_done() {
            self.set(Err(self.cancelled(Some(reason), made_at)));
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
        while let Some(mut cell) = next.and_then(|parent| Arc::into_inner(parent.cell)) {
            next = cell.parent.take();
        }
    }
}
