//! [`Smol`]: the executors of smol.

use std::{
    fmt,
    future::Future,
    sync::{Arc, Weak},
    time::Instant,
};

use smol::Executor;

use super::AsyncIoSleep;
use crate::{BlockOn, Result, Spawner, Timer, runtime::IN_A_ROW};

mod local;

pub use self::local::SmolLocal;

/// The global executor of smol, or a handle on another one.
///
/// The global one is never dropped. Another owns its tasks: when it is dropped, so are they, and
/// what is spawned later is dropped inside the call. Somebody has to run it.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use windlass::{BlockOn, Spawner, adapters::Smol};
///
/// let executor = Arc::new(smol::Executor::new());
/// for rt in [Smol::global(), Smol::from(&executor)] {
///     let (send, receive) = futures::channel::oneshot::channel();
///     rt.spawn(async { send.send(7).unwrap() });
///     assert_eq!(rt.block_on(receive).unwrap(), Ok(7));
/// }
/// ```
#[derive(Clone)]
pub struct Smol(Which);

#[derive(Clone)]
enum Which {
    Global,
    Static(&'static Executor<'static>),
    Shared(Weak<Executor<'static>>),
}

// ===== impl Smol =====

impl Smol {
    /// Returns the global executor. It has one thread, unless the environment variable
    /// `SMOL_THREADS` says otherwise.
    pub fn global() -> Self {
        Smol(Which::Global)
    }
}

impl From<&'static Executor<'static>> for Smol {
    fn from(executor: &'static Executor<'static>) -> Self {
        Smol(Which::Static(executor))
    }
}

impl From<&Arc<Executor<'static>>> for Smol {
    /// A handle, which does not keep the executor alive.
    fn from(executor: &Arc<Executor<'static>>) -> Self {
        Smol(Which::Shared(Arc::downgrade(executor)))
    }
}

impl Spawner for Smol {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match &self.0 {
            Which::Global => smol::spawn(future).detach(),
            Which::Static(executor) => executor.spawn(future).detach(),
            Which::Shared(executor) => {
                if let Some(executor) = executor.upgrade() {
                    executor.spawn(future).detach();
                }
            }
        }
    }

    // Each thread takes what is spawned or woken by any.
    fn in_a_row(&self) -> usize {
        IN_A_ROW
    }
}

impl Timer for Smol {
    type Sleep = AsyncIoSleep;

    fn now(&self) -> Instant {
        Instant::now()
    }

    fn sleep_until(&self, deadline: Instant) -> AsyncIoSleep {
        AsyncIoSleep::until(deadline)
    }
}

impl BlockOn for Smol {
    /// Runs `future` to its end, and the tasks of the executor meanwhile, unless that is the global
    /// one, whose thread runs them. Never refuses.
    ///
    /// It keeps the executor alive until it returns.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let shared = match &self.0 {
            Which::Shared(executor) => executor.upgrade(),
            _ => None,
        };
        Ok(match (&self.0, &shared) {
            (Which::Static(executor), _) => smol::block_on(executor.run(future)),
            (_, Some(executor)) => smol::block_on(executor.run(future)),
            _ => smol::block_on(future),
        })
    }
}

impl fmt::Debug for Smol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Smol").finish_non_exhaustive()
    }
}
