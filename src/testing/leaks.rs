//! Finding tasks that outlive a test.

use std::fmt;

use super::unfinished::{Unfinished, write_all};
use crate::{
    Ctx,
    ctx::{live::Live, tree::Node},
    sync::Arc,
};

/// Panics if a task runs in `ctx` or below, and names each: its path, and where it was spawned.
///
/// For tests on runtimes other than [`SimRuntime`](super::SimRuntime); [`simulate`](super::simulate)
/// looks for such tasks by itself. It looks once and does not wait: end the context and wait before,
/// with [`cancel_and_wait`](Ctx::cancel_and_wait), or wait with [`finish`](Ctx::finish).
///
/// # Panics
///
/// If a task runs in `ctx` or below, or waits to be run.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, testing::{SimRuntime, assert_no_leaks}};
///
/// let rt = SimRuntime::new();
/// let ctx = Ctx::root("app", rt.clone());
/// rt.block_on(async {
///     drop(ctx.task("forgotten").spawn(std::future::pending::<()>()));
///     ctx.cancel_and_wait().await;
/// });
/// assert_no_leaks(&ctx);
/// ```
#[track_caller]
pub fn assert_no_leaks<R>(ctx: &Ctx<R>) {
    let left = Leftover::below(ctx.node());
    assert!(left.is_empty(), "{left}");
}

/// What still runs although it should not.
pub(super) struct Leftover {
    tasks: Vec<Unfinished>,
    /// How many are on their way to their first poll: nobody knows them by name yet.
    unborn: u64,
    /// What they should not outlive.
    end: String,
}

impl Leftover {
    pub(super) fn of_test(tasks: Vec<Unfinished>) -> Self {
        Leftover {
            tasks,
            unborn: 0,
            end: "the test".to_owned(),
        }
    }

    fn below(node: &Arc<Node>) -> Self {
        let mut left = Leftover {
            tasks: Vec::new(),
            unborn: 0,
            end: node.path(),
        };
        let mut unvisited: Vec<Arc<Live>> = node.live().cloned().into_iter().collect();
        while let Some(live) = unvisited.pop() {
            // The tasks after the number: what is listed in between is not counted as unborn.
            let running = live.running();
            let tasks = live.tasks();
            left.unborn += running.saturating_sub(tasks.len() as u64);
            let named = tasks.iter().map(|task| Unfinished::of_task(&**task));
            left.tasks.extend(named);
            unvisited.extend(live.children());
        }
        left
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty() && self.unborn == 0
    }
}

impl fmt::Display for Leftover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.tasks.len() as u64 + self.unborn;
        let verb = if n == 1 {
            "task outlives"
        } else {
            "tasks outlive"
        };
        write!(f, "{n} {verb} {}:", self.end)?;
        write_all(&self.tasks, f)?;
        match self.unborn {
            0 => Ok(()),
            n => write!(f, "\n  {n} that the executor has not polled yet"),
        }
    }
}
