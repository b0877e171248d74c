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

/// A value or an error of a source, with the label it was fed with.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StreamedResult<T, L = ()> {
    /// The value, or why the source failed.
    pub value: Result<T>,
    /// The label.
    pub label: L,
}

type Catcher<L> = Box<dyn FnMut(&Error, &L) + Send>;

/// Both ends of a merge in one: it derefs to the [`Feeder`], and streams only values and errors.
///
/// It is for work whose results are wanted as they complete, and whose ends are not: an iterator or a
/// stream that ends gives nothing here. Results of different sources come in the order of completion,
/// those of one source in its own. It ends once [`no_more_work`](Self::no_more_work) was called and
/// everything has been given, or when its context ends; what was interrupted gives an error before.
///
/// **Dropped early**, it cancels everything; errors that were not read are then lost.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use windlass::{Merge, testing::simulate};
///
/// static ERRORS: AtomicUsize = AtomicUsize::new(0);
///
/// simulate(async |sim| {
///     let mut sizes = Merge::new(&sim.ctx, "sizes").label("").results().error_catcher(
///         |error, label| {
///             assert_eq!((error.to_string().as_str(), *label), ("gone", "b.txt"));
///             ERRORS.fetch_add(1, Ordering::Relaxed);
///         },
///     );
///     sizes.label("a.txt").try_future(async { Ok::<_, &str>(10) });
///     sizes.label("b.txt").try_future(async { Err("gone") });
///     sizes.label("c.txt").value(30);
///     sizes.no_more_work();
///     let mut sum = 0;
///     while let Some(size) = sizes.next().await {
///         sum += size.value.unwrap_or(0);
///     }
///     assert_eq!((sum, ERRORS.load(Ordering::Relaxed)), (40, 1));
/// });
/// # }
/// ```
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

    /// Calls `f` with each error and its label, right before it is streamed. A panic of `f` is reported.
    pub fn error_catcher<F>(mut self, f: F) -> Self
    where
        F: FnMut(&Error, &L) + Send + 'static,
    {
        self.catcher = Some(Box::new(f));
        self
    }

    /// Lets the stream end once everything that was fed has ended and been given.
    ///
    /// Feeding more stays allowed until then.
    pub fn no_more_work(&self) {
        self.feeder.finish_when_empty();
    }

    /// Waits for the next result; `None` when everything has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the result is still there for the next call.
    pub async fn next(&mut self) -> Option<StreamedResult<T, L>> {
        StreamExt::next(self).await
    }

    /// Cancels what is unfinished and waits until it is gone. Errors still reach the catcher, those
    /// of the cancelled sources included; values that were not read are dropped.
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
