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
    pub(super) tally: Tally,
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

/// What ran in a node so far.
pub(crate) struct Sums {
    pub(crate) ended: u64,
    pub(crate) tally: Tally,
}

/// A registration elsewhere, which goes when the node ends or goes.
pub(crate) struct Undo(pub(crate) Box<dyn FnOnce() + Send>);

impl Tally {
    pub(super) fn count(&mut self, error: &Error) {
        if error.is_cancelled() {
            self.cancelled += 1;
        } else {
            self.failed += 1;
            self.first_error.get_or_insert_with(|| error.clone());
        }
    }

    pub(crate) fn add(&mut self, other: Tally) {
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.first_error = self.first_error.take().or(other.first_error);
    }
}

impl Undo {
    pub(crate) fn run(self) {
        (self.0)();
    }
}
