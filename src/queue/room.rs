//! Room in a bounded queue: waiting for it, permits, a sink.

use std::{
    fmt,
    future::poll_fn,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures::sink::Sink;

use super::{
    Closed, Queue,
    bell::Place,
    core::{Ask, Entry},
};
use crate::{
    Error,
    ctx::firing::wake_all,
    registry::{Key, Taken},
};

/// What becomes of an item that is appended to a bounded queue that is full.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, Overflow, Queue};
///
/// let ctx = Ctx::root_on("app", ());
/// let latest = Queue::bounded(&ctx, "positions", 2).overflow(Overflow::DropOldest);
/// for position in 1..=5 {
///     latest.append(position);
/// }
/// assert_eq!((latest.dropped(), latest.remaining()), (3, vec![4, 5]));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overflow {
    /// [`send`](Queue::send) waits for room and [`try_append`](Queue::try_append) hands the item
    /// back. [`append`](Queue::append), which does neither, goes beyond the bound.
    #[default]
    Wait,
    /// The item that has been there longest is dropped for it.
    DropOldest,
    /// The new item is dropped; [`try_append`](Queue::try_append) hands it back.
    DropNewest,
}

/// Room for one item in a [`Queue`], until it is used or dropped.
///
/// # Examples
///
/// ```
/// use futures::executor::block_on;
/// use windlass::{Ctx, Queue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = Queue::bounded(&ctx, "jobs", 1);
/// let permit = block_on(queue.reserve()).unwrap();
/// assert!(queue.try_reserve().is_none());
/// permit.send("made only now that there is room").unwrap();
/// drop(queue.remaining());
/// assert!(queue.try_reserve().is_some());
/// ```
#[must_use = "the room is given back when this is dropped; `send` uses it"]
pub struct Permit<'a, T> {
    queue: &'a Queue<T>,
    is_used: bool,
}

/// The [`Sink`] of [`Queue::sink`].
///
/// # Examples
///
/// ```
/// use futures::{SinkExt, executor::block_on, stream};
/// use windlass::{Ctx, Queue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = Queue::new(&ctx, "lines");
/// let mut lines = stream::iter(["a", "b"].map(Ok));
/// block_on(queue.sink().send_all(&mut lines)).unwrap();
/// assert_eq!(queue.remaining(), ["a", "b"]);
/// ```
#[must_use = "sinks do nothing unless something is sent"]
pub struct QueueSink<'a, T> {
    reserving: Reserving<'a, T>,
    permit: Option<Permit<'a, T>>,
}

impl<T> Queue<T> {
    /// Adds `item` at the end, and waits for room if the queue is bounded and full.
    ///
    /// Those who wait get room in the order in which they began to wait. Without a bound, and with
    /// a policy that drops, nothing is waited for.
    ///
    /// # Errors
    ///
    /// Hands the item back if the queue was closed or its context has ended, also while it waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future before it has returned drops the item, which is not in the queue then.
    /// To keep the item, wait with [`reserve`](Self::reserve).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::sync::Arc;
    ///     use windlass::Queue;
    ///
    ///     let queue = Arc::new(Queue::bounded(&sim.ctx, "jobs", 1));
    ///     queue.send(1).await.unwrap();
    ///     let waits = Arc::clone(&queue);
    ///     let sent = sim.ctx.spawn(async move { waits.send(2).await.is_ok() });
    ///     sim.rt.settle().await;
    ///     assert!(!sent.is_done(), "there is no room");
    ///     assert_eq!(queue.stream().next().await, Some(1));
    ///     assert!(sent.await.unwrap());
    ///     assert_eq!(queue.remaining(), [2]);
    /// });
    /// ```
    #[track_caller]
    pub fn send(&self, item: T) -> impl Future<Output = Result<(), Closed<T>>> + use<'_, T> {
        let caller = Location::caller();
        async move {
            match self.reserve().await {
                Ok(permit) => permit.send_from(item, caller),
                Err(_) => Err(Closed(item)),
            }
        }
    }

    /// Waits for room for one item, and reserves it.
    ///
    /// # Errors
    ///
    /// If the queue was closed or its context has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up its place among those who wait, and nothing else.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::Queue;
    ///
    ///     let queue = Queue::bounded(&sim.ctx, "jobs", 1);
    ///     let permit = queue.reserve().await.unwrap();
    ///     assert!(queue.is_empty(), "only room");
    ///     permit.send(1).unwrap();
    ///     assert_eq!(queue.remaining(), [1]);
    /// });
    /// ```
    pub async fn reserve(&self) -> Result<Permit<'_, T>, Closed<()>> {
        let mut reserving = Reserving::new(self);
        poll_fn(|cx| reserving.poll(cx)).await
    }

    /// Reserves room for one item if there is some now and nobody waits for it.
    pub fn try_reserve(&self) -> Option<Permit<'_, T>> {
        if self.is_over() {
            return None;
        }
        match self.core.reserve() {
            Ask::Reserved => Some(Permit::new(self)),
            Ask::Full | Ask::Closed => None,
        }
    }

    /// Makes a sink into the queue, which waits for room as [`send`](Self::send) does.
    ///
    /// Closing the sink leaves the queue open.
    pub fn sink(&self) -> QueueSink<'_, T> {
        QueueSink {
            reserving: Reserving::new(self),
            permit: None,
        }
    }

    /// Sets free room aside for those who wait for it, and wakes them.
    #[inline]
    pub(super) fn hand_out_room(&self) {
        if self.is_bounded {
            wake_senders(self.core.hand_out_room());
        }
    }
}

fn wake_senders(woken: Option<Taken<Waker>>) {
    if let Some(woken) = woken {
        wake_all(woken);
    }
}

/// A sender who may have to wait.
struct Reserving<'a, T> {
    queue: &'a Queue<T>,
    place: Option<Key>,
    at_bell: Option<Place>,
}

impl<'a, T> Reserving<'a, T> {
    fn new(queue: &'a Queue<T>) -> Self {
        Reserving {
            queue,
            place: None,
            at_bell: None,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit<'a, T>, Closed<()>>> {
        let core = &self.queue.core;
        if self.place.is_none() && !self.queue.is_over() {
            match core.reserve() {
                Ask::Reserved => return Poll::Ready(Ok(Permit::new(self.queue))),
                Ask::Closed => return Poll::Ready(Err(Closed(()))),
                Ask::Full => {}
            }
        }
        self.queue.bell.register(&mut self.at_bell, cx);
        if self.queue.is_over() {
            return Poll::Ready(Err(Closed(()))); // the drop gives back what was set aside
        }
        let mut fresh = Some(cx.waker().clone());
        match core.reserve_or_wait(&mut self.place, &mut fresh) {
            Ask::Reserved => Poll::Ready(Ok(Permit::new(self.queue))),
            Ask::Closed => Poll::Ready(Err(Closed(()))),
            // Whoever makes room will wake us; the bell tells of the end.
            Ask::Full => Poll::Pending,
        }
    }
}

impl<T> Drop for Reserving<'_, T> {
    fn drop(&mut self) {
        wake_senders(self.queue.core.stop_sending(&mut self.place));
        self.queue.bell.leave(&mut self.at_bell);
    }
}

impl<'a, T> Permit<'a, T> {
    fn new(queue: &'a Queue<T>) -> Self {
        let is_used = false;
        Permit { queue, is_used }
    }

    /// Adds `item` at the end of the queue.
    ///
    /// # Errors
    ///
    /// Hands the item back if the queue was closed or its context has ended since the room was
    /// reserved.
    #[track_caller]
    pub fn send(self, item: T) -> Result<(), Closed<T>> {
        self.send_from(item, Location::caller())
    }

    fn send_from(mut self, item: T, caller: &'static Location<'static>) -> Result<(), Closed<T>> {
        if self.queue.is_over() {
            return Err(Closed(item));
        }
        let Some(item) = self.queue.ensured_or_reported_at(item, caller) else {
            return Ok(()); // the room is given back
        };
        self.is_used = true;
        self.queue.settle(self.queue.core.fill(Entry::Item(item)))
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        if !self.is_used {
            self.queue.core.release();
            self.queue.hand_out_room();
        }
    }
}

impl<T> Sink<T> for QueueSink<'_, T> {
    type Error = Error;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.permit.is_none() {
            match self.reserving.poll(cx) {
                Poll::Ready(Ok(permit)) => self.permit = Some(permit),
                Poll::Ready(Err(closed)) => return Poll::Ready(Err(closed.into())),
                Poll::Pending => return Poll::Pending, // see `Reserving::poll`
            }
        }
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: T) -> Result<(), Error> {
        match self.permit.take() {
            Some(permit) => permit.send(item)?,
            None => self.reserving.queue.try_append(item)?,
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.permit = None;
        Poll::Ready(Ok(()))
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Permit").field(self.queue).finish()
    }
}

impl<T> fmt::Debug for QueueSink<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueSink")
            .field("queue", self.reserving.queue)
            .field("is_ready", &self.permit.is_some())
            .finish()
    }
}
