//! [`NestedRun`]: blocking was refused.

use std::{error::Error as StdError, fmt};

/// `run` was called where the thread must not block.
///
/// It reaches callers inside [`Error::Failed`](crate::Error::Failed), so that
/// `error.is::<NestedRun>()` tells it from failures of the work itself, which was not started. Its
/// text says what to do instead.
#[derive(Debug)]
pub struct NestedRun {
    advice: &'static str,
}

impl NestedRun {
    /// A refusal; `advice` says why this thread must not block and what to do instead.
    pub(crate) fn new(advice: &'static str) -> Self {
        NestedRun { advice }
    }
}

impl fmt::Display for NestedRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "this thread must not block: {}", self.advice)
    }
}

impl StdError for NestedRun {}
