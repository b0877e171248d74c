//! [`TimedOut`]: whose deadline passed.

use std::{
    error::Error as StdError,
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{Error, chain};

/// A deadline that passed. That is not a cancellation.
///
/// It reads as a sentence: `timed out at app-->request after 5s`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::{future::pending, time::Duration};
///     use windlass::Error;
///
///     let limit = Duration::from_secs(5);
///     let error = sim.ctx.child("request").timeout(limit, pending::<()>()).await.unwrap_err();
///     assert_eq!(error.to_string(), "timed out at sim-->request after 5s");
///
///     let Error::TimedOut(timed_out) = error else { unreachable!() };
///     assert_eq!(timed_out.after(), limit);
///     assert_eq!(timed_out.deadline(), sim.ctx.now());
/// });
/// ```
#[derive(Clone)]
pub struct TimedOut(pub(super) Arc<Inner>);

pub(super) struct Inner {
    path: String,
    after: Duration,
    deadline: Instant,
}

// ===== impl TimedOut =====

impl TimedOut {
    /// The deadline of `path`, which was `after` long, passed.
    pub(crate) fn new(path: String, after: Duration, deadline: Instant) -> Self {
        TimedOut(Arc::new(Inner {
            path,
            after,
            deadline,
        }))
    }

    /// Returns the names from the root to whose deadline it was, as in `app-->server-->conn`.
    ///
    /// Of a path of more than 16 names, the first 4 and the last 12 are given, and in between how
    /// many are left out.
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Says how long the deadline lay ahead when it was set.
    pub fn after(&self) -> Duration {
        self.0.after
    }

    /// Returns the deadline, on the clock of the tree.
    pub fn deadline(&self) -> Instant {
        self.0.deadline
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out")?;
        if !self.path().is_empty() {
            write!(f, " at {}", self.path())?;
        }
        write!(f, " after {:?}", self.after())
    }
}

impl fmt::Debug for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedOut")
            .field("path", &self.path())
            .field("after", &self.after())
            .finish_non_exhaustive()
    }
}

impl StdError for TimedOut {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        chain::answer(|| Error::TimedOut(self.clone()));
        None
    }
}
