//! [`All`]: a list of futures, run in place.

use std::{
    future::Future,
    mem,
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use futures::future::{JoinAll, MaybeDone, join_all};
use pin_project::pin_project;

/// All futures of a list; its output are theirs, each in its place.
///
/// Futures that are ready at once are polled one after the other in the same spot. Behind the first
/// that is not, which has to stay there, the others get a place each.
#[pin_project(project = Parts)]
pub(super) struct All<F: Future> {
    unpolled: vec::IntoIter<F>,
    /// Those of the first futures, without a gap.
    outputs: Vec<F::Output>,
    /// The first future that was not ready at once.
    #[pin]
    first: Option<F>,
    /// Those behind it; gone until there is one.
    rest: MaybeDone<JoinAll<F>>,
}

impl<F: Future> All<F> {
    #[inline]
    pub(super) fn new(futures: Vec<F>) -> Self {
        All {
            outputs: Vec::with_capacity(futures.len()),
            unpolled: futures.into_iter(),
            first: None,
            rest: MaybeDone::Gone,
        }
    }
}

impl<F: Future> Future for All<F> {
    type Output = Vec<F::Output>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if matches!(this.rest, MaybeDone::Gone) {
            if this.poll_unpolled(cx) {
                return Poll::Ready(mem::take(this.outputs));
            }
        } else {
            this.poll_first(cx);
        }
        this.poll_rest(cx)
    }
}

impl<F: Future> Parts<'_, F> {
    /// Polls them up to the first that is not ready; whether there was none.
    #[inline]
    fn poll_unpolled(&mut self, cx: &mut Context<'_>) -> bool {
        for future in self.unpolled.by_ref() {
            self.first.set(Some(future));
            match self.first.as_mut().as_pin_mut().map(|first| first.poll(cx)) {
                Some(Poll::Ready(output)) => self.outputs.push(output),
                _ => {
                    let rest = join_all(mem::take(self.unpolled));
                    *self.rest = MaybeDone::Future(rest);
                    return false;
                }
            }
        }
        self.first.set(None);
        true
    }

    #[inline]
    fn poll_first(&mut self, cx: &mut Context<'_>) {
        let poll = self.first.as_mut().as_pin_mut().map(|first| first.poll(cx));
        if let Some(Poll::Ready(output)) = poll {
            self.outputs.push(output);
            self.first.set(None);
        }
    }

    #[inline(never)] // or the way of those that are ready gets slower
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<Vec<F::Output>> {
        let mut rest = Pin::new(&mut *self.rest);
        if rest.as_mut().poll(cx).is_pending() || self.first.is_some() {
            return Poll::Pending; // what has not ended will wake us
        }
        self.outputs
            .append(&mut rest.take_output().unwrap_or_default());
        Poll::Ready(mem::take(self.outputs))
    }
}
