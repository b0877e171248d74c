//! What a promise is given when somebody listens: a place for the outcome, and the lists.
//!
//! The invariants are those of the cell. One lock is held at a time, and nothing of the user's runs
//! meanwhile.

use std::task::Waker;

use super::cell::Cell;
use crate::{
    Error, Result,
    ctx::firing::{run_in_turn, wake_all},
    registry::{Key, Registry, Taken},
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, Mutex, OnceLock, lock, mutant},
};

pub(super) type Callback<T> = Box<dyn FnOnce(Result<&T, &Error>) + Send>;

pub(super) struct Listened<T> {
    outcome: OnceLock<Result<T>>,
    lists: Mutex<Lists<T>>,
}

struct Lists<T> {
    /// Whether they were ended: nobody registers any more.
    is_over: bool,
    waiters: Waiters,
    callbacks: Option<Box<Callbacks<T>>>,
    shared: Option<Arc<Waits>>,
}

struct Callbacks<T> {
    list: Registry<Callback<T>>,
    /// Calls them in turn; made where `T: 'static` was known.
    call: fn(Arc<Cell<T>>, Taken<Callback<T>>, Waiting),
}

/// Those who wait in a [`WaitSlot`](crate::WaitSlot): apart, so that waiting asks nothing of `T`.
#[derive(Default)]
pub(super) struct Waits(Mutex<(Waiters, bool)>);

/// Those who are to be woken, taken out of the lists.
struct Waiting {
    waiters: Taken<Waker>,
    shared: Option<Arc<Waits>>,
}

impl<T> Default for Listened<T> {
    fn default() -> Self {
        Listened {
            outcome: OnceLock::new(),
            lists: Mutex::new(Lists {
                is_over: false,
                waiters: Waiters::default(),
                callbacks: None,
                shared: None,
            }),
        }
    }
}

// ===== the outcome =====

impl<T> Listened<T> {
    #[inline]
    pub(super) fn outcome(&self) -> Option<&Result<T>> {
        self.outcome.get()
    }

    /// Writes the outcome unless there is one.
    pub(super) fn fill(&self, outcome: impl FnOnce() -> Result<T>) {
        self.outcome.get_or_init(outcome);
    }

    /// Ends the lists, and tells those who were in them; once.
    pub(super) fn tell(&self, cell: &Arc<Cell<T>>) {
        let mut lists = lock(&self.lists);
        if lists.is_over {
            return; // somebody else tells
        }
        lists.is_over = !mutant("tell_without_ending");
        let waiting = Waiting {
            waiters: lists.waiters.take(),
            shared: lists.shared.take(),
        };
        let callbacks = lists.callbacks.take();
        drop(lists);
        match callbacks {
            Some(mut callbacks) => {
                (callbacks.call)(Arc::clone(cell), callbacks.list.take(), waiting)
            }
            None => waiting.wake(),
        }
    }
}

/// Calls, then wakes. Within another ending it waits for its turn: a chain of promises is a loop.
fn call_in_turn<T: 'static>(cell: Arc<Cell<T>>, list: Taken<Callback<T>>, waiting: Waiting) {
    let calls = move || {
        for callback in list.into_iter() {
            call(callback, &cell);
        }
        waiting.wake();
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

// ===== callbacks =====

impl<T> Listened<T> {
    /// Registers a callback; gives it back if it comes too late.
    pub(super) fn on_done(&self, callback: Callback<T>) -> Result<u64, Callback<T>>
    where
        T: 'static,
    {
        let mut lists = lock(&self.lists);
        if lists.is_over && !mutant("register_when_it_is_over") {
            return Err(callback);
        }
        let callbacks = lists.callbacks.get_or_insert_with(|| {
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
        let mut lists = lock(&self.lists);
        lists.callbacks.as_mut()?.list.remove(Key::of(id))
    }

    pub(super) fn has_on_done(&self, id: u64) -> bool {
        let mut lists = lock(&self.lists);
        let list = lists
            .callbacks
            .as_mut()
            .map(|callbacks| &mut callbacks.list);
        list.is_some_and(|list| list.get_mut(Key::of(id)).is_some())
    }

    /// How many callbacks wait to be called.
    #[cfg(test)]
    pub(super) fn callbacks(&self) -> usize {
        let lists = lock(&self.lists);
        lists
            .callbacks
            .as_ref()
            .map_or(0, |callbacks| callbacks.list.len())
    }
}

// ===== waiting =====

impl<T> WaitList for Listened<T> {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let lists = &mut *lock(&self.lists);
        visit(&mut lists.waiters, lists.is_over);
    }
}

impl<T> Listened<T> {
    /// Where to wait in a slot; `None` if it is too late for that.
    pub(super) fn shared(&self) -> Option<Arc<Waits>> {
        let mut lists = lock(&self.lists);
        if lists.is_over && !mutant("share_when_it_is_over") {
            return None;
        }
        Some(Arc::clone(lists.shared.get_or_insert_default()))
    }
}

impl Waiting {
    fn wake(self) {
        wake_all(self.waiters);
        if let Some(shared) = self.shared {
            shared.end();
        }
    }
}

impl Waits {
    fn end(&self) {
        let mut waiting = lock(&self.0);
        waiting.1 = true;
        let waiters = waiting.0.take();
        drop(waiting);
        wake_all(waiters);
    }
}

impl WaitList for Waits {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let (waiters, is_over) = &mut *lock(&self.0);
        visit(waiters, *is_over);
    }
}
