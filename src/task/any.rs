//! [`AnyTask`]: a task without its type.

use std::panic::Location;

use super::{TaskId, state::TaskCore};
use crate::{
    Error,
    ctx::tree::Node,
    status::SharedList,
    sync::{Arc, AtomicU8, AtomicU32},
};

/// A task without its type: what the tree and the watchers see.
pub(crate) trait AnyTask: Send + Sync {
    fn id(&self) -> TaskId;
    /// Given by the group that the task joins, before anybody else has the task.
    fn set_id(&self, id: u64);
    /// Whether it was spawned through a slot of its group; says yes once.
    fn takes_slot(&self) -> bool;
    /// Whether the limit of its group leaves it alone.
    fn is_exempt(&self) -> bool;
    fn node(&self) -> &Arc<Node>;
    fn spawned_at(&self) -> &'static Location<'static>;
    /// Its place in the list of its node, or of the holder whose node that is; written under the
    /// lock of that list.
    fn slot(&self) -> &AtomicU32;
    /// In which of the holder's lists that is; written with the first place.
    fn list(&self) -> &AtomicU8;
    /// Whether it is small, and was spawned without wishes.
    fn is_bare(&self) -> bool;
    /// Whether it was polled, and went on: those who look from outside see it from then on.
    fn is_listed(&self) -> bool;
    /// Wakes it up, because its node has ended or its group admits it.
    fn ask(&self);
    fn cancel(&self, location: &'static Location<'static>) -> bool;
    fn is_done(&self) -> bool;
    fn is_asked(&self) -> bool;
    fn is_blocking(&self) -> bool;
    /// Whether its node is its own, and ends with it.
    fn owns_node(&self) -> bool;
    fn error(&self) -> Option<Error>;
    fn name(&self) -> &str;
    fn path(&self) -> String;
    /// The path as errors carry it: bounded, however deep the tree.
    fn error_path(&self) -> String;
    fn waits(self: Arc<Self>) -> SharedList;
}

impl<T> TaskCore<T> {
    pub(super) fn name(&self) -> &str {
        let options = self.options();
        match options.and_then(|options| options.name.as_deref()) {
            Some(name) => name,
            None if options.is_some_and(|options| options.owns_node) => self.node().name(),
            None => "task",
        }
    }

    pub(super) fn path(&self) -> String {
        self.path_below(self.node().path())
    }

    pub(super) fn error_path(&self) -> String {
        self.path_below(self.node().error_path())
    }

    fn path_below(&self, node: String) -> String {
        if self.options().is_some_and(|options| options.owns_node) {
            return node;
        }
        node + "-->" + self.name()
    }
}

impl<T: Send + 'static> AnyTask for TaskCore<T> {
    fn id(&self) -> TaskId {
        self.id()
    }

    fn set_id(&self, id: u64) {
        self.set_id(id);
    }

    fn takes_slot(&self) -> bool {
        self.options()
            .and_then(|options| options.slot.as_ref())
            .is_some_and(|slot| slot.take())
    }

    fn is_exempt(&self) -> bool {
        self.options().is_some_and(|options| options.is_exempt) || self.node().is_cleaning_up()
    }

    fn node(&self) -> &Arc<Node> {
        self.node()
    }

    fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at()
    }

    fn slot(&self) -> &AtomicU32 {
        self.slot()
    }

    fn list(&self) -> &AtomicU8 {
        self.list()
    }

    fn is_bare(&self) -> bool {
        self.is_bare()
    }

    fn is_listed(&self) -> bool {
        self.is_listed()
    }

    fn ask(&self) {
        self.ask();
    }

    fn cancel(&self, location: &'static Location<'static>) -> bool {
        self.cancel(location)
    }

    fn is_done(&self) -> bool {
        self.is_done()
    }

    fn is_asked(&self) -> bool {
        self.is_asked()
    }

    fn is_blocking(&self) -> bool {
        self.options().is_some_and(|options| options.is_blocking)
    }

    fn owns_node(&self) -> bool {
        self.options().is_some_and(|options| options.owns_node)
    }

    fn error(&self) -> Option<Error> {
        self.error()
    }

    fn name(&self) -> &str {
        self.name()
    }

    fn path(&self) -> String {
        self.path()
    }

    fn error_path(&self) -> String {
        self.error_path()
    }

    fn waits(self: Arc<Self>) -> SharedList {
        self
    }
}
