//! [`QueueStream`]: one consumer.

use std::{
    collections::VecDeque,
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures::stream::{FusedStream, Stream};

use super::{
    Queue,
    bell::Place,
    core::{Entry, Look, give_back, pop_item},
    run, wake,
};
use crate::{
    ctx::{firing::wake_all, live::Live},
    registry::{Key, Taken},
    sync::mutant,
};

/// After so many items in a row that were there already, the executor has a turn.
const IN_A_ROW: u32 = 128;

/// How often a thread looks again; each time it waits twice as long.
const LOOKS: u32 = 6;

/// A consumer of a [`Queue`]: a stream of its items.
///
/// When it ends says [`Queue`]; once it has ended it stays so, and [`Queue::stream`] gives another.
///
/// # Cancel safety
///
/// Dropping it loses nothing: what it has not given is in the queue.
///
/// # Examples
///
/// ```
/// use futures::executor::block_on;
/// use windlass::{Ctx, Queue};
///
/// let ctx = Ctx::root_on("app", ());
/// let queue = Queue::new(&ctx, "jobs");
/// for job in [1, 2, 3] {
///     queue.append(job);
/// }
/// let (mut one, mut other) = (queue.stream(), queue.stream());
/// assert_eq!(block_on(one.next()), Some(1));
/// assert_eq!(block_on(other.next()), Some(2), "each item goes to one of them");
/// drop(one);
/// assert_eq!(block_on(other.next()), Some(3));
/// ```
#[must_use = "streams do nothing unless they are polled"]
pub struct QueueStream<'a, T> {
    queue: &'a Queue<T>,
    /// What ends it: at hand, since it is looked at before each item. See [`Queue`].
    live: Option<&'a Live>,
    /// Where it waits for an item.
    place: Option<Key>,
    /// Where it hears of the end.
    at_bell: Option<Place>,
    /// Of a greedy one: what it has taken and not given.
    hand: Option<VecDeque<Entry<T>>>,
    /// How many breaks there were when it began; `None` unless it is going.
    begun: Option<u32>,
    in_a_row: u32,
    /// It has a thread to itself, and leaves no turn to others.
    is_blocking: bool,
    /// An item was given, and its hooks have not been called.
    is_handled: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Going,
    /// It ends when nothing is left.
    Draining,
    Over,
}

impl<'a, T> QueueStream<'a, T> {
    pub(super) fn new(queue: &'a Queue<T>, is_blocking: bool) -> Self {
        QueueStream {
            queue,
            live: queue.live.as_deref(),
            place: None,
            at_bell: None,
            hand: None,
            begun: None,
            in_a_row: 0,
            is_blocking,
            is_handled: false,
            stage: Stage::Going,
        }
    }

    /// Waits for the next item; `None` when the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item: one that was not returned is still in the queue, and
    /// whoever waits next is woken for it.
    pub async fn next(&mut self) -> Option<T> {
        let waiting = Waiting(self);
        poll_fn(|cx| waiting.0.poll_item(cx)).await
    }

    #[inline]
    pub(super) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        match self.take_at_once() {
            Some(item) => Poll::Ready(Some(item)),
            None => self.poll_whole(cx),
        }
    }

    /// The next item by the shortest way; `None`: the long way will tell.
    ///
    /// It is the shortest because there is nothing to see to but the item: no end, no break, no
    /// hook, no call, no turn of the executor, no room to be handed out.
    #[inline]
    pub(super) fn take_at_once(&mut self) -> Option<T> {
        let core = &self.queue.core;
        let is_going = self.begun == Some(core.breaks()); // see `enter`
        let has_turn = self.in_a_row < IN_A_ROW;
        if !is_going || !has_turn || self.is_over() || self.queue.needs_care() {
            return None;
        }
        let item = match &mut self.hand {
            Some(hand) if !hand.is_empty() => pop_item(hand)?,
            _ => core.take_item(&mut self.place)?,
        };
        self.in_a_row += 1;
        Some(item)
    }

    #[inline(never)]
    fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        if self.stage == Stage::Over {
            return Poll::Ready(None);
        }
        self.call_hooks();
        loop {
            if self.has_had_enough() {
                self.in_a_row = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            if self.is_worth_a_look() {
                if let Some(end_or_item) = self.look(&mut None) {
                    return Poll::Ready(end_or_item);
                }
                if self.has_had_enough() {
                    continue; // of calls
                }
            }
            if let Some(end_or_item) = self.look_again() {
                return Poll::Ready(end_or_item);
            }
            // Before the last look: that one sees why the bell may have rung already.
            if !mutant("listen_after_looking") {
                self.queue.bell.register(&mut self.at_bell, cx);
            }
            let mut fresh = Some(cx.waker().clone());
            if let Some(end_or_item) = self.look(&mut fresh) {
                return Poll::Ready(end_or_item);
            }
            if mutant("listen_after_looking") {
                self.queue.bell.register(&mut self.at_bell, cx);
            }
            if !self.has_had_enough() {
                self.in_a_row = 0;
                // Whoever puts something in will wake us; the bell tells of the end.
                return Poll::Pending;
            }
        }
    }

    /// Whether there may be something to give; if not, the look that is the last one is the first.
    fn is_worth_a_look(&self) -> bool {
        let has_hand = self.hand.as_ref().is_some_and(|hand| !hand.is_empty());
        has_hand || !self.queue.core.seems_empty()
    }

    /// The next item or the end, if it is there; else waits with `fresh`, if that is given.
    fn look(&mut self, fresh: &mut Option<Waker>) -> Option<Option<T>> {
        self.notice_end();
        while self.stage != Stage::Over && !self.has_had_enough() {
            match self.take(fresh) {
                Look::Entry(Entry::Item(item)) => return Some(Some(self.give(item))),
                Look::Refilled(Entry::Item(item), woken) => {
                    wake_boxed(woken);
                    return Some(Some(self.give(item)));
                }
                Look::Entry(Entry::Call(call)) => self.call(call),
                Look::Refilled(Entry::Call(call), woken) => {
                    wake_boxed(woken);
                    self.call(call);
                }
                Look::Broken => self.stop_or_drain(),
                Look::Closed => self.enter(Stage::Over),
                Look::Empty if self.stage == Stage::Draining => self.enter(Stage::Over),
                Look::Empty | Look::Moving => return None,
            }
        }
        if self.stage == Stage::Over {
            self.leave();
            self.put_back();
            return Some(None);
        }
        None
    }

    /// A thread of its own looks a few times more before it is put to sleep: a producer that is
    /// busy puts the next item in sooner than a thread could be woken.
    fn look_again(&mut self) -> Option<Option<T>> {
        let rounds = if self.is_blocking { LOOKS } else { 0 };
        (0..rounds).find_map(|round: u32| {
            (0..16_u32 << round).for_each(|_| std::hint::spin_loop());
            // Without the lock, which the producer needs. The end is seen in the last look.
            if self.is_worth_a_look() {
                self.look(&mut None)
            } else {
                None
            }
        })
    }

    /// Who blocks its thread leaves no turn to others, and counts to no end.
    fn count_one(&mut self) {
        self.in_a_row = if self.is_blocking {
            0
        } else {
            self.in_a_row + 1
        };
    }

    fn call(&mut self, call: Box<dyn FnOnce() + Send>) {
        self.count_one();
        self.queue.hand_out_room();
        run(call);
        self.notice_end();
    }

    /// Whether the executor is to have a turn.
    fn has_had_enough(&self) -> bool {
        self.in_a_row >= IN_A_ROW && !self.is_blocking
    }

    fn take(&mut self, fresh: &mut Option<Waker>) -> Look<T> {
        let core = &self.queue.core;
        let begun = match self.stage {
            Stage::Going => Some(*self.begun.get_or_insert_with(|| core.breaks())),
            _ => None,
        };
        match &mut self.hand {
            None => core.take(begun, &mut self.place, fresh, None),
            Some(hand) if hand.is_empty() => core.take(begun, &mut self.place, fresh, Some(hand)),
            Some(_) if begun.is_some_and(|begun| begun != core.breaks()) => Look::Broken,
            Some(hand) => {
                give_back(hand);
                hand.pop_front().map_or(Look::Moving, Look::Entry)
            }
        }
    }

    #[inline]
    fn is_over(&self) -> bool {
        self.live.is_none_or(|live| live.verdict().is_done())
    }

    /// The end of the context, or a break that nobody has noticed yet.
    fn notice_end(&mut self) {
        if self.stage != Stage::Going {
            return;
        }
        if self.is_over() {
            self.stop_or_drain();
        } else if self.queue.take_break() {
            self.queue.core.count_break();
            self.stop_or_drain();
            if !mutant("count_a_break_without_ringing") {
                self.queue.bell.ring(); // it ends those who wait, too
            }
        }
    }

    fn stop_or_drain(&mut self) {
        self.enter(if self.queue.drains {
            Stage::Draining
        } else {
            Stage::Over
        });
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.begun = None;
    }

    fn give(&mut self, item: T) -> T {
        self.count_one();
        self.is_handled = self.queue.hooks.are_used();
        self.queue.hand_out_room();
        item
    }

    /// Takes everything that is there in one go, whenever it has nothing in hand: less work for
    /// each item, for a consumer that is the only one.
    ///
    /// What it has in hand counts as taken: [`Queue::len`], [`Queue::remaining`] and other
    /// consumers do not see it, and what is put first comes behind it. It is put back when the
    /// stream ends or is dropped. On a bounded queue this changes nothing.
    pub fn greedy(mut self) -> Self {
        self.be_greedy();
        self
    }

    pub(super) fn be_greedy(&mut self) {
        self.hand.get_or_insert_default();
    }

    /// Leaves the row of those who wait; if it was woken for something, the next one is.
    #[inline]
    pub(super) fn leave(&mut self) {
        if self.place.is_some() {
            wake(self.queue.core.stop_waiting(&mut self.place));
        }
    }

    fn put_back(&mut self) {
        if let Some(hand) = self.hand.take_if(|hand| !hand.is_empty()) {
            wake_all(self.queue.core.put_back(hand));
        }
    }

    fn call_hooks(&mut self) {
        if std::mem::take(&mut self.is_handled) {
            self.queue.hooks.run(self.queue);
        }
    }

    pub(super) fn queue(&self) -> &'a Queue<T> {
        self.queue
    }
}

#[cold]
fn wake_boxed(woken: Option<Box<Taken<Waker>>>) {
    if let Some(woken) = woken {
        wake_all(*woken);
    }
}

/// Leaves the row when the future of `next` is dropped: then nobody is woken for it any more.
struct Waiting<'s, 'a, T>(&'s mut QueueStream<'a, T>);

impl<T> Drop for Waiting<'_, '_, T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

/// Items are moved about, never pinned.
impl<T> Unpin for QueueStream<'_, T> {}

impl<T> Stream for QueueStream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_item(cx)
    }
}

impl<T> FusedStream for QueueStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.stage == Stage::Over
    }
}

impl<T> Drop for QueueStream<'_, T> {
    fn drop(&mut self) {
        self.leave();
        self.put_back();
        self.queue.bell.leave(&mut self.at_bell);
        self.call_hooks();
    }
}

impl<T> fmt::Debug for QueueStream<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueueStream")
            .field("queue", &self.queue)
            .field("stage", &self.stage)
            .finish()
    }
}
