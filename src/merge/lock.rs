//! [`Lock`]: how the core of a merge is locked.

use std::{
    cell::{RefCell, RefMut},
    ops::DerefMut,
};

use crate::sync::{Mutex, MutexGuard, lock};

/// What a driver locks its core with.
///
/// Sources that run as tasks come from any thread. In place nothing leaves the thread, since the
/// sources do not; so there a flag will do, which saves a future a fifth of what feeding it costs.
pub trait Lock<S> {
    #[doc(hidden)]
    type Guard<'a>: DerefMut<Target = S>
    where
        Self: 'a;
    #[doc(hidden)]
    fn new(inner: S) -> Self;
    #[doc(hidden)]
    fn lock(&self) -> Self::Guard<'_>;
}

impl<S> Lock<S> for Mutex<S> {
    type Guard<'a>
        = MutexGuard<'a, S>
    where
        S: 'a;

    fn new(inner: S) -> Self {
        Mutex::new(inner)
    }

    fn lock(&self) -> MutexGuard<'_, S> {
        lock(self)
    }
}

impl<S> Lock<S> for RefCell<S> {
    type Guard<'a>
        = RefMut<'a, S>
    where
        S: 'a;

    fn new(inner: S) -> Self {
        RefCell::new(inner)
    }

    /// It is never taken twice: nothing of the user's is called or dropped meanwhile, and no other
    /// lock is taken.
    #[inline]
    fn lock(&self) -> RefMut<'_, S> {
        self.borrow_mut()
    }
}
