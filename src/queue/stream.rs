//! [`QueueStream`]: one consumer.

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use futures::stream::{FusedStream, Stream};

use super::{
    Queue,
    core::{Entry, Look},
    run,
};
use crate::{registry::Key, status::poll_in};

/// After so many items in a row that were there already, the executor has a turn.
const IN_A_ROW: u32 = 128;

/// A consumer of a [`Queue`]: a stream of its items.
///
/// When it ends says [`Queue`]; once it has ended it stays so, and [`Queue::stream`] gives another.
///
/// # Cancel safety
///
/// Dropping it loses nothing: what it has not given is in the queue.
#[must_use = "streams do nothing unless they are polled"]
pub struct QueueStream<'a, T> {
    queue: &'a Queue<T>,
    key: Option<Key>,
    /// How many breaks there were when it began.
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
            key: None,
            begun: None,
            in_a_row: 0,
            is_blocking,
            is_handled: false,
            stage: Stage::Going,
        }
    }

    /// The next item; `None` when the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no item: one that was not returned is still in the queue, and
    /// whoever waits next is woken for it.
    pub async fn next(&mut self) -> Option<T> {
        let waiting = Waiting(self);
        poll_fn(|cx| waiting.0.poll_item(cx)).await
    }

    pub(super) fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
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
            if let Some(end_or_item) = self.look() {
                return Poll::Ready(end_or_item);
            }
            if self.has_had_enough() {
                continue; // of calls
            }
            let was_waiting = self.key.is_some();
            let poll = poll_in(&self.queue.bell.consumers, &mut self.key, cx);
            if poll.is_pending() && was_waiting {
                self.in_a_row = 0;
                // Whoever puts something in will wake us, closes, breaks, or ends the context.
                return Poll::Pending;
            }
            // Registered just now, or woken: look (again).
        }
    }

    /// The next item or the end, if it is there.
    fn look(&mut self) -> Option<Option<T>> {
        self.notice_end();
        while self.stage != Stage::Over && !self.has_had_enough() {
            match self.take() {
                Look::Entry(Entry::Item(item), left) => {
                    return Some(Some(self.give(item, left > 0)));
                }
                Look::Refilled(Entry::Item(item)) => {
                    self.queue.bell.consumers.wake_one(); // it may have come by during the refill
                    return Some(Some(self.give(item, true)));
                }
                Look::Entry(Entry::Call(call), _) | Look::Refilled(Entry::Call(call)) => {
                    self.in_a_row = self.in_a_row.wrapping_add(1);
                    self.queue.hand_out_room();
                    run(call);
                    self.notice_end();
                }
                Look::Broken => self.stop_or_drain(),
                Look::Closed => self.stage = Stage::Over,
                Look::Empty if self.stage == Stage::Draining => self.stage = Stage::Over,
                Look::Empty => return None,
            }
        }
        if self.stage == Stage::Over {
            self.leave();
            return Some(None);
        }
        None
    }

    /// Whether the executor is to have a turn.
    fn has_had_enough(&self) -> bool {
        self.in_a_row >= IN_A_ROW && !self.is_blocking
    }

    fn take(&mut self) -> Look<T> {
        let core = &self.queue.core;
        match (self.stage, self.begun) {
            (Stage::Going, begun @ Some(_)) => core.take(begun),
            (Stage::Going, None) => core.take(Some(*self.begun.insert(core.breaks()))),
            _ => core.take(None),
        }
    }

    /// The end of the context, or a break that nobody has noticed yet.
    fn notice_end(&mut self) {
        if self.stage != Stage::Going {
            return;
        }
        if self.queue.node.is_done() {
            self.stop_or_drain();
        } else if self.queue.take_break() {
            self.queue.core.count_break();
            self.stop_or_drain();
            self.queue.bell.consumers.wake_all(); // it ends those who wait, too
        }
    }

    fn stop_or_drain(&mut self) {
        self.stage = if self.queue.drains {
            Stage::Draining
        } else {
            Stage::Over
        };
    }

    fn give(&mut self, item: T, are_more: bool) -> T {
        self.in_a_row = self.in_a_row.wrapping_add(1);
        self.is_handled = self.queue.hooks.are_used();
        self.queue.hand_out_room();
        if self.key.is_some() {
            let consumers = &self.queue.bell.consumers;
            consumers.leave(&mut self.key);
            if are_more {
                consumers.wake_one(); // we may have been woken for another than this one
            }
        }
        item
    }

    /// Leaves the row of those who wait; if we were woken for something, the next one is.
    pub(super) fn leave(&mut self) {
        if self.key.is_some() {
            let consumers = &self.queue.bell.consumers;
            consumers.leave(&mut self.key);
            if !consumers.is_empty() && self.queue.core.len() > 0 {
                consumers.wake_one();
            }
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

    pub(super) fn has_ended(&self) -> bool {
        self.stage == Stage::Over
    }
}

/// Leaves the row when the future of `next` is dropped: then nobody is woken for it any more.
struct Waiting<'s, 'a, T>(&'s mut QueueStream<'a, T>);

impl<T> Drop for Waiting<'_, '_, T> {
    fn drop(&mut self) {
        self.0.leave();
    }
}

impl<T> Stream for QueueStream<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll_item(cx)
    }
}

impl<T> FusedStream for QueueStream<'_, T> {
    fn is_terminated(&self) -> bool {
        self.has_ended()
    }
}

impl<T> Drop for QueueStream<'_, T> {
    fn drop(&mut self) {
        self.leave();
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
