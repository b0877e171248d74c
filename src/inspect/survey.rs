//! [`survey`]: how a snapshot is put together.
//!
//! Each part takes what it needs from the one that it is in, so that a chain of a hundred thousand
//! costs no more than a fan of as many.

use std::{collections::HashMap, iter::once, ptr, time::Instant};

use super::{Entry, Snapshot};
use crate::{
    ctx::{live::Verdict, tree::Node},
    error::Growing,
    sync::Arc,
    task::AnyTask,
};

/// The snapshot of `tasks`, which are in `root` and below.
pub(super) fn survey(root: &Node, tasks: &[Arc<dyn AnyTask>]) -> Snapshot {
    let mut survey = Survey {
        entries: Vec::with_capacity(tasks.len() + 1),
        places: Vec::with_capacity(tasks.len() + 1),
        nodes: HashMap::with_capacity(tasks.len() + 1),
        new: Vec::new(),
    };
    survey.add_root(root);
    for task in tasks {
        let place = survey.node(task.node());
        survey.add_task(&**task, place);
    }
    survey.in_order()
}

/// A snapshot on its way, in order of discovery: what is above comes before what is in it.
struct Survey<'a> {
    entries: Vec<Entry>,
    places: Vec<Place>,
    nodes: HashMap<*const Node, usize>,
    /// The nodes that are about to get a place, the lowest first; empty in between.
    new: Vec<&'a Node>,
}

/// Where an entry stands.
struct Place {
    parent: Option<usize>,
    path: Growing,
}

impl<'a> Survey<'a> {
    /// The place of a node, which gets one if it has none yet, and so does what is above.
    fn node(&mut self, node: &'a Node) -> usize {
        // The root is above all of them, and has a place.
        let mut place = 0;
        for node in node.path_up() {
            if let Some(known) = self.nodes.get(&ptr::from_ref(node)) {
                place = *known;
                break;
            }
            self.new.push(node);
        }
        while let Some(node) = self.new.pop() {
            place = self.add_node(node, place);
        }
        place
    }

    fn add_root(&mut self, node: &Node) {
        let (path, text) = Growing::new(&node.names());
        let deadlines = node.path_up().filter_map(own_deadline);
        let entry = node_entry(node, text, deadlines.min());
        let place = self.add(entry, None, path);
        self.nodes.insert(node, place);
    }

    fn add_node(&mut self, node: &Node, parent: usize) -> usize {
        let above = &self.entries[parent];
        let names = node.path_up().map(Node::name);
        let (path, text) = self.places[parent].path.grown(&above.path, names);
        let deadline = above.deadline.into_iter().chain(own_deadline(node)).min();
        let entry = node_entry(node, text, deadline);
        let place = self.add(entry, Some(parent), path);
        self.nodes.insert(node, place);
        place
    }

    fn add_task(&mut self, task: &dyn AnyTask, parent: usize) {
        let (above, place) = (&self.entries[parent], &self.places[parent]);
        let (path, text) = if task.owns_node() {
            (place.path, above.path.clone())
        } else {
            let names = once(task.name()).chain(task.node().path_up().map(Node::name));
            place.path.grown(&above.path, names)
        };
        let entry = task_entry(task, text, above.deadline);
        self.add(entry, Some(parent), path);
    }

    fn add(&mut self, entry: Entry, parent: Option<usize>, path: Growing) -> usize {
        self.entries.push(entry);
        self.places.push(Place { parent, path });
        self.entries.len() - 1
    }

    /// The same, what is in something right behind it.
    fn in_order(self) -> Snapshot {
        let n = self.entries.len();
        // The first of what is in each, and what is beside each in the same.
        let (mut inside, mut beside) = (vec![None; n], vec![None; n]);
        for (place, Place { parent, .. }) in self.places.iter().enumerate().rev() {
            if let Some(parent) = *parent {
                beside[place] = inside[parent].replace(place);
            }
        }
        let mut unordered: Vec<_> = self.entries.into_iter().map(Some).collect();
        let (mut entries, mut parents) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let mut unvisited = vec![(0, None)];
        while let Some((place, parent)) = unvisited.pop() {
            let here = entries.len();
            entries.extend(unordered[place].take());
            parents.push(parent);
            unvisited.extend(beside[place].map(|next| (next, parent)));
            unvisited.extend(inside[place].map(|first| (first, Some(here))));
        }
        Snapshot { entries, parents }
    }
}

fn node_entry(node: &Node, path: String, deadline: Option<Instant>) -> Entry {
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
        path,
        kind: "context",
        state,
        spawned_at: node.created_at(),
        deadline,
        error: node.outcome(),
    }
}

fn task_entry(task: &dyn AnyTask, path: String, deadline: Option<Instant>) -> Entry {
    let is_stopping = task.is_asked() || task.node().verdict() != Verdict::Live;
    let state = match (task.is_done(), is_stopping) {
        (true, _) => "done",
        (false, true) => "stopping",
        (false, false) => "running",
    };
    let kind = match task.is_blocking() {
        true => "blocking",
        false => "task",
    };
    Entry {
        path,
        kind,
        state: state.to_owned(),
        spawned_at: task.spawned_at(),
        deadline,
        error: task.error(),
    }
}

/// The deadline of this very node.
fn own_deadline(node: &Node) -> Option<Instant> {
    Some(node.extras()?.deadline.as_ref()?.at)
}
