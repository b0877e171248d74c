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
//!    entry wakes one; who was woken and leaves without taking anything wakes the next.
//! 7. `breaks` counts the breaks that were used up. A stream that has begun before the last of them
//!    has to end.

use std::{collections::VecDeque, fmt, mem, task::Waker};

use super::Overflow;
use crate::{
    registry::{Key, Taken},
    status::Waiters,
    sync::{AtomicU32, AtomicUsize, Mutex, MutexGuard, Ordering, lock, mutant, try_lock},
};

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
    /// Taken out, and what was behind it moved to the front; this consumer is to be woken, which may
    /// have come by meanwhile.
    Refilled(Entry<T>, Option<Waker>),
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
            is_closed: false,
            consumers: Waiters::default(),
            room: None,
        };
        Core {
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
            self.front.len.load(Ordering::Acquire)
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
        let mut back = lock_soon(&self.back);
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.add(entry)
    }

    /// Puts `entry` before all others.
    pub(super) fn put_first(&self, entry: Entry<T>) -> Put<T> {
        let mut back = lock(&self.back);
        if back.room.is_some() {
            return back.put_bounded(entry, End::Front);
        }
        if back.is_refilling {
            back.firsts.push(entry); // before what is in hand: the refill takes it along
            return Put::Done(None); // and wakes somebody
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
        Put::Done(lock(&self.back).consumers.take_first())
    }

    /// Puts `entry` in unless the queue is closed, or full and its senders wait.
    pub(super) fn try_put(&self, entry: Entry<T>) -> Put<T> {
        let mut back = lock_soon(&self.back);
        let waits = |room: &Room| room.overflow == Overflow::Wait;
        if back.is_closed || (back.is_full() && back.room.as_deref().is_some_and(waits)) {
            return Put::Refused(entry);
        }
        if back.room.is_some() {
            return back.put_bounded(entry, End::Back);
        }
        back.add(entry)
    }

    // ===== taking out =====

    /// Takes what comes first, for an iteration that began after `begun` breaks; `None` for one that
    /// no break ends. `place` is where it waits, if it does: it leaves that place with an entry. If
    /// there is none, it waits there with `fresh`. One that has a `hand`, which is empty, takes what is
    /// behind that entry along.
    #[inline]
    pub(super) fn take(
        &self,
        begun: Option<u32>,
        place: &mut Option<Key>,
        fresh: &mut Option<Waker>,
        mut hand: Option<&mut VecDeque<Entry<T>>>,
    ) -> Look<T> {
        loop {
            let hand = hand.as_deref_mut();
            if begun.is_some_and(|begun| begun != self.breaks()) {
                return Look::Broken;
            }
            // Acquire: partner of the Release in `take_front` and `add_to_front`. A stale 0 is
            // harmless: it is looked at again under the lock.
            if place.is_none() && self.front.len.load(Ordering::Acquire) > 0 {
                if let Some(entry) = self.take_front(hand) {
                    return Look::Entry(entry);
                }
                continue;
            }
            if let Some(look) = self.take_back(begun, place, fresh, hand) {
                return look;
            }
        }
    }

    fn take_front(&self, hand: Option<&mut VecDeque<Entry<T>>>) -> Option<Entry<T>> {
        let mut front = lock(&self.front.entries);
        let entry = front.pop_front()?;
        match hand {
            Some(hand) => mem::swap(&mut *front, hand), // the hand is empty
            None => give_back(&mut front),
        }
        self.front.len.store(front.len(), Ordering::Release);
        Some(entry)
    }

    /// Takes from the back, the front being empty, or waits; `None`: it no longer is.
    fn take_back(
        &self,
        begun: Option<u32>,
        place: &mut Option<Key>,
        fresh: &mut Option<Waker>,
        hand: Option<&mut VecDeque<Entry<T>>>,
    ) -> Option<Look<T>> {
        let mut back = lock(&self.back);
        if !back.is_refilling && self.front.len.load(Ordering::Acquire) > 0 {
            let gone = back.leave(place);
            drop(back);
            drop(gone);
            return None;
        }
        if begun.is_some_and(|begun| begun != self.breaks()) {
            return Some(Look::Broken); // who waits may have missed it before
        }
        if fresh.is_some() && mutant("wait_without_looking") {
            back.wait(place, fresh);
            return Some(Look::Empty);
        }
        if back.is_refilling && !mutant("take_past_a_hand") {
            back.wait(place, fresh); // it will wake somebody when it is done
            return Some(Look::Moving);
        }
        let Some(entry) = back.entries.pop_front() else {
            if back.is_closed {
                return Some(Look::Closed);
            }
            back.wait(place, fresh);
            return Some(Look::Empty);
        };
        let gone = back.leave(place);
        let left = back.entries.len();
        let is_bounded = back.room.is_some();
        match hand {
            Some(hand) if !is_bounded => mem::swap(&mut back.entries, hand),
            _ if left < FEW || is_bounded => give_back(&mut back.entries),
            _ => {
                let hand = back.begin_refill();
                drop(back);
                drop(gone);
                return Some(Look::Refilled(entry, self.refill(hand)));
            }
        }
        drop(back);
        drop(gone);
        Some(Look::Entry(entry))
    }

    /// Leaves a place in the row of consumers. If it was woken for something that is still there, the
    /// next one is to be woken.
    pub(super) fn stop_waiting(&self, place: &mut Option<Key>) -> Option<Waker> {
        if place.is_none() {
            return None;
        }
        let mut back = lock(&self.back);
        let gone = back.leave(place);
        let is_next = gone.is_none() && self.len_with(&back) > 0;
        let is_next = is_next && !mutant("leave_without_waking_the_next");
        let next = if is_next {
            back.consumers.take_first()
        } else {
            None
        };
        drop(back);
        drop(gone);
        next
    }

    /// Moves what was in the back to the front; gives back who is to be woken then.
    fn refill(&self, hand: VecDeque<Entry<T>>) -> Option<Waker> {
        let mut spare = self.add_to_front(hand);
        loop {
            let mut back = lock(&self.back);
            let firsts = mem::take(&mut back.firsts);
            if firsts.is_empty() || mutant("forget_what_was_put_first") {
                back.is_refilling = false;
                if back.entries.capacity() == 0 {
                    mem::swap(&mut back.entries, &mut spare);
                }
                return back.consumers.take_first();
            }
            drop(back);
            let mut front = lock(&self.front.entries);
            firsts.into_iter().for_each(|first| front.push_front(first));
            self.front.len.store(front.len(), Ordering::Release);
        }
    }

    /// Gives back the empty deque that was there, for its room.
    fn add_to_front(&self, hand: VecDeque<Entry<T>>) -> VecDeque<Entry<T>> {
        let mut front = lock(&self.front.entries);
        let mut spare = VecDeque::new();
        if front.is_empty() {
            spare = mem::replace(&mut *front, hand);
        } else {
            front.extend(hand); // behind what was put first a moment ago
        }
        self.front.len.store(front.len(), Ordering::Release);
        drop(front);
        if spare.capacity() > SPARE {
            spare = VecDeque::new();
        }
        spare
    }

    /// Puts back before all others what a consumer took and will not give; gives back who is to be
    /// woken then.
    pub(super) fn put_back(&self, mut hand: VecDeque<Entry<T>>) -> Option<Waker> {
        let mut front = lock(&self.front.entries);
        hand.append(&mut front);
        *front = hand;
        self.front.len.store(front.len(), Ordering::Release);
        drop(front);
        lock(&self.back).consumers.take_first()
    }

    /// Takes out everything that is there, but for what another consumer is just moving.
    pub(super) fn take_all(&self) -> VecDeque<Entry<T>> {
        let mut all = VecDeque::new();
        loop {
            if self.front.len.load(Ordering::Acquire) > 0 {
                let mut front = lock(&self.front.entries);
                all.append(&mut front);
                self.front.len.store(0, Ordering::Release);
            }
            let mut back = lock(&self.back);
            if back.is_refilling || self.front.len.load(Ordering::Acquire) == 0 {
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
    /// Reserves room for one if there is some that nobody waits for.
    pub(super) fn reserve(&self) -> Ask {
        let mut back = lock(&self.back);
        if back.is_closed {
            return Ask::Closed;
        }
        let is_full = back.is_full();
        match &mut back.room {
            Some(room) if room.overflow == Overflow::Wait => {
                if is_full || !room.senders.is_empty() {
                    return Ask::Full;
                }
                room.reserved += 1;
                Ask::Reserved
            }
            _ => Ask::Reserved,
        }
    }

    /// Reserves room, or waits for it at `place`, with `fresh`.
    ///
    /// Who was woken finds room that was set aside for it, unless it was woken for another reason.
    pub(super) fn reserve_or_wait(
        &self,
        place: &mut Option<Key>,
        fresh: &mut Option<Waker>,
    ) -> Ask {
        let mut back = lock(&self.back);
        if back.is_closed {
            return Ask::Closed;
        }
        let is_full = back.is_full();
        let Some(room) = &mut back.room else {
            return Ask::Reserved;
        };
        if let Some(waker) = place.and_then(|key| room.senders.get_mut(key)) {
            if let Some(fresh) = fresh {
                mem::swap(waker, fresh); // dropped outside the lock
            }
            return Ask::Full;
        }
        if place.take().is_some() && room.granted > 0 {
            room.granted -= 1;
            room.reserved += 1;
            return Ask::Reserved;
        }
        if !is_full && room.senders.is_empty() {
            room.reserved += 1;
            return Ask::Reserved;
        }
        *place = fresh.take().map(|waker| room.senders.insert(waker));
        Ask::Full
    }

    /// Sets room aside for those who wait for it, as far as there is some; they are to be woken.
    pub(super) fn hand_out_room(&self) -> Option<Taken<Waker>> {
        lock(&self.back).hand_out_room()
    }

    /// Leaves a place in the row of senders; room that was set aside for it is handed out again.
    pub(super) fn stop_sending(&self, place: &mut Option<Key>) -> Option<Taken<Waker>> {
        let key = place.take()?;
        let mut back = lock(&self.back);
        let room = back.room.as_mut()?;
        let gone = room.senders.remove(key);
        if gone.is_none() && !mutant("keep_what_was_set_aside") {
            room.granted = room.granted.saturating_sub(1);
        }
        let woken = back.hand_out_room();
        drop(back);
        drop(gone);
        woken
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
        back.add(entry)
    }
}

impl<T> Back<T> {
    fn add(&mut self, entry: Entry<T>) -> Put<T> {
        self.entries.push_back(entry);
        if mutant("append_without_waking") {
            return Put::Done(None);
        }
        Put::Done(self.consumers.take_first())
    }

    fn begin_refill(&mut self) -> VecDeque<Entry<T>> {
        self.is_refilling = true;
        self.in_hand = self.entries.len();
        mem::take(&mut self.entries)
    }

    /// Registers `fresh` as one who waits; or puts it in the place of the waker that is there.
    fn wait(&mut self, place: &mut Option<Key>, fresh: &mut Option<Waker>) {
        let registered = place.and_then(|key| self.consumers.get_mut(key));
        match (registered, fresh.as_mut()) {
            (Some(waker), Some(fresh)) => mem::swap(waker, fresh), // dropped outside the lock
            (Some(_), None) => {}
            (None, _) => *place = fresh.take().map(|waker| self.consumers.insert(waker)),
        }
    }

    fn leave(&mut self, place: &mut Option<Key>) -> Option<Waker> {
        self.consumers.remove(place.take()?)
    }

    fn push(&mut self, entry: Entry<T>, end: End) {
        match end {
            End::Back => self.entries.push_back(entry),
            End::Front => self.entries.push_front(entry),
        }
    }

    /// Sets room aside for as many as wait and fit.
    fn hand_out_room(&mut self) -> Option<Taken<Waker>> {
        let free = self.free();
        let room = self.room.as_mut()?;
        let mut woken = Waiters::default();
        for _ in 0..free {
            let Some(sender) = room.senders.take_first() else {
                break;
            };
            room.granted += 1;
            woken.insert(sender);
        }
        (!woken.is_empty()).then(|| woken.take())
    }

    /// For how many more there is room; of an unbounded queue zero, since nobody waits.
    fn free(&self) -> usize {
        let used = |room: &Room| self.entries.len() + room.reserved + room.granted;
        let free = |room: &Room| room.bound.saturating_sub(used(room));
        self.room.as_deref().map_or(0, free)
    }

    fn is_full(&self) -> bool {
        self.room.is_some() && self.free() == 0
    }

    fn put_bounded(&mut self, entry: Entry<T>, end: End) -> Put<T> {
        let is_full = self.is_full();
        let Some(room) = self.room.as_mut().filter(|_| is_full) else {
            self.push(entry, end);
            return Put::Done(self.consumers.take_first());
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
                let woken = self.consumers.take_first();
                match gone {
                    Some(gone) => Put::Instead(gone, woken),
                    None => Put::Done(woken),
                }
            }
            // Nobody waits here, and a call is never dropped.
            _ => {
                self.push(entry, end);
                Put::Done(self.consumers.take_first())
            }
        }
    }
}

/// Locks for a few instructions. Others that do so are done sooner than this thread could be put to
/// sleep and woken again: so it looks a few times before it sleeps.
#[inline]
fn lock_soon<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    #[cfg(not(any(windlass_loom, windlass_shuttle)))]
    for round in 0..LOOKS {
        if let Some(guard) = try_lock(mutex) {
            return guard;
        }
        for _ in 0..1 << round.min(6) {
            std::hint::spin_loop();
        }
    }
    lock(mutex)
}

/// How often a lock is looked at before the thread sleeps.
#[cfg(not(any(windlass_loom, windlass_shuttle)))]
const LOOKS: u32 = 16;

/// Gives memory back once most of a deque is empty.
pub(super) fn give_back<T>(entries: &mut VecDeque<T>) {
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
}
