//! [`Queued`]: what waits for the streamer, and the room it takes.

use std::collections::VecDeque;

use super::{driver::Driver, found::Event, running::Running};

/// Lists of so many places are kept, however few are used.
pub(super) const KEPT: usize = 256;

/// Lists shrink after so many times in a row in which little was taken.
const QUIET: u32 = 16;

/// What waits for the streamer: of tasks, their events; in place, the sources themselves.
pub(super) struct Queued<T, D: Driver> {
    pub(super) events: VecDeque<Event<T>>,
    pub(super) sources: VecDeque<Running<T, D>>,
    /// How often in a row little was taken by lists that are large.
    quiet: u32,
}

impl<T, D: Driver> Default for Queued<T, D> {
    fn default() -> Self {
        Queued {
            events: VecDeque::new(),
            sources: VecDeque::new(),
            quiet: 0,
        }
    }
}

impl<T, D: Driver> Queued<T, D> {
    /// Moves what is in `from` behind what is here. The room that a burst needed is given back, on
    /// both sides, when little was taken for a while: not between two bursts that follow closely.
    pub(super) fn take(&mut self, from: &mut Self) {
        swap_or_append(&mut self.events, &mut from.events);
        swap_or_append(&mut self.sources, &mut from.sources);
        let is_quiet =
            is_roomy(&self.events, &from.events) || is_roomy(&self.sources, &from.sources);
        self.quiet = if is_quiet { self.quiet + 1 } else { 0 };
        if self.quiet == QUIET {
            self.quiet = 0;
            self.shrink();
            from.shrink();
        }
    }

    fn shrink(&mut self) {
        self.events.shrink_to(2 * self.events.len());
        self.sources.shrink_to(2 * self.sources.len());
    }
}

/// Whether these lists have far more room than is used.
fn is_roomy<E>(used: &VecDeque<E>, spare: &VecDeque<E>) -> bool {
    used.capacity().max(spare.capacity()) > KEPT.max(4 * used.len())
}

/// Moves what is in `from` behind what is in `to`; in a burst no item is copied.
fn swap_or_append<E>(to: &mut VecDeque<E>, from: &mut VecDeque<E>) {
    if to.is_empty() {
        std::mem::swap(to, from);
    } else {
        to.append(from);
    }
}
