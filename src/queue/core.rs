//! What is in a queue, behind two locks; no waker, no code of the user's.
//!
//! Entries come in at the back. A consumer that finds the front empty takes a few from the back one
//! by one; of many it moves the whole backlog to the front, under one lock, and producers and
//! consumers no longer meet. Every entry stays behind a lock until it is given: another consumer, or
//! `take_all`, can reach it at any time. A bounded queue has no front: it is short.
//!
//! # Invariants
//!
//! 1. What is in the front is older than what is in the back, and what a refill has in hand is older
//!    than both were when it began. `is_refilling` is set while there is such a hand; meanwhile nobody
//!    else takes from the back.
//! 2. `front.len` is the length of the front, written under its lock. Under the lock of the back, with
//!    `is_refilling` false, 0 means that the front stays empty as long as that lock is held, but for
//!    an entry that is just being put first.
//! 3. One lock at a time. Consumers and senders wait in lists under the lock of the back, and look
//!    under that same lock before they do. Who adds something, closes or breaks passes through that
//!    lock after having done so.
//! 4. `room.reserved` permits are out, and `room.granted` were set aside for senders who were woken
//!    and have not come yet. What is reserved or granted counts against the bound.
//! 5. Of the room of a deque at least a quarter is used, or it is at most [`SPARE`].
//! 6. While there is something to take and a consumer waits, one that was woken is on the way. Each
//!    entry wakes one; who was woken and leaves without taking anything wakes the next. Who comes and
//!    finds that all is in somebody's hand waits again: so many are woken when that is put down.
//! 7. `is_behind` is set before the lock of the back is released with something in it: `Held` sees to
//!    it. It is cleared under that lock, by a consumer that leaves nothing there. Who reads it without
//!    the lock has a hint: false misses nothing whose putting in happened before.
//! 8. `breaks` counts the breaks that were used up. A stream that has begun before the last of them
//!    has to end.
//!
//! # What is locked
//!
//! | | the back | the front |
//! |---|---|---|
//! | putting in | once | |
//! | putting first | once, twice over a backlog | once over a backlog |
//! | taking one of a few | once | |
//! | taking one of a backlog | | once |
//! | moving a backlog of any length | three times at most | once |
//! | taking what is in a greedy hand | | |
//! | filling a greedy hand | twice at most | |
//! | finding nothing, and waiting | once | |
//! | taking after having been woken | once | |
//! | the length; closing; a break | once | |
//! | taking all | once | once over a backlog |
//! | room: asking, filling, handing out | once each | |
//!
//! A lock is two atomic read-modify-writes, and most of what an operation costs. An item that others
//! can reach as well costs its consumer one of these, or a fence, at least ("Laws of Order", Attiya et
//! al., POPL 2011); a `std` mutex makes it two. Only a greedy hand, which nobody else reaches, goes
//! without.

mod back;
mod held;
mod room;
mod take;

use std::{collections::VecDeque, fmt, mem, task::Waker};

pub(super) use self::room::Ask;
use super::Overflow;
use crate::{
    registry::Taken,
    status::Waiters,
    sync::{AtomicBool, AtomicU32, AtomicUsize, Mutex, Ordering, lock, try_lock},
};

/// Room for so many entries is left alone.
const SPARE: usize = 1024;

/// Up to so many entries are taken from the back one by one.
const FEW: usize = 4;

pub(super) enum Entry<T> {
    Item(T),
    Call(Box<dyn FnOnce() + Send>),
}

/// In this order in memory, so that what is written under the lock of the back begins beside it.
#[repr(C)]
pub(super) struct Core<T> {
    /// Whether something may be in the back: see invariant 7.
    is_behind: AtomicBool,
    back: Mutex<Back<T>>,
    breaks: AtomicU32,
    front: Front<T>,
}

/// Shares no cache line with the back, or with what is beside the queue.
#[repr(align(128))]
struct Front<T> {
    len: AtomicUsize,
    entries: Mutex<VecDeque<Entry<T>>>,
}

struct Back<T> {
    entries: VecDeque<Entry<T>>,
    /// What was put first while a refill was on its way; the last comes first.
    firsts: Vec<Entry<T>>,
    is_refilling: bool,
    /// How many the refill has in hand.
    in_hand: usize,
    /// How many may have come for what the refill has in hand.
    turned_away: usize,
    is_closed: bool,
    /// Those who wait for something to take.
    consumers: Waiters,
    room: Option<Box<Room>>,
}

/// Of a bounded queue.
struct Room {
    bound: usize,
    overflow: Overflow,
    reserved: usize,
    granted: usize,
    /// Items that were dropped because the queue was full.
    dropped: u64,
    /// Those who wait for room.
    senders: Waiters,
}

/// What a look at the front gives.
pub(super) enum Look<T> {
    /// Taken out.
    Entry(Entry<T>),
    /// Taken out, and what was behind it moved to the front; these consumers are to be woken, which may
    /// have come by meanwhile. There are few such looks, and each is moved: so they are in a box.
    Refilled(Entry<T>, Option<Box<Taken<Waker>>>),
    Empty,
    /// Nothing is there but what another consumer is just moving to the front.
    Moving,
    /// Nothing is there, and nothing will come.
    Closed,
    /// The iteration that looks was broken off.
    Broken,
}

/// What became of an entry that was to be put in.
pub(super) enum Put<T> {
    /// It is in; this consumer is to be woken.
    Done(Option<Waker>),
    /// It is in; this one had to go.
    Instead(Entry<T>, Option<Waker>),
    Refused(Entry<T>),
}

/// Where an entry goes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Back,
    Front,
}

impl<T> Core<T> {
    pub(super) fn new() -> Self {
        let back = Back {
            entries: VecDeque::new(),
            firsts: Vec::new(),
            is_refilling: false,
            in_hand: 0,
            turned_away: 0,
            is_closed: false,
            consumers: Waiters::default(),
            room: None,
        };
        Core {
            is_behind: AtomicBool::new(false),
            back: Mutex::new(back),
            breaks: AtomicU32::new(0),
            front: Front {
                len: AtomicUsize::new(0),
                entries: Mutex::new(VecDeque::new()),
            },
        }
    }

    pub(super) fn bounded(bound: usize) -> Self {
        let core = Core::new();
        let room = Room {
            bound: bound.max(1),
            overflow: Overflow::Wait,
            reserved: 0,
            granted: 0,
            dropped: 0,
            senders: Waiters::default(),
        };
        core.hold().room = Some(Box::new(room));
        core
    }

    pub(super) fn set_overflow(&self, overflow: Overflow) {
        if let Some(room) = &mut self.hold().room {
            room.overflow = overflow;
        }
    }

    pub(super) fn len(&self) -> usize {
        let back = self.hold();
        self.len_with(&back)
    }

    fn len_with(&self, back: &Back<T>) -> usize {
        let older = if back.is_refilling {
            back.in_hand
        } else {
            self.front.len.load(Ordering::Acquire)
        };
        older + back.entries.len() + back.firsts.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.hold().is_closed
    }

    pub(super) fn bound(&self) -> Option<usize> {
        Some(self.hold().room.as_ref()?.bound)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.hold().room.as_ref().map_or(0, |room| room.dropped)
    }

    /// How many breaks were used up so far.
    pub(super) fn breaks(&self) -> u32 {
        self.breaks.load(Ordering::Acquire) // partner of the Release in `count_break`
    }

    /// Uses up a break.
    pub(super) fn count_break(&self) {
        let _order = self.hold(); // invariant 3
        let breaks = self.breaks.load(Ordering::Relaxed).wrapping_add(1); // written here only
        self.breaks.store(breaks, Ordering::Release);
    }

    /// True if it was open.
    pub(super) fn close(&self) -> bool {
        !mem::replace(&mut self.hold().is_closed, true)
    }

    // ===== putting in =====

    /// Puts `entry` in, closed or not; what does not fit goes by the queue's policy.
    #[inline]
    pub(super) fn put(&self, entry: Entry<T>) -> Put<T> {
        let mut back = self.hold_soon();
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.add(entry)
    }

    /// Puts `entry` before all others.
    pub(super) fn put_first(&self, entry: Entry<T>) -> Put<T> {
        let mut back = self.hold();
        if back.room.is_some() {
            return back.put_bounded(entry, End::Front);
        }
        if back.is_refilling {
            back.firsts.push(entry); // before what is in hand: the refill takes it along
            back.turned_away += 1; // and wakes somebody
            return Put::Done(None);
        }
        if self.front.len.load(Ordering::Acquire) == 0 {
            back.entries.push_front(entry);
            return Put::Done(back.consumers.take_first());
        }
        drop(back);
        let mut front = lock(&self.front.entries);
        front.push_front(entry);
        self.front.len.store(front.len(), Ordering::Release);
        drop(front);
        Put::Done(self.hold().consumers.take_first())
    }

    /// Puts `entry` in unless the queue is closed, or full and its senders wait.
    pub(super) fn try_put(&self, entry: Entry<T>) -> Put<T> {
        let mut back = self.hold_soon();
        let waits = |room: &Room| room.overflow == Overflow::Wait;
        if back.is_closed || (back.is_full() && back.room.as_deref().is_some_and(waits)) {
            return Put::Refused(entry);
        }
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.add(entry)
    }
}

impl<T> Core<T> {
    pub(super) fn debug(&self, debug: &mut fmt::DebugStruct<'_, '_>) {
        match try_lock(&self.back) {
            None => debug.field("state", &format_args!("<locked>")),
            Some(back) => debug
                .field("len", &self.len_with(&back))
                .field("is_closed", &back.is_closed)
                .field("bound", &back.room.as_ref().map(|room| room.bound)),
        };
    }
}

/// Gives memory back once most of a deque is empty.
#[inline]
pub(super) fn give_back<T>(entries: &mut VecDeque<T>) {
    let room = entries.capacity();
    if room > SPARE && entries.len() < room / 4 {
        shrink(entries);
    }
}

#[cold]
fn shrink<T>(entries: &mut VecDeque<T>) {
    entries.shrink_to(entries.capacity() / 2);
}

/// Takes what comes first if that is an item.
#[inline(always)]
pub(super) fn pop_item<T>(entries: &mut VecDeque<Entry<T>>) -> Option<T> {
    if !matches!(entries.front(), Some(Entry::Item(_))) {
        return None;
    }
    match entries.pop_front() {
        Some(Entry::Item(item)) => {
            give_back(entries);
            Some(item)
        }
        _ => None, // not reached: the front is an item
    }
}

#[cfg(test)]
mod tests {
    use super::{Core, Entry, FEW, Look, SPARE};
    use crate::sync::lock;

    #[test]
    fn the_room_of_a_burst_is_given_back() {
        let core = Core::new();
        for n in 0..1_000_000 {
            core.put(Entry::Item(n));
        }
        for n in 0..1_000_000 {
            let (Look::Entry(Entry::Item(taken)) | Look::Refilled(Entry::Item(taken), _)) =
                core.take(None, &mut None, &mut None, None)
            else {
                panic!("{n} is there");
            };
            assert_eq!((taken, core.len()), (n, 999_999 - n));
        }
        assert!(lock(&core.front.entries).capacity() <= SPARE);
        assert!(lock(&core.back).entries.capacity() <= SPARE);
    }

    #[test]
    fn a_few_are_taken_one_by_one_and_many_are_moved_to_the_front() {
        let core = Core::new();
        (0..FEW + 2).for_each(|n| drop(core.put(Entry::Item(n))));
        assert_eq!(
            core.take_item(&mut None),
            None,
            "too many for the short way"
        );
        let look = core.take(None, &mut None, &mut None, None);
        assert!(matches!(look, Look::Refilled(Entry::Item(0), None)));
        assert!(lock(&core.back).entries.is_empty());
        assert_eq!(core.take_item(&mut None), Some(1), "from the front");

        let core = Core::new();
        (0..FEW).for_each(|n| drop(core.put(Entry::Item(n))));
        assert_eq!(core.take_item(&mut None), Some(0), "from the back");
        assert_eq!(lock(&core.back).entries.len(), FEW - 1);
    }
}
