//! [`Stalled`]: who waits for what when nothing can ever become ready.

use std::{error::Error as StdError, fmt, panic::Location, time::Duration};

use super::{
    core::Core,
    unfinished::{Unfinished, write_all},
};

/// A simulation in which nothing can ever become ready.
///
/// [`SimRuntime`](super::SimRuntime) panics with it, or returns it inside an
/// [`Error`](crate::Error). Its text lists the tasks that wait (of more than a hundred the first):
/// their paths, and where they were spawned.
///
/// # Examples
///
/// ```
/// use windlass::{BlockOn, Ctx, testing::{SimRuntime, Stalled}};
///
/// let rt = SimRuntime::new();
/// let ctx = Ctx::root("app", rt.clone());
/// let stuck = ctx.task("stuck").spawn(std::future::pending::<()>());
/// let error = BlockOn::block_on(&rt, stuck).unwrap_err();
/// let stalled = error.downcast_ref::<Stalled>().unwrap();
/// assert_eq!(stalled.waiting[0].path.as_deref(), Some("app-->stuck"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stalled {
    /// What the clock read.
    pub at: Duration,
    /// The tasks that wait, in the order in which they were spawned.
    pub waiting: Vec<Unfinished>,
    entered: &'static Location<'static>,
    /// How many there are, and how far away the next one is.
    timers: (usize, Option<Duration>),
}

impl Stalled {
    pub(super) fn of(core: &Core, entered: &'static Location<'static>) -> Self {
        Stalled {
            at: core.clock.elapsed(),
            waiting: Unfinished::all(core),
            entered,
            timers: core.clock.pending(),
        }
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at;
        write!(
            f,
            "the simulation has stalled at {at:?}: nothing is ready, "
        )?;
        match self.timers {
            (_, None) => f.write_str("no timer is pending")?,
            (n, Some(ahead)) => write!(
                f,
                "auto-jump is off ({n} pending, the next timer is due in {ahead:?}: \
                 call `advance`, or turn auto-jump on)"
            )?,
        }
        f.write_str(", and no other thread is being waited for; waiting are")?;
        write!(f, "\n  the future that was entered at {}", self.entered)?;
        write_all(&self.waiting, f)
    }
}

impl StdError for Stalled {}
