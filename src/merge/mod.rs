//! One stream out of any mix of values, functions, iterators, futures, tasks and streams.

mod core;
mod delivery;
mod driver;
mod fed;
mod feeder;
mod gate;
mod job;
mod labels;
mod member;
mod placed;
mod results;
mod running;
mod source;
mod streamer;

use std::fmt;

use self::{
    core::{Core, Start},
    labels::Labels,
};
pub use self::{
    driver::{Driver, InPlace, Takes, Tasks},
    fed::{Fed, SourceId, SourceKind, Sources},
    feeder::Feeder,
    results::{ResultStreamer, StreamedResult},
    source::Source,
    streamer::Streamer,
};
use crate::{Ctx, Name, Spawner};

/// How far futures run ahead of the consumer when results come in order and no limit was given.
const LOOK_AHEAD: usize = 64;

/// Builds a merge: a [`Feeder`] that takes sources at any time, and a [`Streamer`] of their items.
///
/// # Memory
///
/// At most one item per iterator or stream waits for the consumer, who thereby holds them back;
/// futures are not held back, unless by [`max_running`](Self::max_running) or
/// [`ordered`](Self::ordered). Sources that have ended leave nothing behind.
///
/// # Fairness
///
/// Iterators and streams give one item in turn.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use windlass::{Merge, testing::simulate};
///
/// simulate(async |sim| {
///     let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
///     feeder.iter([1, 2]);
///     feeder.future(async { 3 });
///     drop(feeder);
///     let mut sum = 0;
///     while let Some(item) = items.next().await {
///         sum += item.value().unwrap_or(0);
///     }
///     assert_eq!(sum, 6);
/// });
/// # }
/// ```
#[doc(alias = "queue_manager")]
#[must_use = "a merge does nothing until it is `split`"]
pub struct Merge<T, L = (), D: Driver = Tasks> {
    ctx: Ctx<()>,
    start: Option<Start<T, D>>,
    label: L,
    limit: Option<usize>,
    ordered: bool,
}

impl<T: Send + 'static> Merge<T> {
    /// A merge whose sources run as tasks of a child of `ctx`.
    #[track_caller]
    pub fn new<R: Spawner>(ctx: &Ctx<R>, name: impl Into<Name>) -> Self {
        let ctx = ctx.child(name);
        Merge {
            ctx: ctx.on(()),
            start: Some(Box::new(move |source| drop(ctx.spawn(source)))),
            label: (),
            limit: None,
            ordered: false,
        }
    }
}

impl<'a, T> Merge<T, (), InPlace<'a>> {
    /// A merge whose sources are polled by the streamer; it needs no spawner.
    #[track_caller]
    pub fn in_place<R>(ctx: &Ctx<R>, name: impl Into<Name>) -> Self {
        Merge {
            ctx: Ctx::from_node(ctx.node().clone(), ()).child(name),
            start: None,
            label: (),
            limit: None,
            ordered: false,
        }
    }
}

impl<T, L, D: Driver> Merge<T, L, D> {
    /// Labels the items; `default` is for sources fed without a label of their own.
    pub fn label<M: Clone>(self, default: M) -> Merge<T, M, D> {
        Merge {
            ctx: self.ctx,
            start: self.start,
            label: default,
            limit: self.limit,
            ordered: self.ordered,
        }
    }

    /// Runs at most `n` futures at a time; 0 runs none until it is raised.
    pub fn max_running(mut self, n: usize) -> Self {
        self.limit = Some(n);
        self
    }

    /// Gives the items in the order in which their outermost sources were fed.
    ///
    /// Futures run ahead of the consumer by the limit, or 64.
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }
}

impl<T, L: Clone, D: Driver> Merge<T, L, D> {
    /// Makes the two ends.
    pub fn split(self) -> (Feeder<T, L, D>, Streamer<T, L, D>) {
        let default_limit = if self.ordered { LOOK_AHEAD } else { usize::MAX };
        let limit = self.limit.unwrap_or(default_limit);
        let core = Core::new(self.ctx, self.start, limit, self.ordered);
        let labels = Labels::new();
        let feeder = Feeder {
            core: core.clone(),
            labels: labels.clone(),
            label: self.label.clone(),
            family: None,
            is_labelled: false,
        };
        (feeder, Streamer::new(core, labels, self.label))
    }

    /// Makes both ends in one, which streams only results.
    pub fn results(self) -> ResultStreamer<T, L, D> {
        ResultStreamer::new(self.split())
    }
}

impl<T, L, D: Driver> fmt::Debug for Merge<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").finish_non_exhaustive()
    }
}
