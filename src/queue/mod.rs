//! [`Queue`] and [`SyncQueue`]: items on their way from any thread to tasks and threads.

mod bell;
mod blocking;
mod core;
mod hooks;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;
mod put;
mod room;
mod stream;

use std::{
    fmt,
    task::{Context, Waker},
};

use self::{
    bell::Bell,
    core::{Core, Entry},
    hooks::Hooks,
};
pub use self::{
    blocking::{SyncIter, SyncQueue},
    hooks::QueueView,
    room::{Overflow, Permit, QueueSink},
    stream::QueueStream,
};
use crate::{
    BoxError, CallbackId, Ctx, Error, Event, Name, Result,
    ctx::{live::Live, tree::Node},
    registry::Key,
    report::isolate,
    status::{leave, poll_in},
    sync::{Arc, OnceLock},
};

/// Items on their way from any thread to one or several tasks, in order.
///
/// Whoever has a reference appends; [`stream`](Self::stream) takes. Put it into an `Arc` to share
/// it. It belongs to a context: when that ends, its streams end.
///
/// # Order and consumers
///
/// First in, first out; [`append_first`](Self::append_first) goes to the very front. Each item goes
/// to exactly one consumer, whichever asks first. Those who wait are woken in the order in which
/// they began to wait, one for each item.
///
/// # When a stream ends
///
/// | because | it gives before | what is left |
/// |---|---|---|
/// | the context has ended | nothing more | for [`remaining`](Self::remaining) |
/// | the same, with [`empty_on_finished`](Self::empty_on_finished) | all that is there | |
/// | the [`breaker`](Self::breaker) was set | nothing more, or all as above | for the next stream |
/// | the queue was [closed](Self::close) | all that is there | |
///
/// An item is given or still there, never neither: leaving a loop early loses nothing, and the next
/// stream goes on where this one stopped.
///
/// # Memory
///
/// It follows what is in the queue: after a burst it is given back.
///
/// # Fairness
///
/// Of several consumers none starves while all ask again after each item: who waits longest is
/// woken first. One that always finds items yields to the executor after 128 of them. A consumer
/// that was woken and does not ask leaves its item to whoever asks next; drop the stream, or the
/// future of [`next`](QueueStream::next), to have the next one woken.
///
/// # Comparison
///
/// A channel of `tokio::sync::mpsc` or `flume` ends when its other side is dropped. A queue ends
/// with its context, can be iterated again, by any number of consumers, and takes calls, priorities
/// and hooks. With one consumer and no context a channel does as well.
///
/// # Examples
///
/// ```
/// use futures::executor::block_on;
/// use windlass::{Ctx, Queue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = Queue::new(&ctx, "jobs");
/// for job in [1, 2, 3, 4] {
///     queue.append(job);
/// }
///
/// block_on(async {
///     let mut jobs = queue.stream();
///     assert_eq!(jobs.next().await, Some(1));
///     assert_eq!(jobs.next().await, Some(2));
///     ctx.cancel();
///     assert_eq!(jobs.next().await, None);
/// });
/// assert_eq!(queue.remaining(), [3, 4]);
/// ```
pub struct Queue<T> {
    core: Core<T>,
    bell: Arc<Bell>,
    node: Arc<Node>,
    /// The linked half of the node; `None` if it had ended before.
    live: Option<Arc<Live>>,
    /// The bell's place among those who wait for the end of the context.
    at_end: Option<Key>,
    breaker: OnceLock<Event>,
    hooks: Hooks<T>,
    ensure: Option<Ensure<T>>,
    name: Name,
    drains: bool,
    is_bounded: bool,
}

type Ensure<T> = Box<dyn Fn(T) -> Result<T, BoxError> + Send + Sync>;

/// The item that a queue refused, because it was closed, full, or its context had ended.
///
/// # Examples
///
/// ```
/// use windlass::{Closed, Ctx, Queue};
///
/// let queue = Queue::new(&Ctx::root_on("app", ()), "jobs");
/// queue.close();
/// let Closed(job) = queue.try_append("job").unwrap_err();
/// assert_eq!(job, "job");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed<T>(pub T);

// ===== making =====

impl<T> Queue<T> {
    /// Makes a queue without a bound.
    pub fn new<R>(ctx: &Ctx<R>, name: impl Into<Name>) -> Self {
        Queue::with_core(ctx, name.into(), Core::new(), false)
    }

    /// Makes a queue in which `n` items have room; zero counts as one.
    ///
    /// [`send`](Self::send) waits for room. What becomes of items that are appended when there is
    /// none says [`overflow`](Self::overflow).
    pub fn bounded<R>(ctx: &Ctx<R>, name: impl Into<Name>, n: usize) -> Self {
        Queue::with_core(ctx, name.into(), Core::bounded(n), true)
    }

    fn with_core<R>(ctx: &Ctx<R>, name: Name, core: Core<T>, is_bounded: bool) -> Self {
        let bell = Arc::new(Bell::default());
        let live = ctx.node().link().ok().cloned();
        let at_end = live.as_deref().and_then(|live| listen(live, &bell));
        Queue {
            core,
            bell,
            node: Arc::clone(ctx.node()),
            live,
            at_end,
            breaker: OnceLock::new(),
            hooks: Hooks::new(),
            ensure: None,
            name,
            drains: false,
            is_bounded,
        }
    }

    /// Has streams give all that is there before they end with the context or by the breaker.
    ///
    /// What is appended meanwhile is given, too.
    pub fn empty_on_finished(mut self) -> Self {
        self.drains = true;
        self
    }

    /// Says what becomes of items that are appended to a bounded queue that is full.
    pub fn overflow(self, policy: Overflow) -> Self {
        self.core.set_overflow(policy);
        self
    }

    /// Passes each item through `f` before it is queued; what it refuses is not queued.
    ///
    /// [`append_ensured`](Self::append_ensured) gives the error to the appender. With the other ways
    /// in, a refused item is dropped by `f`, counts as dealt with, and the error is reported as
    /// that of a task which nobody awaits. A panic in `f` goes to the appender. Calls are not
    /// passed through it.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::{Ctx, Queue};
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let even = |n| if n % 2 == 0 { Ok(n / 2) } else { Err("odd".into()) };
    /// let halves = Queue::new(&ctx, "halves").ensure(even);
    /// halves.append_ensured(4).unwrap();
    /// assert_eq!(halves.append_ensured(5).unwrap_err().to_string(), "odd");
    /// assert_eq!(halves.remaining(), [2]);
    /// ```
    pub fn ensure<F>(mut self, f: F) -> Self
    where
        F: Fn(T) -> Result<T, BoxError> + Send + Sync + 'static,
    {
        self.ensure = Some(Box::new(f));
        self
    }
}

/// Has `bell` rung when the node of `live` ends; `None` if it has ended.
fn listen(live: &Live, bell: &Arc<Bell>) -> Option<Key> {
    let mut key = None;
    let waker = Arc::clone(bell).into();
    // Ready: it has ended, and nobody waits yet. Pending: the ending call will ring.
    let _ = poll_in(live, &mut key, &mut Context::from_waker(&waker));
    key
}

// ===== ending, and looking =====

impl<T> Queue<T> {
    /// Closes the queue; true if it was open.
    ///
    /// Streams give what is there and end then. What comes later is refused by
    /// [`try_append`](Self::try_append) and [`send`](Self::send), and kept for
    /// [`remaining`](Self::remaining) by the others. The context goes on.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::{StreamExt, executor::block_on};
    /// use windlass::{Ctx, Queue};
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let queue = Queue::new(&ctx, "jobs");
    /// queue.append(1);
    /// assert!(queue.close());
    /// assert!(queue.try_append(2).is_err());
    /// assert_eq!(block_on(queue.stream().collect::<Vec<_>>()), [1]);
    /// assert!(!ctx.is_done());
    /// ```
    pub fn close(&self) -> bool {
        let was_open = self.core.close();
        self.bell.ring();
        was_open
    }

    /// Says whether [`close`](Self::close) was called.
    pub fn is_closed(&self) -> bool {
        self.core.is_closed()
    }

    /// Returns what ends the streams that have begun, once it is set; it is cleared when that is
    /// noticed.
    ///
    /// Set before a stream begins, it ends that stream at its first item. What is in the queue
    /// stays for the next one.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::executor::block_on;
    /// use windlass::{Ctx, Queue};
    ///
    /// let queue = Queue::new(&Ctx::root_on("app", ()), "jobs");
    /// queue.append(1);
    /// queue.breaker().set();
    /// block_on(async {
    ///     assert_eq!(queue.stream().next().await, None);
    ///     assert_eq!(queue.stream().next().await, Some(1), "nothing is lost");
    /// });
    /// ```
    pub fn breaker(&self) -> &Event {
        loop {
            if let Some(breaker) = self.breaker.get() {
                return breaker;
            }
            // Another thread may be first: then that one counts.
            let _ = self
                .breaker
                .set(Event::watched(Arc::clone(&self.bell).into()));
        }
    }

    /// Says how many items and calls have not been taken yet.
    pub fn len(&self) -> usize {
        self.core.len()
    }

    /// Says whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Says how many items have room, if there is a bound.
    pub fn bound(&self) -> Option<usize> {
        self.core.bound()
    }

    /// Says how many items were dropped because a bounded queue was full.
    pub fn dropped(&self) -> u64 {
        self.core.dropped()
    }

    /// Returns the name that the queue was made with.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes out all items that are there, without waiting; the calls among them are run.
    ///
    /// It works at any time, also after the end. Hooks are not called.
    pub fn remaining(&self) -> Vec<T> {
        let mut items = Vec::new();
        for entry in self.core.take_all() {
            match entry {
                Entry::Item(item) => items.push(item),
                Entry::Call(call) => run(call),
            }
        }
        self.hand_out_room();
        items
    }

    /// Calls `f` after each item, when its consumer has dealt with it: when it asks for the next
    /// one, or drops the stream.
    ///
    /// Hooks are called in the order of registration, after items only, not after calls. One that
    /// is added by a hook is called from the next item on. A panic in one is reported, and the
    /// others are called all the same. No two calls overlap: if several consumers are done at the
    /// same time, one of them calls the hooks for all.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::executor::block_on;
    /// use windlass::{Ctx, Queue};
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let queue = Queue::new(&ctx, "steps");
    /// queue.after_each(|queue| {
    ///     if queue.is_empty() {
    ///         queue.breaker().set();
    ///     }
    /// });
    /// queue.append(1);
    /// queue.append(2);
    /// block_on(async {
    ///     let mut steps = queue.stream();
    ///     assert_eq!(steps.next().await, Some(1));
    ///     assert_eq!(steps.next().await, Some(2));
    ///     assert_eq!(steps.next().await, None);
    /// });
    /// ```
    pub fn after_each<F>(&self, f: F) -> CallbackId
    where
        F: FnMut(&QueueView<'_, T>) + Send + 'static,
    {
        self.hooks.add(Box::new(f))
    }

    /// Takes a hook back; false if it is not there any more.
    pub fn remove_after_each(&self, id: CallbackId) -> bool {
        self.hooks.remove(id)
    }

    /// Makes a consumer: a stream of the items, from now on.
    pub fn stream(&self) -> QueueStream<'_, T> {
        QueueStream::new(self, false)
    }

    /// Makes a consumer for a thread that may block; see [`SyncQueue::iter`].
    pub fn iter_blocking(&self) -> SyncIter<'_, T> {
        SyncIter::new(self)
    }

    /// Whether nothing that comes now will be given.
    #[inline]
    fn is_over(&self) -> bool {
        self.live
            .as_ref()
            .is_none_or(|live| live.verdict().is_done())
    }

    /// Whether a consumer has more to see to than the next item and the end of the context: it may be
    /// broken off, and hooks are called after each item.
    #[inline]
    fn needs_care(&self) -> bool {
        self.hooks.are_used() || self.breaker.get().is_some_and(Event::is_set)
    }

    fn take_break(&self) -> bool {
        self.breaker.get().is_some_and(Event::take)
    }
}

/// Runs a call of the queue.
fn run(call: Box<dyn FnOnce() + Send>) {
    isolate("a call in a queue", call);
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        isolate("a waker", || waker.wake());
    }
}

fn drop_entry<T>(entry: Entry<T>) {
    isolate("the destructor of an item", || drop(entry));
}

impl<T> Drop for Queue<T> {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            leave(&**live, &mut self.at_end);
        }
        // One at a time: an item whose destructor panics takes none of the others along.
        self.core.take_all().into_iter().for_each(drop_entry);
        if let Some(ensure) = self.ensure.take() {
            isolate("the destructor of `ensure`", || drop(ensure));
        }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Queue");
        debug.field("name", &self.name);
        self.core.debug(&mut debug);
        debug.finish_non_exhaustive()
    }
}

/// A failure that holds a `Closed<()>`; the item is dropped.
impl<T> From<Closed<T>> for Error {
    fn from(_: Closed<T>) -> Self {
        Error::failed(Closed(()))
    }
}

impl<T> fmt::Display for Closed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue takes no more items: it is closed or full, or its context has ended")
    }
}

impl<T: fmt::Debug> std::error::Error for Closed<T> {}
