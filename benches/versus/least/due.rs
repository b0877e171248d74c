//! The least that a node with a deadline can be: an entry, sorted by time, in a list that holds the
//! node weakly. No driver, no names, no wishes.

use std::{
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::runtime::Handle;

use super::lock;

/// The deadlines below one root, the earliest first.
#[derive(Default)]
pub(crate) struct BareDeadlines {
    row: Mutex<Vec<Entry>>,
    registered: AtomicU64,
}

type Entry = (Instant, u64, Weak<BareDue>);

/// A node that is to end at a deadline.
pub(crate) struct BareDue {
    above: Arc<BareDeadlines>,
    at: Instant,
    registered: u64,
}

impl BareDue {
    /// A handle: the node, and the clock as a value.
    pub(crate) fn new(
        above: &Arc<BareDeadlines>,
        after: Duration,
        clock: &Handle,
    ) -> (Arc<BareDue>, Handle) {
        let at = now(clock) + after;
        let (above, clock) = (Arc::clone(above), clock.clone());
        let registered = above.registered.fetch_add(1, Ordering::Relaxed);
        let node = Arc::new(BareDue {
            above,
            at,
            registered,
        });
        let entry = (at, registered, Arc::downgrade(&node));
        let mut row = lock(&node.above.row);
        let is_before = |(other, id, _): &Entry| (*other, *id) < (at, registered);
        let before = row.iter().rposition(is_before);
        row.insert(before.map_or(0, |at| at + 1), entry);
        drop(row);
        (node, clock)
    }
}

impl Drop for BareDue {
    fn drop(&mut self) {
        let mut row = lock(&self.above.row);
        let is_mine = |(at, id, _): &Entry| (*at, *id) == (self.at, self.registered);
        let at = row.iter().rposition(is_mine);
        let gone = at.map(|at| row.remove(at));
        drop(row);
        drop(gone);
    }
}

/// A paused clock counts, from whatever thread it is asked.
fn now(clock: &Handle) -> Instant {
    let is_here = |here: Handle| here.id() == clock.id();
    let _context = match Handle::try_current().is_ok_and(is_here) {
        true => None,
        false => Some(clock.enter()),
    };
    tokio::time::Instant::now().into_std()
}
