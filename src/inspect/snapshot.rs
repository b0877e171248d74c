//! What runs below a context, at one look.

use std::{panic::Location, time::Instant};

use super::survey::survey;
use crate::{Ctx, Error, ctx::live::Live, sync::Arc};

/// What runs below a context: the tasks, and the contexts that they are in.
///
/// Contexts in which nothing runs, there or below, are left out. A task is listed once it has been
/// polled; those that still wait for their first poll are counted in the state of their context.
///
/// `Display` is a text tree, [`to_dot`](Self::to_dot) a graph for Graphviz; with the feature
/// `serde` it serializes as a list of entries.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     let server = sim.ctx.child("server");
///     let accept = server.task("accept").spawn(std::future::pending::<()>());
///     sim.rt.settle().await;
///     let text = sim.ctx.snapshot().to_string();
///     assert!(text.starts_with("sim (context, live)"), "{text}");
///     assert!(text.contains("\n    accept (task, running)"), "{text}");
///     accept.cancel();
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub(super) entries: Vec<Entry>,
    /// For each entry the place of what it is in; the first has none.
    pub(super) parents: Vec<Option<usize>>,
}

/// A context or a task in a [`Snapshot`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///
///     let request = sim.ctx.build("request").timeout(Duration::from_secs(5)).start();
///     drop(request.task("query").spawn(std::future::pending::<()>()));
///     sim.rt.settle().await;
///     let snapshot = request.snapshot();
///     let [context, task] = snapshot.entries() else { unreachable!() };
///     assert_eq!((context.kind, context.state.as_str()), ("context", "live"));
///     assert_eq!((task.kind, task.state.as_str()), ("task", "running"));
///     assert_eq!(task.path, "sim-->request-->query");
///     assert_eq!(task.deadline, request.deadline());
///     request.cancel();
/// });
/// ```
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Entry {
    /// The names from the root down to here, as in `app-->server-->conn`; of more than 16 the first
    /// 4 and the last 12.
    pub path: String,
    /// `context`, `task` or `blocking`.
    pub kind: &'static str,
    /// Where it stands, in words.
    pub state: String,
    /// Where the context was made or the task was spawned.
    #[cfg_attr(feature = "serde", serde(serialize_with = "location"))]
    pub spawned_at: &'static Location<'static>,
    /// The earliest deadline that it is under.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub deadline: Option<Instant>,
    /// Why it has ended, if it has.
    #[cfg_attr(feature = "serde", serde(serialize_with = "error_text"))]
    pub error: Option<Error>,
}

#[cfg(feature = "serde")]
fn location<S: serde::Serializer>(at: &Location<'_>, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(at)
}

#[cfg(feature = "serde")]
fn error_text<S: serde::Serializer>(error: &Option<Error>, to: S) -> Result<S::Ok, S::Error> {
    match error {
        Some(error) => to.collect_str(error),
        None => to.serialize_none(),
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Snapshot {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.entries.serialize(to)
    }
}

impl<R> Ctx<R> {
    /// Looks at what runs here and below.
    ///
    /// It is no atomic picture: one node after the other is looked at, and none is locked while
    /// another is. It costs time in proportion to the linked nodes below, and nothing when it is
    /// not called.
    pub fn snapshot(&self) -> Snapshot {
        let mut tasks = Vec::new();
        let mut unvisited: Vec<Arc<Live>> = self.node().live().cloned().into_iter().collect();
        while let Some(live) = unvisited.pop() {
            tasks.extend(live.tasks());
            unvisited.extend(live.children());
        }
        survey(self.node(), &tasks)
    }
}

impl Snapshot {
    /// Returns what was found: what is above comes before what is in it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries with the place of what each is in.
    pub(super) fn with_parents(&self) -> impl Iterator<Item = (&Entry, Option<usize>)> {
        self.entries.iter().zip(self.parents.iter().copied())
    }
}
