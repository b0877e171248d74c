//! [`Job`]: a source as the task that runs it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{
    core::Core,
    driver::Driver,
    found::Event,
    running::{Outcome, Running, Slot},
};
use crate::{
    ctx::tree::Node,
    group::Then,
    sync::Arc,
    task::light::{May, Next, Shift},
};

/// After so many turns in a row the executor may go on.
const BUDGET: usize = 128;

/// A source as the future of a task. Dropped before its end, it was interrupted: by the end of the
/// context, or by an executor that is gone.
///
/// As a [`Shift`] it takes up the sources that were fed and that no task has begun with.
pub(super) struct Job<T, D: Driver> {
    source: Option<Running<T, D>>,
    /// What the end of the source gave; handed over with the step to the next one.
    last: Option<End<T>>,
    stage: Stage,
    core: Arc<Core<T, D>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// It has its source, and takes up no other.
    Alone,
    /// The core counts it among those that have not begun.
    Called,
    /// It takes up one source after the other.
    Busy,
    /// It takes up nothing more.
    Last,
}

/// The end of a source, on its way to the core.
pub(super) struct End<T> {
    pub(super) event: Option<Event<T>>,
    pub(super) slot: Slot,
}

// The source is pinned in its box, and an item is never.
impl<T, D: Driver> Unpin for Job<T, D> {}

impl<T, D: Driver> Job<T, D> {
    /// Runs one source.
    pub(super) fn new(source: Running<T, D>, core: Arc<Core<T, D>>) -> Self {
        Job {
            source: Some(source),
            last: None,
            stage: Stage::Alone,
            core,
        }
    }

    /// Takes up sources that the core has.
    pub(super) fn called(core: Arc<Core<T, D>>) -> Self {
        Job {
            source: None,
            last: None,
            stage: Stage::Called,
            core,
        }
    }

    fn hand_over(&self, last: Option<End<T>>) {
        if let Some(End { event, slot }) = last {
            self.core.emit(event, true, slot);
        }
    }

    fn end(&mut self, outcome: Outcome<T, D>) {
        let Some(source) = &mut self.source else {
            return;
        };
        let event = outcome.found.map(|found| source.event(found, outcome.slot));
        let slot = outcome.slot;
        self.last = Some(End { event, slot });
    }
}

impl<T, D: Driver> Future for Job<T, D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let Some(source) = &mut this.source else {
            return Poll::Ready(());
        };
        let core = &this.core;
        for _ in 0..BUDGET {
            // Nothing more is pulled from an iterator or a stream once the context has ended; a
            // future that is ready then still wins, as everywhere.
            let is_told = source.kind().is_many() && core.ctx.is_done();
            let interrupted = if is_told {
                source.interrupt(|| core.why())
            } else {
                None
            };
            let mut outcome = interrupted.unwrap_or_else(|| source.whole_turn(cx));
            // Counted in before the end of the one that made it.
            if let Some(made) = outcome.made.take() {
                core.admit(*made, None);
            }
            match outcome.then {
                Then::Again => {}
                Then::Wait | Then::Park => return Poll::Pending, // the source or its gate will wake us
                Then::Over => {
                    this.end(outcome);
                    return Poll::Ready(());
                }
            }
            if let Some(found) = outcome.found {
                let event = source.event(found, outcome.slot);
                core.emit(Some(event), false, outcome.slot);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T, D: Driver> Shift for Job<T, D> {
    fn node(&self) -> &Arc<Node> {
        self.core.ctx.node()
    }

    fn in_a_row(&self) -> usize {
        self.core.in_a_row()
    }

    fn next(&mut self, may: May) -> Next {
        let (source, last) = (self.source.take(), self.last.take());
        let (next, is_later) = if self.stage == Stage::Busy {
            drop(source); // it is over
            self.core.next(last, may)
        } else {
            self.hand_over(last);
            match (self.stage, may) {
                (Stage::Alone, _) => (source, false),
                (Stage::Called, May::End) => (self.core.refuse(), false),
                (Stage::Called, _) => self.core.begin(),
                (Stage::Busy | Stage::Last, _) => (None, false),
            }
        };
        self.source = next;
        if is_later {
            return Next::Later;
        }
        let has_source = self.source.is_some();
        self.stage = match (self.stage, may) {
            (Stage::Called, May::End) if has_source => Stage::Called,
            (Stage::Called | Stage::Busy, _) if has_source => Stage::Busy,
            _ => Stage::Last,
        };
        if has_source { Next::Run } else { Next::Over }
    }

    fn waits(&mut self) {
        if self.stage == Stage::Busy {
            self.stage = Stage::Last;
            self.core.spread();
        }
    }

    fn interrupt(&mut self) {
        let Some(source) = &mut self.source else {
            return;
        };
        let core = &self.core;
        if let Some(ended) = source.interrupt(|| core.why()) {
            self.end(ended);
        }
    }
}

impl<T, D: Driver> Drop for Job<T, D> {
    fn drop(&mut self) {
        if self.last.is_none() {
            self.interrupt();
        }
        let last = self.last.take();
        self.hand_over(last);
    }
}
