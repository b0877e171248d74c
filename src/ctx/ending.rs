//! How a context ended, shared by all that ended with it.

use std::panic::Location;

use super::tree::Node;
use crate::{
    Error,
    error::Cancelled,
    sync::{Arc, OnceLock},
};

/// The error of one ending call, and what it means for the tasks that it stopped.
#[derive(Clone)]
pub(crate) struct Ending(Arc<Inner>);

struct Inner {
    error: Error,
    /// Where it began, unless the error itself says so.
    path: Option<String>,
    location: &'static Location<'static>,
    /// The error of the tasks below; made when the first asks.
    stopped: OnceLock<Error>,
}

impl Ending {
    /// The end of `node`, which is where it begins.
    pub(crate) fn of(node: &Node, error: Error) -> Self {
        let says_where = matches!(error, Error::Cancelled(_) | Error::TimedOut(_));
        let path = if says_where {
            None
        } else {
            Some(node.error_path())
        };
        let location = node.created_at();
        Ending(Arc::new(Inner {
            error,
            path,
            location,
            stopped: OnceLock::new(),
        }))
    }

    pub(crate) fn error(&self) -> &Error {
        &self.0.error
    }

    /// What a task gives that was stopped by this: a cancellation, with this as its cause.
    ///
    /// All of them give the same one: however many there are, it is made once.
    pub(crate) fn stopped(&self) -> Error {
        if self.0.stopped.get().is_none() {
            // Another thread may be first; then that one counts.
            let _ = self.0.stopped.set(self.make_stopped());
        }
        self.0
            .stopped
            .get()
            .cloned()
            .unwrap_or_else(|| self.make_stopped())
    }

    fn make_stopped(&self) -> Error {
        let Inner {
            error,
            path,
            location,
            ..
        } = &*self.0;
        let cause = error.clone();
        Error::Cancelled(match (error, path) {
            (Error::Cancelled(cancelled), _) => cancelled.with_cause(cause),
            (Error::TimedOut(late), _) => {
                Cancelled::new(late.path().to_owned(), None, location, Some(cause))
            }
            (_, path) => Cancelled::new(
                path.clone().unwrap_or_default(),
                None,
                location,
                Some(cause),
            ),
        })
    }
}
