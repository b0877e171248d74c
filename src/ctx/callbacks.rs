//! Done-callbacks of contexts.

use super::Ctx;
use crate::{Error, report::isolate};

/// A registered callback; given once in a program.
///
/// # Examples
///
/// ```
/// use windlass::Ctx;
///
/// let ctx = Ctx::root_on("app", ());
/// let id = ctx.on_done(|_| ());
/// assert_ne!(id, ctx.on_done(|_| ()));
/// assert!(!ctx.child("other").has_on_done(id));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallbackId(u64);

impl CallbackId {
    pub(crate) fn new(id: u64) -> Self {
        CallbackId(id)
    }

    pub(crate) fn get(self) -> u64 {
        self.0
    }
}

impl<R> Ctx<R> {
    /// Calls `f` once when the context ends.
    ///
    /// It is called on the thread that ends the context, after everything below is marked and
    /// outside all locks: parents' callbacks before children's, each in order of registration. If
    /// the context has ended already, it is called now. A panic in it is reported and goes no
    /// further. An ending started in it marks at once, and makes its own calls before the
    /// outermost ending returns.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use windlass::Ctx;
    ///
    /// let (tell, told) = mpsc::channel();
    /// let ctx = Ctx::root_on("app", ());
    /// ctx.on_done(move |error| tell.send(error.is_cancelled()).unwrap());
    /// ctx.cancel();
    /// assert_eq!(told.recv(), Ok(true), "called before `cancel` returned");
    /// ```
    #[doc(alias = "add_done_callback")]
    #[doc(alias = "AfterFunc")]
    pub fn on_done<F>(&self, f: F) -> CallbackId
    where
        F: FnOnce(&Error) + Send + 'static,
    {
        let (callback, error) = match self.node().link() {
            Err(error) => (Box::new(f) as super::rare::Callback, error.clone()),
            Ok(live) => match (live.on_done(Box::new(f)), live.outcome()) {
                (Ok(id), _) => return CallbackId(id),
                // Handed back only by a node that has ended, so the outcome is there.
                (Err(callback), Some(error)) => (callback, error.clone()),
                (Err(_), None) => unreachable!("a live node takes callbacks"),
            },
        };
        isolate("a done-callback of a context", || callback(&error));
        CallbackId(crate::ids::next())
    }

    /// Takes a callback back; false if it was called, is being called, or is not of this context.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::Ctx;
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let id = ctx.on_done(|_| unreachable!("taken back"));
    /// assert!(ctx.has_on_done(id));
    /// assert!(ctx.remove_on_done(id));
    /// assert!(!ctx.remove_on_done(id), "once");
    /// ctx.cancel();
    /// ```
    pub fn remove_on_done(&self, id: CallbackId) -> bool {
        let removed = self
            .node()
            .live()
            .and_then(|live| live.remove_on_done(id.0));
        removed.is_some() // dropped here, outside the lock
    }

    /// Says whether a callback of this very context waits to be called.
    pub fn has_on_done(&self, id: CallbackId) -> bool {
        self.node()
            .live()
            .is_some_and(|live| live.has_on_done(id.0))
    }
}
