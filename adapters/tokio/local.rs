//! [`TokioLocal`]: tasks of tokio that stay on one thread.

use std::{
    fmt,
    future::Future,
    rc::{Rc, Weak},
    time::{Duration, Instant},
};

use tokio::task::LocalSet;

use super::{Tokio, TokioSleep};
use crate::{LocalSpawner, Timer};

/// A handle on a tokio `LocalSet`, with the clock of its runtime.
///
/// The set owns the tasks, and runs them while it is awaited or in `run_until`. When it is dropped,
/// so are they; what is spawned later is dropped inside the call.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use tokio::task::{LocalSet, yield_now};
/// use windlass::{LocalSpawner, adapters::{Tokio, TokioLocal}};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let set = Rc::new(LocalSet::new());
/// let local = TokioLocal::new(&set, Tokio::current());
/// let flag = Rc::new(Cell::new(false));
/// let shared = flag.clone();
/// local.spawn_local(async move { shared.set(true) });
/// set.run_until(yield_now()).await;
/// assert!(flag.get());
/// # });
/// ```
#[derive(Clone)]
pub struct TokioLocal {
    set: Weak<LocalSet>,
    clock: Tokio,
}

impl TokioLocal {
    /// Makes a handle on `set`, with the clock of `clock`.
    pub fn new(set: &Rc<LocalSet>, clock: Tokio) -> Self {
        TokioLocal {
            set: Rc::downgrade(set),
            clock,
        }
    }
}

impl LocalSpawner for TokioLocal {
    fn spawn_local<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static,
    {
        if let Some(set) = self.set.upgrade() {
            drop(set.spawn_local(future));
        }
    }
}

impl Timer for TokioLocal {
    type Sleep = TokioSleep;

    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        self.clock.sleep_until(deadline)
    }

    fn into_sleep(self, duration: Duration, deadline: &mut Option<Instant>) -> TokioSleep {
        self.clock.into_sleep(duration, deadline)
    }
}

impl fmt::Debug for TokioLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokioLocal").finish_non_exhaustive()
    }
}
