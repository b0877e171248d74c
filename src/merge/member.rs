//! [`Boxed`]: a source beside what the merge knows of it, in one allocation.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use pin_project::pin_project;

use super::{
    driver::Driver,
    fed::{Link, SourceId, SourceKind, Sources},
    found::{Found, What},
    gate::Gate,
    labels::Family,
    source::{Pull, Step},
};
use crate::{report::isolate, sync::Arc};

/// What the merge knows of a source. Small, because there are many of them.
#[allow(missing_debug_implementations)]
pub struct State {
    pub(super) id: SourceId,
    pub(super) family: Option<Arc<Family>>,
    rare: Option<Box<Rare>>,
    pub(super) kind: SourceKind,
    pub(super) how: How,
    /// It had its first turn.
    pub(super) has_begun: bool,
    pub(super) has_slot: bool,
    pub(super) is_over: bool,
}

/// What only sources have that make others, were made by one, or wait with their items.
#[derive(Default)]
struct Rare {
    /// The chain of those that made this one.
    above: Option<Arc<Link>>,
    /// The chain of those that this one makes.
    chain: Option<Arc<Link>>,
    /// There once it was shut.
    gate: Option<Arc<Gate>>,
    /// The gate of the source that made this one: opened with our first item, or when we wait.
    parent: Option<Arc<Gate>>,
}

/// How a source is treated.
#[derive(Clone, Copy, Default)]
pub(super) struct How {
    /// Waits with each item until the one before it was taken.
    pub(super) one_at_a_time: bool,
    pub(super) is_ordered: bool,
    /// Counts against the limit.
    pub(super) is_limited: bool,
}

impl State {
    /// That of a source that was not fed.
    pub(super) fn unfed() -> Self {
        State {
            id: SourceId(0),
            family: None,
            rare: None,
            kind: SourceKind::Value,
            how: How::default(),
            has_begun: false,
            has_slot: false,
            is_over: false,
        }
    }

    /// Where what it gives comes from.
    #[inline]
    pub(super) fn sources(&self) -> Sources {
        let above = self.rare.as_ref().and_then(|rare| rare.above.clone());
        Sources::new(self.id, self.kind, above)
    }

    /// The chain of the sources that this one makes.
    pub(super) fn chain(&mut self) -> Arc<Link> {
        let sources = self.sources();
        let chain = &mut self.rare.get_or_insert_default().chain;
        chain.get_or_insert_with(|| sources.shared()).clone()
    }

    /// Tells what made it, and what is held back until it has begun.
    pub(super) fn set_parent(&mut self, above: Arc<Link>, gate: Option<Arc<Gate>>) {
        let rare = self.rare.get_or_insert_default();
        rare.above = Some(above);
        rare.parent = gate;
    }

    #[inline]
    pub(super) fn take_parent(&mut self) -> Option<Arc<Gate>> {
        self.rare.as_mut()?.parent.take()
    }

    /// Lets the source that made this one go on.
    #[inline]
    pub(super) fn open_parent(&mut self) {
        if let Some(gate) = self.take_parent() {
            gate.open();
        }
    }

    pub(super) fn shut(&mut self) -> Arc<Gate> {
        let gate = self
            .rare
            .get_or_insert_default()
            .gate
            .get_or_insert_default();
        gate.shut();
        Arc::clone(gate)
    }

    #[inline]
    fn is_held(&self, cx: &mut Context<'_>) -> bool {
        let gate = self.rare.as_ref().and_then(|rare| rare.gate.as_ref());
        gate.is_some_and(|gate| gate.poll_open(cx).is_pending())
    }

    /// The item, with where it came from.
    #[inline(always)]
    pub(super) fn found<T>(&mut self, what: What<T>) -> Found<T> {
        if !self.how.one_at_a_time {
            self.open_parent(); // nothing holds the item up
        }
        let is_end = what.is_end();
        Found {
            what,
            sources: self.sources(),
            label: self.family.as_ref().and_then(|family| family.label),
            ended: if is_end { self.family.take() } else { None },
        }
    }
}

/// What a turn of a source came to.
#[allow(missing_debug_implementations)]
pub enum Turned<T, D: Driver> {
    /// An item of many was found.
    Item,
    /// The value of one was found, and the source is gone.
    Last,
    /// Somebody will wake us: the source, or whoever opens the gate.
    Wait,
    /// Anything else; and everything, if callbacks must hear of it first.
    Step(Step<T, D>),
}

/// A source in its box.
pub trait Member<T, D: Driver> {
    /// One turn, all in one call. What it finds is written where it is read.
    #[doc(hidden)]
    fn turn(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        has_calls: bool,
        found: &mut Option<Found<T>>,
    ) -> Turned<T, D>;
    #[doc(hidden)]
    fn state(self: Pin<&mut Self>) -> &mut State;
    /// Drops the source where it is.
    #[doc(hidden)]
    fn clear(self: Pin<&mut Self>);
}

#[pin_project]
pub(super) struct Boxed<P> {
    state: State,
    #[pin]
    source: Option<P>,
}

impl<P> Boxed<P> {
    pub(super) fn pin(source: P) -> Pin<Box<Self>> {
        Box::pin(Boxed {
            state: State::unfed(),
            source: Some(source),
        })
    }
}

impl<T, D: Driver, P: Pull<T, D>> Member<T, D> for Boxed<P> {
    fn turn(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        has_calls: bool,
        found: &mut Option<Found<T>>,
    ) -> Turned<T, D> {
        let mut this = self.project();
        this.state.has_begun = true;
        if this.state.is_held(cx) {
            return Turned::Wait; // the streamer, or the source we made, opens the gate and wakes us
        }
        let Some(source) = this.source.as_mut().as_pin_mut() else {
            return Turned::Step(Step::End);
        };
        match source.pull(cx) {
            Poll::Ready(Step::Item(value)) if !has_calls => {
                *found = Some(this.state.found(What::Item(value)));
                Turned::Item
            }
            Poll::Ready(Step::Last(value)) if !has_calls && !this.state.has_slot => {
                this.state.is_over = true;
                isolate("dropping a source", || this.source.set(None));
                *found = Some(this.state.found(What::Last(value)));
                Turned::Last
            }
            Poll::Ready(step) => Turned::Step(step),
            Poll::Pending => {
                this.state.open_parent();
                Turned::Wait // the user's source wakes us
            }
        }
    }

    fn state(self: Pin<&mut Self>) -> &mut State {
        self.project().state
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().source.set(None);
    }
}
