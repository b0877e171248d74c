//! [`Running`]: a source that was fed, as the future that its driver polls.

use std::{
    cell::Cell,
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll, Waker},
};

use super::{
    core::{Core, Event, Family, Gate, What},
    driver::Driver,
    fed::{SourceId, SourceKind, Sources},
    source::{Body, Source, Step},
};
use crate::{
    Error,
    error::Panicked,
    ids,
    report::isolate,
    sync::{Arc, Ordering},
};

/// After so many sources in a row the executor may go on.
const BUDGET: usize = 128;

pub(super) struct Running<T, D: Driver> {
    /// There until the end was told.
    feed: Option<D::Feed<T>>,
    each: Option<D::Each<T>>,
    done: Option<D::OnDone>,
    sources: Sources,
    family: Arc<Family>,
    core: Arc<Core<T, D>>,
    gate: Option<Arc<Gate>>,
    /// The gate of the source that made this one: opened with our first item, or when we wait.
    parent: Option<Arc<Gate>>,
    pub(super) is_limited: bool,
    pub(super) has_slot: bool,
}

// The feed is pinned in its box.
impl<T, D: Driver> Unpin for Running<T, D> {}

/// Feeds a source, below `above` if one made it.
pub(super) fn feed<T, D: Driver>(
    core: &Arc<Core<T, D>>,
    source: Source<T, D>,
    family: Arc<Family>,
    above: Option<(Sources, Option<Arc<Gate>>)>,
) -> SourceId {
    let id = SourceId(if above.is_none() {
        family.root
    } else {
        ids::next()
    });
    let is_outermost = above.is_none();
    let (chain, parent) = above.map_or((None, None), |(chain, gate)| (Some(chain), gate));
    let (value, feed) = match source.body {
        Body::Value(value) => (Some(value), None),
        Body::Feed(feed) => (None, Some(feed)),
    };
    let kind = source.kind;
    let mut running = Running {
        feed,
        each: source.each,
        done: source.done,
        sources: Sources::new(id, kind, chain),
        family,
        core: core.clone(),
        gate: (kind.is_many()).then(Arc::default),
        parent,
        is_limited: kind == SourceKind::Future && (is_outermost || !core.ordered),
        has_slot: false,
    };
    let root = is_outermost.then_some(running.family.root);
    let is_late = core.ctx.is_done();
    if is_late {
        running.drop_callbacks();
    }
    if is_late || value.is_some() || (is_outermost && kind == SourceKind::Func) {
        match (core.count_in(root), value) {
            (false, _) => running.refuse(),
            (true, Some(value)) => running.last(value),
            (true, None) if is_late => drop(running), // which tells its end
            (true, None) => call(core, running),
        }
    } else if let Err(mut running) = core.launch(running, root) {
        running.refuse();
    }
    id
}

thread_local! {
    static IS_CALLING: Cell<bool> = const { Cell::new(false) };
}

/// Calls a function inside `add`; unless one that was called like this feeds it: that one is
/// started like other sources, so that nothing recurses.
fn call<T, D: Driver>(core: &Core<T, D>, mut function: Running<T, D>) {
    if IS_CALLING.replace(true) {
        return core.start(function);
    }
    // It contains its panics, and ends with the first poll: there is nobody to wake.
    let _ended = Pin::new(&mut function).poll(&mut Context::from_waker(Waker::noop()));
    IS_CALLING.set(false);
}

impl<T, D: Driver> Future for Running<T, D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        for _ in 0..BUDGET {
            let this = &mut *self;
            // The streamer, or the source we made, opens the gate and wakes us.
            let is_shut = this
                .gate
                .as_ref()
                .is_some_and(|g| g.poll_open(cx).is_pending());
            if is_shut {
                return Poll::Pending;
            }
            if this.is_told_to_end() {
                this.interrupt();
            }
            let Some(feed) = &mut this.feed else {
                return Poll::Ready(());
            };
            match catch_unwind(AssertUnwindSafe(|| D::pull(feed, cx))) {
                Err(payload) => this.fail(Error::Panicked(Panicked::new(payload))),
                Ok(Poll::Ready(step)) => this.step(step),
                Ok(Poll::Pending) => {
                    // The user's source wakes us.
                    this.parent.take().inspect(|gate| gate.open());
                    return Poll::Pending;
                }
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T, D: Driver> Running<T, D> {
    fn step(&mut self, step: Step<T, D>) {
        match step {
            Step::Item(value) => self.item(value),
            Step::Last(value) => self.last(value),
            Step::Sub(source) => {
                self.gate.as_ref().inspect(|gate| gate.shut());
                self.child(source, self.gate.clone());
            }
            Step::Become(source) => self.hand_over(source),
            Step::End => self.end(What::Stop(None), None),
            Step::Fail(error) => self.fail(error),
        }
    }

    fn item(&mut self, value: T) {
        self.tell_each(&value);
        self.gate.as_ref().inspect(|gate| gate.shut());
        self.emit(What::Item(value), false);
    }

    fn last(&mut self, value: T) {
        self.tell_each(&value);
        self.end(What::Last(value), None);
    }

    fn fail(&mut self, error: Error) {
        self.end(What::Fail(error.clone()), Some(error));
    }

    fn child(&mut self, source: Source<T, D>, gate: Option<Arc<Gate>>) {
        // Relaxed is enough to count up: we are counted ourselves meanwhile.
        self.family.live.fetch_add(1, Ordering::Relaxed);
        let above = Some((self.sources.clone(), gate));
        feed(&self.core, source, self.family.clone(), above);
    }

    /// The source that we made speaks for us from now on.
    fn hand_over(&mut self, source: Source<T, D>) {
        let parent = self.parent.take();
        self.child(source, parent);
        self.drop_feed();
        self.tell_done(None);
        self.family.live.fetch_sub(1, Ordering::AcqRel);
        self.core.count_out();
        if std::mem::take(&mut self.has_slot) {
            self.core.release();
        }
    }

    /// Ends the source: its future goes first, then `on_done`, then its terminal item.
    fn end(&mut self, what: What<T>, error: Option<Error>) {
        self.drop_feed();
        self.tell_done(error.as_ref());
        let has_slot = std::mem::take(&mut self.has_slot);
        // In order, what has been done but not delivered counts against the limit: this bounds
        // how far the futures run ahead.
        let keeps_slot = has_slot && self.core.ordered;
        self.emit(what, keeps_slot);
        if has_slot && !keeps_slot {
            self.core.release();
        }
    }

    fn emit(&mut self, what: What<T>, has_slot: bool) {
        let event = Event {
            what,
            sources: self.sources.clone(),
            family: self.family.clone(),
            gates: [self.gate.clone(), self.parent.take()],
            has_slot,
        };
        self.core.emit(event);
    }

    /// Nothing more is pulled from an iterator or a stream once the context has ended; a future
    /// that is ready then still wins, as everywhere.
    fn is_told_to_end(&self) -> bool {
        self.sources.kind().is_many() && self.core.ctx.is_done()
    }

    /// Ends before its time.
    fn interrupt(&mut self) {
        self.take_outcome();
        if self.feed.is_none() {
            return;
        }
        let why = self.core.why();
        let what = if self.sources.kind().is_many() {
            What::Stop(Some(why.clone()))
        } else {
            What::Fail(why.clone())
        };
        self.end(what, Some(why));
    }

    /// What a task has done is not lost because nobody has looked yet.
    fn take_outcome(&mut self) {
        if self.sources.kind() != SourceKind::Task {
            return;
        }
        let Some(feed) = &mut self.feed else {
            return;
        };
        // Only looks: there is nobody to wake.
        if let Poll::Ready(step) = D::pull(feed, &mut Context::from_waker(Waker::noop())) {
            self.step(step);
        }
    }

    /// Fed after the end: it is dropped, and nothing is told.
    fn refuse(&mut self) {
        self.drop_callbacks();
        self.drop_feed();
    }

    /// What is fed after the end has no callbacks: one that feeds again would never be done.
    fn drop_callbacks(&mut self) {
        let (each, done) = (self.each.take(), self.done.take());
        isolate("dropping on_each", || drop(each));
        isolate("dropping on_done", || drop(done));
    }

    fn drop_feed(&mut self) {
        let feed = self.feed.take();
        isolate("dropping a source", || drop(feed));
    }

    fn tell_each(&mut self, value: &T) {
        if let Some(each) = &mut self.each {
            isolate("on_each", || D::call_each(each, value));
        }
    }

    fn tell_done(&mut self, error: Option<&Error>) {
        self.each
            .take()
            .map(|each| isolate("dropping on_each", || drop(each)));
        if let Some(done) = self.done.take() {
            isolate("on_done", || D::call_done(done, error.map_or(Ok(()), Err)));
        }
    }
}

/// Interrupted: by the end of the context, or by an executor that is gone.
impl<T, D: Driver> Drop for Running<T, D> {
    fn drop(&mut self) {
        self.interrupt();
    }
}
