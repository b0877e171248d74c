//! Blocking a thread on a future: [`BlockOn`].

use std::future::Future;

use crate::Result;

/// Blocks the calling thread on a future, or says why that cannot be done here.
pub trait BlockOn {
    /// Runs `future` to its end on this thread, driving the executor meanwhile where it can be.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output>;
}
