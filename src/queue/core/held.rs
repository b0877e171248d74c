//! [`Held`]: the lock of the back.

use std::ops::{Deref, DerefMut};

use super::{Back, Core};
#[cfg(not(any(windlass_loom, windlass_shuttle)))]
use crate::sync::try_lock;
use crate::sync::{AtomicBool, Mutex, MutexGuard, Ordering, lock};

/// The back, locked; that something is in it is published with its release (invariant 7).
pub(super) struct Held<'a, T> {
    is_behind: &'a AtomicBool,
    back: MutexGuard<'a, Back<T>>,
}

impl<T> Core<T> {
    /// See [`lock_late`].
    #[inline]
    pub(super) fn hold_late(&self) -> Held<'_, T> {
        Held {
            is_behind: &self.is_behind,
            back: lock_late(&self.back),
        }
    }

    #[inline]
    pub(super) fn hold(&self) -> Held<'_, T> {
        Held {
            is_behind: &self.is_behind,
            back: lock(&self.back),
        }
    }

    /// See [`lock_soon`].
    #[inline]
    pub(super) fn hold_soon(&self) -> Held<'_, T> {
        Held {
            is_behind: &self.is_behind,
            back: lock_soon(&self.back),
        }
    }
}

impl<T> Held<'_, T> {
    /// Has those who do not lock know that nothing is in the back, if it is so (invariant 7).
    #[inline]
    pub(super) fn publish_if_empty(&self) {
        if self.back.entries.is_empty() {
            // Relaxed: nothing goes with it, and who misses it looks under the lock.
            self.is_behind.store(false, Ordering::Relaxed);
        }
    }
}

impl<T> Drop for Held<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // Most often it is so already, and a load costs less than a store before an unlocking.
        if !self.back.entries.is_empty() && !self.is_behind.load(Ordering::Relaxed) {
            // Release: partner of the Acquire in `seems_empty`.
            self.is_behind.store(true, Ordering::Release);
        }
    }
}

impl<T> Deref for Held<'_, T> {
    type Target = Back<T>;

    #[inline]
    fn deref(&self) -> &Back<T> {
        &self.back
    }
}

impl<T> DerefMut for Held<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Back<T> {
        &mut self.back
    }
}

/// Locks for a few instructions. Others that do so are done sooner than this thread could be put to
/// sleep and woken again: so it looks a few times before it sleeps.
#[inline]
fn lock_soon<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    #[cfg(not(any(windlass_loom, windlass_shuttle)))]
    for round in 0..LOOKS {
        if let Some(guard) = try_lock(mutex) {
            return guard;
        }
        for _ in 0..1 << round.min(6) {
            std::hint::spin_loop();
        }
    }
    lock(mutex)
}

/// Locks for a consumer. If somebody is just putting something in, more is likely to follow: so it
/// stays out of the way for a moment, and finds many at once. Taken one by one, each would cost both
/// sides a lock that the other one has in its cache.
#[inline]
pub(super) fn lock_late<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    #[cfg(not(any(windlass_loom, windlass_shuttle)))]
    for _ in 0..2 {
        if let Some(guard) = try_lock(mutex) {
            return guard;
        }
        stay_away();
    }
    lock(mutex)
}

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
#[cold]
fn stay_away() {
    for _ in 0..PAUSES {
        std::hint::spin_loop();
    }
}

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
const PAUSES: u32 = 64;

/// How often a lock is looked at before the thread sleeps.
#[cfg(not(any(windlass_loom, windlass_shuttle)))]
const LOOKS: u32 = 16;
