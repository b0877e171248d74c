//! [`Feeder`]: the end that takes sources.

use std::{fmt, future::Future};

use futures::Stream;

use super::{
    core::{Core, Family, Labels},
    driver::{Driver, Takes, Tasks},
    fed::SourceId,
    running::feed,
    source::Source,
};
use crate::{
    BoxError, Result, Task, TryFut, ids,
    sync::{Arc, AtomicUsize},
};

/// Feeds a merge. Clones feed the same one, from any thread if the sources run as tasks.
///
/// When all feeders are gone, the merge finishes as soon as it is empty. What is fed after the end
/// is dropped.
pub struct Feeder<T, L = (), D: Driver = Tasks> {
    pub(super) core: Arc<Core<T, D>>,
    pub(super) labels: Arc<Labels<L>>,
    pub(super) default: L,
}

impl<T, L: Clone, D: Driver> Feeder<T, L, D> {
    /// Feeds a source.
    pub fn add(&self, s: Source<T, D>) -> SourceId {
        let root = ids::next();
        self.labels.insert(root, self.default.clone());
        let live = AtomicUsize::new(1);
        feed(&self.core, s, Arc::new(Family { root, live }), None)
    }

    /// A feeder to the same merge, whose sources get this label.
    pub fn label(&self, label: L) -> Feeder<T, L, D> {
        self.core.add_feeder();
        Feeder {
            core: self.core.clone(),
            labels: self.labels.clone(),
            default: label,
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

    /// Feeds the outcome of a task.
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
    /// Lets the merge end once everything that was fed has ended. Feeding more stays allowed
    /// until then.
    pub fn finish_when_empty(&self) {
        self.core.finish_when_empty();
    }

    /// Changes how many futures run at a time.
    pub fn set_max_running(&self, n: usize) {
        self.core.set_limit(n);
    }
}

impl<T, L: Clone, D: Driver> Clone for Feeder<T, L, D> {
    fn clone(&self) -> Self {
        self.label(self.default.clone())
    }
}

impl<T, L, D: Driver> Drop for Feeder<T, L, D> {
    fn drop(&mut self) {
        self.core.remove_feeder();
    }
}

impl<T, L, D: Driver> fmt::Debug for Feeder<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feeder").finish_non_exhaustive()
    }
}
