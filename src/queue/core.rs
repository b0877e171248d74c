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
//! 2. `front_len` is the length of the front, written under its lock. Under the lock of the back, with
//!    `is_refilling` false, 0 means that the front stays empty as long as that lock is held, but for
//!    an entry that is just being put first.
//! 3. One lock at a time. Who adds or ends something passes through the lock of the back before it
//!    looks for those who wait, and who waits passes through it after having registered: see `Bell`.
//! 4. `room.reserved` permits are out, and `room.granted` were set aside for senders who were woken
//!    and have not come yet. What is reserved or granted counts against the bound.
//! 5. Of the room of a deque at least a quarter is used, or it is at most [`SPARE`].
//! 6. `breaks` counts the breaks that were used up. A stream that has begun before the last of them
//!    has to end.

use std::{collections::VecDeque, fmt, mem};

use super::Overflow;
use crate::sync::{AtomicU32, AtomicUsize, Mutex, Ordering, lock, mutant, try_lock};

/// Room for so many entries is left alone.
const SPARE: usize = 1024;

/// Up to so many entries are taken from the back one by one.
const FEW: usize = 4;

pub(super) enum Entry<T> {
    Item(T),
    Call(Box<dyn FnOnce() + Send>),
}

pub(super) struct Core<T> {
    back: Mutex<Back<T>>,
    breaks: AtomicU32,
    front_len: AtomicUsize,
    front: Mutex<VecDeque<Entry<T>>>,
}

struct Back<T> {
    entries: VecDeque<Entry<T>>,
    /// What was put first while a refill was on its way; the last comes first.
    firsts: Vec<Entry<T>>,
    is_refilling: bool,
    /// How many the refill has in hand.
    in_hand: usize,
    is_closed: bool,
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
}

/// What a look at the front gives.
pub(super) enum Look<T> {
    /// Taken out; so many are left there.
    Entry(Entry<T>, usize),
    /// Taken out, and what was behind it moved to the front: another consumer may have missed it.
    Refilled(Entry<T>),
    Empty,
    /// Nothing is there, and nothing will come.
    Closed,
    /// The iteration that looks was broken off.
    Broken,
}

/// What became of an entry that was to be put in.
pub(super) enum Put<T> {
    Done,
    /// It is in; this one had to go.
    Instead(Entry<T>),
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
            is_closed: false,
            room: None,
        };
        Core {
            back: Mutex::new(back),
            breaks: AtomicU32::new(0),
            front_len: AtomicUsize::new(0),
            front: Mutex::new(VecDeque::new()),
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
        };
        lock(&core.back).room = Some(Box::new(room));
        core
    }

    pub(super) fn set_overflow(&self, overflow: Overflow) {
        if let Some(room) = &mut lock(&self.back).room {
            room.overflow = overflow;
        }
    }

    pub(super) fn len(&self) -> usize {
        let back = lock(&self.back);
        self.len_with(&back)
    }

    fn len_with(&self, back: &Back<T>) -> usize {
        let older = if back.is_refilling {
            back.in_hand
        } else {
            self.front_len.load(Ordering::Acquire)
        };
        older + back.entries.len() + back.firsts.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.back).is_closed
    }

    pub(super) fn bound(&self) -> Option<usize> {
        Some(lock(&self.back).room.as_ref()?.bound)
    }

    pub(super) fn dropped(&self) -> u64 {
        lock(&self.back)
            .room
            .as_ref()
            .map_or(0, |room| room.dropped)
    }

    /// How many breaks were used up so far.
    pub(super) fn breaks(&self) -> u32 {
        self.breaks.load(Ordering::Acquire) // partner of the Release in `count_break`
    }

    /// Uses up a break.
    pub(super) fn count_break(&self) {
        let _order = lock(&self.back); // invariant 3
        let breaks = self.breaks.load(Ordering::Relaxed).wrapping_add(1); // written here only
        self.breaks.store(breaks, Ordering::Release);
    }

    /// True if it was open.
    pub(super) fn close(&self) -> bool {
        !mem::replace(&mut lock(&self.back).is_closed, true)
    }

    // ===== putting in =====

    /// Puts `entry` in, closed or not; what does not fit goes by the queue's policy.
    #[inline]
    pub(super) fn put(&self, entry: Entry<T>) -> Put<T> {
        let mut back = lock(&self.back);
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.entries.push_back(entry);
        Put::Done
    }

    /// Puts `entry` before all others.
    pub(super) fn put_first(&self, entry: Entry<T>) -> Put<T> {
        let mut back = lock(&self.back);
        if back.room.is_some() {
            return back.put_bounded(entry, End::Front);
        }
        if back.is_refilling {
            back.firsts.push(entry); // before what is in hand: the refill takes it along
            return Put::Done;
        }
        if self.front_len.load(Ordering::Acquire) == 0 {
            back.entries.push_front(entry);
            return Put::Done;
        }
        drop(back);
        let mut front = lock(&self.front);
        front.push_front(entry);
        self.front_len.store(front.len(), Ordering::Release);
        drop(front);
        drop(lock(&self.back)); // invariant 3
        Put::Done
    }

    /// Puts `entry` in unless the queue is closed, or full and its senders wait.
    pub(super) fn try_put(&self, entry: Entry<T>) -> Put<T> {
        let mut back = lock(&self.back);
        let waits = |room: &Room| room.overflow == Overflow::Wait;
        if back.is_closed || (back.is_full() && back.room.as_deref().is_some_and(waits)) {
            return Put::Refused(entry);
        }
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.entries.push_back(entry);
        Put::Done
    }

    // ===== taking out =====

    /// Takes what comes first, for an iteration that began after `begun` breaks; `None` for one that
    /// no break ends.
    #[inline]
    pub(super) fn take(&self, begun: Option<u32>) -> Look<T> {
        loop {
            if begun.is_some_and(|begun| begun != self.breaks()) {
                return Look::Broken;
            }
            // Acquire: partner of the Release in `take_front` and `refill`. A stale 0 is harmless:
            // it is looked at again under the lock.
            if self.front_len.load(Ordering::Acquire) > 0 {
                if let Some((entry, left)) = self.take_front() {
                    return Look::Entry(entry, left);
                }
            }
            if let Some(look) = self.take_back(begun) {
                return look;
            }
        }
    }

    fn take_front(&self) -> Option<(Entry<T>, usize)> {
        let mut front = lock(&self.front);
        let entry = front.pop_front()?;
        let left = front.len();
        give_back(&mut front);
        self.front_len.store(left, Ordering::Release);
        Some((entry, left))
    }

    /// Takes from the back, the front being empty; `None`: it no longer is.
    fn take_back(&self, begun: Option<u32>) -> Option<Look<T>> {
        let mut back = lock(&self.back);
        if back.is_refilling {
            return Some(Look::Empty); // the refill will wake somebody
        }
        if self.front_len.load(Ordering::Acquire) > 0 {
            return None;
        }
        if begun.is_some_and(|begun| begun != self.breaks()) {
            return Some(Look::Broken); // invariant 3: who waits may have missed it before
        }
        let Some(entry) = back.entries.pop_front() else {
            let is_closed = back.is_closed;
            return Some(if is_closed { Look::Closed } else { Look::Empty });
        };
        let left = back.entries.len();
        if left < FEW || back.room.is_some() {
            give_back(&mut back.entries);
            return Some(Look::Entry(entry, left));
        }
        back.is_refilling = true;
        back.in_hand = left;
        let hand = mem::take(&mut back.entries);
        drop(back);
        self.refill(hand);
        Some(Look::Refilled(entry))
    }

    /// Moves what was in the back to the front.
    fn refill(&self, hand: VecDeque<Entry<T>>) {
        let mut spare = self.add_to_front(hand);
        loop {
            let mut back = lock(&self.back);
            let firsts = mem::take(&mut back.firsts);
            if firsts.is_empty() || mutant("forget_what_was_put_first") {
                back.is_refilling = false;
                if back.entries.capacity() == 0 {
                    mem::swap(&mut back.entries, &mut spare);
                }
                return;
            }
            drop(back);
            let mut front = lock(&self.front);
            firsts.into_iter().for_each(|first| front.push_front(first));
            self.front_len.store(front.len(), Ordering::Release);
        }
    }

    /// Gives back the empty deque that was there, for its room.
    fn add_to_front(&self, hand: VecDeque<Entry<T>>) -> VecDeque<Entry<T>> {
        let mut front = lock(&self.front);
        let mut spare = VecDeque::new();
        if front.is_empty() {
            spare = mem::replace(&mut *front, hand);
        } else {
            front.extend(hand); // behind what was put first a moment ago
        }
        self.front_len.store(front.len(), Ordering::Release);
        drop(front);
        if spare.capacity() > SPARE {
            spare = VecDeque::new();
        }
        spare
    }

    /// Takes out everything that is there, but for what another consumer is just moving.
    pub(super) fn take_all(&self) -> VecDeque<Entry<T>> {
        let mut all = VecDeque::new();
        loop {
            if self.front_len.load(Ordering::Acquire) > 0 {
                let mut front = lock(&self.front);
                all.append(&mut front);
                self.front_len.store(0, Ordering::Release);
            }
            let mut back = lock(&self.back);
            if back.is_refilling || self.front_len.load(Ordering::Acquire) == 0 {
                all.append(&mut back.entries);
                back.entries = VecDeque::new();
                return all;
            }
        }
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

// ===== room =====

/// What a sender gets who asks for room.
pub(super) enum Ask {
    Reserved,
    Full,
    Closed,
}

impl<T> Core<T> {
    /// Reserves room for one; behind those who wait, if there are any.
    pub(super) fn reserve(&self, others_wait: bool) -> Ask {
        let mut back = lock(&self.back);
        if back.is_closed {
            return Ask::Closed;
        }
        let is_full = others_wait || back.is_full();
        match &mut back.room {
            Some(room) if room.overflow == Overflow::Wait => {
                if is_full {
                    return Ask::Full;
                }
                room.reserved += 1;
                Ask::Reserved
            }
            _ => Ask::Reserved,
        }
    }

    /// Reserves the room that was set aside for a sender who was woken; false if it was woken for
    /// another reason.
    pub(super) fn claim(&self) -> Ask {
        let mut back = lock(&self.back);
        if back.is_closed {
            return Ask::Closed;
        }
        match &mut back.room {
            Some(room) if room.granted > 0 => {
                room.granted -= 1;
                room.reserved += 1;
                Ask::Reserved
            }
            Some(_) => Ask::Full,
            None => Ask::Reserved,
        }
    }

    /// Sets room for one aside, if there is some.
    pub(super) fn grant(&self) -> bool {
        let mut back = lock(&self.back);
        let is_full = back.is_full();
        match &mut back.room {
            Some(room) if !is_full => {
                room.granted += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes room back that was set aside; false if none was.
    pub(super) fn take_grant_back(&self) -> bool {
        match &mut lock(&self.back).room {
            Some(room) if room.granted > 0 => {
                room.granted -= 1;
                true
            }
            _ => false,
        }
    }

    /// Gives reserved room back.
    pub(super) fn release(&self) {
        if let Some(room) = &mut lock(&self.back).room {
            room.reserved = room.reserved.saturating_sub(1);
        }
    }

    /// Puts `entry` into the room that was reserved for it, unless the queue was closed meanwhile.
    pub(super) fn fill(&self, entry: Entry<T>) -> Put<T> {
        let mut back = lock(&self.back);
        if let Some(room) = &mut back.room {
            room.reserved = room.reserved.saturating_sub(1);
        }
        if back.is_closed {
            return Put::Refused(entry);
        }
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.entries.push_back(entry);
        Put::Done
    }
}

impl<T> Back<T> {
    fn push(&mut self, entry: Entry<T>, end: End) {
        match end {
            End::Back => self.entries.push_back(entry),
            End::Front => self.entries.push_front(entry),
        }
    }

    fn is_full(&self) -> bool {
        let is_full = |room: &Room| self.entries.len() + room.reserved + room.granted >= room.bound;
        self.room.as_deref().is_some_and(is_full)
    }

    fn put_bounded(&mut self, entry: Entry<T>, end: End) -> Put<T> {
        let is_full = self.is_full();
        let Some(room) = self.room.as_mut().filter(|_| is_full) else {
            self.push(entry, end);
            return Put::Done;
        };
        match (room.overflow, &entry) {
            (Overflow::DropNewest, Entry::Item(_)) => {
                room.dropped += 1;
                Put::Refused(entry)
            }
            (Overflow::DropOldest, Entry::Item(_)) => {
                room.dropped += 1;
                let is_item = |entry: &Entry<T>| matches!(entry, Entry::Item(_));
                let oldest = self.entries.iter().position(is_item);
                let gone = oldest.and_then(|at| self.entries.remove(at));
                self.push(entry, end);
                gone.map_or(Put::Done, Put::Instead)
            }
            // Nobody waits here, and a call is never dropped.
            _ => {
                self.push(entry, end);
                Put::Done
            }
        }
    }
}

/// Gives memory back once most of a deque is empty.
fn give_back<T>(entries: &mut VecDeque<T>) {
    let room = entries.capacity();
    if room > SPARE && entries.len() < room / 4 {
        entries.shrink_to(room / 2);
    }
}

#[cfg(test)]
mod tests {
    use super::{Core, Entry, Look, SPARE};
    use crate::sync::lock;

    #[test]
    fn the_room_of_a_burst_is_given_back() {
        let core = Core::new();
        for n in 0..1_000_000 {
            core.put(Entry::Item(n));
        }
        for n in 0..1_000_000 {
            let (Look::Entry(Entry::Item(taken), _) | Look::Refilled(Entry::Item(taken))) =
                core.take(None)
            else {
                panic!("{n} is there");
            };
            assert_eq!((taken, core.len()), (n, 999_999 - n));
        }
        assert!(lock(&core.front).capacity() <= SPARE);
        assert!(lock(&core.back).entries.capacity() <= SPARE);
    }
}
