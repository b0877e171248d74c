//! [`Delivery`]: how events become the items of the streamer.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
};

use super::{
    core::Core,
    driver::Driver,
    fed::{Fed, Sources},
    found::{Event, Found, What},
    labels::{Family, Known, Labels},
    running::{Running, Slot},
};
use crate::sync::Arc;

/// Gives items their labels, and their order if they have one.
pub(super) struct Delivery<T, L, D: Driver> {
    pub(super) core: Arc<Core<T, D>>,
    pub(super) labels: Arc<Labels<L>>,
    known: Known<L>,
    default: L,
    /// By outermost source; only when ordered.
    sorted: BTreeMap<u64, VecDeque<Event<T>>>,
}

impl<T, L, D: Driver> Delivery<T, L, D> {
    /// All that has arrived before its turn.
    pub(super) fn take_sorted(&mut self) -> impl Iterator<Item = Event<T>> + use<T, L, D> {
        std::mem::take(&mut self.sorted).into_values().flatten()
    }
}

impl<T, L: Clone, D: Driver> Delivery<T, L, D> {
    pub(super) fn new(core: Arc<Core<T, D>>, labels: Arc<Labels<L>>, default: L) -> Self {
        Delivery {
            core,
            labels,
            known: Known::default(),
            default,
            sorted: BTreeMap::new(),
        }
    }

    /// The next of what has arrived; in order, of the outermost source whose turn it is.
    #[inline]
    pub(super) fn next(&mut self, arrived: &mut VecDeque<Event<T>>) -> Option<Event<T>> {
        if !self.core.is_ordered {
            return arrived.pop_front();
        }
        arrived.drain(..).for_each(|event| self.file(event));
        let front = self.core.front()?;
        self.sorted.get_mut(&front)?.pop_front()
    }

    /// Whether the outermost source whose turn it is has given something.
    pub(super) fn has_front(&self) -> bool {
        let front = self.core.is_ordered.then(|| self.core.front()).flatten();
        front
            .and_then(|front| self.sorted.get(&front))
            .is_some_and(|events| !events.is_empty())
    }

    fn file(&mut self, event: Event<T>) {
        self.sorted.entry(event.root).or_default().push_back(event);
    }

    /// What a source in place has given is delivered at once, as `found`; in order, it is filed.
    #[inline(always)]
    pub(super) fn sort(
        &mut self,
        source: &mut Running<T, D>,
        found: &mut Option<Found<T>>,
        slot: Slot,
    ) {
        if self.core.is_ordered {
            let event = found.take().map(|found| source.event(found, slot));
            event.into_iter().for_each(|event| self.file(event));
        }
    }

    /// Labels what was found. The user's `clone` may panic: nothing waits for it any more.
    #[inline(always)]
    pub(super) fn label(&mut self, found: Found<T>) -> Fed<T, L> {
        let label = match (found.label, found.ended) {
            (None, None) => self.default.clone(),
            (at, ended) => self.label_of(at, ended.as_deref()),
        };
        fed(found.what, found.sources, label)
    }

    /// The last item of a family takes its label out.
    #[inline(never)]
    fn label_of(&mut self, at: Option<usize>, ended: Option<&Family>) -> L {
        let known = at.and_then(|at| self.known.get(&self.labels, at));
        let label = known.unwrap_or(&self.default);
        let Some(family) = ended else {
            return label.clone();
        };
        // Also if `clone` panics: in order, it would stay the turn of this family for ever.
        let label = catch_unwind(AssertUnwindSafe(|| label.clone()));
        self.count_out(family);
        label.unwrap_or_else(|payload| resume_unwind(payload))
    }

    fn count_out(&mut self, family: &Family) {
        if let Some(at) = family.label {
            self.known.forget(at);
        }
        if !family.count_out() {
            return;
        }
        if let Some(at) = family.label {
            self.labels.remove(at);
        }
        if self.core.is_ordered {
            self.core.forget(family.root);
            self.sorted.remove(&family.root);
        }
    }
}

#[inline]
fn fed<T, L>(what: What<T>, sources: Sources, label: L) -> Fed<T, L> {
    match what {
        What::Item(value) | What::Last(value) => Fed::Success {
            value,
            sources,
            label,
        },
        What::Fail(error) => Fed::Failure {
            error,
            sources,
            label,
        },
        What::Stop(error) => Fed::IterationStop {
            error,
            sources,
            label,
        },
    }
}
