//! [`Roll`]: who was dropped while a shutdown drops what is left.
//!
//! A task that was never polled is in no list; so those that are dropped tell their names, to the
//! shutdowns of the contexts that they run in.

use super::{finish::Straggler, tree::Node};
use crate::{
    TaskId,
    sync::{Arc, Mutex, lock, mutant},
    task::AnyTask,
};

/// Kept by the shutdowns of one context; the context itself holds it weakly.
#[derive(Default)]
pub(crate) struct Roll(Mutex<Vec<(TaskId, Straggler)>>);

impl Roll {
    /// Those dropped so far.
    pub(crate) fn called(&self) -> Vec<(TaskId, Straggler)> {
        lock(&self.0).clone()
    }

    fn note(&self, id: TaskId, straggler: Straggler) {
        lock(&self.0).push((id, straggler));
    }
}

/// Tells of a task whose future was dropped before it returned.
pub(crate) fn answer(task: &dyn AnyTask) {
    let node = task.node();
    if mutant("drop_unnamed") {
        return;
    }
    if !node.live().is_some_and(|live| live.was_stopping()) {
        return; // no shutdown without a stop
    }
    for roll in node.path_up().filter_map(roll_of) {
        roll.note(task.id(), Straggler::of(task));
    }
}

fn roll_of(node: &Node) -> Option<Arc<Roll>> {
    node.live()?.roll()
}
