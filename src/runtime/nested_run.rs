//! [`NestedRun`]: why a thread may not be blocked.

use std::{error::Error as StdError, fmt};

use crate::{Error, Name};

/// A future was to be run to its end where the thread must not block.
///
/// It is what a [`BlockOn`](super::BlockOn) refuses with, inside [`Error::Failed`]; find it with
/// [`Error::downcast_ref`]. Its text says why, and what to do instead.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{BlockOn, NestedRun};
///
///     let error = BlockOn::block_on(&sim.rt, async {}).unwrap_err(); // it is running us
///     assert!(error.is::<NestedRun>());
///     assert!(error.to_string().starts_with("this thread must not block: "));
/// });
/// ```
#[derive(Debug)]
pub struct NestedRun {
    why: Name,
}

impl NestedRun {
    /// Says why the thread must not block, and what to do instead.
    pub fn new(why: impl Into<Name>) -> Self {
        NestedRun { why: why.into() }
    }
}

impl fmt::Display for NestedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this thread must not block: {}", self.why)
    }
}

impl StdError for NestedRun {}

impl From<NestedRun> for Error {
    fn from(refusal: NestedRun) -> Self {
        Error::failed(refusal)
    }
}
