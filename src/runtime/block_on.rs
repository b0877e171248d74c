//! Blocking a thread on a future: [`BlockOn`].

use std::future::Future;

use crate::Result;

/// Blocks the calling thread on a future, or says why that cannot be done here.
///
/// What owns an executor that can be driven runs the executor's tasks on this thread while it
/// waits. What has threads of its own need not. Either way the future itself is polled on this
/// thread: it may borrow, and need not be `Send`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use windlass::{BlockOn, testing::SimRuntime};
///
/// fn length_of(text: &str, on: &impl BlockOn) -> windlass::Result<usize> {
///     on.block_on(async { text.len() }) // it borrows
/// }
/// assert_eq!(length_of("four", &SimRuntime::new()).unwrap(), 4);
/// # }
/// ```
pub trait BlockOn {
    /// Runs `future` to its end on this thread.
    ///
    /// # Errors
    ///
    /// [`NestedRun`](crate::NestedRun), in an [`Error`](crate::Error), where waiting here could
    /// never end, or would stop a thread that others need; it says what to do instead. The future
    /// is dropped unpolled then. [`adapters`](crate::adapters) has a table of who refuses what.
    ///
    /// # Blocking
    ///
    /// For as long as the future takes. What cannot be detected is the caller's to avoid: blocking
    /// the only thread of an executor on work that needs that thread.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output>;
}
