//! [`Running`]: a source that was fed, and the turns it takes.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
};

use super::{
    driver::Driver,
    fed::{SourceId, SourceKind, Sources},
    gate::Gate,
    labels::Family,
    member::{How, State},
    source::{Body, Calls, Source, Step},
};
use crate::{Error, error::Panicked, group::Then, report::isolate, sync::Arc};

/// A source that was fed. Whoever drives it also sees to its end: by turns, or by `interrupt`.
pub(super) struct Running<T, D: Driver> {
    body: Kind<T, D>,
    calls: Option<Box<Calls<T, D>>>,
}

/// Small, because it is moved about; what is known of a source lies in its box.
enum Kind<T, D: Driver> {
    Given(Box<Given<T>>),
    Feed(D::Feed<T>),
}

/// The end of a source that has come: a value, or what a function gave that was called when it was
/// fed.
struct Given<T> {
    state: State,
    what: Option<What<T>>,
}

// The feed is pinned in its box.
impl<T, D: Driver> Unpin for Running<T, D> {}

/// An item, and where it came from.
pub(super) struct Found<T> {
    pub(super) what: What<T>,
    pub(super) sources: Sources,
    /// Where its label lies; the default if there is none.
    pub(super) label: Option<usize>,
    /// Whose source has ended; an item of many need not count the family.
    pub(super) ended: Option<Arc<Family>>,
}

/// An item on its way to the consumer, through a queue.
pub(super) struct Event<T> {
    pub(super) found: Found<T>,
    /// Its place in the order; 0 without one.
    pub(super) root: u64,
    /// These are opened when the event is delivered.
    pub(super) gate: Option<Arc<Gate>>,
    pub(super) parent: Option<Arc<Gate>>,
    /// Gives a slot back when it is delivered.
    pub(super) has_slot: bool,
}

impl<T> From<Found<T>> for Event<T> {
    fn from(found: Found<T>) -> Self {
        Event {
            found,
            root: 0,
            gate: None,
            parent: None,
            has_slot: false,
        }
    }
}

pub(super) enum What<T> {
    Item(T),
    Last(T),
    Fail(Error),
    Stop(Option<Error>),
}

impl<T> What<T> {
    pub(super) fn is_end(&self) -> bool {
        !matches!(self, What::Item(_))
    }
}

/// What a turn brought: at most one item and at most one source.
pub(super) struct Outcome<T, D: Driver> {
    pub(super) what: Option<What<T>>,
    pub(super) made: Option<Box<Running<T, D>>>,
    pub(super) then: Then,
    pub(super) slot: Slot,
}

/// What becomes of the slot of a limited source.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Slot {
    Kept,
    Free,
    /// Free when the item is delivered.
    Item,
}

impl<T, D: Driver> Outcome<T, D> {
    #[inline]
    pub(super) fn of(then: Then) -> Self {
        Outcome {
            what: None,
            made: None,
            then,
            slot: Slot::Kept,
        }
    }

    fn item(what: What<T>, then: Then) -> Self {
        Outcome {
            what: Some(what),
            ..Outcome::of(then)
        }
    }
}

impl<T, D: Driver> Running<T, D> {
    /// An outermost source.
    pub(super) fn new(
        id: SourceId,
        source: Source<T, D>,
        family: Option<Arc<Family>>,
        how: How,
    ) -> Self {
        let body = match source.body {
            Body::Feed(feed) => Kind::Feed(feed),
            Body::Value(value) => Kind::Given(Box::new(Given {
                state: State::unfed(),
                what: Some(What::Last(value)),
            })),
        };
        let calls = source.calls;
        let mut running = Running { body, calls };
        let state = running.state();
        state.sources = Sources::new(id, source.kind, None);
        state.family = family;
        state.how = how;
        state.how.is_limited = source.kind == SourceKind::Future;
        running
    }

    /// The source that this one makes; `parent` is held back until it has begun.
    fn child(&mut self, source: Source<T, D>, parent: Option<Arc<Gate>>) -> Box<Self> {
        let state = self.state();
        if let Some(family) = &state.family {
            family.count_in();
        }
        let above = state.chain();
        let (family, how) = (state.family.clone(), state.how);
        let id = SourceId(crate::ids::next_local());
        let mut child = Running::new(id, source, family, how);
        let state = child.state();
        state.sources = Sources::new(id, state.sources.kind(), Some(above));
        state.set_parent(parent);
        // In order, the limit bounds how many outermost futures run ahead.
        state.how.is_limited &= !how.is_ordered;
        Box::new(child)
    }

    #[inline]
    pub(super) fn state(&mut self) -> &mut State {
        match &mut self.body {
            Kind::Given(given) => &mut given.state,
            Kind::Feed(feed) => D::state(feed),
        }
    }

    pub(super) fn is_limited(&mut self) -> bool {
        self.state().how.is_limited
    }

    /// Whether it waits for one of the limited slots.
    #[inline]
    pub(super) fn needs_slot(&mut self) -> bool {
        let state = self.state();
        state.how.is_limited && !state.has_slot
    }

    /// Gives it one of the limited slots.
    pub(super) fn take_slot(&mut self) {
        self.state().has_slot = true;
    }

    /// Whether its end has come, and is only to be delivered.
    pub(super) fn is_given(&self) -> bool {
        matches!(self.body, Kind::Given(_))
    }

    pub(super) fn kind(&mut self) -> SourceKind {
        self.state().sources.kind()
    }

    pub(super) fn has_calls(&self) -> bool {
        self.calls.is_some()
    }

    /// The callbacks of a value hear of it when it is fed.
    pub(super) fn greet_value(&mut self) {
        let Kind::Given(given) = &self.body else {
            return;
        };
        if let Some(What::Last(value)) = &given.what {
            tell_each(&mut self.calls, value);
        }
        self.tell_done(None);
    }

    /// The same source with the end that has come.
    pub(super) fn given(mut self, what: What<T>) -> Self {
        let state = std::mem::replace(self.state(), State::unfed());
        let what = Some(what);
        self.body = Kind::Given(Box::new(Given { state, what }));
        self
    }

    /// One step of the source: one item of many, or what is then in `rare`.
    #[inline(always)]
    pub(super) fn turn(&mut self, cx: &mut Context<'_>, rare: &mut Outcome<T, D>) -> Option<T> {
        let Kind::Feed(feed) = &mut self.body else {
            *rare = self.given_turn();
            return None;
        };
        match guarded(move || D::pull(feed, cx)) {
            Ok(Some(Poll::Ready(Step::Item(value)))) => {
                tell_each(&mut self.calls, &value);
                return Some(value);
            }
            Ok(Some(Poll::Ready(step))) => *rare = self.last_step(step),
            Ok(Some(Poll::Pending)) => self.state().open_parent(), // the user's source wakes us
            Ok(None) => {} // whoever opens the gate wakes us
            Err(payload) => *rare = self.fail(Error::Panicked(Panicked::new(payload))),
        }
        None
    }

    /// A turn whose outcome is looked at as a whole.
    pub(super) fn whole_turn(&mut self, cx: &mut Context<'_>) -> Outcome<T, D> {
        let mut outcome = Outcome::of(Then::Wait);
        if let Some(value) = self.turn(cx, &mut outcome) {
            return Outcome::item(What::Item(value), Then::Again);
        }
        outcome
    }

    /// What is not one item of many.
    #[inline(never)]
    fn last_step(&mut self, step: Step<T, D>) -> Outcome<T, D> {
        match step {
            Step::Item(value) | Step::Last(value) => self.last(value),
            Step::Sub(source) => self.make(*source),
            Step::Become(source) => self.hand_over(*source),
            Step::End => self.end(What::Stop(None), None),
            Step::Fail(error) => self.fail(*error),
        }
    }

    fn last(&mut self, value: T) -> Outcome<T, D> {
        tell_each(&mut self.calls, &value);
        self.end(What::Last(value), None)
    }

    #[cold]
    fn fail(&mut self, error: Error) -> Outcome<T, D> {
        self.end(What::Fail(error.clone()), Some(error))
    }

    fn make(&mut self, source: Source<T, D>) -> Outcome<T, D> {
        let gate = self.state().shut();
        Outcome {
            made: Some(self.child(source, Some(gate))),
            ..Outcome::of(Then::Again)
        }
    }

    /// The source that we made speaks for us from now on.
    fn hand_over(&mut self, source: Source<T, D>) -> Outcome<T, D> {
        let parent = self.state().take_parent();
        let made = Some(self.child(source, parent));
        self.drop_feed();
        self.tell_done(None);
        let state = self.state();
        if let Some(family) = &state.family {
            family.count_out(); // not the last: we have counted the other in
        }
        let had_slot = std::mem::take(&mut state.has_slot);
        Outcome {
            made,
            slot: if had_slot { Slot::Free } else { Slot::Kept },
            ..Outcome::of(Then::Over)
        }
    }

    /// Ends the source: its future goes first, then `on_done`, then its terminal item.
    fn end(&mut self, what: What<T>, error: Option<Error>) -> Outcome<T, D> {
        self.drop_feed();
        self.tell_done(error.as_ref());
        let state = self.state();
        let slot = match std::mem::take(&mut state.has_slot) {
            // In order, what has been done but not delivered counts against the limit: this
            // bounds how far the futures run ahead.
            true if state.how.is_ordered => Slot::Item,
            true => Slot::Free,
            false => Slot::Kept,
        };
        Outcome {
            slot,
            ..Outcome::item(what, Then::Over)
        }
    }

    /// The end that has come; the callbacks have heard of it.
    pub(super) fn take_given(&mut self) -> Option<What<T>> {
        let Kind::Given(given) = &mut self.body else {
            return None;
        };
        given.state.is_over = true;
        given.what.take()
    }

    #[inline(never)]
    fn given_turn(&mut self) -> Outcome<T, D> {
        match self.take_given() {
            Some(what) => Outcome::item(what, Then::Over),
            None => Outcome::of(Then::Over),
        }
    }

    /// The item of a source whose end has come.
    pub(super) fn give(&mut self) -> Option<Event<T>> {
        let what = self.take_given()?;
        Some(self.event(what, Slot::Kept))
    }

    /// Ends what has not ended: what has come is still given, anything else was interrupted.
    pub(super) fn interrupt(&mut self, why: impl FnOnce() -> Error) -> Option<Outcome<T, D>> {
        if self.state().is_over {
            return None;
        }
        if let Some(given) = self.take_given() {
            return Some(Outcome::item(given, Then::Over));
        }
        if let Some(ended) = self.look() {
            return Some(ended);
        }
        let why = why();
        let what = if self.state().sources.kind().is_many() {
            What::Stop(Some(why.clone()))
        } else {
            What::Fail(why.clone())
        };
        Some(self.end(what, Some(why)))
    }

    /// What a task has done is not lost because nobody has looked yet.
    fn look(&mut self) -> Option<Outcome<T, D>> {
        if self.kind() != SourceKind::Task {
            return None;
        }
        // Only looks: there is nobody to wake.
        let looked = self.whole_turn(&mut Context::from_waker(Waker::noop()));
        matches!(looked.then, Then::Over).then_some(looked)
    }

    /// Fed after the end: it is dropped, and nothing is told.
    pub(super) fn refuse(&mut self) {
        self.drop_calls();
        self.drop_feed();
    }

    /// What is fed after the end has no callbacks: one that feeds again would never be done.
    pub(super) fn drop_calls(&mut self) {
        if let Some(calls) = self.calls.take() {
            let Calls { each, done } = *calls;
            isolate("dropping on_each", || drop(each));
            isolate("dropping on_done", || drop(done));
        }
    }

    /// The item, with where it came from.
    #[inline]
    pub(super) fn found(&mut self, what: What<T>) -> Found<T> {
        let state = self.state();
        let label = state.family.as_ref().and_then(|family| family.label);
        let is_end = what.is_end();
        Found {
            what,
            sources: state.sources.clone(),
            label,
            ended: if is_end { state.family.take() } else { None },
        }
    }

    /// The item, on its way through a queue.
    pub(super) fn event(&mut self, what: What<T>, slot: Slot) -> Event<T> {
        let state = self.state();
        let is_held = state.how.one_at_a_time && !what.is_end();
        Event {
            root: state.family.as_ref().map_or(0, |family| family.root),
            gate: is_held.then(|| state.shut()),
            parent: state.take_parent(),
            has_slot: slot == Slot::Item,
            found: self.found(what),
        }
    }

    fn drop_feed(&mut self) {
        self.state().is_over = true;
        isolate("dropping a source", || match &mut self.body {
            Kind::Feed(feed) => D::clear(feed),
            Kind::Given(given) => drop(given.what.take()),
        });
    }

    fn tell_done(&mut self, error: Option<&Error>) {
        let Some(calls) = self.calls.take() else {
            return;
        };
        let Calls { each, done } = *calls;
        isolate("dropping on_each", || drop(each));
        if let Some(done) = done {
            isolate("on_done", || D::call_done(done, error.map_or(Ok(()), Err)));
        }
    }
}

#[inline]
fn tell_each<T, D: Driver>(calls: &mut Option<Box<Calls<T, D>>>, value: &T) {
    if let Some(each) = calls.as_mut().and_then(|calls| calls.each.as_mut()) {
        isolate("on_each", || D::call_each(each, value));
    }
}

#[inline]
fn guarded<R>(f: impl FnOnce() -> R) -> std::thread::Result<R> {
    catch_unwind(AssertUnwindSafe(f))
}
