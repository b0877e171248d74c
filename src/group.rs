//! A group of futures polled in place, by whoever polls the group.
//!
//! # Invariants
//!
//! 1. A wake costs the same with any number of idle members: it pushes one index.
//! 2. An index is in the ready queue at most once (`queued`), and goes to the back: each of the
//!    members that are always ready gets the same share.
//! 3. A late wake of a slot that was given to another member is one idle poll, no more.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Wake, Waker},
};

use futures::task::AtomicWaker;

use crate::report::isolate;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering, lock};

/// After so many polls in one call the group lets the executor go on.
const BUDGET: usize = 128;

/// Futures that are polled by whoever polls the group. They may borrow and need not be `Send`.
///
/// Members contain their own panics; one that unwinds leaves the group usable, without it.
pub(crate) struct Group<F> {
    slots: Vec<Slot<F>>,
    /// Places to fill again; may name slots that were cut off or filled meanwhile.
    free: Vec<usize>,
    ready: Arc<Ready>,
    batch: VecDeque<usize>,
    len: usize,
}

struct Slot<F> {
    member: Option<F>,
    signal: Arc<Signal>,
    waker: Waker,
}

#[derive(Default)]
struct Ready {
    queue: Mutex<VecDeque<usize>>,
    parent: AtomicWaker,
}

struct Signal {
    ready: Arc<Ready>,
    index: usize,
    /// Set by whoever pushes the index (AcqRel), cleared before the poll: a wake from then on
    /// pushes it again, so none is lost.
    queued: AtomicBool,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        lock(&self.ready.queue).push_back(self.index);
        isolate("a waker", || self.ready.parent.wake());
    }
}

impl<F: Future + Unpin> Group<F> {
    pub(crate) fn new() -> Self {
        Group {
            slots: Vec::new(),
            free: Vec::new(),
            ready: Arc::default(),
            batch: VecDeque::new(),
            len: 0,
        }
    }

    /// How many members have not ended.
    #[cfg_attr(not(test), allow(dead_code))] // for what else polls in place
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Adds a member, which is polled for the first time by the next `poll_next`.
    pub(crate) fn insert(&mut self, member: F) {
        let index = self.vacancy();
        let slot = &mut self.slots[index];
        slot.member = Some(member);
        self.len += 1;
        slot.waker.wake_by_ref();
    }

    fn vacancy(&mut self) -> usize {
        while let Some(index) = self.free.pop() {
            if self
                .slots
                .get(index)
                .is_some_and(|slot| slot.member.is_none())
            {
                return index;
            }
        }
        let signal = Arc::new(Signal {
            ready: self.ready.clone(),
            index: self.slots.len(),
            queued: AtomicBool::new(false),
        });
        self.slots.push(Slot {
            member: None,
            waker: Waker::from(signal.clone()),
            signal,
        });
        self.slots.len() - 1
    }

    /// The output of the next member that ends; `None` if there are no members.
    ///
    /// While it is pending, a member's wake wakes `cx`.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        if self.len == 0 {
            return Poll::Ready(None);
        }
        self.ready.parent.register(cx.waker());
        for _ in 0..BUDGET {
            let Some(index) = self.next_ready() else {
                return Poll::Pending;
            };
            if let Poll::Ready(output) = self.poll_member(index) {
                return Poll::Ready(Some(output));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn next_ready(&mut self) -> Option<usize> {
        if self.batch.is_empty() {
            std::mem::swap(&mut self.batch, &mut *lock(&self.ready.queue));
        }
        self.batch.pop_front()
    }

    fn poll_member(&mut self, index: usize) -> Poll<F::Output> {
        let Some(slot) = self.slots.get_mut(index) else {
            return Poll::Pending;
        };
        slot.signal.queued.store(false, Ordering::Release);
        let Some(mut member) = slot.member.take() else {
            return Poll::Pending;
        };
        let waker = slot.waker.clone();
        self.len -= 1;
        match Pin::new(&mut member).poll(&mut Context::from_waker(&waker)) {
            Poll::Pending => {
                self.slots[index].member = Some(member);
                self.len += 1;
                Poll::Pending
            }
            Poll::Ready(output) => {
                self.vacate(index);
                Poll::Ready(output)
            }
        }
    }

    /// Makes room: cuts empty slots off the end, and keeps a note of those in between.
    fn vacate(&mut self, index: usize) {
        self.free.push(index);
        while self.slots.last().is_some_and(|slot| slot.member.is_none()) {
            self.slots.pop();
        }
        if self.slots.is_empty() {
            self.free = Vec::new();
            self.slots.shrink_to(16);
        }
    }

    /// Drops the members, one after the other.
    pub(crate) fn clear(&mut self) {
        self.len = 0;
        drop(std::mem::take(&mut self.slots));
        self.free.clear();
        self.batch.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::Group;
    use std::{
        cell::Cell,
        future::poll_fn,
        rc::Rc,
        task::{Context, Poll, Waker},
    };

    fn idle() -> Context<'static> {
        Context::from_waker(Waker::noop())
    }

    #[test]
    fn four_always_ready_members_get_a_quarter_each() {
        let mut group = Group::new();
        let counts: Rc<[Cell<usize>; 4]> = Rc::default();
        for i in 0..4 {
            let counts = counts.clone();
            group.insert(Box::pin(poll_fn(move |cx| {
                counts[i].set(counts[i].get() + 1);
                cx.waker().wake_by_ref();
                Poll::<()>::Pending
            })));
        }
        for _ in 0..10 {
            assert!(group.poll_next(&mut idle()).is_pending());
        }
        let counts: Vec<_> = counts.iter().map(Cell::get).collect();
        assert_eq!(counts, [320; 4]);
    }

    #[test]
    fn a_late_wake_of_a_recycled_slot_is_harmless() {
        let mut group = Group::new();
        let kept: Rc<Cell<Option<Waker>>> = Rc::default();
        let keep = kept.clone();
        group.insert(Box::pin(poll_fn(move |cx| {
            keep.set(Some(cx.waker().clone()));
            Poll::Ready(1)
        })) as std::pin::Pin<Box<dyn Future<Output = i32>>>);
        assert_eq!(group.poll_next(&mut idle()), Poll::Ready(Some(1)));
        group.insert(Box::pin(std::future::pending()));
        kept.take().unwrap().wake();
        assert!(group.poll_next(&mut idle()).is_pending());
        assert_eq!(group.len(), 1);
    }

    #[test]
    fn slots_are_used_again() {
        let mut group = Group::new();
        for i in 0..10_000 {
            group.insert(std::future::ready(i));
            assert_eq!(group.poll_next(&mut idle()), Poll::Ready(Some(i)));
        }
        assert!(group.slots.capacity() <= 16);
        assert_eq!(group.poll_next(&mut idle()), Poll::Ready(None));
    }
}
