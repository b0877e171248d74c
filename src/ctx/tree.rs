//! The tree behind [`Ctx`](super::Ctx): nodes, their outcomes, and how they are linked.
//!
//! A [`Node`] is what handles, children and tasks hold; children hold their parents. It is born
//! *unlinked*: its parent does not know it, and it learns of an ancestor's end by looking upwards.
//! When something waits, listens or runs in it, it is *linked*: it gets a [`Live`] half that its
//! parent's half knows, and endings come down to it from then on.
//!
//! # States of a node's cell
//!
//! | cell | set by | means |
//! |---|---|---|
//! | empty | birth | unlinked; as done as its nearest ancestor with a cell |
//! | `Ended` | the node's own end, or whoever observes an ancestor's end through it | done |
//! | `Linked` | the first wait, callback, child to be linked, or task | ask the [`Live`] half |
//!
//! The cell is written once: whoever comes first wins.
//!
//! # Invariants
//!
//! 1. A linked node's parent is linked. (Linking goes down from the top of the path.)
//! 2. A `Live` half is known to its parent's half *before* it is published in its node's cell: an
//!    ending that comes by in between marks it, or is seen through the still empty cell.
//! 3. An outcome that was observed through an unlinked node is first written into that node's own
//!    cell; what is reported is what the cell holds then. So no visible outcome ever changes.
//! 4. Nodes are dropped in a loop, never by recursion.
//!
//! # Lock order
//!
//! A node has no lock; of the `Live` halves at most one is locked at a time.

use std::{borrow::Cow, panic::Location};

use super::{
    deadline,
    ending::Ending,
    extras::{Extras, SharedGroup},
    live::{Live, Verdict},
};
use crate::{
    Error, Name,
    error::{Cancelled, render_path},
    sync::{Arc, OnceLock, mutant},
};

/// In this order in memory: behind an `Arc`, `cell` shares no cache line with the counts of the
/// handles then, which every spawn changes while other threads look at the cell.
#[repr(C)]
pub(crate) struct Node {
    parent: Option<Arc<Node>>,
    name: Name,
    created_at: &'static Location<'static>,
    extras: Option<Box<Extras>>,
    cell: OnceLock<Cell>,
}

enum Cell {
    Ended(Ending),
    Linked(Arc<Live>),
}

// ===== birth and reading =====

impl Node {
    #[inline]
    pub(crate) fn new(
        parent: Option<Arc<Node>>,
        name: Name,
        created_at: &'static Location<'static>,
        extras: Option<Box<Extras>>,
    ) -> Arc<Node> {
        Arc::new(Node {
            parent,
            name,
            created_at,
            cell: OnceLock::new(),
            extras,
        })
    }

    pub(crate) fn parent(&self) -> Option<&Arc<Node>> {
        self.parent.as_ref()
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn created_at(&self) -> &'static Location<'static> {
        self.created_at
    }

    pub(crate) fn extras(&self) -> Option<&Extras> {
        self.extras.as_deref()
    }

    /// The linked half, if there is one.
    pub(crate) fn live(&self) -> Option<&Arc<Live>> {
        match self.cell.get() {
            Some(Cell::Linked(live)) => Some(live),
            _ => None,
        }
    }

    /// Whether it is the node of a holder, and linked.
    pub(crate) fn starts_group(&self) -> bool {
        self.live().is_some_and(|live| live.starts_group())
    }

    /// The node and its ancestors, from the inside out.
    pub(crate) fn path_up(&self) -> impl Iterator<Item = &Node> {
        std::iter::successors(Some(self), |node| node.parent.as_deref())
    }

    /// Whether it is for cleaning up, as seen from its group: what cleans up frees room.
    pub(crate) fn is_cleaning_up(&self) -> bool {
        let extras = self.path_up().filter_map(Node::extras);
        extras
            .take_while(|extras| extras.group.is_none())
            .any(|extras| extras.is_cleanup)
    }

    /// Whether the node has ended. Takes no lock: one cell for a linked node, else one a level.
    #[inline]
    pub(crate) fn is_done(&self) -> bool {
        let mut at = self;
        // As `verdict`, with nothing to tell live from stopping, and two levels a turn.
        loop {
            if at.cell.get().is_some() {
                return self.verdict().is_done();
            }
            let Some(parent) = &at.parent else {
                return false;
            };
            if parent.cell.get().is_some() {
                return self.verdict().is_done();
            }
            let Some(grandparent) = &parent.parent else {
                return false;
            };
            at = grandparent;
        }
    }

    /// Where the node stands, from the nearest cell on the way up.
    #[inline]
    pub(crate) fn verdict(&self) -> Verdict {
        let mut at = self;
        loop {
            match at.cell.get() {
                // Acquire, in both: partner of the Release in `OnceLock::set` and `Live::mark`.
                Some(Cell::Linked(live)) => return self.seen(at, live.verdict()),
                Some(Cell::Ended(_)) => return self.seen(at, Verdict::Done),
                None => match &at.parent {
                    Some(parent) => at = parent,
                    None => return Verdict::Live,
                },
            }
        }
    }

    /// Invariant 3: an end seen at an ancestor is written down here before it is reported.
    #[inline]
    fn seen(&self, at: &Node, verdict: Verdict) -> Verdict {
        if verdict.is_done() && !std::ptr::eq(self, at) {
            self.settle();
        }
        verdict
    }

    /// Writes an ancestor's end, if there is one, into the node's own cell.
    #[cold]
    fn settle(&self) {
        if let Some(ending) = self.inherited() {
            // Somebody else may have been first: then that is the outcome.
            let _ = self.cell.set(Cell::Ended(ending));
        }
    }

    /// The end of the nearest ancestor that has ended.
    fn inherited(&self) -> Option<Ending> {
        let mut at = self.parent.as_deref();
        while let Some(node) = at {
            match node.cell.get() {
                Some(Cell::Ended(ending)) => return Some(ending.clone()),
                Some(Cell::Linked(live)) => return live.ending().cloned(),
                None => at = node.parent.as_deref(),
            }
        }
        None
    }

    /// The outcome; `None` while the node is live.
    pub(crate) fn outcome(&self) -> Option<Error> {
        if mutant("report_without_settling") && self.cell.get().is_none() {
            return self.inherited().map(|ending| ending.error().clone());
        }
        self.ending().map(|ending| ending.error().clone())
    }

    /// How the node ended; `None` while it is live.
    pub(crate) fn ending(&self) -> Option<&Ending> {
        if self.cell.get().is_none() {
            self.settle();
        }
        match self.cell.get()? {
            Cell::Ended(ending) => Some(ending),
            Cell::Linked(live) => live.ending(),
        }
    }

    /// `root-->...-->name`, whole.
    pub(crate) fn path(&self) -> String {
        self.names().join("-->")
    }

    /// The path as errors carry it: at most the first 4 and the last 12 names.
    pub(crate) fn error_path(&self) -> String {
        render_path(self.names())
    }

    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.path_up().map(Node::name).collect();
        names.reverse();
        names
    }

    /// A cancellation that starts at this node.
    pub(crate) fn cancelled(
        &self,
        reason: Option<Name>,
        location: &'static Location<'static>,
        cause: Option<Error>,
    ) -> Error {
        Error::Cancelled(Cancelled::new(self.error_path(), reason, location, cause))
    }
}

// ===== ending =====

impl Node {
    /// Ends the node unless it has ended; says whether this call did it.
    ///
    /// On true, every descendant reports done, and everything below was called, woken or asked.
    pub(crate) fn end(&self, error: impl FnOnce() -> Error) -> bool {
        if self.is_done() {
            return false;
        }
        let is_first = self.end_with(Ending::of(self, error()));
        if is_first {
            deadline::disarm(self);
        }
        is_first
    }

    fn end_with(&self, ending: Ending) -> bool {
        if let Some(live) = self.live() {
            return live.end(ending);
        }
        match self.cell.set(Cell::Ended(ending)) {
            Ok(()) => true,
            // Linked or ended since we looked.
            Err(Cell::Ended(ending)) => self.live().is_some_and(|live| live.end(ending)),
            Err(Cell::Linked(_)) => false, // not what was offered
        }
    }

    /// Asks the subtree to stop; says whether this call was the first to do so.
    pub(crate) fn stop(&self) -> bool {
        self.link().is_ok_and(Live::stop)
    }
}

// ===== linking =====

impl Node {
    /// The linked half, made if need be; or the outcome of a node that ended before it had one.
    pub(crate) fn link(&self) -> Result<&Arc<Live>, &Error> {
        loop {
            match self.cell.get() {
                Some(Cell::Linked(live)) => return Ok(live),
                Some(Cell::Ended(ending)) => return Err(ending.error()),
                None => self.link_path(), // fills the cell: the loop turns once
            }
        }
    }

    /// Links the unlinked part of the path, from the top down (invariant 1).
    #[cold]
    fn link_path(&self) {
        let is_unlinked = |node: &&Node| node.cell.get().is_none();
        if self
            .parent()
            .is_none_or(|parent| parent.cell.get().is_some())
        {
            return self.link_below_parent(); // most often: the path is this node
        }
        let path: Vec<&Node> = self.path_up().take_while(is_unlinked).collect();
        path.into_iter().rev().for_each(Node::link_below_parent);
    }

    fn link_below_parent(&self) {
        let group = self.extras().and_then(|extras| extras.group.clone());
        let Some(parent) = &self.parent else {
            let _ = self.cell.set(Cell::Linked(Live::new(group)));
            return;
        };
        match &parent.cell.get() {
            Some(Cell::Linked(above)) => self.link_below(above, group),
            Some(Cell::Ended(ending)) => {
                let _ = self.cell.set(Cell::Ended(ending.clone()));
            }
            None => {} // not reached: the path is linked from the top down
        }
    }

    fn link_below(&self, above: &Live, group: Option<SharedGroup>) {
        let live = above.heir(group);
        if mutant("publish_before_adopting") {
            if self.cell.set(Cell::Linked(Arc::clone(&live))).is_ok() {
                let _ = above.adopt(&live);
            }
            return;
        }
        match above.adopt(&live) {
            Ok(()) => {
                if let Err(Cell::Linked(live)) = self.cell.set(Cell::Linked(live)) {
                    above.disown(&live); // another thread linked or ended the node meanwhile
                }
            }
            Err(ending) => {
                let _ = self.cell.set(Cell::Ended(ending));
            }
        }
    }
}

// ===== dropping =====

impl Node {
    /// Undoes the node and gives its parent back, to be dropped by the caller's loop.
    fn dismantle(&mut self) -> Option<Arc<Node>> {
        deadline::disarm(self);
        let taken = if self.live().is_some() {
            self.cell.take()
        } else {
            None
        };
        if let Some(Cell::Linked(live)) = taken {
            if let Some(above) = self.parent.as_deref().and_then(Node::live) {
                above.disown(&live);
            }
            self.abandon(&live);
        }
        self.parent.take()
    }

    /// The last holder went: whoever still listens hears of it.
    fn abandon(&self, live: &Arc<Live>) {
        if live.retire() && !mutant("go_without_ending") {
            let reason = Some(Cow::Borrowed("every handle was dropped"));
            let error = self.cancelled(reason, self.created_at, None);
            live.end(Ending::of(self, error));
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let mut next = self.dismantle();
        // One node of the path a turn (invariant 4): only the last holder goes on upwards.
        while let Some(mut node) = next.and_then(Arc::into_inner) {
            next = node.dismantle();
        }
    }
}
