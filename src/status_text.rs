//! [`status_text`]: where something stands, in words.

use std::fmt;

use crate::{FutureStatus, State};

/// Puts into words where `of` stands: `pending`, `stopping`, `done`, `cancelled` or `failed: …`.
///
/// If it has a name, that comes first: `upload (failed: disk full)`. The text is made each time it
/// is displayed, from what holds then. What timed out or panicked has failed.
///
/// # Examples
///
/// ```
/// use windlass::{Event, Promise, status_text};
///
/// let upload = Promise::<u32>::named("upload");
/// assert_eq!(status_text(&upload).to_string(), "upload (pending)");
/// upload.fail("disk full");
/// assert_eq!(status_text(&upload).to_string(), "upload (failed: disk full)");
/// assert_eq!(status_text(&Event::new()).to_string(), "pending");
/// ```
pub fn status_text<S: FutureStatus + ?Sized>(of: &S) -> StatusText<'_, S> {
    StatusText(of)
}

/// What [`status_text`] gives: its `Display` is the text.
pub struct StatusText<'a, S: ?Sized>(&'a S);

impl<S: FutureStatus + ?Sized> StatusText<'_, S> {
    fn state(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0.state(), self.0.error()) {
            (State::Pending, _) => f.write_str("pending"),
            (State::Stopping, _) => f.write_str("stopping"),
            (State::Done, None) => f.write_str("done"),
            (State::Done, Some(error)) if error.is_cancelled() => f.write_str("cancelled"),
            (State::Done, Some(error)) => write!(f, "failed: {error}"),
        }
    }
}

impl<S: FutureStatus + ?Sized> fmt::Display for StatusText<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(label) = self.0.label() else {
            return self.state(f);
        };
        write!(f, "{label} (")?;
        self.state(f)?;
        f.write_str(")")
    }
}

impl<S: FutureStatus + ?Sized> fmt::Debug for StatusText<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
