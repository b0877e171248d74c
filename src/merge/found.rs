//! What sources give, on its way to the consumer: [`Found`] and [`Event`].

use super::{fed::Sources, gate::Gate, labels::Family};
use crate::{Error, sync::Arc};

/// An item, and where it came from.
#[allow(missing_debug_implementations)]
pub struct Found<T> {
    pub(super) what: What<T>,
    pub(super) sources: Sources,
    /// Where its label lies; the default if there is none.
    pub(super) label: Option<usize>,
    /// Whose source has ended; an item of many need not count the family.
    pub(super) ended: Option<Arc<Family>>,
}

/// An item on its way to the consumer, through a queue.
pub(super) struct Event<T> {
    pub(super) found: Found<T>,
    /// Its place in the order; 0 without one.
    pub(super) root: u64,
    /// These are opened when the event is delivered.
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) parent: Option<Arc<Gate>>,
    /// Gives a slot back when it is delivered.
    pub(super) has_slot: bool,
}

impl<T> From<Found<T>> for Event<T> {
    fn from(found: Found<T>) -> Self {
        Event {
            found,
            root: 0,
            gate: None,
            parent: None,
            has_slot: false,
        }
    }
}

pub(super) enum What<T> {
    Item(T),
    Last(T),
    Fail(Error),
    Stop(Option<Error>),
}

impl<T> What<T> {
    pub(super) fn is_end(&self) -> bool {
        !matches!(self, What::Item(_))
    }
}
