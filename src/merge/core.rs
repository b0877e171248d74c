//! What feeders, running sources and the streamer share.
//!
//! Sources that run as tasks go on behind a [`Job`], and everything about them is counted here. In
//! place, the core is only the way from the feeders to the streamer, which keeps the sources itself.
//!
//! # Invariants
//!
//! 1. `live` counts the tasks whose end has not been queued; a source that makes another counts
//!    that one before its own end. So `live == 0` with nothing queued means: nothing will come.
//! 2. A task whose items are many has at most one of them queued ([`Gate`](super::gate::Gate)): the
//!    queue holds at most one item per iterator or stream, and one per future, value or function.
//! 3. `has_news` is set with whatever changes what the streamer looks at, under the lock, and the
//!    streamer woken after it, unless it was set: then nobody has looked since, and whoever looks
//!    does so after registering. The streamer clears it under the lock, and takes everything.
//! 4. One lock at a time; sources and events are dropped, and wakers called, without it.

use std::{
    cell::Cell,
    collections::VecDeque,
    panic::Location,
    task::{Context, Waker},
};

use futures::task::AtomicWaker;

use super::{
    driver::Driver,
    fed::SourceKind,
    found::{Event, What},
    inbox::{Inbox, Start},
    job::Job,
    lock::Lock,
    queued::Queued,
    running::{Running, Slot},
};
use crate::{
    Ctx, Error,
    report::isolate,
    sync::{Arc, AtomicBool, Ordering},
    task::{light, report_below},
};

thread_local! {
    /// This thread calls a function that was fed.
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

pub(super) struct Core<T, D: Driver> {
    pub(super) ctx: Ctx<()>,
    /// How to start a source; in place there is no such thing.
    pub(super) start: Option<Start<T, D>>,
    pub(super) is_ordered: bool,
    pub(super) state: D::Lock<State<T, D>>,
    has_news: AtomicBool,
    consumer: AtomicWaker,
}

/// The state while it is locked.
pub(super) type Locked<'a, T, D> =
    <<D as Driver>::Lock<State<T, D>> as Lock<State<T, D>>>::Guard<'a>;

pub(super) struct State<T, D: Driver> {
    queued: Queued<T, D>,
    /// Tasks over the limit.
    waiting: VecDeque<Running<T, D>>,
    /// Sources that no task has begun with.
    pub(super) inbox: Inbox<Running<T, D>>,
    /// Outermost sources in order of insertion; kept only when results are ordered.
    order: VecDeque<u64>,
    limit: usize,
    running: usize,
    /// Somebody starts what waits: whoever frees a slot meanwhile leaves it to them, so that
    /// nothing recurses when an executor drops what it is given.
    is_pumping: bool,
    live: usize,
    feeders: usize,
    is_finishing: bool,
    is_closed: bool,
}

impl<T, D: Driver> Core<T, D> {
    #[allow(clippy::arc_with_non_send_sync)] // in place, nothing of it leaves the thread
    pub(super) fn new(
        ctx: Ctx<()>,
        start: Option<Start<T, D>>,
        limit: usize,
        is_ordered: bool,
    ) -> Arc<Self> {
        if start.is_some() {
            let _linked = ctx.node().link(); // takes locks, and later there is one already
        }
        Arc::new(Core {
            ctx,
            start,
            is_ordered,
            state: Lock::new(State {
                queued: Queued::default(),
                waiting: VecDeque::new(),
                inbox: Inbox::default(),
                order: VecDeque::new(),
                limit,
                running: 0,
                is_pumping: false,
                live: 0,
                feeders: 1,
                is_finishing: false,
                is_closed: false,
            }),
            has_news: AtomicBool::new(false),
            consumer: AtomicWaker::new(),
        })
    }

    pub(super) fn is_in_place(&self) -> bool {
        self.start.is_none()
    }

    pub(super) fn register(&self, waker: &Waker) {
        self.consumer.register(waker);
    }

    /// Whether something was put here that the streamer has not taken.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// Ends a critical section that changed what the streamer looks at.
    #[inline]
    fn tell(&self, state: Locked<'_, T, D>) {
        let was_told = self.has_news.load(Ordering::Relaxed); // changed under the lock only
        if !was_told {
            self.has_news.store(true, Ordering::Release);
        }
        drop(state);
        if !was_told {
            self.wake();
        }
    }

    #[inline(never)]
    fn wake(&self) {
        isolate("a waker", || self.consumer.wake());
    }

    // ----- feeding -----

    /// Takes an outermost source. `root` is its place in the order.
    #[inline]
    pub(super) fn feed(
        self: &Arc<Self>,
        source: Running<T, D>,
        kind: SourceKind,
        root: Option<u64>,
    ) {
        let may_run = !matches!(kind, SourceKind::Value | SourceKind::Func);
        if may_run && self.is_in_place() && !self.ctx.is_done() {
            return self.admit_placed(source, root);
        }
        self.feed_any(source, root);
    }

    #[inline(never)]
    fn feed_any(self: &Arc<Self>, mut source: Running<T, D>, root: Option<u64>) {
        if self.ctx.is_done() {
            source.drop_calls();
            if let Some(found) = source.interrupt(|| self.why()).and_then(|end| end.found) {
                self.admit(source.given(found), root);
            }
        } else if source.kind() == SourceKind::Func && !IS_CALLING.replace(true) {
            self.call(source, root);
            IS_CALLING.set(false);
        } else {
            self.admit(source, root);
        }
    }

    /// Calls a function when it is fed; unless one that is called like this feeds it: that one is
    /// started like other sources, so that nothing recurses.
    fn call(self: &Arc<Self>, mut function: Running<T, D>, root: Option<u64>) {
        if !self.count_in(root) {
            return function.refuse();
        }
        // It contains its panics, and ends with the first turn: there is nobody to wake.
        let outcome = function.whole_turn(&mut Context::from_waker(Waker::noop()));
        if let Some(made) = outcome.made {
            self.admit(*made, None);
        }
        if let Some(found) = outcome.found {
            self.admit(function.given(found), None);
        }
        self.count_out();
    }

    /// Counts in a source that is neither queued nor run; false if the merge has ended.
    fn count_in(&self, root: Option<u64>) -> bool {
        let mut state = self.state.lock();
        if !state.is_closed {
            state.live += 1;
            state.order.extend(root);
        }
        !state.is_closed
    }

    fn count_out(&self) {
        let mut state = self.state.lock();
        state.live -= 1;
        self.tell(state);
    }

    /// Takes a source: runs it now or when the limit allows it.
    pub(super) fn admit(self: &Arc<Self>, mut source: Running<T, D>, root: Option<u64>) {
        if source.is_given() && source.has_calls() {
            if self.state.lock().is_closed {
                return source.refuse();
            }
            source.greet_value();
        }
        if source.is_given() {
            self.admit_given(source, root);
        } else if self.is_in_place() {
            self.admit_placed(source, root);
        } else {
            self.admit_task(source, root);
        }
    }

    #[inline]
    fn admit_placed(&self, mut source: Running<T, D>, root: Option<u64>) {
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return source.refuse();
        }
        if let Some(root) = root {
            state.order.push_back(root);
        }
        state.queued.sources.push_back(source);
        self.tell(state);
    }

    fn admit_given(&self, mut source: Running<T, D>, root: Option<u64>) {
        let event = source.give();
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return self.discard(event);
        }
        state.order.extend(root);
        state.queued.events.extend(event);
        self.tell(state);
    }

    /// In one step: slots are given in the order of insertion. Otherwise, when results are ordered,
    /// a later source could hold the last slot until its turn comes, behind one that waits for it.
    fn admit_task(self: &Arc<Self>, mut source: Running<T, D>, root: Option<u64>) {
        let is_light = light::suits(self.ctx.node());
        let mut state = self.state.lock();
        if state.is_closed {
            drop(state);
            return source.refuse();
        }
        state.order.extend(root);
        state.live += 1;
        // After the end nothing waits: whoever ended what did may have been here.
        if source.is_limited() && !self.ctx.is_done() {
            // Not past those that wait, although somebody is just about to give them a slot.
            if state.running >= state.limit || !state.waiting.is_empty() {
                return state.waiting.push_back(source);
            }
            state.running += 1;
            source.take_slot();
        }
        self.start(state, source, is_light);
    }

    /// Starts what waits for a slot.
    fn pump(self: &Arc<Self>) {
        let mut state = self.state.lock();
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
            next.take_slot();
            let is_light = light::suits(self.ctx.node());
            self.start(self.state.lock(), next, is_light);
            state = self.state.lock();
        }
    }

    /// Gives back the slot of what was delivered.
    pub(super) fn free_slot(self: &Arc<Self>) {
        self.state.lock().running -= 1;
        self.pump();
    }

    pub(super) fn set_limit(self: &Arc<Self>, n: usize) {
        let mut state = self.state.lock();
        state.limit = n;
        if self.is_in_place() {
            return self.tell(state);
        }
        drop(state);
        self.pump();
    }

    pub(super) fn finish_when_empty(&self) {
        let mut state = self.state.lock();
        state.is_finishing = true;
        self.tell(state);
    }

    pub(super) fn add_feeder(&self) {
        self.state.lock().feeders += 1;
    }

    pub(super) fn remove_feeder(&self) {
        let mut state = self.state.lock();
        state.feeders -= 1;
        if state.feeders == 0 {
            self.tell(state);
        }
    }

    // ----- results -----

    /// Queues what a turn of a task gave; the end of a source counts it out.
    pub(super) fn emit(self: &Arc<Self>, event: Option<Event<T>>, is_end: bool, slot: Slot) {
        self.hand_in(self.state.lock(), event, is_end, slot);
    }

    pub(super) fn hand_in(
        self: &Arc<Self>,
        mut state: Locked<'_, T, D>,
        event: Option<Event<T>>,
        is_end: bool,
        slot: Slot,
    ) {
        let frees_slot = slot == Slot::Free;
        state.live -= usize::from(is_end);
        state.running -= usize::from(frees_slot);
        let will_pump = frees_slot && !state.waiting.is_empty();
        let refused = if state.is_closed {
            event
        } else {
            state.queued.events.extend(event);
            None
        };
        self.tell(state);
        self.discard(refused);
        if will_pump {
            self.pump();
        }
    }

    /// Moves what is queued behind what `taken` holds; gives the limit.
    pub(super) fn take(&self, taken: &mut Queued<T, D>) -> usize {
        let mut state = self.state.lock();
        self.has_news.store(false, Ordering::Release);
        taken.take(&mut state.queued);
        state.limit
    }

    /// Whether nothing more will come, provided that the streamer has nothing left; then what is fed
    /// from now on is refused.
    pub(super) fn try_close(&self, is_ending: bool) -> bool {
        let mut state = self.state.lock();
        let will_finish = is_ending || state.is_finishing || state.feeders == 0;
        let has_queued = !state.queued.events.is_empty() || !state.queued.sources.is_empty();
        state.is_closed |= will_finish && !has_queued && state.live == 0;
        state.is_closed
    }

    pub(super) fn front(&self) -> Option<u64> {
        self.state.lock().order.front().copied()
    }

    /// Drops a family that is over from the order; it is the front one unless `remaining` took it.
    pub(super) fn forget(&self, root: u64) {
        let mut state = self.state.lock();
        match state.order.front() {
            Some(front) if *front == root => drop(state.order.pop_front()),
            _ => state.order.retain(|other| *other != root),
        }
    }

    /// Ends the tasks that have not started; each of them queues its end.
    pub(super) fn interrupt_waiting(self: &Arc<Self>) {
        let waiting = std::mem::take(&mut self.state.lock().waiting);
        for source in waiting {
            drop(Job::new(source, Arc::clone(self)));
        }
    }

    /// Takes no more, and gives what was queued to be dropped.
    pub(super) fn close(self: &Arc<Self>) -> Queued<T, D> {
        let mut state = self.state.lock();
        state.is_closed = true;
        let queued = std::mem::take(&mut state.queued);
        state.order = VecDeque::new();
        drop(state);
        self.interrupt_waiting();
        queued
    }

    /// Drops events that nobody will read; a failure among them is reported. Their values may panic.
    pub(super) fn discard(&self, events: impl IntoIterator<Item = Event<T>>) {
        for event in events {
            if let What::Fail(error) = &event.found.what {
                self.report(error);
            }
            isolate("the destructor of an item", || drop(event));
        }
    }

    /// Tells of a failure of a source's own; what the end of the context has cut short is none.
    fn report(&self, error: &Error) {
        let is_end = |ended: &Error| ended.is_same(error);
        if !error.is_cancelled() && !self.ctx.error().as_ref().is_some_and(is_end) {
            let node = self.ctx.node();
            report_below(node, &node.path(), node.created_at(), error);
        }
    }

    /// Why a source was interrupted.
    pub(super) fn why(&self) -> Error {
        self.ctx.error().unwrap_or_else(|| {
            let why = Some("executor shut down".into());
            self.ctx.node().cancelled(why, Location::caller(), None)
        })
    }
}
