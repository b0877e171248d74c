//! [`Stalled`]: who waits for what when nothing can ever become ready.

use std::{error::Error as StdError, fmt, panic::Location, time::Duration};

use super::core::Core;

/// A simulation in which nothing can ever become ready.
///
/// [`SimRuntime`](super::SimRuntime) panics with it, or returns it inside an
/// [`Error`](crate::Error). Its text lists every task that waits, with where it was spawned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Stalled {
    /// What the clock read.
    pub at: Duration,
    /// Where the tasks that wait were spawned, in the order in which that happened.
    pub waiting: Vec<&'static Location<'static>>,
    lines: Vec<String>,
    entered: &'static Location<'static>,
    timers: (usize, Option<Duration>),
}

impl Stalled {
    pub(super) fn of(core: &Core, entered: &'static Location<'static>) -> Self {
        let tasks = core.tasks();
        let line = |cell: &std::sync::Arc<super::cell::Cell>| {
            let note = if cell.is_elsewhere() {
                ", on another thread"
            } else {
                ""
            };
            format!("task {} spawned at {}{note}", cell.id, cell.spawned_at)
        };
        Stalled {
            at: core.clock.elapsed(),
            waiting: tasks.iter().map(|cell| cell.spawned_at).collect(),
            lines: tasks.iter().map(line).collect(),
            entered,
            timers: core.clock.pending(),
        }
    }
}

impl fmt::Display for Stalled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the simulation has stalled at {:?}: nothing is ready, ",
            self.at
        )?;
        match self.timers {
            (_, None) => f.write_str("no timer is pending")?,
            (n, Some(ahead)) => write!(
                f,
                "and auto-jump is off ({n} timers are pending, the next is due in {ahead:?}: \
                 call `advance`, or turn auto-jump on)"
            )?,
        }
        f.write_str(", and no other thread is being waited for; waiting are")?;
        write!(f, "\n  the future given to `block_on` at {}", self.entered)?;
        for line in &self.lines {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl StdError for Stalled {}
