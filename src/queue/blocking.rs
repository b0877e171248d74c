//! [`SyncQueue`]: the queue of threads that block.

use std::{
    fmt,
    task::{Context, Poll, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use super::{Closed, Queue, QueueStream};
use crate::{
    BoxError, Ctx, Name, Result,
    blocking::{park_until, unpark},
};

/// Items on their way from any thread or task to threads that block.
///
/// It is a [`Queue`] whose consumers wait by blocking their thread: nothing polls, and they are
/// woken at once by an item, by [`close`](Self::close) and by the end of the context. An item is
/// given or still there, never neither. Tasks may append; a task that is to take uses
/// [`stream`](Self::stream).
///
/// # Blocking
///
/// Iterating blocks the thread. Do not do that on a thread that runs tasks: the producer may be one
/// of them. `ctx.spawn_blocking` gives a thread that may block.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use windlass::{Ctx, SyncQueue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = SyncQueue::new(&ctx, "lines");
/// let longest = thread::scope(|scope| {
///     let consumer = scope.spawn(|| queue.iter().max_by_key(|line: &&str| line.len()));
///     queue.append("short");
///     queue.append("somewhat longer");
///     queue.close();
///     consumer.join().unwrap()
/// });
/// assert_eq!(longest, Some("somewhat longer"));
/// ```
pub struct SyncQueue<T> {
    queue: Queue<T>,
}

/// A consumer of a [`SyncQueue`] that blocks its thread.
///
/// # Blocking
///
/// `next` blocks the thread until there is an item, or the iteration ends.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use windlass::{Ctx, SyncQueue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = SyncQueue::new(&ctx, "lines");
/// queue.append("line");
/// let mut lines = queue.iter().timeout(Duration::ZERO); // what is there
/// assert_eq!(lines.next(), Some("line"));
/// assert_eq!(lines.next(), None);
/// assert!(lines.has_timed_out());
/// ```
#[must_use = "iterators do nothing unless they are iterated"]
pub struct SyncIter<'a, T> {
    stream: QueueStream<'a, T>,
    timeout: Option<Duration>,
    has_timed_out: bool,
    /// Made when the thread has to wait for the first time, for the thread it was made on.
    unpark: Option<(Thread, Waker)>,
}

impl<T> SyncQueue<T> {
    /// Makes a queue without a bound.
    pub fn new<R>(ctx: &Ctx<R>, name: impl Into<Name>) -> Self {
        let queue = Queue::new(ctx, name);
        SyncQueue { queue }
    }

    /// Has iterations give all that is there first; see [`Queue::empty_on_finished`].
    pub fn empty_on_finished(self) -> Self {
        let queue = self.queue.empty_on_finished();
        SyncQueue { queue }
    }

    /// Passes each item through `f` before it is queued; see [`Queue::ensure`].
    pub fn ensure<F>(self, f: F) -> Self
    where
        F: Fn(T) -> Result<T, BoxError> + Send + Sync + 'static,
    {
        let queue = self.queue.ensure(f);
        SyncQueue { queue }
    }

    /// Adds `item` at the end; see [`Queue::append`].
    #[track_caller]
    pub fn append(&self, item: T) {
        self.queue.append(item);
    }

    /// Adds `item` at the end and says if it is refused; see [`Queue::append_ensured`].
    ///
    /// # Errors
    ///
    /// The error of [`ensure`](Self::ensure).
    pub fn append_ensured(&self, item: T) -> Result<()> {
        self.queue.append_ensured(item)
    }

    /// Adds `item` at the end if a consumer can still get it.
    ///
    /// # Errors
    ///
    /// Hands the item back if the queue was closed or its context has ended.
    #[track_caller]
    pub fn try_append(&self, item: T) -> Result<(), Closed<T>> {
        self.queue.try_append(item)
    }

    /// Closes the queue; true if it was open. See [`Queue::close`].
    pub fn close(&self) -> bool {
        self.queue.close()
    }

    /// Says whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.queue.is_closed()
    }

    /// Takes out all items that are there, without waiting.
    pub fn remaining(&self) -> Vec<T> {
        self.queue.remaining()
    }

    /// Makes a consumer that blocks; several share the items.
    ///
    /// # Blocking
    ///
    /// Until there is an item, or the iteration ends; not beyond [`SyncIter::timeout`].
    pub fn iter(&self) -> SyncIter<'_, T> {
        SyncIter::new(&self.queue)
    }

    /// Makes a consumer for a task.
    pub fn stream(&self) -> QueueStream<'_, T> {
        self.queue.stream()
    }

    /// Says how many items have not been taken yet.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Says whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Returns the name that the queue was made with.
    pub fn name(&self) -> &str {
        self.queue.name()
    }
}

impl<'a, T> IntoIterator for &'a SyncQueue<T> {
    type Item = T;
    type IntoIter = SyncIter<'a, T>;

    fn into_iter(self) -> SyncIter<'a, T> {
        self.iter()
    }
}

impl<'a, T> SyncIter<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>) -> Self {
        SyncIter {
            stream: QueueStream::new(queue, true),
            timeout: None,
            has_timed_out: false,
            unpark: None,
        }
    }

    /// Ends the iteration when `d` has passed without an item.
    ///
    /// Zero gives what is there. Asking again waits again.
    pub fn timeout(mut self, d: Duration) -> Self {
        self.timeout = Some(d);
        self
    }

    /// Takes everything that is there in one go; see [`QueueStream::greedy`].
    pub fn greedy(mut self) -> Self {
        self.stream.be_greedy();
        self
    }

    /// Says whether the last `None` came because the time had run out.
    pub fn has_timed_out(&self) -> bool {
        self.has_timed_out
    }

    /// One look; pending: this thread will be unparked.
    fn poll(&mut self) -> Poll<Option<T>> {
        let here = thread::current();
        let is_here = |(thread, _): &(Thread, Waker)| thread.id() == here.id();
        if !self.unpark.as_ref().is_some_and(is_here) {
            self.unpark = Some((here.clone(), unpark(here)));
        }
        match &self.unpark {
            Some((_, waker)) => self.stream.poll_item(&mut Context::from_waker(waker)),
            None => Poll::Pending, // not reached: it was set just above
        }
    }
}

impl<T> Iterator for SyncIter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.has_timed_out = false;
        if let Some(item) = self.stream.take_at_once() {
            return Some(item); // without asking which thread this is
        }
        let mut deadline = None;
        loop {
            if let Poll::Ready(item) = self.poll() {
                return item;
            }
            let deadline = match self.timeout {
                None => None,
                // None: later than any clock tells.
                Some(d) => *deadline.get_or_insert_with(|| Instant::now().checked_add(d)),
            };
            if !park_until(deadline) {
                self.has_timed_out = true;
                self.stream.leave();
                return None;
            }
        }
    }
}

impl<T> fmt::Debug for SyncQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SyncQueue").field(&self.queue).finish()
    }
}

impl<T> fmt::Debug for SyncIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SyncIter")
            .field("queue", self.stream.queue())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
