//! [`ResultStreamer`]: both ends in one, and only results.

use std::{
    fmt,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{Stream, StreamExt};

use super::{
    driver::{Driver, Tasks},
    fed::Fed,
    feeder::Feeder,
    streamer::Streamer,
};
use crate::{Error, Result, report::isolate};

/// A result of a source, with the label it was fed with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamedResult<T, L = ()> {
    /// The value, or why the source failed.
    pub value: Result<T>,
    /// The label.
    pub label: L,
}

type Catcher<L> = Box<dyn FnMut(&Error, &L) + Send>;

/// Both ends of a merge in one: what it derefs to feeds it, and it streams the results.
#[must_use = "dropping it cancels every source; iterate it with `next`, or call `finish`"]
pub struct ResultStreamer<T, L = (), D: Driver = Tasks> {
    feeder: Feeder<T, L, D>,
    streamer: Streamer<T, L, D>,
    catcher: Option<Catcher<L>>,
}

impl<T, L, D: Driver> Unpin for ResultStreamer<T, L, D> {}

impl<T, L: Clone, D: Driver> ResultStreamer<T, L, D> {
    pub(super) fn new((feeder, streamer): (Feeder<T, L, D>, Streamer<T, L, D>)) -> Self {
        ResultStreamer {
            feeder,
            streamer,
            catcher: None,
        }
    }

    /// Calls `f` with each error, before it is streamed.
    pub fn error_catcher<F>(mut self, f: F) -> Self
    where
        F: FnMut(&Error, &L) + Send + 'static,
    {
        self.catcher = Some(Box::new(f));
        self
    }

    /// Lets the stream end once everything that was fed has ended.
    pub fn no_more_work(&self) {
        self.feeder.finish_when_empty();
    }

    /// The next result; `None` when everything has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<StreamedResult<T, L>> {
        StreamExt::next(self).await
    }

    /// Cancels what is unfinished and waits until it is gone. Errors still reach the catcher.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future cancels everything, and waits for nothing.
    pub async fn finish(mut self) {
        self.streamer.breaker().set();
        while self.next().await.is_some() {}
    }

    fn result(&mut self, fed: Fed<T, L>) -> Option<StreamedResult<T, L>> {
        let (value, label) = match fed {
            Fed::Success { value, label, .. } => (Ok(value), label),
            Fed::Failure { error, label, .. } => (Err(error), label),
            Fed::IterationStop { .. } | Fed::Stopped { .. } => return None,
        };
        if let (Err(error), Some(catcher)) = (&value, &mut self.catcher) {
            isolate("an error catcher", || catcher(error, &label));
        }
        Some(StreamedResult { value, label })
    }
}

impl<T, L, D: Driver> Deref for ResultStreamer<T, L, D> {
    type Target = Feeder<T, L, D>;

    fn deref(&self) -> &Self::Target {
        &self.feeder
    }
}

impl<T, L: Clone, D: Driver> Stream for ResultStreamer<T, L, D> {
    type Item = StreamedResult<T, L>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            let Some(fed) = ready!(this.streamer.poll_next_unpin(cx)) else {
                return Poll::Ready(None);
            };
            if let Some(result) = this.result(fed) {
                return Poll::Ready(Some(result));
            }
        }
    }
}

impl<T, L, D: Driver> fmt::Debug for ResultStreamer<T, L, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultStreamer").finish_non_exhaustive()
    }
}
