//! [`Unfinished`]: a task that still runs, as reports name it.

use std::{fmt, panic::Location, path::Path};

use super::{cell::Cell, core::Core};
use crate::task::AnyTask;

/// A task that has not ended.
///
/// # Examples
///
/// ```
/// use windlass::{BlockOn, Ctx, testing::{SimRuntime, Stalled}};
///
/// let rt = SimRuntime::new();
/// let ctx = Ctx::root("app", rt.clone());
/// drop(ctx.task("stuck").spawn(std::future::pending::<()>()));
/// let error = BlockOn::block_on(&rt, std::future::pending::<()>()).unwrap_err();
/// let unfinished = &error.downcast_ref::<Stalled>().unwrap().waiting;
/// assert_eq!(unfinished.last().unwrap().path.as_deref(), Some("app-->stuck"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Unfinished {
    /// The names from the root down to the task (of a path of more than 16 contexts the first 4 and
    /// the last 12); `None` for what was given to the runtime itself, without a context, and for
    /// what has not been polled yet.
    pub path: Option<String>,
    /// Where it was spawned.
    pub spawned_at: &'static Location<'static>,
    is_elsewhere: bool,
}

impl Unfinished {
    /// The tasks of `core` but for our own helpers, in the order in which they were spawned.
    pub(super) fn all(core: &Core) -> Vec<Self> {
        let tasks = core.tasks();
        tasks
            .iter()
            .filter_map(|cell| Self::of_cell(cell))
            .collect()
    }

    pub(super) fn of_task(task: &dyn AnyTask) -> Self {
        Unfinished {
            path: Some(task.error_path()),
            spawned_at: task.spawned_at(),
            is_elsewhere: false,
        }
    }

    fn of_cell(cell: &Cell) -> Option<Self> {
        let is_elsewhere = cell.is_elsewhere();
        if let Some(task) = cell.task() {
            return Some(Unfinished {
                is_elsewhere,
                ..Self::of_task(&*task)
            });
        }
        // The driver of deadlines, for one: it goes with what it serves.
        let is_helper = is_ours(cell.spawned_at) && !is_elsewhere;
        (!is_helper).then_some(Unfinished {
            path: None,
            spawned_at: cell.spawned_at,
            is_elsewhere,
        })
    }
}

/// Whether `location` is in this crate's sources.
fn is_ours(location: &Location<'_>) -> bool {
    // Both are paths as the compiler was given them: `<sources>/testing/unfinished.rs` for us.
    let sources = Path::new(file!()).ancestors().nth(2);
    sources.is_some_and(|sources| Path::new(location.file()).starts_with(sources))
}

/// So many are named in a text.
const NAMED: usize = 100;

/// Writes a line for each of `tasks`, or for the first of them and how many there are besides.
pub(super) fn write_all(tasks: &[Unfinished], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for task in tasks.iter().take(NAMED) {
        write!(f, "\n  {task}")?;
    }
    match tasks.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, "\n  and {more} more"),
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.as_deref().unwrap_or("a task without a context");
        write!(f, "{path}, spawned at {}", self.spawned_at)?;
        if self.is_elsewhere {
            f.write_str(", which runs on another thread only")?;
        }
        Ok(())
    }
}
