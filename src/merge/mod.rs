//! One stream out of any mix of values, functions, iterators, futures, tasks and streams.

mod core;
mod delivery;
mod driver;
mod fed;
mod feeder;
mod found;
mod gate;
mod inbox;
mod job;
mod labels;
mod lock;
mod member;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;
mod placed;
mod queued;
mod results;
mod running;
mod source;
mod streamer;

use std::{fmt, panic::Location};

use self::{core::Core, inbox::Start, labels::Labels};
pub use self::{
    driver::{Driver, InPlace, Takes, Tasks},
    fed::{Fed, SourceId, SourceKind, Sources},
    feeder::Feeder,
    results::{ResultStreamer, StreamedResult},
    source::Source,
    streamer::Streamer,
};
use crate::{Ctx, Name, Spawner, task::light::Light};

/// How far futures run ahead of the consumer when results come in order and no limit was given.
const LOOK_AHEAD: usize = 64;

/// Builds a merge: a [`Feeder`] that takes sources at any time, and a [`Streamer`] of their items.
///
/// **As tasks** ([`new`](Self::new)): each source is a task in a child of the context. Sources run
/// in parallel, and go on while the consumer is busy, iterators and streams by one item. They are
/// `Send + 'static`. For the executor, futures share a task until one of them has to wait, so one that
/// is ready at once costs less than a spawn.
///
/// **In place** ([`in_place`](Self::in_place)): the streamer polls the sources itself, on its own
/// thread, when it is polled. They need no spawner, may borrow, and need not be `Send`.
///
/// The methods of both are the same, and so are their promises: each source ends with exactly one
/// terminal item (see [`Fed`]); [`Fed::Stopped`] comes last, once, with the reason; what is broken off
/// is cancelled, and dropped before its terminal item comes.
///
/// # Memory
///
/// At most one item per iterator or stream waits for the consumer, who thereby holds them back;
/// futures, tasks and functions are never held back, and keep one item each until it is taken:
/// [`max_running`](Self::max_running) bounds how many futures are under way, and
/// [`ordered`](Self::ordered) how many are ahead of the consumer. Values wait in a queue without a
/// bound. Sources that have ended leave nothing behind, and a burst gives back the room it took.
///
/// # Fairness
///
/// Iterators and streams give one item in turn: each of `n` that are always ready gets one part in
/// `n`. One that is fed late stands in line at once. An item costs the same, however many sources are
/// idle. The streamer gives way to the executor after 128 items that were ready in a row.
///
/// # Comparison with `FuturesUnordered`, `SelectAll` and `StreamMap`
///
/// For futures of one type that are all there at the start, `FuturesUnordered` and `join_all` are
/// enough; so is `SelectAll` for streams of one type. Take a merge if the sources are of several kinds
/// or types, if more come while it is read, if some fail, or if an item must tell where it came
/// from. `StreamMap` of `tokio-stream` names its streams, and so do labels here; but it looks at every
/// idle stream for each item. To read from a channel is right when the producers are tasks
/// anyway and their end is nobody's concern; a merge tells the end of each, and cancels them when its
/// consumer goes. For work whose results nobody streams, take a [`TaskHolder`](crate::TaskHolder).
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
///
/// In place, sources may borrow, and there is no executor:
///
/// ```
/// use futures::{StreamExt, executor::block_on};
/// use windlass::{Ctx, Fed, Merge};
///
/// let text = String::from("so much");
/// let ctx = Ctx::root_on("app", ());
/// let (feeder, items) = Merge::in_place(&ctx, "letters").split();
/// feeder.iter(text.chars().take(2));
/// feeder.iter(text.chars().rev().take(2));
/// drop(feeder);
/// let letters: String = block_on(items.filter_map(async |item| item.value()).collect());
/// assert_eq!(letters, "shoc");
/// ```
#[doc(alias = "queue_manager")]
#[doc(alias = "select_all")]
#[doc(alias = "FuturesUnordered")]
#[must_use = "a merge does nothing until it is `split`, or made into `results`"]
pub struct Merge<T, L = (), D: Driver = Tasks> {
    ctx: Ctx<()>,
    start: Option<Start<T, D>>,
    label: L,
    limit: Option<usize>,
    ordered: bool,
}

impl<T: Send + 'static> Merge<T> {
    /// Makes a merge whose sources run as tasks, in a child of `ctx` with this name.
    ///
    /// The child ends with the merge, and the merge with `ctx`; the end of a merge never ends `ctx`.
    #[track_caller]
    pub fn new<R: Spawner>(ctx: &Ctx<R>, name: impl Into<Name>) -> Self {
        let ctx = ctx.child(name);
        let fed_at = Location::caller();
        let (width, in_a_row) = (ctx.runtime().width(), ctx.runtime().in_a_row());
        let on_node = ctx.on(());
        let spawn = Box::new(move |job, is_light| match is_light {
            true => ctx.runtime().spawn(Light::new(job, fed_at)),
            false => drop(ctx.spawn(job)),
        });
        Merge {
            ctx: on_node,
            start: Some(Start {
                spawn,
                width,
                in_a_row,
            }),
            label: (),
            limit: None,
            ordered: false,
        }
    }
}

impl<'a, T> Merge<T, (), InPlace<'a>> {
    /// Makes a merge whose sources are polled by the streamer, in the order in which they wake it.
    ///
    /// It needs no spawner. Nothing runs while the streamer is not polled, except functions, which are
    /// called when they are fed. What sources borrow must live longer than both ends.
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
    ///
    /// A label goes with the outermost source, and is the same for everything below it: see
    /// [`Feeder::label`]. It is cloned for each item, so a large one belongs in an `Arc`.
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
    ///
    /// Those over the limit start in the order in which they were fed. The limit is for futures, also
    /// those that sources make; other kinds are not counted. [`Feeder::set_max_running`] changes it.
    pub fn max_running(mut self, n: usize) -> Self {
        self.limit = Some(n);
        self
    }

    /// Gives the items in the order in which their outermost sources were fed.
    ///
    /// All of a source, and of what is below it, comes before anything of the next. Outermost futures
    /// run ahead of the consumer by the limit ([`max_running`](Self::max_running)), or 64: those that
    /// are done and not delivered count. Iterators and streams run ahead by one item.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")] {
    /// # use std::time::Duration;
    /// use windlass::{Fed, Merge, testing::simulate};
    ///
    /// simulate(async |sim| {
    ///     let (feeder, mut items) = Merge::new(&sim.ctx, "pages").ordered().split();
    ///     for page in 1..=3_u64 {
    ///         let ctx = sim.ctx.clone();
    ///         feeder.future(async move {
    ///             ctx.sleep(Duration::from_secs(10 / page)).await.ok(); // the first takes longest
    ///             page
    ///         });
    ///     }
    ///     drop(feeder);
    ///     for page in 1..=3 {
    ///         assert_eq!(items.next().await.and_then(Fed::value), Some(page));
    ///     }
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(10));
    /// });
    /// # }
    /// ```
    pub fn ordered(mut self) -> Self {
        self.ordered = true;
        self
    }
}

impl<T, L: Clone, D: Driver> Merge<T, L, D> {
    /// Makes the two ends: one that takes sources, one that gives their items.
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

    /// Makes both ends in one, which streams only values and errors.
    pub fn results(self) -> ResultStreamer<T, L, D> {
        ResultStreamer::new(self.split())
    }
}

impl<T, L, D: Driver> fmt::Debug for Merge<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").finish_non_exhaustive()
    }
}
