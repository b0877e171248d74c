//! What happens to failures that nobody awaits, and to panics in callbacks.
//!
//! Whatever is told, one place tells it: the reporter of the context, or else a `tracing` event, or
//! else a line on stderr. One that panics is passed over for the next, so nothing told is lost
//! and no panic leaves this file.

#[cfg(all(test, feature = "tracing"))]
mod recorder;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    io::Write as _,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    sync::Arc,
};

use crate::{
    Error,
    error::{Panicked, discard, text_with_causes},
};

/// A failure that nobody will see, as reporters are told of it.
///
/// `Display` gives it on one line: path, error and causes, and where it was spawned.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure<'a> {
    /// The path of the task that failed.
    pub path: &'a str,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    /// Why.
    pub error: &'a Error,
}

/// What is told of failures that nobody will see.
pub(crate) type Reporter = Arc<dyn Fn(&Failure<'_>) + Send + Sync>;

impl fmt::Display for Failure<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        write!(f, "{} (spawned at {})", self.text(), self.spawned_at)
    }
}

impl Failure<'_> {
    /// The error and its causes; getting their text runs user code.
    fn text(&self) -> String {
        quietly(|| text_with_causes(self.error))
            .unwrap_or_else(|| "an error whose text panics".to_owned())
    }
}

/// Tells `reporter` of a failure, or whoever is told by default. Does not panic.
pub(crate) fn report(
    reporter: Option<&Reporter>,
    path: &str,
    spawned_at: &'static Location<'static>,
    error: &Error,
) {
    let failure = Failure {
        path,
        spawned_at,
        error,
    };
    let told = reporter.and_then(|reporter| isolate("a reporter", || reporter(&failure)));
    if told.is_none() {
        tell(&Notice::Failure(&failure));
    }
}

/// Runs user code that may panic; the panic is told as a failure is, and goes no further.
pub(crate) fn isolate<T>(what: &'static str, f: impl FnOnce() -> T) -> Option<T> {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => Some(value),
        Err(payload) => {
            let panicked = Panicked::new(payload);
            let message = panicked.message();
            tell(&Notice::Callback { what, message });
            None
        }
    }
}

enum Notice<'a> {
    Failure(&'a Failure<'a>),
    Callback {
        what: &'static str,
        message: &'a str,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Failure(failure) => failure.fmt(f),
            Notice::Callback { what, message } => write!(f, "{what} panicked: {message}"),
        }
    }
}

fn tell(notice: &Notice<'_>) {
    let told = quietly(|| as_event(notice)).unwrap_or(false);
    if !told {
        on_stderr(&one_line(notice));
    }
}

/// Runs `f`, of which nothing is told if it panics: what tells cannot be told of.
fn quietly<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(discard).ok()
}

/// Emits an event if a subscriber is set for this thread; says whether one is.
#[cfg(feature = "tracing")]
fn as_event(notice: &Notice<'_>) -> bool {
    use tracing::{dispatcher, error, subscriber::NoSubscriber};

    // Asked of this thread: one that is set elsewhere would not see the event.
    if dispatcher::get_default(|current| current.is::<NoSubscriber>()) {
        return false;
    }
    match notice {
        Notice::Failure(failure) => error!(
            target: "windlass",
            path = failure.path,
            spawned_at = %failure.spawned_at,
            "{}",
            failure.text()
        ),
        Notice::Callback { .. } => error!(target: "windlass", "{notice}"),
    }
    true
}

#[cfg(not(feature = "tracing"))]
fn as_event(_: &Notice<'_>) -> bool {
    false
}

/// The notice with line breaks and other control characters escaped.
fn one_line(notice: &Notice<'_>) -> String {
    let mut line = String::new();
    for c in notice.to_string().chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Writes `line` at once, so that lines of several threads do not mix.
fn on_stderr(line: &str) {
    let line = format!("windlass: {line}\n");
    // Not `eprintln!`, which panics where stderr is a pipe that nobody reads; there is no other
    // place to tell it then.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
