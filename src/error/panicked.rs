//! [`Panicked`]: a panic that was caught, with its payload.

use std::{
    any::Any,
    error::Error as StdError,
    fmt,
    mem,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    // Not from the shim: nothing of the models hangs on this lock, and errors outlive their runs.
    sync::{Arc, Mutex, PoisonError},
};

use super::{Error, Result, chain};

/// What a panic carried.
pub(crate) type Payload = Box<dyn Any + Send>;

/// A panic that was caught.
///
/// It reads `panicked: ` and the text of the panic.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::Error;
///
///     let task = sim.ctx.spawn(async { panic!("out of cheese") });
///     let Err(Error::Panicked(panicked)) = task.await else { unreachable!() };
///     assert_eq!(panicked.message(), "out of cheese");
///     let payload = panicked.into_panic().unwrap();
///     assert_eq!(payload.downcast_ref::<&str>().unwrap(), &"out of cheese");
/// });
/// ```
#[derive(Clone)]
pub struct Panicked(pub(super) Arc<Inner>);

pub(super) struct Inner {
    message: String,
    payload: Mutex<Option<Payload>>,
}

// ===== impl Panicked =====

impl Panicked {
    /// Keeps what `catch_unwind` caught.
    pub(crate) fn new(payload: Payload) -> Self {
        Panicked(Arc::new(Inner {
            message: text_of(&*payload).to_owned(),
            payload: Mutex::new(Some(payload)),
        }))
    }

    /// Returns the text of the panic, or a remark that its payload is not text.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Takes the payload, for [`resume_unwind`].
    ///
    /// # Errors
    ///
    /// The payload is there once for all clones: if another one took it, this one comes back.
    pub fn into_panic(self) -> Result<Payload, Panicked> {
        self.take().ok_or(self)
    }

    /// Goes on panicking, with the text if the payload was taken.
    pub(super) fn resume(self) -> ! {
        let payload = self.take();
        resume_unwind(payload.unwrap_or_else(|| Box::new(self.message().to_owned())))
    }

    fn take(&self) -> Option<Payload> {
        let mut payload = self
            .0
            .payload
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        payload.take()
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "panicked: {}", self.message())
    }
}

impl fmt::Debug for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panicked")
            .field("message", &self.message())
            .finish_non_exhaustive()
    }
}

impl StdError for Panicked {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        chain::answer(|| Error::Panicked(self.clone()));
        None
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        let payload = self
            .payload
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(payload) = payload {
            discard(payload);
        }
    }
}

/// Drops what a panic carried; a panic of its destructor goes no further.
pub(crate) fn discard(payload: Payload) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // Leaked: dropping this one may panic as well, with yet another payload, and so on for ever.
        // Nor is it reported: a reporter that panics comes here too, and the hook has spoken.
        mem::forget(again);
    }
}

fn text_of(payload: &(dyn Any + Send)) -> &str {
    match payload.downcast_ref::<&'static str>() {
        Some(text) => text,
        None => payload
            .downcast_ref::<String>()
            .map_or("a payload that is not text", String::as_str),
    }
}
