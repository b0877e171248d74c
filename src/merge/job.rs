//! [`Job`]: a source as the task that runs it.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use super::{core::Core, driver::Driver, running::Running};
use crate::{group::Then, sync::Arc};

/// After so many turns in a row the executor may go on.
const BUDGET: usize = 128;

/// A source as the future of a task. Dropped before its end, it was interrupted: by the end of the
/// context, or by an executor that is gone.
pub(super) struct Job<T, D: Driver> {
    source: Running<T, D>,
    core: Arc<Core<T, D>>,
}

impl<T, D: Driver> Job<T, D> {
    pub(super) fn new(source: Running<T, D>, core: Arc<Core<T, D>>) -> Self {
        Job { source, core }
    }
}

impl<T, D: Driver> Future for Job<T, D> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Job { source, core } = &mut *self;
        for _ in 0..BUDGET {
            // Nothing more is pulled from an iterator or a stream once the context has ended; a
            // future that is ready then still wins, as everywhere.
            let is_told = source.kind().is_many() && core.ctx.is_done();
            let interrupted = if is_told {
                source.interrupt(|| core.why())
            } else {
                None
            };
            let outcome = interrupted.unwrap_or_else(|| source.whole_turn(cx));
            let is_over = matches!(outcome.then, Then::Over);
            // Counted in before the end of the one that made it.
            if let Some(made) = outcome.made {
                core.admit(*made, None);
            }
            let event = outcome.what.map(|what| source.event(what, outcome.slot));
            if event.is_some() || is_over {
                core.emit(event, is_over, outcome.slot);
            }
            match outcome.then {
                Then::Again => {}
                Then::Wait | Then::Park => return Poll::Pending, // the source or its gate will wake us
                Then::Over => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl<T, D: Driver> Drop for Job<T, D> {
    fn drop(&mut self) {
        let Job { source, core } = self;
        if let Some(ended) = source.interrupt(|| core.why()) {
            let event = ended.what.map(|what| source.event(what, ended.slot));
            core.emit(event, true, ended.slot);
        }
    }
}
