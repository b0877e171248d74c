//! What is called after each item, and what it sees of the queue.

use std::fmt;

use super::Queue;
use crate::{
    CallbackId, Event,
    report::isolate,
    sync::{AtomicBool, Mutex, Ordering, lock},
};

/// What a hook of [`Queue::after_each`] sees of the queue.
///
/// It can add and break off, but not take: a hook runs between two items of an iteration.
///
/// # Examples
///
/// ```
/// use futures::executor::block_on;
/// use windlass::{Ctx, Queue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = Queue::new(&ctx, "pings");
/// queue.after_each(|view| view.append("ping")); // for ever
/// queue.append("first");
/// block_on(async {
///     let mut pings = queue.stream();
///     assert_eq!(pings.next().await, Some("first"));
///     assert_eq!(pings.next().await, Some("ping"));
/// });
/// ```
pub struct QueueView<'a, T> {
    queue: &'a Queue<T>,
}

type Hook<T> = Box<dyn FnMut(&QueueView<'_, T>) + Send>;

type Round<T> = Vec<(CallbackId, Hook<T>)>;

/// # Invariants
///
/// 1. The hooks are in `listed`, or out with the one thread that calls them (`is_out`).
/// 2. A round that becomes due while they are out is run by that thread before it puts them back.
pub(super) struct Hooks<T> {
    /// Whether there were ever any: most queues have none.
    is_used: AtomicBool,
    list: Mutex<List<T>>,
}

struct List<T> {
    listed: Round<T>,
    out: Vec<CallbackId>,
    is_out: bool,
    due: usize,
}

impl<T> Hooks<T> {
    pub(super) fn new() -> Self {
        let list = List {
            listed: Vec::new(),
            out: Vec::new(),
            is_out: false,
            due: 0,
        };
        Hooks {
            is_used: AtomicBool::new(false),
            list: Mutex::new(list),
        }
    }

    /// Whether a round is due after an item.
    #[inline]
    pub(super) fn are_used(&self) -> bool {
        self.is_used.load(Ordering::Acquire) // partner of the Release in `add`
    }

    pub(super) fn add(&self, hook: Hook<T>) -> CallbackId {
        let mut list = lock(&self.list);
        let id = CallbackId::new(crate::ids::next());
        list.listed.push((id, hook));
        self.is_used.store(true, Ordering::Release);
        id
    }

    pub(super) fn remove(&self, id: CallbackId) -> bool {
        let mut list = lock(&self.list);
        if let Some(at) = list.out.iter().position(|out| *out == id) {
            list.out.swap_remove(at); // dropped when it comes back
            return true;
        }
        let at = list.listed.iter().position(|(listed, _)| *listed == id);
        let gone = at.map(|at| list.listed.remove(at));
        drop(list);
        gone.is_some()
    }

    /// Calls each hook once, in order of registration; those that are added meanwhile wait for the
    /// next round.
    pub(super) fn run(&self, queue: &Queue<T>) {
        let mut round = self.begin();
        let view = QueueView { queue };
        while let Some(mut hooks) = round {
            for (id, hook) in &mut hooks {
                if self.is_wanted(*id) {
                    isolate("a hook of a queue", || hook(&view));
                }
            }
            round = self.end(hooks);
        }
    }

    /// A round is due: the hooks, unless another thread has them and runs it.
    fn begin(&self) -> Option<Round<T>> {
        let mut list = lock(&self.list);
        list.due += 1;
        if list.is_out {
            return None;
        }
        list.next_round()
    }

    fn is_wanted(&self, id: CallbackId) -> bool {
        lock(&self.list).out.contains(&id)
    }

    /// Puts the hooks back; or takes them out again if another round is due.
    fn end(&self, hooks: Round<T>) -> Option<Round<T>> {
        let mut list = lock(&self.list);
        let out = std::mem::take(&mut list.out);
        let added = std::mem::take(&mut list.listed);
        let (kept, gone): (Vec<_>, Vec<_>) =
            hooks.into_iter().partition(|(id, _)| out.contains(id));
        list.listed = kept;
        list.listed.extend(added);
        let next = list.next_round();
        drop(list);
        gone.into_iter().for_each(drop_hook);
        next
    }
}

impl<T> List<T> {
    fn next_round(&mut self) -> Option<Round<T>> {
        self.is_out = self.due > 0;
        if !self.is_out {
            return None;
        }
        self.due -= 1;
        self.out = self.listed.iter().map(|(id, _)| *id).collect();
        Some(std::mem::take(&mut self.listed))
    }
}

/// One at a time: a hook whose destructor panics takes none of the others along.
impl<T> Drop for List<T> {
    fn drop(&mut self) {
        self.listed.drain(..).for_each(drop_hook);
    }
}

fn drop_hook<T>((_, hook): (CallbackId, Hook<T>)) {
    isolate("the destructor of a hook", || drop(hook));
}

impl<T> QueueView<'_, T> {
    /// Adds `item` at the end; see [`Queue::append`].
    pub fn append(&self, item: T) {
        self.queue.append(item);
    }

    /// Adds `item` at the front; see [`Queue::append_first`].
    pub fn append_first(&self, item: T) {
        self.queue.append_first(item);
    }

    /// Adds a call at the end; see [`Queue::append_call`].
    pub fn append_call<F>(&self, f: F)
    where
        F: FnOnce() + Send + 'static,
    {
        self.queue.append_call(f);
    }

    /// Breaks the iterations off; see [`Queue::breaker`].
    pub fn breaker(&self) -> &Event {
        self.queue.breaker()
    }

    /// Says how many items and calls have not been taken yet.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    /// Says whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T> fmt::Debug for QueueView<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("QueueView").field(self.queue).finish()
    }
}
