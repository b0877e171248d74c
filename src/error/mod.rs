//! The one error type: why something gave no value.
//!
//! # What holds
//!
//! 1. A [`Failed`] has no error of ours of another kind in its chain: [`convert`] looks there
//!    first, and such an error comes back as itself.
//! 2. Clones share one allocation, and an error that comes back through somebody else's error type
//!    is still that allocation; [`Error::is_same`] stands on it.
//! 3. Chains may be cyclic or endless, since they are made of user code: every walk is bounded.

mod cancelled;
mod chain;
mod convert;
mod failed;
mod panicked;
mod path;
mod timed_out;

#[cfg(test)]
mod tests;

use std::{borrow::Cow, error::Error as StdError, fmt, sync::Arc};

pub use self::{cancelled::Cancelled, failed::Failed, panicked::Panicked, timed_out::TimedOut};
pub(crate) use self::{
    chain::text_with_causes,
    panicked::discard,
    path::{Growing, render_path},
};

/// An error of any type, boxed.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A result whose error is [`Error`] unless said otherwise.
pub type Result<T, E = Error> = core::result::Result<T, E>;

/// A name: of a context, a task, a queue.
pub type Name = Cow<'static, str>;

/// Ends a body that uses `?` on errors of several types.
///
/// In an `async` block nothing says what `?` converts into, and `Ok(())` does not either;
/// `ok(())` says it: a [`BoxError`], which every error becomes and which an [`Error`] is made of.
///
/// # Examples
///
/// ```
/// let body = async {
///     let port: u16 = "8080".parse()?;
///     let host = std::str::from_utf8(b"localhost")?;
///     windlass::ok(format!("{host}:{port}"))
/// };
/// assert_eq!(futures::executor::block_on(body).unwrap(), "localhost:8080");
/// ```
pub fn ok<T>(value: T) -> Result<T, BoxError> {
    Ok(value)
}

/// Why something gave no value.
///
/// It has one of four kinds: *cancelled* (by whom, where and why), *timed out* (whose deadline),
/// *panicked*, or *failed*, with the user's own error in it. Cloning is cheap: clones share one
/// allocation.
///
/// # Travelling
///
/// An error that went through the error types of an application comes back with its kind. Every
/// conversion into an `Error` looks through the whole `source()` chain of what it is given, into
/// `io::Error`s and through wrappers that hide what they hold. If there is a [`Cancelled`],
/// [`TimedOut`] or [`Panicked`] somewhere, the result is that very error, and what was wrapped
/// around it is dropped: a context such as "while loading the settings" is lost then, so log it
/// where it is added if it matters. If there is none, the error is kept whole in a [`Failed`],
/// with all that is wrapped around it.
///
/// # What it reads like
///
/// `Display` gives the text of the kind that it holds, and [`source`](StdError::source) that kind
/// itself (the user's error for `Failed`), so that it can be found in a chain. Both read the same:
/// a printer of chains repeats the text once.
///
/// # Examples
///
/// ```
/// use windlass::Error;
///
/// let error = Error::failed("the disk is full");
/// assert!(error.is_failed() && !error.is_cancelled());
/// assert_eq!(error.to_string(), "the disk is full");
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Error {
    /// Something ended it from outside.
    Cancelled(Cancelled),
    /// Its time ran out. That is not a cancellation.
    TimedOut(TimedOut),
    /// It panicked.
    Panicked(Panicked),
    /// It returned an error of its own.
    Failed(Failed),
}

// ===== impl Error =====

impl Error {
    /// Wraps any error, or finds the one of ours in it.
    ///
    /// If there is a [`Cancelled`], [`TimedOut`] or [`Panicked`] in the chain of `e`, the result
    /// is that one, and what is wrapped around it is dropped. Otherwise `e` is kept whole.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::num::ParseIntError;
    /// use windlass::Error;
    ///
    /// let error = Error::failed("many".parse::<u32>().unwrap_err());
    /// assert!(error.is_failed() && error.is::<ParseIntError>());
    ///
    /// // Wrapping what is ours already changes nothing.
    /// let again = Error::failed(error);
    /// assert!(again.is_failed() && again.is::<ParseIntError>());
    /// ```
    pub fn failed(e: impl Into<BoxError>) -> Error {
        convert::from_box(e.into())
    }

    /// Says whether there is an `E` in the chain of this error.
    ///
    /// The chain goes on through the cause of a cancellation: what was cancelled because its
    /// context failed with an `E` says yes, although it is not itself [`failed`](Error::is_failed).
    ///
    /// # Examples
    ///
    /// ```
    /// use std::{fmt, io};
    /// use windlass::Error;
    ///
    /// let error = Error::from(io::Error::new(io::ErrorKind::NotFound, fmt::Error));
    /// assert!(error.is::<io::Error>());
    /// assert!(error.is::<fmt::Error>());
    /// assert!(!error.is::<std::num::ParseIntError>());
    /// ```
    pub fn is<E: StdError + 'static>(&self) -> bool {
        self.downcast_ref::<E>().is_some()
    }

    /// Returns the first `E` in the chain of this error.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::io;
    /// use windlass::Error;
    ///
    /// let error = Error::from(io::Error::from(io::ErrorKind::NotFound));
    /// let inner = error.downcast_ref::<io::Error>().unwrap();
    /// assert_eq!(inner.kind(), io::ErrorKind::NotFound);
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        chain::find(self)
    }

    /// Says whether something ended it from outside.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Error::Cancelled(_))
    }

    /// Says whether its time ran out.
    pub fn is_timed_out(&self) -> bool {
        matches!(self, Error::TimedOut(_))
    }

    /// Says whether it panicked.
    pub fn is_panic(&self) -> bool {
        matches!(self, Error::Panicked(_))
    }

    /// Says whether it returned an error of its own.
    pub fn is_failed(&self) -> bool {
        matches!(self, Error::Failed(_))
    }

    /// Goes on panicking if this is a panic that was caught; returns any other error.
    ///
    /// Waiting for something never panics on its behalf; this is for those who want it to. The
    /// panic hook does not run a second time.
    ///
    /// # Panics
    ///
    /// Whenever [`is_panic`](Error::is_panic): with the original payload, or with its text if
    /// another clone gave the payload away.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Error;
    ///
    /// let error = Error::failed("no panic").resume_panic();
    /// assert_eq!(error.to_string(), "no panic");
    /// ```
    #[must_use = "an error that is not a panic is handed back; return it or look at it"]
    pub fn resume_panic(self) -> Error {
        match self {
            Error::Panicked(panicked) => panicked.resume(),
            other => other,
        }
    }

    /// Wraps what user code returned; an `anyhow::Error` stays whole (feature `anyhow`).
    ///
    /// Runs user code: the conversion of `e` and the `source()` of what it holds.
    pub(crate) fn from_user<E: Into<BoxError> + 'static>(e: E) -> Error {
        convert::from_user(e)
    }

    /// Whether both are one error: the same allocation, however it got here.
    ///
    /// A `Failed` that came back through somebody else's error type is still kept in that type;
    /// the one inside counts.
    pub(crate) fn is_same(&self, other: &Error) -> bool {
        match (self, other) {
            (Error::Cancelled(a), Error::Cancelled(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Error::TimedOut(a), Error::TimedOut(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Error::Panicked(a), Error::Panicked(b)) => Arc::ptr_eq(&a.0, &b.0),
            (Error::Failed(a), Error::Failed(b)) => a.is_same(b),
            _ => false,
        }
    }

    /// The allocation that clones of this error share; it names the error while one lives.
    pub(crate) fn address(&self) -> *const () {
        match self {
            Error::Cancelled(cancelled) => Arc::as_ptr(&cancelled.0).cast(),
            Error::TimedOut(timed_out) => Arc::as_ptr(&timed_out.0).cast(),
            Error::Panicked(panicked) => Arc::as_ptr(&panicked.0).cast(),
            Error::Failed(failed) => failed.address(),
        }
    }

    /// What this kind holds, as the next link of the chain.
    fn part(&self) -> &(dyn StdError + 'static) {
        match self {
            Error::Cancelled(cancelled) => cancelled,
            Error::TimedOut(timed_out) => timed_out,
            Error::Panicked(panicked) => panicked,
            Error::Failed(failed) => failed.get_ref(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cancelled(cancelled) => cancelled.fmt(f),
            Error::TimedOut(timed_out) => timed_out.fmt(f),
            Error::Panicked(panicked) => panicked.fmt(f),
            Error::Failed(failed) => failed.fmt(f),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Cancelled(cancelled) => cancelled.fmt(f),
            Error::TimedOut(timed_out) => timed_out.fmt(f),
            Error::Panicked(panicked) => panicked.fmt(f),
            Error::Failed(failed) => failed.fmt(f),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        chain::answer(|| self.clone());
        Some(self.part())
    }
}
