//! [`EmbeddedPool`]: the owner of the built-in runtime's threads and tasks.

use std::{convert::Infallible, fmt, future::Future, sync::Arc, thread::JoinHandle};

use futures::channel::oneshot;

use super::{
    Embedded,
    engine::{Engine, is_driving},
};
use crate::{BlockOn, Result};

/// A pool of threads that owns its tasks. Dropping it drops them and stops the threads.
///
/// # Blocking
///
/// The drop waits for the polls in progress. Inside a task or a `block_on` of any pool it does not
/// wait, since it might wait for itself: each thread stops by itself, after its present poll, and
/// the last to leave drops the tasks. A task that is itself in a `block_on` of the pool goes on
/// driving it until that returns.
///
/// # Examples
///
/// ```
/// use windlass::{BlockOn, Ctx, adapters::EmbeddedPool};
///
/// let pool = EmbeddedPool::new(2);
/// let app = Ctx::root("app", pool.handle());
/// let task = app.spawn(async { 6 * 7 });
/// assert_eq!(pool.block_on(task).unwrap().unwrap(), 42);
///
/// drop(pool);
/// assert!(app.spawn(async {}).error().unwrap().is_cancelled(), "its executor has gone");
/// ```
#[must_use = "dropping the pool drops its tasks; keep it for as long as they should run"]
pub struct EmbeddedPool {
    engine: Arc<Engine>,
    /// Dropping it is the signal to stop.
    stop: Option<oneshot::Sender<Infallible>>,
    threads: Vec<JoinHandle<()>>,
}

// ===== impl EmbeddedPool =====

impl EmbeddedPool {
    /// Starts a pool of that many threads; none counts as one.
    ///
    /// If the system refuses some of the threads, the pool makes do with those it got.
    ///
    /// # Panics
    ///
    /// If the system refuses every thread.
    pub fn new(threads: usize) -> Self {
        let (stop, stopped) = oneshot::channel();
        let engine = Arc::new(Engine::new(stopped));
        let mut started = Vec::new();
        for n in 0..threads.max(1) {
            match Engine::start_thread(&engine, n) {
                Ok(thread) => started.push(thread),
                Err(refusal) if n == 0 => panic!("no thread for the embedded pool: {refusal}"),
                Err(_) => break,
            }
        }
        EmbeddedPool {
            engine,
            stop: Some(stop),
            threads: started,
        }
    }

    /// Makes a handle, which does not keep the pool alive.
    pub fn handle(&self) -> Embedded {
        Embedded(Arc::downgrade(&self.engine))
    }
}

impl BlockOn for EmbeddedPool {
    /// Does what that of [`Embedded`] does.
    #[inline]
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        self.handle().block_on(future)
    }
}

impl Drop for EmbeddedPool {
    fn drop(&mut self) {
        drop(self.stop.take());
        if is_driving() {
            return;
        }
        for thread in self.threads.drain(..) {
            // A task that panics does not end its thread, so there is nothing to hear of.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for EmbeddedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedPool")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}
