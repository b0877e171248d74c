//! [`Cancelled`]: who ended it, where in the program, and why.

use std::{error::Error as StdError, fmt, panic::Location, sync::Arc};

use super::{Error, Name, chain};

/// A cancellation: something ended this from outside.
///
/// It reads as a sentence: `cancelled at app-->server by shutdown requested`.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, Error};
///
/// let app = Ctx::root_on("app", ());
/// let server = app.child("server");
/// server.cancel_with("shutdown requested");
/// let error = server.child("conn").error().unwrap();
/// assert_eq!(error.to_string(), "cancelled at app-->server by shutdown requested");
///
/// let Error::Cancelled(cancelled) = error else { unreachable!() };
/// assert_eq!(cancelled.path(), "app-->server", "where it started");
/// assert_eq!(cancelled.reason(), Some("shutdown requested"));
/// ```
#[derive(Clone)]
pub struct Cancelled(pub(super) Arc<Inner>);

pub(super) struct Inner {
    path: String,
    reason: Option<Name>,
    location: &'static Location<'static>,
    cause: Option<Error>,
}

// ===== impl Cancelled =====

impl Cancelled {
    /// The same cancellation, as the effect of `cause`.
    pub(crate) fn with_cause(&self, cause: Error) -> Self {
        let (path, reason) = (self.0.path.clone(), self.0.reason.clone());
        Cancelled::new(path, reason, self.0.location, Some(cause))
    }

    /// A cancellation that started at `path`.
    pub(crate) fn new(
        path: String,
        reason: Option<Name>,
        location: &'static Location<'static>,
        cause: Option<Error>,
    ) -> Self {
        Cancelled(Arc::new(Inner {
            path,
            reason,
            location,
            cause,
        }))
    }

    /// Returns the names from the root to where the cancellation started, as in
    /// `app-->server-->conn`.
    ///
    /// Of a path of more than 16 names, the first 4 and the last 12 are given, and in between how
    /// many are left out.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Returns the reason that was given with it.
    pub fn reason(&self) -> Option<&str> {
        self.0.reason.as_deref()
    }

    /// Says where in the program the call was made that cancelled it.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }

    /// Returns the error that led to it: what the context around it had ended with.
    ///
    /// It is also the [`source`](StdError::source), without the [`Error`] around it.
    pub fn cause(&self) -> Option<&Error> {
        self.0.cause.as_ref()
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("cancelled")?;
        if !self.path().is_empty() {
            write!(f, " at {}", self.path())?;
        }
        match self.reason() {
            None | Some("") => Ok(()),
            Some(reason) => write!(f, " by {reason}"),
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_struct("Cancelled");
        output
            .field("path", &self.path())
            .field("reason", &self.reason())
            .field("location", &format_args!("{}", self.location()));
        if let Some(cause) = self.cause() {
            // Its text only: causes may be nested deeply, and this is not to recurse.
            output.field("cause", &format_args!("{cause}"));
        }
        output.finish()
    }
}

impl StdError for Cancelled {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        chain::answer(|| Error::Cancelled(self.clone()));
        self.cause().map(Error::part)
    }
}

impl Drop for Inner {
    /// Takes a chain of causes apart in a loop: it may be long, and dropping it would recurse.
    fn drop(&mut self) {
        let mut next = self.cause.take();
        while let Some(Error::Cancelled(Cancelled(inner))) = next {
            // Whoever else holds it takes the rest apart.
            next = Arc::into_inner(inner).and_then(|mut inner| inner.cause.take());
        }
    }
}
