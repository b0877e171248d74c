//! [`Feeder`]: the end that takes sources.

use std::{fmt, future::Future};

use futures::Stream;

use super::{
    core::Core,
    driver::{Driver, Takes, Tasks},
    fed::SourceId,
    labels::{Family, Labels},
    member::How,
    running::Running,
    source::Source,
};
use crate::{BoxError, Result, Task, TryFut, ids, sync::Arc};

/// Feeds a merge. Clones feed the same one, from any thread if the sources run as tasks, and from
/// inside sources and their callbacks.
///
/// Feeding never waits and never fails. When all feeders are gone, the merge finishes as soon as it
/// is empty; so a source that keeps a feeder keeps the merge open while it lives.
///
/// **When the context of the merge has ended**, values that are fed are still delivered; other sources
/// do not run, and give their terminal item at once. Callbacks are not called: one that feeds again
/// whenever its source ends would go on for ever.
///
/// **After [`Fed::Stopped`](super::Fed::Stopped)**, or when the streamer is gone, what is fed is
/// dropped and tells nothing; a task is cancelled.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use windlass::{Merge, testing::simulate};
///
/// simulate(async |sim| {
///     let (feeder, mut items) = Merge::new(&sim.ctx, "pages").label("start").split();
///     let links = feeder.label("link");
///     feeder.future(async move {
///         links.value("/about"); // from inside a source
///         "/"
///     });
///     drop(feeder);
///     let mut seen = Vec::new();
///     while let Some(item) = items.next().await {
///         if let Some(label) = item.label().copied() {
///             seen.push((label, item.value().unwrap()));
///         }
///     }
///     assert_eq!(seen, [("link", "/about"), ("start", "/")]);
/// });
/// # }
/// ```
pub struct Feeder<T, L = (), D: Driver = Tasks> {
    pub(super) core: Arc<Core<T, D>>,
    pub(super) labels: Arc<Labels<L>>,
    pub(super) label: L,
    /// What it feeds belongs to; none without a label of its own, and none in order, where each
    /// outermost source is a family.
    pub(super) family: Option<Arc<Family>>,
    pub(super) is_labelled: bool,
}

impl<T, L: Clone, D: Driver> Feeder<T, L, D> {
    /// Feeds a source, with its callbacks.
    ///
    /// The id is the one at the outer end of the [`Sources`](super::Sources) of each item that comes of
    /// it.
    pub fn add(&self, s: Source<T, D>) -> SourceId {
        let core = &self.core;
        let id = if core.is_ordered {
            ids::next()
        } else {
            ids::next_local()
        };
        let how = How {
            one_at_a_time: !core.is_in_place() || core.is_ordered,
            is_ordered: core.is_ordered,
            is_limited: true,
        };
        let kind = s.kind;
        let source = Running::new(SourceId(id), s, self.family_of(id), how);
        core.feed(source, kind, core.is_ordered.then_some(id));
        SourceId(id)
    }

    #[inline]
    fn family_of(&self, root: u64) -> Option<Arc<Family>> {
        if !self.core.is_ordered {
            return self.family.clone().inspect(|family| family.count_in());
        }
        let label = self
            .is_labelled
            .then(|| self.labels.insert(self.label.clone()));
        Some(Family::new(root, label.flatten()))
    }

    /// Makes a feeder to the same merge, whose sources get this label.
    pub fn label(&self, label: L) -> Feeder<T, L, D> {
        let family = if self.core.is_ordered {
            None
        } else {
            let kept = self.labels.insert(label.clone());
            kept.map(|kept| Family::new(0, Some(kept)))
        };
        self.core.add_feeder();
        Feeder {
            core: self.core.clone(),
            labels: self.labels.clone(),
            label,
            family,
            is_labelled: true,
        }
    }

    /// Feeds a value.
    pub fn value(&self, v: T) -> SourceId
    where
        D: Takes<T>,
    {
        self.add(Source::value(v))
    }

    /// Feeds the value of a function, which is called at once, unless the merge has ended.
    ///
    /// A function that another one feeds is called when it is reached.
    pub fn func<F>(&self, f: F) -> SourceId
    where
        F: FnOnce() -> T,
        D: Takes<F>,
    {
        self.add(Source::func(f))
    }

    /// Feeds the items of an iterator.
    pub fn iter<I>(&self, i: I) -> SourceId
    where
        I: IntoIterator<Item = T>,
        D: Takes<I::IntoIter>,
    {
        self.add(Source::iter(i))
    }

    /// Feeds the output of a future.
    pub fn future<F>(&self, f: F) -> SourceId
    where
        F: Future<Output = T>,
        D: Takes<F>,
    {
        self.add(Source::future(f))
    }

    /// Feeds the value of a fallible future.
    pub fn try_future<F>(&self, f: F) -> SourceId
    where
        F: TryFut<Ok = T>,
        D: Takes<F>,
    {
        self.add(Source::try_future(f))
    }

    /// Feeds the outcome of a task, which is cancelled if the merge ends first.
    pub fn task(&self, t: Task<T>) -> SourceId
    where
        D: Takes<T>,
    {
        self.add(Source::task(t))
    }

    /// Feeds the items of a stream.
    pub fn stream<S>(&self, s: S) -> SourceId
    where
        S: Stream<Item = T>,
        D: Takes<S>,
    {
        self.add(Source::stream(s))
    }

    /// Feeds the items of a fallible stream, up to its first error.
    pub fn try_stream<S, E>(&self, s: S) -> SourceId
    where
        S: Stream<Item = Result<T, E>>,
        E: Into<BoxError>,
        D: Takes<S>,
    {
        self.add(Source::try_stream(s))
    }
}

impl<T, L, D: Driver> Feeder<T, L, D> {
    /// Lets the merge end once everything that was fed has ended, whether feeders are left or not.
    ///
    /// Feeding more stays allowed until then. If nothing is left now, it ends at once.
    pub fn finish_when_empty(&self) {
        self.core.finish_when_empty();
    }

    /// Changes how many futures run at a time: see [`Merge::max_running`](super::Merge::max_running).
    ///
    /// If it is raised, as many more start; if it is lowered, those that run go on, and none starts
    /// until there is room.
    pub fn set_max_running(&self, n: usize) {
        self.core.set_limit(n);
    }
}

impl<T, L: Clone, D: Driver> Clone for Feeder<T, L, D> {
    fn clone(&self) -> Self {
        let label = self.label.clone(); // may panic: nothing is counted yet
        self.core.add_feeder();
        Feeder {
            core: self.core.clone(),
            labels: self.labels.clone(),
            label,
            family: self.family.clone().inspect(|family| family.count_in()),
            is_labelled: self.is_labelled,
        }
    }
}

impl<T, L, D: Driver> Drop for Feeder<T, L, D> {
    fn drop(&mut self) {
        if let Some(family) = self.family.take().filter(|family| family.count_out()) {
            family.label.map(|at| self.labels.remove(at));
        }
        self.core.remove_feeder();
    }
}

impl<T, L, D: Driver> fmt::Debug for Feeder<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder").finish_non_exhaustive()
    }
}
