//! What few linked nodes have, kept out of the others' memory.

use super::roll::Roll;
use crate::{Error, registry::Registry, status::Waiters, sync::Weak};

/// A done-callback of a context.
pub(crate) type Callback = Box<dyn FnOnce(&Error) + Send>;

#[derive(Default)]
pub(crate) struct Rare {
    pub(super) callbacks: Registry<Callback>,
    pub(super) stop_waiters: Waiters,
    pub(super) idle_waiters: Waiters,
    /// Of the tasks that failed, also in children that went.
    pub(super) first_error: Option<Error>,
    /// What ran in children that went, but for that error.
    pub(super) folded: Sums,
    pub(super) undo: Vec<Undo>,
    /// Kept by those who shut the node down.
    pub(super) roll: Weak<Roll>,
}

/// How those tasks ended that gave no value.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    pub(crate) first_error: Option<Error>,
}

/// Why a task gave no value, as far as nodes count it.
pub(crate) enum Loss {
    Cancelled,
    Failed(Error),
}

/// What ran in a node so far.
#[derive(Default)]
pub(crate) struct Sums {
    pub(crate) ended: u64,
    pub(crate) tally: Tally,
}

/// A registration elsewhere, which goes when the node ends or goes.
pub(crate) struct Undo(pub(crate) Box<dyn FnOnce() + Send>);

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

impl Rare {
    /// Adds what ran in a child that goes.
    pub(super) fn fold(&mut self, mut sums: Sums) {
        // What is not needed is a clone, and not the last one: the child has it, too.
        self.first_error = self.first_error.take().or(sums.tally.first_error.take());
        self.folded.ended += sums.ended;
        self.folded.tally.add(sums.tally);
    }
}

impl Loss {
    pub(crate) fn of(error: &Error) -> Loss {
        if error.is_cancelled() {
            Loss::Cancelled // all of a tree may be, with one error, whose count is not touched
        } else {
            Loss::Failed(error.clone())
        }
    }
}

impl Undo {
    pub(crate) fn run(self) {
        (self.0)();
    }
}
