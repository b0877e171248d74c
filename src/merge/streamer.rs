//! [`Streamer`]: the end that gives the items.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    future::{Future, poll_fn},
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Stream;

use super::{
    core::{Core, Event, Labels, Lull, What, drop_all},
    driver::{Driver, Tasks},
    fed::Fed,
    running::Running,
};
use crate::{
    Done, Error, Event as Flag, EventWait,
    group::Group,
    sync::{Arc, Ordering},
};

/// After so many items that were ready in a row the executor may go on.
const BUDGET: u32 = 128;

/// One stream out of everything that was fed.
///
/// It ends with one [`Fed::Stopped`]: when it is finished and empty, when its [`breaker`] is set,
/// or when its context ends. Each unfinished source then gives its terminal item first.
///
/// [`breaker`]: Self::breaker
#[must_use = "dropping the streamer cancels every source; iterate it with `next`"]
pub struct Streamer<T, L = (), D: Driver = Tasks> {
    core: Arc<Core<T, D>>,
    labels: Arc<Labels<L>>,
    default: L,
    group: Group<Running<T, D>>,
    /// Taken from the core, in order of arrival.
    batch: VecDeque<Event<T>>,
    /// Taken from the batch, by outermost source; only when ordered.
    sorted: BTreeMap<u64, VecDeque<Event<T>>>,
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
        Streamer {
            done: core.ctx.done(),
            core,
            labels,
            default,
            group: Group::new(),
            batch: VecDeque::new(),
            sorted: BTreeMap::new(),
            broken: breaker.wait(),
            breaker,
            stage: Stage::Open,
            in_a_row: 0,
        }
    }

    /// The next item; `None` after [`Fed::Stopped`].
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the item is still there for the next call.
    pub async fn next(&mut self) -> Option<Fed<T, L>> {
        poll_fn(|cx| self.poll_fed(cx)).await
    }

    /// The flag that ends the stream: set it, and every unfinished source is cancelled.
    pub fn breaker(&self) -> &Flag {
        &self.breaker
    }

    /// What has been produced and not taken, without waiting. Sources that were held back go on.
    pub fn remaining(&mut self) -> Vec<Fed<T, L>> {
        let mut all = Vec::new();
        self.core.take_out_behind(&mut self.batch);
        let sorted = std::mem::take(&mut self.sorted);
        for event in sorted.into_values().flatten() {
            all.push(self.deliver(event));
        }
        while let Some(event) = self.batch.pop_front() {
            all.push(self.deliver(event));
        }
        all
    }

    fn poll_fed(&mut self, cx: &mut Context<'_>) -> Poll<Option<Fed<T, L>>> {
        if matches!(self.stage, Stage::Ended) {
            return Poll::Ready(None);
        }
        if self.in_a_row >= BUDGET {
            self.in_a_row = 0;
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
            if let Some(event) = self.take() {
                return Poll::Ready(self.deliver(event));
            }
            // Before we look again: whoever queues after that look wakes us.
            self.core.register(cx.waker());
            self.take_in();
            while let Poll::Ready(Some(())) = self.group.poll_next(cx) {}
            match self.core.lull(matches!(self.stage, Stage::Ending(_))) {
                Lull::MoreQueued => {}
                Lull::Finished => return Poll::Ready(self.stopped()),
                Lull::Waiting => ready!(self.poll_told(cx)),
            }
        }
    }

    /// Takes in what was fed to be polled here; after the end it is dropped, and so tells its own.
    fn take_in(&mut self) {
        let is_open = matches!(self.stage, Stage::Open);
        for source in self.core.take_incoming() {
            if is_open {
                self.group.insert(source);
            }
        }
    }

    /// Breaks off what runs if the breaker is set or the context has ended.
    fn end_if_told(&mut self) {
        if !matches!(self.stage, Stage::Open) {
            return;
        }
        if self.breaker.is_set() {
            self.core.ctx.cancel_with("the breaker was set");
        }
        if let Some(error) = self.core.ctx.error() {
            self.stage = Stage::Ending(Some(error));
            self.core.drop_unstarted();
            self.group.clear();
        }
    }

    /// Ready when there is a reason to end.
    fn poll_told(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if matches!(self.stage, Stage::Ending(_)) {
            // The sources that are left end as the executor polls or drops them, and wake us.
            return Poll::Pending;
        }
        if Pin::new(&mut self.broken).poll(cx).is_ready() {
            // Also if the flag was cleared since.
            self.breaker.set();
            return Poll::Ready(());
        }
        Pin::new(&mut self.done).poll(cx).map(drop)
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

    fn take(&mut self) -> Option<Event<T>> {
        if self.batch.is_empty() {
            self.core.take_out(&mut self.batch);
        }
        if !self.core.ordered {
            return self.batch.pop_front();
        }
        while let Some(event) = self.batch.pop_front() {
            self.sorted
                .entry(event.family.root)
                .or_default()
                .push_back(event);
        }
        let front = self.core.front()?;
        self.sorted.get_mut(&front)?.pop_front()
    }

    fn deliver(&mut self, mut event: Event<T>) -> Fed<T, L> {
        for gate in event.gates.iter_mut().filter_map(Option::take) {
            gate.open();
        }
        if event.has_slot {
            self.core.release();
        }
        // The user's `clone`, which may panic: after what lets sources go on.
        let label = self.label(&event);
        let Event { what, sources, .. } = event;
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

    /// The label of an event; the last event of a family takes it along.
    fn label(&mut self, event: &Event<T>) -> L {
        let family = &event.family;
        let is_end = !matches!(event.what, What::Item(_));
        let is_over = is_end && family.live.fetch_sub(1, Ordering::AcqRel) == 1;
        let label = if is_over {
            self.core.forget(family.root);
            self.sorted.remove(&family.root);
            self.labels.remove(family.root)
        } else {
            self.labels.get(family.root)
        };
        label.unwrap_or_else(|| self.default.clone())
    }
}

impl<T, L, D: Driver> Streamer<T, L, D> {
    /// Cancels and drops everything.
    fn release(&mut self) {
        self.core.ctx.cancel();
        self.core.close();
        self.group.clear();
        drop_all(std::mem::take(&mut self.batch));
        drop_all(std::mem::take(&mut self.sorted).into_values().flatten());
        self.labels.close();
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
