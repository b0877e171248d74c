//! What happens to failures that nobody awaits, and to panics in callbacks.

use std::{
    panic::{AssertUnwindSafe, Location, catch_unwind},
    sync::Arc,
};

use crate::{Error, error::Panicked};

/// A failure that nobody will see.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The path of what failed.
    pub path: &'a str,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// Why.
    pub error: &'a Error,
}

/// What is told of failures that nobody will see.
pub(crate) type Reporter = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

/// Runs user code that may panic; the panic is reported and goes no further.
pub(crate) fn isolate<T>(what: &'static str, f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            let panicked = Panicked::new(payload);
            eprintln!("windlass: {what} panicked: {}", panicked.message());
            None
        }
    }
}
