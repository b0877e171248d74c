//! [`Streamer`]: the end that gives the items.

use std::{
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, Waker, ready},
};

use futures::Stream;

use super::{
    core::Core,
    delivery::Delivery,
    driver::{Driver, Tasks},
    fed::Fed,
    found::Event,
    labels::Labels,
    placed::Placed,
    queued::Queued,
};
use crate::{Done, Error, Event as Flag, EventWait, sync::Arc};

/// After so many items that were ready in a row the executor may go on.
const BUDGET: u32 = 128;

/// One stream out of everything that was fed. It is a [`Stream`] of [`Fed`], and `Unpin`.
///
/// It goes on until one of these comes, and then ends with one [`Fed::Stopped`]:
///
/// * All feeders are gone, or [`finish_when_empty`] was called, and everything that was fed has ended.
///   `Stopped` has no error then.
/// * Its [`breaker`] is set, or its context ends: nothing more is pulled, what is unfinished is
///   cancelled and gives its terminal item, what was produced before still comes, and `Stopped` says
///   why.
///
/// After that it gives `None`, at once, however often it is asked; and what is fed is dropped.
///
/// **Dropped early**, it cancels and drops everything; tasks are gone when their executor has seen to
/// it. It never ends the context it was made in.
///
/// # Fairness
///
/// Sources take turns: see [`Merge`](super::Merge#fairness).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use windlass::{Fed, Merge, testing::simulate};
///
/// simulate(async |sim| {
///     let (feeder, mut items) = Merge::new(&sim.ctx, "numbers").split();
///     feeder.iter(1..);
///     let mut sum = 0;
///     while let Some(item) = items.next().await {
///         match item {
///             Fed::Success { value, .. } => sum += value,
///             Fed::IterationStop { error, .. } => assert!(error.unwrap().is_cancelled()),
///             Fed::Stopped { error } => assert!(error.unwrap().is_cancelled()),
///             other => panic!("{other:?}"),
///         }
///         if sum >= 10 {
///             items.breaker().set();
///         }
///     }
///     assert!(sum >= 10 && !sim.ctx.is_done());
/// });
/// # }
/// ```
///
/// [`breaker`]: Self::breaker
/// [`finish_when_empty`]: super::Feeder::finish_when_empty
#[must_use = "dropping the streamer cancels every source; iterate it with `next`"]
pub struct Streamer<T, L = (), D: Driver = Tasks> {
    core: Arc<Core<T, D>>,
    delivery: Delivery<T, L, D>,
    /// In place, the sources.
    placed: Placed<T, D>,
    /// Taken from the core, in order of arrival.
    arrived: Queued<T, D>,
    breaker: Flag,
    broken: EventWait,
    done: Done,
    stage: Stage,
    in_a_row: u32,
}

enum Stage {
    Open,
    /// Everything was cancelled; what is queued still comes.
    Ending(Option<Error>),
    Ended,
}

impl<T, L, D: Driver> Unpin for Streamer<T, L, D> {}

impl<T, L: Clone, D: Driver> Streamer<T, L, D> {
    pub(super) fn new(core: Arc<Core<T, D>>, labels: Arc<Labels<L>>, default: L) -> Self {
        let breaker = Flag::new();
        let mut broken = breaker.wait();
        // From here on a break counts, also if it is taken back before anybody looks. Pending: it was
        // made just above.
        let _ = Pin::new(&mut broken).poll(&mut Context::from_waker(Waker::noop()));
        Streamer {
            done: core.ctx.done(),
            delivery: Delivery::new(core.clone(), labels, default),
            core,
            placed: Placed::new(),
            arrived: Queued::default(),
            broken,
            breaker,
            stage: Stage::Open,
            in_a_row: 0,
        }
    }

    /// Waits for the next item; `None` after [`Fed::Stopped`].
    ///
    /// # Errors
    ///
    /// None of its own: a source that fails gives an item that says so, and no other notices.
    ///
    /// # Panics
    ///
    /// If the `clone` of a label panics, with that panic; the item that it was for is lost. Panics of
    /// sources are [`Fed::Failure`]s, those of callbacks are reported.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the item is still there for the next call. In place, no
    /// source advances until then.
    pub async fn next(&mut self) -> Option<Fed<T, L>> {
        poll_fn(|cx| self.poll_fed(cx)).await
    }

    /// The flag that ends the stream: set it, and every unfinished source is cancelled.
    ///
    /// What was produced before is still given. It may be set from any thread, and counts also if it is
    /// cleared before the streamer has seen it; that may then take up to 128 items.
    pub fn breaker(&self) -> &Flag {
        &self.breaker
    }

    /// Takes what has been produced and not taken, without waiting.
    ///
    /// Sources that were held back go on, and the stream does, too. In place nothing is produced but
    /// when the streamer is polled, so these are values, results of functions, and what was interrupted.
    pub fn remaining(&mut self) -> Vec<Fed<T, L>> {
        self.take_news();
        let mut events: Vec<_> = self.delivery.take_sorted().collect();
        events.extend(self.arrived.events.drain(..));
        events
            .into_iter()
            .map(|event| self.deliver(event))
            .collect()
    }

    fn poll_fed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Fed<T, L>>> {
        if matches!(self.stage, Stage::Ended) {
            return Poll::Ready(None);
        }
        if self.in_a_row >= BUDGET {
            self.in_a_row = 0;
            let _ = self.poll_broken(cx);
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let next = self.poll_item(cx);
        self.in_a_row = if next.is_ready() {
            self.in_a_row + 1
        } else {
            0
        };
        next.map(Some)
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Fed<T, L>> {
        loop {
            self.end_if_told();
            if self.core.has_news() {
                self.take_news();
            }
            if let Some(event) = self.delivery.next(&mut self.arrived.events) {
                return Poll::Ready(self.deliver(event));
            }
            let delivery = &mut self.delivery;
            let mut found = None; // written where it lies: copies of it would cost more than its turn
            let sort = |source: &mut _, found: &mut _, slot| delivery.sort(source, found, slot);
            let _turned = self.placed.poll_next(&self.core.ctx, cx, &mut found, sort);
            if let Some(found) = found {
                if self.core.has_news() {
                    // What its callback has fed was there before it.
                    self.take_news();
                    self.arrived.events.push_back(found.into());
                    continue;
                }
                return Poll::Ready(self.delivery.label(found));
            }
            if self.delivery.has_front() {
                continue;
            }
            // Before we look again: whoever queues after that look wakes us.
            self.core.register(cx.waker());
            if self.core.has_news() {
                continue;
            }
            if self.placed.is_empty() && self.core.try_close(self.is_ending()) {
                return Poll::Ready(self.stopped());
            }
            ready!(self.poll_told(cx));
        }
    }

    fn is_ending(&self) -> bool {
        matches!(self.stage, Stage::Ending(_))
    }

    /// Takes what has arrived at the core.
    fn take_news(&mut self) {
        let limit = self.core.take(&mut self.arrived);
        self.placed.set_limit(limit);
        self.placed.append(&mut self.arrived.sources);
        if self.is_ending() {
            self.interrupt();
        }
    }

    /// Breaks off what runs if the breaker is set or the context has ended.
    #[inline]
    fn end_if_told(&mut self) {
        if !matches!(self.stage, Stage::Open) {
            return;
        }
        if self.breaker.is_set() {
            self.core.ctx.cancel_with("the breaker was set");
        }
        if self.core.ctx.is_done() {
            self.end();
        }
    }

    fn end(&mut self) {
        self.stage = Stage::Ending(self.core.ctx.error());
        self.take_news();
        self.core.interrupt_waiting();
        self.interrupt();
    }

    /// Ends what is in place.
    fn interrupt(&mut self) {
        if !self.placed.is_empty() {
            let ends = self.placed.interrupt(&self.core.why());
            self.arrived.events.extend(ends);
        }
    }

    /// Ready when there is a reason to end.
    fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_ending() {
            // The sources that are left end as the executor polls or drops them, and wake us.
            return Poll::Pending;
        }
        if self.poll_broken(cx).is_ready() {
            return Poll::Ready(());
        }
        Pin::new(&mut self.done).poll(cx).map(drop)
    }

    /// Ready when the breaker was set, also if it was cleared since: then it is set again.
    fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.broken).poll(cx));
        self.breaker.set();
        Poll::Ready(())
    }

    fn stopped(&mut self) -> Fed<T, L> {
        let stage = std::mem::replace(&mut self.stage, Stage::Ended);
        let error = match stage {
            Stage::Ending(error) => error,
            Stage::Open | Stage::Ended => None,
        };
        self.release();
        Fed::Stopped { error }
    }

    fn deliver(&mut self, mut event: Event<T>) -> Fed<T, L> {
        for gate in [event.gate.take(), event.parent.take()]
            .into_iter()
            .flatten()
        {
            gate.open();
        }
        if event.has_slot && self.core.is_in_place() {
            self.placed.free_slot();
        } else if event.has_slot {
            self.core.free_slot();
        }
        self.delivery.label(event.found)
    }
}

impl<T, L, D: Driver> Streamer<T, L, D> {
    /// Cancels and drops everything.
    fn release(&mut self) {
        self.core.ctx.cancel();
        let mut queued = self.core.close();
        self.placed.append(&mut queued.sources);
        // What nobody has read, in the order in which it came.
        self.core.discard(self.delivery.take_sorted());
        self.core.discard(std::mem::take(&mut self.arrived.events));
        self.core.discard(queued.events);
        let interrupted = self.placed.interrupt(&self.core.why());
        self.core.discard(interrupted);
        self.delivery.labels.close();
    }
}

impl<T, L, D: Driver> Drop for Streamer<T, L, D> {
    fn drop(&mut self) {
        self.release();
    }
}

impl<T, L: Clone, D: Driver> Stream for Streamer<T, L, D> {
    type Item = Fed<T, L>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_fed(cx)
    }
}

impl<T, L, D: Driver> fmt::Debug for Streamer<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamer").finish_non_exhaustive()
    }
}
