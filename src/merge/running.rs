//! [`Running`]: a source that was fed, and the turns it takes.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Waker},
};

use super::{
    driver::Driver,
    fed::{SourceId, SourceKind},
    found::{Event, Found, What},
    gate::Gate,
    labels::Family,
    member::{How, State, Turned},
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

/// What a turn brought: at most one item and at most one source.
pub(super) struct Outcome<T, D: Driver> {
    pub(super) found: Option<Found<T>>,
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
            found: None,
            made: None,
            then,
            slot: Slot::Kept,
        }
    }
}

/// What a turn came to.
#[derive(PartialEq)]
pub(super) enum Turn {
    /// An item of many was found.
    Item,
    /// The value of one was found, and with it the end.
    Last,
    Rare,
}

impl<T, D: Driver> Running<T, D> {
    /// An outermost source.
    #[inline]
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
        state.id = id;
        state.kind = source.kind;
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
        state.set_parent(above, parent);
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

    pub(super) fn has_begun(&mut self) -> bool {
        self.state().has_begun
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
        self.state().kind
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
    pub(super) fn given(mut self, found: Found<T>) -> Self {
        let mut state = std::mem::replace(self.state(), State::unfed());
        state.family = found.ended;
        let what = Some(found.what);
        self.body = Kind::Given(Box::new(Given { state, what }));
        self
    }

    /// One turn. What comes of most is written to `found`, and what is rare to `rare`.
    #[inline(always)]
    pub(super) fn turn(
        &mut self,
        cx: &mut Context<'_>,
        found: &mut Option<Found<T>>,
        rare: &mut Outcome<T, D>,
    ) -> Turn {
        let Kind::Feed(feed) = &mut self.body else {
            *rare = self.given_turn();
            return Turn::Rare;
        };
        let has_calls = self.calls.is_some();
        match guarded(move || D::turn(feed, cx, has_calls, found)) {
            Ok(Turned::Item) => return Turn::Item,
            Ok(Turned::Last) => return Turn::Last,
            Ok(Turned::Wait) => {}
            Ok(Turned::Step(step)) => *rare = self.step(step),
            Err(payload) => *rare = self.fail(Error::Panicked(Panicked::new(payload))),
        }
        Turn::Rare
    }

    /// A turn whose outcome is looked at as a whole.
    pub(super) fn whole_turn(&mut self, cx: &mut Context<'_>) -> Outcome<T, D> {
        let (mut found, mut outcome) = (None, Outcome::of(Then::Wait));
        let then = match self.turn(cx, &mut found, &mut outcome) {
            Turn::Item => Then::Again,
            Turn::Last => Then::Over,
            Turn::Rare => return outcome,
        };
        Outcome {
            found,
            ..Outcome::of(then)
        }
    }

    /// What is rare, or has callbacks.
    #[inline(never)]
    fn step(&mut self, step: Step<T, D>) -> Outcome<T, D> {
        match step {
            Step::Item(value) => self.item(value),
            Step::Last(value) => self.last(value),
            Step::Sub(source) => self.make(*source),
            Step::Become(source) => self.hand_over(*source),
            Step::End => self.end(What::Stop(None), None),
            Step::Fail(error) => self.fail(*error),
        }
    }

    fn item(&mut self, value: T) -> Outcome<T, D> {
        tell_each(&mut self.calls, &value);
        Outcome {
            found: Some(self.found(What::Item(value))),
            ..Outcome::of(Then::Again)
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
            found: Some(self.found(what)),
            slot,
            ..Outcome::of(Then::Over)
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
        let given = self.take_given();
        Outcome {
            found: given.map(|what| self.found(what)),
            ..Outcome::of(Then::Over)
        }
    }

    /// The item of a source whose end has come.
    pub(super) fn give(&mut self) -> Option<Event<T>> {
        let what = self.take_given()?;
        let found = self.found(what);
        Some(self.event(found, Slot::Kept))
    }

    /// Ends what has not ended: what has come is still given, anything else was interrupted.
    pub(super) fn interrupt(&mut self, why: impl FnOnce() -> Error) -> Option<Outcome<T, D>> {
        if self.state().is_over {
            return None;
        }
        if self.is_given() {
            return Some(self.given_turn());
        }
        if let Some(ended) = self.look() {
            return Some(ended);
        }
        let why = why();
        let what = if self.state().kind.is_many() {
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
    pub(super) fn found(&mut self, what: What<T>) -> Found<T> {
        self.state().found(what)
    }

    /// The item, on its way through a queue.
    pub(super) fn event(&mut self, found: Found<T>, slot: Slot) -> Event<T> {
        let state = self.state();
        let is_held = state.how.one_at_a_time && !found.what.is_end();
        let family = found.ended.as_ref().or(state.family.as_ref());
        Event {
            root: family.map_or(0, |family| family.root),
            gate: is_held.then(|| state.shut()),
            parent: state.take_parent(),
            has_slot: slot == Slot::Item,
            found,
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
