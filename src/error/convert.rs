//! Into [`Error`] and out of it.

use std::{error::Error as StdError, io};

use super::{BoxError, Cancelled, Error, Failed, Panicked, TimedOut, chain};
use crate::report::isolate;

/// The error of ours in the chain of `e`, or else `e`, whole.
pub(super) fn from_box(e: BoxError) -> Error {
    match unwrap(e) {
        Ok(ours) => ours,
        Err(e) => match kind_in(&*e) {
            Some(ours) => ours,
            None => Error::Failed(Failed::new(e)),
        },
    }
}

/// As [`from_box`], but an `anyhow::Error` is not boxed.
#[cfg(feature = "anyhow")]
pub(super) fn from_user<E: Into<BoxError> + 'static>(e: E) -> Error {
    let mut e = Some(e);
    let whole = (&mut e as &mut dyn std::any::Any).downcast_mut::<Option<anyhow::Error>>();
    if let Some(whole) = whole.and_then(Option::take) {
        return Error::from(whole);
    }
    from_box(e.map_or_else(|| unreachable!("taken only above"), Into::into))
}

#[cfg(not(feature = "anyhow"))]
pub(super) fn from_user<E: Into<BoxError> + 'static>(e: E) -> Error {
    from_box(e.into())
}

/// The first error of ours in the chain that is not a `Failed`: those are kept with all around.
///
/// If a `source()` of the user's panics, there is none.
fn kind_in(head: &(dyn StdError + 'static)) -> Option<Error> {
    isolate("the source of an error", || {
        chain::ours(head).find(|ours| !ours.is_failed())
    })?
}

/// Takes off the wrappers of ours, which say nothing of their own; else gives `e` back.
fn unwrap(e: BoxError) -> Result<Error, BoxError> {
    let e = match e.downcast::<Error>() {
        Ok(ours) => return Ok(*ours),
        Err(e) => e,
    };
    let e = match e.downcast::<Failed>() {
        Ok(failed) => return Ok(Error::Failed(*failed)),
        Err(e) => e,
    };
    // What `io::Error::from(Error)` made.
    let io = e.downcast::<io::Error>()?;
    match io.downcast::<Error>() {
        Ok(ours) => Ok(ours),
        Err(io) => Err(Box::new(io)),
    }
}

// ===== into Error =====

/// An [`Error`] that was put into an `io::Error` comes back; any other is kept whole.
///
/// # Examples
///
/// ```
/// use std::io;
/// use windlass::Error;
///
/// fn read() -> windlass::Result<String> {
///     Ok(std::fs::read_to_string("/no/such/file")?)
/// }
/// let error = read().unwrap_err();
/// assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
/// ```
impl From<io::Error> for Error {
    fn from(e: io::Error) -> Self {
        Error::failed(e)
    }
}

/// An [`Error`] that was boxed comes back; any other is kept whole.
///
/// # Examples
///
/// ```
/// use windlass::{BoxError, Error};
///
/// let boxed: BoxError = Error::failed("disk full").into();
/// let error = Error::from(boxed);
/// assert!(error.is_failed());
/// assert_eq!(error.to_string(), "disk full");
/// ```
impl From<BoxError> for Error {
    fn from(e: BoxError) -> Self {
        from_box(e)
    }
}

/// A failure that has only a text.
///
/// # Examples
///
/// ```
/// fn check(n: u32) -> windlass::Result<u32> {
///     if n > 3 { Err("too many")? }
///     Ok(n)
/// }
/// assert_eq!(check(4).unwrap_err().to_string(), "too many");
/// ```
impl From<&'static str> for Error {
    fn from(e: &'static str) -> Self {
        Error::failed(e)
    }
}

/// A failure that has only a text.
///
/// # Examples
///
/// ```
/// fn check(n: u32) -> windlass::Result<u32> {
///     if n > 3 { Err(format!("{n} are too many"))? }
///     Ok(n)
/// }
/// assert_eq!(check(4).unwrap_err().to_string(), "4 are too many");
/// ```
impl From<String> for Error {
    fn from(e: String) -> Self {
        Error::failed(e)
    }
}

/// An [`Error`] that went through `anyhow` comes back with its kind; any other is kept whole.
///
/// Whole means with its backtrace and its contexts: see [`Failed::as_anyhow`]. The functions that
/// take any error (`Error::failed`, `ctx.fail`) box it instead, which hides its type; convert it
/// first if that matters. What a fallible task returns is kept whole.
///
/// # Examples
///
/// ```
/// use anyhow::Context as _;
/// use windlass::Error;
///
/// fn read() -> anyhow::Result<u32> {
///     "many".parse().context("while reading the size")
/// }
/// let error = Error::from(read().unwrap_err());
/// assert_eq!(error.to_string(), "while reading the size");
/// assert!(error.is::<std::num::ParseIntError>());
/// ```
#[cfg(feature = "anyhow")]
#[cfg_attr(docsrs, doc(cfg(feature = "anyhow")))]
impl From<anyhow::Error> for Error {
    fn from(e: anyhow::Error) -> Self {
        if let Some(ours) = kind_in(&*e) {
            return ours;
        }
        // Asked of the head: `anyhow` also downcasts to what has a context around it.
        if !(*e).is::<Error>() {
            return Error::Failed(Failed::from_anyhow(e));
        }
        e.downcast()
            .unwrap_or_else(|e| Error::Failed(Failed::from_anyhow(e)))
    }
}

impl From<Cancelled> for Error {
    fn from(e: Cancelled) -> Self {
        Error::Cancelled(e)
    }
}

impl From<TimedOut> for Error {
    fn from(e: TimedOut) -> Self {
        Error::TimedOut(e)
    }
}

impl From<Panicked> for Error {
    fn from(e: Panicked) -> Self {
        Error::Panicked(e)
    }
}

impl From<Failed> for Error {
    fn from(e: Failed) -> Self {
        Error::Failed(e)
    }
}

// ===== out of Error =====

/// The error, whole, with the kind of I/O error that comes nearest; it comes back as itself.
///
/// If it timed out, the kind is `TimedOut`; if it holds an `io::Error`, the kind is that one's.
/// Otherwise it is `Other`, for a cancellation too: `Interrupted` means "try again", and
/// `read_exact`, `write_all` and `io::copy` do so, for ever.
///
/// # Examples
///
/// ```
/// use std::io;
/// use windlass::Error;
///
/// let error = Error::from(io::Error::from(io::ErrorKind::NotFound));
/// let outer = io::Error::from(error);
/// assert_eq!(outer.kind(), io::ErrorKind::NotFound);
/// assert!(Error::from(outer).is_failed());
/// ```
impl From<Error> for io::Error {
    fn from(e: Error) -> Self {
        let kind = match &e {
            Error::TimedOut(_) => io::ErrorKind::TimedOut,
            Error::Failed(failed) => io_kind(failed),
            Error::Cancelled(_) | Error::Panicked(_) => io::ErrorKind::Other,
        };
        io::Error::new(kind, e)
    }
}

/// Only of the error itself: one further down the chain was about something else.
fn io_kind(failed: &Failed) -> io::ErrorKind {
    failed
        .get_ref()
        .downcast_ref::<io::Error>()
        .map_or(io::ErrorKind::Other, io::Error::kind)
}
