//! What only some nodes have: values, a reporter, a deadline, a group that counts their tasks.

use std::{
    any::{Any, TypeId},
    time::{Duration, Instant},
};

use super::tree::Node;
use crate::{
    Error, Name, TaskId,
    report::{Reporter, isolate},
    sync::{Arc, AtomicU64, Ordering},
    task::AnyTask,
};

/// Given to the builder before the node exists; not changed afterwards.
#[derive(Default)]
pub(crate) struct Extras {
    values: Vec<(TypeId, Arc<dyn Any + Send + Sync>)>,
    pub(crate) reporter: Option<Reporter>,
    pub(crate) deadline: Option<Deadline>,
    pub(crate) group: Option<SharedGroup>,
    /// See [`Ctx::cleanup`](super::Ctx::cleanup).
    pub(crate) is_cleanup: bool,
    pub(super) before: Before,
    /// Of the task whose own node this is.
    #[cfg(feature = "tracing")]
    pub(crate) span: std::sync::OnceLock<tracing::Span>,
}

/// What a builder gives to the node that it makes; empty from then on.
#[derive(Default)]
pub(super) struct Before {
    pub(super) name: Name,
    pub(super) also_ends_with: Vec<Arc<Node>>,
}

#[derive(Debug)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) after: Duration,
    /// With `at`, the place of the entry in the list of deadlines; zero: there is none.
    registered: AtomicU64,
}

pub(crate) type SharedGroup = Arc<dyn Group>;

/// Counts the tasks below a node, and says when each may start: a holder.
pub(crate) trait Group: Send + Sync {
    /// A task was spawned: an own one in the very node that starts the group, which is listed here
    /// and nowhere else; others below.
    fn joined(&self, task: Arc<dyn AnyTask>, is_own: bool);

    /// Whether every task that has joined so far may start: then nobody need ask for one.
    fn admits_all(&self) -> bool;

    /// Whether the task may start now; if not, the group asks it (`AnyTask::ask`) when it may.
    fn admit(&self, id: TaskId) -> bool;

    /// The tasks that have not ended, also those that run in nodes of other trees or branches, in
    /// the order in which they came.
    fn members(&self) -> Vec<Arc<dyn AnyTask>>;

    /// The own ones among them.
    fn own(&self) -> Vec<Arc<dyn AnyTask>>;

    /// The node that starts the group has ended.
    fn ended(&self);

    /// Whether a task that has not ended is counted here.
    fn contains(&self, id: TaskId) -> bool;

    /// A task that joined has ended; its callbacks have not run yet. It may come twice.
    fn left(&self, task: &dyn AnyTask, is_own: bool, error: Option<&Error>);
}

impl Deadline {
    pub(crate) fn new(at: Instant, after: Duration) -> Self {
        let registered = AtomicU64::new(0);
        Deadline {
            at,
            after,
            registered,
        }
    }

    pub(super) fn registered(&self) -> Option<u64> {
        // Relaxed, here and below: an end on another thread that does not see it leaves the entry
        // to `arm`, which looks for an end after it has made one.
        Some(self.registered.load(Ordering::Relaxed)).filter(|registered| *registered != 0)
    }

    pub(super) fn set_registered(&self, registered: u64) {
        self.registered.store(registered, Ordering::Relaxed);
    }
}

impl Extras {
    pub(crate) fn set_value<T: Send + Sync + 'static>(&mut self, value: T) {
        let id = TypeId::of::<T>();
        let former = self.values.iter().position(|(held, _)| *held == id);
        let former = former.map(|at| self.values.remove(at));
        self.values.push((id, Arc::new(value)));
        drop_guarded(former);
    }

    pub(crate) fn value<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        let wanted = TypeId::of::<T>();
        let (_, value) = self.values.iter().find(|(id, _)| *id == wanted)?;
        Arc::clone(value).downcast().ok()
    }
}

/// The node may go with a handle that an executor drops, which no panic may reach.
impl Drop for Extras {
    fn drop(&mut self) {
        self.values.drain(..).for_each(drop_guarded);
        if let Some(reporter) = self.reporter.take() {
            isolate("the destructor of a reporter", || drop(reporter));
        }
    }
}

fn drop_guarded<T>(value: T) {
    isolate("the destructor of a context's value", || drop(value));
}
