//! Starting work: [`Spawner`] and [`LocalSpawner`].

use std::future::Future;

/// Runs unit futures; a cheap handle on an executor.
pub trait Spawner: Clone + Send + Sync + 'static {
    /// Hands `future` to the executor.
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static;

    /// Runs `work` on a thread that may block.
    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        blocking::unblock(work).detach();
    }
}

/// Runs unit futures that are not `Send`, on the thread that polls the executor.
pub trait LocalSpawner: Clone + 'static {
    /// Hands `future` to the executor of this thread.
    fn spawn_local<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static;
}
