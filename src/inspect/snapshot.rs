//! What runs below a context, at one look.

use std::{collections::HashMap, panic::Location, time::Instant};

use crate::{
    Ctx, Error,
    ctx::{
        live::{Live, Verdict},
        tree::Node,
    },
    sync::Arc,
    task::AnyTask,
};

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
    entries: Vec<Entry>,
    /// For each entry the place of what it is in; the first has none.
    parents: Vec<Option<usize>>,
}

/// A context or a task in a [`Snapshot`].
#[derive(Clone, Debug)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Entry {
    /// The names from the root down to here.
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
        Survey::of(self.node(), &tasks)
    }
}

impl Snapshot {
    /// What was found: what is above comes before what is in it.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entries with the place of what each is in.
    pub(super) fn with_parents(&self) -> impl Iterator<Item = (&Entry, Option<usize>)> {
        self.entries.iter().zip(self.parents.iter().copied())
    }
}

/// A snapshot on its way, in order of discovery.
struct Survey {
    found: Snapshot,
    children: Vec<Vec<usize>>,
    nodes: HashMap<*const Node, usize>,
}

impl Survey {
    fn of(root: &Node, tasks: &[Arc<dyn AnyTask>]) -> Snapshot {
        let found = Snapshot {
            entries: Vec::new(),
            parents: Vec::new(),
        };
        let mut survey = Survey {
            found,
            children: Vec::new(),
            nodes: HashMap::new(),
        };
        survey.add_node(root, None);
        for task in tasks {
            survey.add_path(task.node());
            let parent = survey
                .nodes
                .get(&std::ptr::from_ref(&**task.node()))
                .copied();
            survey.add(task_entry(&**task), parent);
        }
        survey.in_order()
    }

    /// Adds the part of the path of `node` that is not there yet, from the top down.
    fn add_path(&mut self, node: &Node) {
        let is_new = |node: &&Node| !self.nodes.contains_key(&std::ptr::from_ref(*node));
        let path: Vec<&Node> = node.path_up().take_while(is_new).collect();
        for node in path.into_iter().rev() {
            let above = node.parent().map(|parent| std::ptr::from_ref(&**parent));
            let parent = above.and_then(|above| self.nodes.get(&above).copied());
            self.add_node(node, parent);
        }
    }

    fn add_node(&mut self, node: &Node, parent: Option<usize>) {
        let place = self.add(node_entry(node), parent);
        self.nodes.insert(node, place);
    }

    fn add(&mut self, entry: Entry, parent: Option<usize>) -> usize {
        let place = self.found.entries.len();
        self.found.entries.push(entry);
        self.found.parents.push(parent);
        self.children.push(Vec::new());
        if let Some(parent) = parent {
            self.children[parent].push(place);
        }
        place
    }

    /// The same, what is in something right behind it.
    fn in_order(mut self) -> Snapshot {
        let mut ordered = Snapshot {
            entries: Vec::new(),
            parents: Vec::new(),
        };
        let mut unvisited = vec![(0, None)];
        while let Some((place, parent)) = unvisited.pop() {
            let here = ordered.entries.len();
            ordered.entries.push(self.found.entries[place].clone());
            ordered.parents.push(parent);
            let below = std::mem::take(&mut self.children[place]);
            unvisited.extend(below.into_iter().rev().map(|child| (child, Some(here))));
        }
        ordered
    }
}

fn node_entry(node: &Node) -> Entry {
    let state = match node.verdict() {
        Verdict::Live => "live",
        Verdict::Stopping => "stopping",
        Verdict::Done => "done",
    };
    let unpolled = node.live().map_or(0, |live| live.unlisted());
    let state = match unpolled {
        0 => state.to_owned(),
        n => format!("{state}, {n} not polled yet"),
    };
    Entry {
        path: node.path(),
        kind: "context",
        state,
        spawned_at: node.created_at(),
        deadline: deadline(node),
        error: node.outcome(),
    }
}

fn task_entry(task: &dyn AnyTask) -> Entry {
    let is_stopping = task.is_asked() || task.node().verdict() != Verdict::Live;
    let state = match (task.is_done(), is_stopping) {
        (true, _) => "done",
        (false, true) => "stopping",
        (false, false) => "running",
    };
    Entry {
        path: task.path(),
        kind: if task.is_blocking() {
            "blocking"
        } else {
            "task"
        },
        state: state.to_owned(),
        spawned_at: task.spawned_at(),
        deadline: deadline(task.node()),
        error: task.error(),
    }
}

fn deadline(node: &Node) -> Option<Instant> {
    node.path_up()
        .filter_map(|node| Some(node.extras()?.deadline.as_ref()?.at))
        .min()
}
