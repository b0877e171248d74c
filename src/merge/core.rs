//! What feeders, running sources and the streamer share.
//!
//! # Invariants
//!
//! 1. `live` counts the sources whose end has not been queued; a source that makes another counts
//!    that one before its own end. So `live == 0` with an empty `out` means: nothing will come.
//! 2. A source whose items are many has at most one of them queued (`Gate`): the queue holds at
//!    most one item per iterator or stream, and one per future, value or function.
//! 3. Whatever changes what the streamer looks at wakes it after the lock is released.
//! 4. One lock at a time; sources and events are dropped, and wakers called, without it.

use std::{
    collections::{HashMap, VecDeque},
    panic::Location,
    task::{Context, Poll, Waker},
};

use futures::task::AtomicWaker;

use super::{driver::Driver, fed::Sources, running::Running};
use crate::{
    Ctx, Error,
    report::isolate,
    sync::{Arc, AtomicBool, AtomicUsize, Mutex, Ordering, lock},
};

/// Starts a source as a task.
pub(super) type Start<T, D> = Box<dyn Fn(Running<T, D>) + Send + Sync>;

pub(super) struct Core<T, D: Driver> {
    pub(super) ctx: Ctx<()>,
    start: Option<Start<T, D>>,
    pub(super) ordered: bool,
    state: Mutex<State<T, D>>,
    consumer: AtomicWaker,
}

struct State<T, D: Driver> {
    out: VecDeque<Event<T>>,
    incoming: VecDeque<Running<T, D>>,
    /// Futures over the limit.
    waiting: VecDeque<Running<T, D>>,
    /// Outermost sources in order of insertion; kept only when results are ordered.
    order: VecDeque<u64>,
    limit: usize,
    running: usize,
    /// Somebody starts what waits: whoever releases a slot meanwhile leaves it to them, so that
    /// nothing recurses when an executor drops what it is given.
    is_pumping: bool,
    live: usize,
    feeders: usize,
    is_finishing: bool,
    is_closed: bool,
}

impl<T, D: Driver> State<T, D> {
    fn count_in(&mut self, root: Option<u64>) {
        self.live += 1;
        self.order.extend(root);
    }
}

/// An outermost source and everything below it.
pub(super) struct Family {
    pub(super) root: u64,
    /// Members whose terminal item was not delivered. AcqRel on the way down; only the streamer,
    /// and a member that hands over, which leaves at least one, count down.
    pub(super) live: AtomicUsize,
}

pub(super) struct Event<T> {
    pub(super) what: What<T>,
    pub(super) sources: Sources,
    pub(super) family: Arc<Family>,
    /// Opened when the event is delivered.
    pub(super) gates: [Option<Arc<Gate>>; 2],
    /// Gives a slot back when it is delivered.
    pub(super) has_slot: bool,
}

pub(super) enum What<T> {
    Item(T),
    Last(T),
    Fail(Error),
    Stop(Option<Error>),
}

/// Holds a source back until its item has been taken.
#[derive(Default)]
pub(super) struct Gate {
    /// Set by the source (Release), cleared by the streamer (Release) before it wakes the source,
    /// which registers before it looks again (Acquire).
    is_shut: AtomicBool,
    source: AtomicWaker,
}

impl Gate {
    pub(super) fn shut(&self) {
        self.is_shut.store(true, Ordering::Release);
    }

    pub(super) fn open(&self) {
        self.is_shut.store(false, Ordering::Release);
        self.source.wake();
    }

    pub(super) fn poll_open(&self, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_shut.load(Ordering::Acquire) {
            return Poll::Ready(());
        }
        self.source.register(cx.waker());
        if self.is_shut.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

/// What the streamer finds when nothing is queued.
pub(super) enum Lull {
    MoreQueued,
    Finished,
    Waiting,
}

impl<T, D: Driver> Core<T, D> {
    #[allow(clippy::arc_with_non_send_sync)] // in place, nothing of it leaves the thread
    pub(super) fn new(
        ctx: Ctx<()>,
        start: Option<Start<T, D>>,
        limit: usize,
        ordered: bool,
    ) -> Arc<Self> {
        Arc::new(Core {
            ctx,
            start,
            ordered,
            state: Mutex::new(State {
                out: VecDeque::new(),
                incoming: VecDeque::new(),
                waiting: VecDeque::new(),
                order: VecDeque::new(),
                limit,
                running: 0,
                is_pumping: false,
                live: 0,
                feeders: 1,
                is_finishing: false,
                is_closed: false,
            }),
            consumer: AtomicWaker::new(),
        })
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.consumer.register(waker);
    }

    /// Wakes the consumer, whose waker may panic.
    fn wake(&self) {
        isolate("a waker", || self.consumer.wake());
    }

    // ----- feeding -----

    /// Counts one more source; false if the merge has ended.
    pub(super) fn count_in(&self, root: Option<u64>) -> bool {
        let mut state = lock(&self.state);
        if state.is_closed {
            return false;
        }
        state.count_in(root.filter(|_| self.ordered));
        true
    }

    /// Counts a source in and runs it, now or when the limit allows it; gives it back if the merge
    /// has ended.
    ///
    /// In one step: slots are given in the order of insertion. Otherwise, when results are ordered,
    /// a later source could hold the last slot until its turn comes, behind one that waits for it.
    pub(super) fn launch(
        &self,
        mut source: Running<T, D>,
        root: Option<u64>,
    ) -> Result<(), Running<T, D>> {
        let mut state = lock(&self.state);
        if state.is_closed {
            drop(state);
            return Err(source);
        }
        state.count_in(root.filter(|_| self.ordered));
        // Not past those that wait, although somebody is just about to give them a slot.
        let is_full = state.running >= state.limit || !state.waiting.is_empty();
        if source.is_limited && is_full {
            state.waiting.push_back(source);
            drop(state);
            self.look_again();
            return Ok(());
        }
        state.running += usize::from(source.is_limited);
        source.has_slot = source.is_limited;
        drop(state);
        self.start(source);
        Ok(())
    }

    /// Whoever ends the merge drops what waits, after its context has ended: so what was put there
    /// later sees that end, and goes, too.
    fn look_again(&self) {
        if self.ctx.is_done() {
            self.drop_unstarted();
        }
    }

    pub(super) fn start(&self, source: Running<T, D>) {
        if let Some(start) = &self.start {
            return start(source);
        }
        let mut state = lock(&self.state);
        if state.is_closed {
            drop(state);
            return drop(source);
        }
        state.incoming.push_back(source);
        drop(state);
        self.wake();
    }

    /// Gives a slot back and starts what waits for one.
    pub(super) fn release(&self) {
        let mut state = lock(&self.state);
        state.running -= 1;
        drop(state);
        self.pump();
    }

    fn pump(&self) {
        let mut state = lock(&self.state);
        if std::mem::replace(&mut state.is_pumping, true) {
            return;
        }
        loop {
            let next = if state.running < state.limit {
                state.waiting.pop_front()
            } else {
                None
            };
            let Some(mut next) = next else {
                state.is_pumping = false;
                return;
            };
            state.running += 1;
            drop(state);
            next.has_slot = true;
            self.start(next);
            state = lock(&self.state);
        }
    }

    pub(super) fn set_limit(&self, n: usize) {
        lock(&self.state).limit = n;
        self.pump();
    }

    pub(super) fn finish_when_empty(&self) {
        lock(&self.state).is_finishing = true;
        self.wake();
    }

    pub(super) fn add_feeder(&self) {
        lock(&self.state).feeders += 1;
    }

    pub(super) fn remove_feeder(&self) {
        let mut state = lock(&self.state);
        state.feeders -= 1;
        let is_last = state.feeders == 0;
        drop(state);
        if is_last {
            self.wake();
        }
    }

    // ----- results -----

    /// Queues an event; the last one of a source counts it out.
    pub(super) fn emit(&self, event: Event<T>) {
        let is_end = !matches!(event.what, What::Item(_));
        let mut state = lock(&self.state);
        state.live -= usize::from(is_end);
        let refused = if state.is_closed {
            Some(event)
        } else {
            state.out.push_back(event);
            None
        };
        drop(state);
        drop_all(refused);
        self.wake();
    }

    /// Counts out a source that handed over.
    pub(super) fn count_out(&self) {
        lock(&self.state).live -= 1;
        self.wake();
    }

    /// Swaps the queued events for `empty`.
    pub(super) fn take_out(&self, empty: &mut VecDeque<Event<T>>) {
        std::mem::swap(&mut lock(&self.state).out, empty);
    }

    pub(super) fn take_incoming(&self) -> VecDeque<Running<T, D>> {
        std::mem::take(&mut lock(&self.state).incoming)
    }

    pub(super) fn front(&self) -> Option<u64> {
        lock(&self.state).order.front().copied()
    }

    /// Drops a family that is over from the order; it is the front one unless `remaining` took it.
    pub(super) fn forget(&self, root: u64) {
        if !self.ordered {
            return;
        }
        let mut state = lock(&self.state);
        match state.order.front() {
            Some(front) if *front == root => drop(state.order.pop_front()),
            _ => state.order.retain(|other| *other != root),
        }
    }

    /// Moves the queued events behind those in `batch`.
    pub(super) fn take_out_behind(&self, batch: &mut VecDeque<Event<T>>) {
        batch.append(&mut lock(&self.state).out);
    }

    pub(super) fn lull(&self, is_ending: bool) -> Lull {
        let mut state = lock(&self.state);
        if !state.out.is_empty() || !state.incoming.is_empty() {
            return Lull::MoreQueued;
        }
        let will_finish = is_ending || state.is_finishing || state.feeders == 0;
        if !will_finish || state.live > 0 {
            return Lull::Waiting;
        }
        state.is_closed = true;
        Lull::Finished
    }

    /// Drops what has not started; each of them queues its end.
    pub(super) fn drop_unstarted(&self) {
        let mut state = lock(&self.state);
        let waiting = std::mem::take(&mut state.waiting);
        let incoming = std::mem::take(&mut state.incoming);
        drop(state);
        drop((waiting, incoming));
    }

    /// Takes no more and drops everything.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        state.is_closed = true;
        let out = std::mem::take(&mut state.out);
        state.order = VecDeque::new();
        drop(state);
        drop_all(out);
        self.drop_unstarted();
    }

    /// Why a source was interrupted.
    pub(super) fn why(&self) -> Error {
        self.ctx.error().unwrap_or_else(|| {
            let why = Some("executor shut down".into());
            self.ctx.node().cancelled(why, Location::caller(), None)
        })
    }
}

/// Drops events, whose values may panic, one after the other.
pub(super) fn drop_all<T>(events: impl IntoIterator<Item = Event<T>>) {
    for event in events {
        isolate("the destructor of an item", || drop(event));
    }
}

/// The labels of the outermost sources that have not ended.
pub(super) struct Labels<L>(Mutex<Option<HashMap<u64, Arc<L>>>>);

impl<L> Labels<L> {
    #[allow(clippy::arc_with_non_send_sync)]
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Labels(Mutex::new(Some(HashMap::new()))))
    }

    pub(super) fn insert(&self, root: u64, label: L) {
        let mut label = Some(Arc::new(label));
        if let Some(map) = lock(&self.0).as_mut() {
            map.extend(label.take().map(|label| (root, label)));
        }
    }

    pub(super) fn close(&self) {
        let map = lock(&self.0).take();
        drop(map);
    }

    pub(super) fn get(&self, root: u64) -> Option<L>
    where
        L: Clone,
    {
        let label = lock(&self.0).as_ref()?.get(&root).cloned()?;
        Some(L::clone(&label)) // the user's `clone`: not under the lock
    }

    pub(super) fn remove(&self, root: u64) -> Option<L>
    where
        L: Clone,
    {
        let label = lock(&self.0).as_mut()?.remove(&root)?;
        Some(Arc::unwrap_or_clone(label))
    }
}
