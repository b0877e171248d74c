//! The ways into a queue.

use std::panic::Location;

use super::{
    Closed, Queue,
    core::{Entry, Put},
    drop_entry, wake,
};
use crate::{BoxError, Error, Result, report::isolate, task::report_below};

impl<T> Queue<T> {
    /// Adds `item` at the end. It never waits.
    ///
    /// After the end of the context, or after [`close`](Self::close), the item is kept for
    /// [`remaining`](Self::remaining); [`try_append`](Self::try_append) hands it back instead. A
    /// bounded queue that is full does what its [`overflow`](Self::overflow) says.
    #[track_caller]
    pub fn append(&self, item: T) {
        if let Some(item) = self.ensured_or_reported(item) {
            self.put(Entry::Item(item));
        }
    }

    /// Adds `item` at the very front: of several that are added so, the last comes first.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::{Ctx, Queue};
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let queue = Queue::new(&ctx, "jobs");
    /// queue.append("ordinary");
    /// queue.append_first("urgent");
    /// assert_eq!(queue.remaining(), ["urgent", "ordinary"]);
    /// ```
    #[track_caller]
    pub fn append_first(&self, item: T) {
        if let Some(item) = self.ensured_or_reported(item) {
            self.put_first(Entry::Item(item));
        }
    }

    /// Adds `item` at the end, and says if the queue's [`ensure`](Self::ensure) refuses it.
    ///
    /// # Errors
    ///
    /// The error of `ensure`, as [`Error::Failed`].
    pub fn append_ensured(&self, item: T) -> Result<()> {
        let item = self.ensured(item).map_err(Error::failed)?;
        self.put(Entry::Item(item));
        Ok(())
    }

    /// Adds `item` at the end if a stream can still get it.
    ///
    /// # Errors
    ///
    /// Hands the item back if the queue was closed, if its context has ended, or if it is bounded,
    /// full, and drops nothing to make room.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::{Ctx, Queue};
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let queue = Queue::bounded(&ctx, "jobs", 1);
    /// assert!(queue.try_append(1).is_ok());
    /// assert_eq!(queue.try_append(2).unwrap_err().0, 2, "full: handed back");
    /// ctx.cancel();
    /// assert_eq!(queue.remaining(), [1]);
    /// ```
    #[track_caller]
    pub fn try_append(&self, item: T) -> Result<(), Closed<T>> {
        if self.is_over() {
            return Err(Closed(item));
        }
        let Some(item) = self.ensured_or_reported(item) else {
            return Ok(());
        };
        self.settle(self.core.try_put(Entry::Item(item)))
    }

    /// Adds a call at the end: when a consumer reaches it, it is run there and nothing is given.
    ///
    /// A panic in it is reported, and the iteration goes on. It counts in [`len`](Self::len).
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::executor::block_on;
    /// use windlass::{Ctx, Event, Queue};
    ///
    /// let ctx = Ctx::root_on("app", ());
    /// let (queue, flushed) = (Queue::new(&ctx, "writes"), Event::new());
    /// queue.append("a line");
    /// let set = flushed.clone();
    /// queue.append_call(move || set.set()); // reached when all before it are taken
    /// queue.append("another");
    /// block_on(async {
    ///     let mut lines = queue.stream();
    ///     assert_eq!(lines.next().await, Some("a line"));
    ///     assert!(!flushed.is_set());
    ///     assert_eq!(lines.next().await, Some("another"));
    ///     assert!(flushed.is_set());
    /// });
    /// ```
    pub fn append_call<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.put(Entry::Call(Box::new(f)));
    }

    /// Adds a call at the very front; see [`append_call`](Self::append_call).
    pub fn append_call_first<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.put_first(Entry::Call(Box::new(f)));
    }

    pub(super) fn put(&self, entry: Entry<T>) {
        self.settle_or_drop(self.core.put(entry));
    }

    pub(super) fn put_first(&self, entry: Entry<T>) {
        self.settle_or_drop(self.core.put_first(entry));
    }

    fn settle_or_drop(&self, put: Put<T>) {
        // Refused: the policy of the queue is to drop the newest.
        if let Err(Closed(item)) = self.settle(put) {
            isolate("the destructor of an item", || drop(item));
        }
    }

    /// Wakes a consumer for what was put in; hands back an item that was not.
    pub(super) fn settle(&self, put: Put<T>) -> Result<(), Closed<T>> {
        match put {
            Put::Done(woken) => wake(woken),
            Put::Instead(entry, woken) => {
                wake(woken);
                drop_entry(entry);
            }
            Put::Refused(Entry::Item(item)) => return Err(Closed(item)),
            Put::Refused(call) => drop_entry(call),
        }
        Ok(())
    }

    fn ensured(&self, item: T) -> Result<T, BoxError> {
        match &self.ensure {
            None => Ok(item),
            Some(ensure) => ensure(item),
        }
    }

    #[inline]
    #[track_caller]
    fn ensured_or_reported(&self, item: T) -> Option<T> {
        if self.ensure.is_none() {
            return Some(item);
        }
        self.ensured_or_reported_at(item, Location::caller())
    }

    pub(super) fn ensured_or_reported_at(
        &self,
        item: T,
        caller: &'static Location<'static>,
    ) -> Option<T> {
        let refused = |error| {
            let path = self.node.path() + "-->" + &self.name;
            report_below(&self.node, &path, caller, &Error::failed(error));
        };
        self.ensured(item).map_err(refused).ok()
    }
}
