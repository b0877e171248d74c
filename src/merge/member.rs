//! [`Boxed`]: a source beside what the merge knows of it, in one allocation.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use pin_project::pin_project;

use super::{
    driver::Driver,
    fed::{Link, SourceId, SourceKind, Sources},
    gate::Gate,
    labels::Family,
    source::{Pull, Step},
};
use crate::sync::Arc;

/// What the merge knows of a source.
#[allow(missing_debug_implementations)]
pub struct State {
    pub(super) sources: Sources,
    pub(super) family: Option<Arc<Family>>,
    /// There once it was shut.
    gate: Option<Arc<Gate>>,
    kin: Option<Box<Kin>>,
    pub(super) how: How,
    pub(super) has_slot: bool,
    pub(super) is_over: bool,
}

/// What only sources have that make others, or were made by one.
#[derive(Default)]
struct Kin {
    /// The chain of those that this one makes.
    chain: Option<Arc<Link>>,
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
            sources: Sources::new(SourceId(0), SourceKind::Value, None),
            family: None,
            gate: None,
            kin: None,
            how: How::default(),
            has_slot: false,
            is_over: false,
        }
    }

    /// The chain of the sources that this one makes.
    pub(super) fn chain(&mut self) -> Arc<Link> {
        let chain = &mut self.kin.get_or_insert_default().chain;
        chain.get_or_insert_with(|| self.sources.shared()).clone()
    }

    pub(super) fn set_parent(&mut self, gate: Option<Arc<Gate>>) {
        if gate.is_some() {
            self.kin.get_or_insert_default().parent = gate;
        }
    }

    #[inline]
    pub(super) fn take_parent(&mut self) -> Option<Arc<Gate>> {
        self.kin.as_mut()?.parent.take()
    }

    /// Lets the source that made this one go on.
    #[inline]
    pub(super) fn open_parent(&mut self) {
        if let Some(gate) = self.take_parent() {
            gate.open();
        }
    }

    pub(super) fn shut(&mut self) -> Arc<Gate> {
        let gate = self.gate.get_or_insert_default();
        gate.shut();
        Arc::clone(gate)
    }
}

/// What a pull gives; nothing if the gate is shut.
pub(super) type Pulled<T, D> = Option<Poll<Step<T, D>>>;

/// A source in its box.
pub trait Member<T, D: Driver> {
    #[doc(hidden)]
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Pulled<T, D>;
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
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Pulled<T, D> {
        let this = self.project();
        // The streamer, or the source we made, opens the gate and wakes us.
        let gate = this.state.gate.as_ref();
        if gate.is_some_and(|gate| gate.poll_open(cx).is_pending()) {
            return None;
        }
        Some(match this.source.as_pin_mut() {
            Some(source) => source.pull(cx),
            None => Poll::Ready(Step::End),
        })
    }

    fn state(self: Pin<&mut Self>) -> &mut State {
        self.project().state
    }

    fn clear(self: Pin<&mut Self>) {
        self.project().source.set(None);
    }
}
