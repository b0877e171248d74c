//! What the handles of one promise share: its outcome, and who waits for it.
//!
//! # States
//!
//! | state | set by | next |
//! |---|---|---|
//! | pending | birth | fixed |
//! | fixed: `outcome` is filled | whoever fills it first; a query, where an ancestor is fixed | told |
//! | told: `DONE` is set | whoever filled it; for what a query filled, the parent's callback | final |
//!
//! # Invariants
//!
//! 1. `outcome` is written once: whoever comes first wins, and it never changes.
//! 2. `DONE` is set after `outcome` is filled, and `LISTENED` before a waker or callback is
//!    registered. Both are bits of one atomic, so either the one who sets `DONE` sees `LISTENED`
//!    and calls what is registered, or the one who listens sees `DONE` and does not register.
//! 3. Whoever turns `DONE` on, and nobody else, takes the callbacks and calls them, then the
//!    wakers.
//! 4. `setters` counts those who may still give an outcome. When none is left, a promise that
//!    somebody observes is cancelled. For a child its living parent is one of them.
//! 5. Children hold their parents' cells, parents know children weakly.
//!
//! # Lock order
//!
//! At most one of the two locks is held at a time, and nothing of the user's runs meanwhile.

use std::panic::Location;

use crate::{
    Error, Name, Result,
    ctx::firing::{run_in_turn, wake_all},
    error::Cancelled,
    registry::{Key, Registry, Taken},
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicU8, AtomicUsize, Mutex, OnceLock, Ordering, lock, mutant},
};

const DONE: u8 = 1;
const LISTENED: u8 = 2;

const NOBODY: &str = "nobody being left to set it";

pub(super) type Callback<T> = Box<dyn FnOnce(Result<&T, &Error>) + Send>;

pub(super) struct Cell<T> {
    outcome: OnceLock<Result<T>>,
    flags: AtomicU8,
    setters: AtomicUsize,
    /// Made by the first who waits; apart, so that waiting asks nothing of `T`.
    waits: OnceLock<Arc<Waits>>,
    callbacks: Mutex<Option<Box<Callbacks<T>>>>,
    name: Option<Name>,
    made_at: &'static Location<'static>,
    parent: Option<Arc<Cell<T>>>,
}

struct Callbacks<T> {
    list: Registry<Callback<T>>,
    /// Calls them in turn; made where `T: 'static` was known.
    call: fn(Arc<Cell<T>>, Taken<Callback<T>>),
}

#[derive(Default)]
pub(super) struct Waits(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    waiters: Waiters,
    is_over: bool,
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
            outcome: OnceLock::new(),
            flags: AtomicU8::new(0),
            setters: AtomicUsize::new(1 + usize::from(parent.is_some())),
            waits: OnceLock::new(),
            callbacks: Mutex::new(None),
            name,
            made_at,
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
    pub(super) fn outcome(&self) -> Option<&Result<T>> {
        if self.outcome.get().is_none() && self.parent.is_some() {
            self.inherit();
        }
        self.outcome.get()
    }

    pub(super) fn is_done(&self) -> bool {
        self.outcome().is_some()
    }

    /// Fixes a child whose parent is fixed, before the parent's callback gets here.
    fn inherit(&self) {
        let mut at = self.parent.as_deref();
        while let Some(cell) = at {
            if let Some(outcome) = cell.outcome.get() {
                // Somebody else may have been first: then that is the outcome.
                let _ = self.outcome.set(Err(self.ended_by(outcome.as_ref().err())));
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
    /// Fixes the outcome and tells everybody; gives it back if there is one.
    pub(super) fn set(self: &Arc<Self>, outcome: Result<T>) -> Result<(), Result<T>> {
        if self.is_done() {
            return Err(outcome);
        }
        if mutant("tell_before_the_outcome") {
            self.tell();
        }
        self.outcome.set(outcome)?;
        self.tell();
        Ok(())
    }

    /// The parent has ended, or is no longer listened to.
    pub(super) fn follow(self: &Arc<Self>, parent: Option<&Error>) {
        // Somebody else may have been first: then that is the outcome.
        let is_first = self.outcome.set(Err(self.ended_by(parent))).is_ok();
        if is_first || !mutant("tell_only_what_is_new") {
            self.tell(); // also what a query has fixed, which tells nobody
        }
    }

    /// Tells everybody, once, that the outcome is there.
    pub(super) fn tell(self: &Arc<Self>) {
        // AcqRel: partner of the one in `announce` (invariant 2).
        let before = self.flags.fetch_or(DONE, Ordering::AcqRel);
        if before != LISTENED {
            return; // nobody listens, or somebody else tells
        }
        let callbacks = lock(&self.callbacks).take();
        match callbacks {
            Some(mut callbacks) => (callbacks.call)(Arc::clone(self), callbacks.list.take()),
            None => self.wake(),
        }
    }

    fn wake(&self) {
        if let Some(waits) = self.waits.get() {
            waits.end();
        }
    }

    /// One setter fewer, by a handle that goes (invariant 4). Nobody counts once it is told.
    pub(super) fn release(self: &Arc<Self>) {
        if self.flags.load(Ordering::Acquire) & DONE != 0 {
            return;
        }
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
        self.flags.load(Ordering::Acquire) & LISTENED != 0
    }
}

// ===== listening =====

impl<T> Cell<T> {
    /// Where to wait; `None` if it is too late for that.
    pub(super) fn listen(&self) -> Option<&Arc<Waits>> {
        if self.waits.get().is_none() {
            // Somebody else may have been first: then that is the list.
            let _ = self.waits.set(Arc::new(Waits::default()));
        }
        if self.announce() {
            self.waits.get()
        } else {
            None
        }
    }

    /// Where somebody waits, if anybody ever did.
    pub(super) fn waits(&self) -> Option<&Arc<Waits>> {
        self.waits.get()
    }

    /// Says that somebody listens; false if it is too late for that (invariant 2).
    fn announce(&self) -> bool {
        if mutant("listen_unannounced") {
            return self.flags.load(Ordering::Acquire) & DONE == 0;
        }
        // AcqRel: partner of the one in `tell`.
        self.flags.fetch_or(LISTENED, Ordering::AcqRel) & DONE == 0
    }

    /// Registers a callback; gives it back if it comes too late.
    pub(super) fn on_done(&self, callback: Callback<T>) -> Result<u64, Callback<T>>
    where
        T: 'static,
    {
        let mut callbacks = lock(&self.callbacks);
        if !self.announce() {
            return Err(callback);
        }
        let callbacks = callbacks.get_or_insert_with(|| {
            Box::new(Callbacks {
                list: Registry::default(),
                call: call_in_turn::<T>,
            })
        });
        let id = crate::ids::next(); // under the lock: ids grow within a promise
        callbacks.list.insert_as(id, callback);
        Ok(id)
    }

    /// Takes a callback out, to be dropped outside the lock.
    pub(super) fn remove_on_done(&self, id: u64) -> Option<Callback<T>> {
        lock(&self.callbacks).as_mut()?.list.remove(Key::of(id))
    }

    /// How many callbacks wait to be called.
    #[cfg(test)]
    pub(super) fn callbacks(&self) -> usize {
        let callbacks = lock(&self.callbacks);
        callbacks
            .as_ref()
            .map_or(0, |callbacks| callbacks.list.len())
    }

    pub(super) fn has_on_done(&self, id: u64) -> bool {
        let mut callbacks = lock(&self.callbacks);
        let list = callbacks.as_mut().map(|callbacks| &mut callbacks.list);
        list.is_some_and(|list| list.get_mut(Key::of(id)).is_some())
    }
}

/// Calls, then wakes (invariant 3). Within another ending it waits for its turn: a chain of
/// promises is a loop.
fn call_in_turn<T: 'static>(cell: Arc<Cell<T>>, list: Taken<Callback<T>>) {
    let calls = move || {
        for callback in list.into_iter() {
            call(callback, &cell);
        }
        cell.wake();
        isolate("the destructor of a promise's value", || drop(cell));
    };
    run_in_turn(Box::new(calls));
}

/// Calls one callback on the outcome, which is there.
pub(super) fn call<T>(callback: Callback<T>, cell: &Cell<T>) {
    if let Some(outcome) = cell.outcome() {
        isolate("a done-callback of a promise", || {
            callback(outcome.as_ref())
        });
    }
}

impl Waits {
    fn end(&self) {
        let mut waiting = lock(&self.0);
        waiting.is_over = true;
        let waiters = waiting.waiters.take();
        drop(waiting);
        wake_all(waiters);
    }
}

impl WaitList for Waits {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut waiting = lock(&self.0);
        let is_over = waiting.is_over;
        visit(&mut waiting.waiters, is_over);
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
