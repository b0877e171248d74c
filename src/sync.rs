//! The one door to locks and atomics: `std` in production, `loom` or `shuttle` in the models.
//!
//! `Arc` and `Weak` are always those of `std`: loom has no `Weak`, and what the models examine is
//! our own orderings, not those of the reference counts.
//!
//! A poisoned lock is entered all the same: every critical section of this crate leaves the data
//! whole, because no code of the user's runs inside one.

pub(crate) use std::sync::{Arc, Weak};

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, OnceLock,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(windlass_loom)]
pub(crate) use loom::thread_local;
#[cfg(windlass_shuttle)]
pub(crate) use shuttle::thread_local;

#[cfg(windlass_loom)]
pub(crate) use loom::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(windlass_shuttle)]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering},
};

/// Locks `mutex`, also when a panic poisoned it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    match mutex.lock() {
        Ok(guard) => guard,
        Err(poisoned) => poisoned.into_inner(),
    }
}

/// Locks `mutex` if nobody holds it; for `Debug`, which never blocks.
pub(crate) fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(std::sync::TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(std::sync::TryLockError::WouldBlock) => None,
    }
}

/// A write-once cell for the models, with the orderings of `std::sync::OnceLock`.
#[cfg(any(windlass_loom, windlass_shuttle))]
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    is_set: AtomicBool,
    writing: Mutex<()>,
    value: std::sync::OnceLock<T>,
}

#[cfg(any(windlass_loom, windlass_shuttle))]
impl<T> Default for OnceLock<T> {
    fn default() -> Self {
        OnceLock::new()
    }
}

#[cfg(any(windlass_loom, windlass_shuttle))]
impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        OnceLock {
            is_set: AtomicBool::new(false),
            writing: Mutex::new(()),
            value: std::sync::OnceLock::new(),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if self.is_set.load(Ordering::Acquire) {
            self.value.get()
        } else {
            None
        }
    }

    pub(crate) fn set(&self, value: T) -> Result<(), T> {
        let _writing = lock(&self.writing);
        self.value.set(value)?;
        self.is_set.store(true, Ordering::Release);
        Ok(())
    }

    pub(crate) fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let writing = lock(&self.writing);
        let value = self.value.get_or_init(init);
        self.is_set.store(true, Ordering::Release);
        drop(writing);
        value
    }

    pub(crate) fn take(&mut self) -> Option<T> {
        self.value.take()
    }
}

/// Whether a model asks for the wrong variant called `name`; never, outside the models.
///
/// Each model runs a second time with its mutant, in a process of its own, and must then fail:
/// that shows that the model can see the mistake at all.
#[cfg(not(any(windlass_loom, windlass_shuttle)))]
#[inline(always)]
pub(crate) const fn mutant(_name: &str) -> bool {
    false
}

/// Names the mutant of a process that was started for one.
#[cfg(any(windlass_loom, windlass_shuttle))]
pub(crate) const MUTANT: &str = "WINDLASS_MUTANT";

#[cfg(any(windlass_loom, windlass_shuttle))]
pub(crate) fn mutant(name: &str) -> bool {
    static ACTIVE: std::sync::OnceLock<Option<String>> = std::sync::OnceLock::new();
    let active = ACTIVE.get_or_init(|| std::env::var(MUTANT).ok());
    active.as_deref() == Some(name)
}
