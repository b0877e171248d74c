//! The nodes below a context, and the tasks that run in them.

use super::{
    Ctx,
    extras::{Extras, SharedGroup},
    live::Live,
};
use crate::{
    sync::Arc,
    task::{AnyTask, current::Current},
};

impl<R> Ctx<R> {
    /// What runs below, but for tasks outside of holders that have not been polled yet.
    pub(crate) fn running(&self) -> Vec<Arc<dyn AnyTask>> {
        self.places().flat_map(|place| place.tasks()).collect()
    }

    /// The nodes from this one downwards.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        let is_holder = |extras: &Extras| extras.group.is_some();
        let starts_group = self.node().extras().is_some_and(is_holder);
        let top = self.node().live().cloned();
        let top = top.map(|live| Place::new(live, starts_group, false));
        let mut unvisited: Vec<Place> = top.into_iter().collect();
        std::iter::from_fn(move || {
            let place = unvisited.pop()?;
            unvisited.extend(place.below());
            Some(place)
        })
    }
}

/// A node on the way through what is below.
pub(super) struct Place {
    live: Arc<Live>,
    /// It is that of a holder.
    starts_group: bool,
    /// It is below a holder that was visited, which has named its tasks.
    is_named: bool,
}

impl Place {
    fn new(live: Arc<Live>, starts_group: bool, is_named: bool) -> Self {
        Place {
            live,
            starts_group,
            is_named,
        }
    }

    fn tasks(&self) -> Vec<Arc<dyn AnyTask>> {
        match self.live.group() {
            Some(group) if self.starts_group => group.members(),
            _ if self.is_named => Vec::new(),
            _ => self.live.tasks(),
        }
    }

    /// Whether the task runs here, or is a member of the holder here.
    pub(super) fn holds(&self, task: Current) -> bool {
        let is_member = |group: &SharedGroup| group.contains(task.id());
        task.runs_in(&self.live) || self.starts_group && self.live.group().is_some_and(is_member)
    }

    fn below(&self) -> impl Iterator<Item = Place> {
        let is_named = self.is_named || self.starts_group;
        self.live.children().into_iter().map(move |child| {
            let starts_group = !self.live.counts_with(&child);
            Place::new(child, starts_group, is_named)
        })
    }
}
