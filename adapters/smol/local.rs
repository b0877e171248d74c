//! [`SmolLocal`]: tasks of smol that stay on one thread.

use std::{
    fmt,
    future::Future,
    rc::{Rc, Weak},
    time::Instant,
};

use smol::LocalExecutor;

use super::super::AsyncIoSleep;
use crate::{BlockOn, LocalSpawner, Result, Timer};

/// A handle on a smol `LocalExecutor`, whose tasks stay on one thread.
///
/// The executor owns the tasks: when it is dropped, so are they, and what is spawned later is
/// dropped inside the call. Somebody has to run it: `block_on` does, or its own `run`.
///
/// # Examples
///
/// ```
/// use std::{cell::Cell, rc::Rc};
/// use windlass::{BlockOn, LocalSpawner, adapters::SmolLocal};
///
/// let executor = Rc::new(smol::LocalExecutor::new());
/// let local = SmolLocal::new(&executor);
/// let flag = Rc::new(Cell::new(false));
/// let shared = flag.clone();
/// local.spawn_local(async move { shared.set(true) });
/// local.block_on(smol::future::yield_now()).unwrap();
/// assert!(flag.get());
/// ```
#[derive(Clone)]
pub struct SmolLocal(Weak<LocalExecutor<'static>>);

// ===== impl SmolLocal =====

impl SmolLocal {
    /// Makes a handle, which does not keep `executor` alive.
    pub fn new(executor: &Rc<LocalExecutor<'static>>) -> Self {
        SmolLocal(Rc::downgrade(executor))
    }
}

impl LocalSpawner for SmolLocal {
    fn spawn_local<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static,
    {
        if let Some(executor) = self.0.upgrade() {
            executor.spawn(future).detach();
        }
    }
}

impl Timer for SmolLocal {
    type Sleep = AsyncIoSleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> AsyncIoSleep {
        AsyncIoSleep::until(deadline)
    }
}

impl BlockOn for SmolLocal {
    /// Runs `future` to its end, and the tasks of the executor meanwhile. Never refuses.
    ///
    /// It keeps the executor alive until it returns.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(match self.0.upgrade() {
            Some(executor) => smol::block_on(executor.run(future)),
            None => smol::block_on(future),
        })
    }
}

impl fmt::Debug for SmolLocal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmolLocal").finish_non_exhaustive()
    }
}
