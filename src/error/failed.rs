//! [`Failed`]: the user's own error, kept whole.

use std::{error::Error as StdError, fmt, mem, sync::Arc};

use super::{BoxError, Error, chain};
use crate::report::isolate;

/// The error that user code returned, whole.
///
/// It reads as that error does.
///
/// # Examples
///
/// ```
/// use std::num::ParseIntError;
/// use windlass::Error;
///
/// let error = Error::failed("many".parse::<u32>().unwrap_err());
/// let Error::Failed(failed) = error else { unreachable!() };
/// assert!(failed.downcast_ref::<ParseIntError>().is_some());
/// assert_eq!(failed.to_string(), "invalid digit found in string");
/// ```
#[derive(Clone)]
pub struct Failed(Arc<Held>);

enum Held {
    Boxed(BoxError),
    /// Boxing it would hide its type, its backtrace and what can be downcast to.
    #[cfg(feature = "anyhow")]
    Anyhow(anyhow::Error),
}

/// The last clone may be in a task or a context, and go where no panic may arrive.
impl Drop for Held {
    fn drop(&mut self) {
        isolate("the destructor of an error", || match self {
            // Something else takes its place; this box allocates nothing.
            Held::Boxed(e) => drop(mem::replace(e, Box::new(fmt::Error))),
            #[cfg(feature = "anyhow")]
            Held::Anyhow(e) => drop(mem::replace(e, fmt::Error.into())),
        });
    }
}

// ===== impl Failed =====

impl Failed {
    /// Keeps `e`, in whose chain there is no error of ours of another kind.
    pub(super) fn new(e: BoxError) -> Self {
        Failed(Arc::new(Held::Boxed(e)))
    }

    /// Keeps `e`, in whose chain there is no error of ours of another kind.
    #[cfg(feature = "anyhow")]
    pub(super) fn from_anyhow(e: anyhow::Error) -> Self {
        Failed(Arc::new(Held::Anyhow(e)))
    }

    /// Returns the user's error.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::fmt;
    /// use windlass::Error;
    ///
    /// let Error::Failed(failed) = Error::failed(fmt::Error) else { unreachable!() };
    /// assert!(failed.get_ref().is::<fmt::Error>());
    /// ```
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        match &*self.0 {
            Held::Boxed(e) => &**e,
            #[cfg(feature = "anyhow")]
            Held::Anyhow(e) => &**e,
        }
    }

    /// Returns the first `E` in the chain that starts at the user's error.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        chain::find(self.get_ref())
    }

    /// Returns the `anyhow::Error` that was kept, for its backtrace and its own ways of
    /// downcasting.
    ///
    /// `None` if the error came as something else.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Error;
    ///
    /// let error = Error::from(anyhow::anyhow!("disk full").context("while saving"));
    /// let Error::Failed(failed) = &error else { unreachable!() };
    /// let kept = failed.as_anyhow().unwrap();
    /// assert_eq!(kept.root_cause().to_string(), "disk full");
    /// assert_eq!(kept.downcast_ref::<&str>(), Some(&"while saving"));
    /// ```
    #[cfg(feature = "anyhow")]
    #[cfg_attr(docsrs, doc(cfg(feature = "anyhow")))]
    pub fn as_anyhow(&self) -> Option<&anyhow::Error> {
        match &*self.0 {
            Held::Anyhow(e) => Some(e),
            Held::Boxed(_) => None,
        }
    }

    pub(super) fn address(&self) -> *const () {
        Arc::as_ptr(&self.0).cast()
    }

    /// Whether one of both is a clone of the other, or holds one somewhere in its chain.
    pub(super) fn is_same(&self, other: &Failed) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.holds(other) || other.holds(self)
    }

    fn holds(&self, other: &Failed) -> bool {
        let is_other =
            |found: Error| matches!(found, Error::Failed(found) if Arc::ptr_eq(&found.0, &other.0));
        let found = isolate("the source of an error", || {
            chain::ours(self.get_ref()).any(is_other)
        });
        found.unwrap_or(false)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0 {
            Held::Boxed(e) => e.fmt(f),
            #[cfg(feature = "anyhow")]
            Held::Anyhow(e) => e.fmt(f),
        }
    }
}

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut output = f.debug_tuple("Failed");
        match &*self.0 {
            Held::Boxed(e) => output.field(e),
            #[cfg(feature = "anyhow")]
            Held::Anyhow(e) => output.field(e),
        };
        output.finish()
    }
}

impl StdError for Failed {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        chain::answer(|| Error::Failed(self.clone()));
        Some(self.get_ref())
    }
}
