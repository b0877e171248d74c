//! The one error type: why something gave no value.

use std::{
    any::Any,
    borrow::Cow,
    error::Error as StdError,
    fmt,
    panic::Location,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use crate::sync::lock; // std only: errors are not modelled

/// An error of any type, boxed.
pub type BoxError = Box<dyn StdError + Send + Sync>;
/// A result whose error is ours unless said otherwise.
pub type Result<T, E = Error> = core::result::Result<T, E>;
/// A name: of a context, a task, a queue.
pub type Name = Cow<'static, str>;

/// Ends a body that uses `?` on errors of several types.
pub fn ok<T>(value: T) -> Result<T, BoxError> {
    Ok(value)
}

/// Why something gave no value.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Error {
    /// It was cancelled.
    Cancelled(Cancelled),
    /// Its time ran out.
    TimedOut(TimedOut),
    /// It panicked.
    Panicked(Panicked),
    /// It returned an error.
    Failed(Failed),
}

/// A cancellation.
#[derive(Clone, Debug)]
pub struct Cancelled(Arc<CancelledInner>);

#[derive(Debug)]
struct CancelledInner {
    path: String,
    reason: Option<Name>,
    location: &'static Location<'static>,
    cause: Option<Error>,
}

/// A deadline that passed.
#[derive(Clone, Debug)]
pub struct TimedOut(Arc<TimedOutInner>);

#[derive(Debug)]
struct TimedOutInner {
    path: String,
    after: Duration,
    deadline: Instant,
}

/// A panic that was caught.
#[derive(Clone)]
pub struct Panicked(Arc<PanickedInner>);

struct PanickedInner {
    message: String,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

/// A user's error, whole.
#[derive(Clone, Debug)]
pub struct Failed(Arc<BoxError>);

// ===== for the rest of the crate =====

impl Cancelled {
    /// A cancellation that started at `path`.
    pub(crate) fn new(
        path: String,
        reason: Option<Name>,
        location: &'static Location<'static>,
        cause: Option<Error>,
    ) -> Self {
        Cancelled(Arc::new(CancelledInner {
            path,
            reason,
            location,
            cause,
        }))
    }
}

impl TimedOut {
    /// The deadline of `path`, which was `after` long, passed.
    pub(crate) fn new(path: String, after: Duration, deadline: Instant) -> Self {
        TimedOut(Arc::new(TimedOutInner {
            path,
            after,
            deadline,
        }))
    }
}

impl Panicked {
    /// Keeps what `catch_unwind` caught.
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = payload
            .downcast_ref::<&'static str>()
            .map(|text| (*text).to_owned())
            .or_else(|| payload.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "a panic whose payload is not text".to_owned());
        Panicked(Arc::new(PanickedInner {
            message,
            payload: Mutex::new(Some(payload)),
        }))
    }
}

impl Error {
    /// Whether both are clones of one error (the same allocation).
    pub(crate) fn is_same(&self, other: &Error) -> bool {
        match (self, other) {
            (Error::Cancelled(a), Error::Cancelled(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Error::TimedOut(a), Error::TimedOut(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Error::Panicked(a), Error::Panicked(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Error::Failed(a), Error::Failed(b)) => Arc::ptr_eq(&a.0, &b.0),
            _ => false,
        }
    }

    /// Wraps any error; an [`Error`] found in its `source()` chain comes back with its kind.
    pub fn failed(e: impl Into<BoxError>) -> Error {
        Error::Failed(Failed(Arc::new(e.into())))
    }
    /// Whether this is a cancellation.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Cancelled(_))
    }
    /// Whether a deadline passed.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Error::TimedOut(_))
    }
    /// Whether it was a panic.
    pub fn is_panic(&self) -> bool {
        matches!(self, Error::Panicked(_))
    }
    /// Whether it was the user's own error.
    pub fn is_failed(&self) -> bool {
        matches!(self, Error::Failed(_))
    }
}

impl Panicked {
    /// The panic's text.
    pub fn message(&self) -> &str {
        &self.0.message
    }
    /// The payload, unless it was taken.
    pub fn into_panic(self) -> Result<Box<dyn Any + Send>, Panicked> {
        let payload = lock(&self.0.payload).take();
        payload.ok_or(self)
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("message", &self.0.message)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cancelled(c) => write!(f, "cancelled at {}", c.0.path),
            Error::TimedOut(t) => write!(f, "timed out at {}", t.0.path),
            Error::Panicked(p) => write!(f, "panicked: {}", p.message()),
            Error::Failed(e) => write!(f, "{}", e.0),
        }
    }
}
impl StdError for Error {}
