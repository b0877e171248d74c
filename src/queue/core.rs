//! What is in a queue, behind one lock; no waker, no code of the user's.
//!
//! # Invariants
//!
//! 1. Entries are taken from the front in the order of the deque; each is taken once.
//! 2. `room.reserved` permits are out, and `room.granted` were set aside for senders who were woken
//!    and have not come yet. What is reserved or granted counts against the bound.
//! 3. Of the room of the deque at least a quarter is used, or it is at most [`SPARE`].
//! 4. `breaks` counts the breaks that were used up. A stream that has begun before the last of them
//!    has to end.

use std::{collections::VecDeque, fmt};

use super::Overflow;
use crate::sync::{Mutex, lock, try_lock};

/// Room for so many entries is left alone.
const SPARE: usize = 1024;

pub(super) enum Entry<T> {
    Item(T),
    Call(Box<dyn FnOnce() + Send>),
}

pub(super) struct Core<T>(Mutex<State<T>>);

struct State<T> {
    entries: VecDeque<Entry<T>>,
    breaks: u32,
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
    /// Taken out; so many are left.
    Entry(Entry<T>, usize),
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
        Core(Mutex::new(State {
            entries: VecDeque::new(),
            breaks: 0,
            is_closed: false,
            room: None,
        }))
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
        lock(&core.0).room = Some(Box::new(room));
        core
    }

    pub(super) fn set_overflow(&self, overflow: Overflow) {
        if let Some(room) = &mut lock(&self.0).room {
            room.overflow = overflow;
        }
    }

    pub(super) fn len(&self) -> usize {
        lock(&self.0).entries.len()
    }

    pub(super) fn is_closed(&self) -> bool {
        lock(&self.0).is_closed
    }

    pub(super) fn bound(&self) -> Option<usize> {
        Some(lock(&self.0).room.as_ref()?.bound)
    }

    pub(super) fn dropped(&self) -> u64 {
        lock(&self.0).room.as_ref().map_or(0, |room| room.dropped)
    }

    /// How many breaks were used up so far.
    pub(super) fn breaks(&self) -> u32 {
        lock(&self.0).breaks
    }

    /// Uses up a break.
    pub(super) fn count_break(&self) {
        let mut state = lock(&self.0);
        state.breaks = state.breaks.wrapping_add(1);
    }

    /// True if it was open.
    pub(super) fn close(&self) -> bool {
        !std::mem::replace(&mut lock(&self.0).is_closed, true)
    }

    /// Puts `entry` in, closed or not; what does not fit goes by the queue's policy.
    pub(super) fn put(&self, entry: Entry<T>, end: End) -> Put<T> {
        let mut state = lock(&self.0);
        if state.room.is_some() {
            return state.put_bounded(entry, end);
        }
        state.push(entry, end);
        Put::Done
    }

    /// Puts `entry` in unless the queue is closed, or full and its senders wait.
    pub(super) fn try_put(&self, entry: Entry<T>) -> Put<T> {
        let mut state = lock(&self.0);
        let waits = |room: &Room| room.overflow == Overflow::Wait;
        if state.is_closed || (state.is_full() && state.room.as_deref().is_some_and(waits)) {
            return Put::Refused(entry);
        }
        if state.room.is_some() {
            return state.put_bounded(entry, End::Back);
        }
        state.push(entry, End::Back);
        Put::Done
    }

    /// Takes what is at the front, for an iteration that began after `begun` breaks.
    pub(super) fn take(&self, begun: u32) -> Look<T> {
        let mut state = lock(&self.0);
        if state.breaks != begun {
            return Look::Broken;
        }
        state.take_any()
    }

    /// Takes what is at the front, whatever was broken off.
    pub(super) fn take_any(&self) -> Look<T> {
        lock(&self.0).take_any()
    }

    /// Takes out everything that is there.
    pub(super) fn take_all(&self) -> VecDeque<Entry<T>> {
        std::mem::take(&mut lock(&self.0).entries)
    }
}

impl<T> Core<T> {
    pub(super) fn debug(&self, debug: &mut fmt::DebugStruct<'_, '_>) {
        match try_lock(&self.0) {
            None => debug.field("state", &format_args!("<locked>")),
            Some(state) => debug
                .field("len", &state.entries.len())
                .field("is_closed", &state.is_closed)
                .field("bound", &state.room.as_ref().map(|room| room.bound)),
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
        let mut state = lock(&self.0);
        if state.is_closed {
            return Ask::Closed;
        }
        let is_full = others_wait || state.is_full();
        match &mut state.room {
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
        let mut state = lock(&self.0);
        if state.is_closed {
            return Ask::Closed;
        }
        match &mut state.room {
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
        let mut state = lock(&self.0);
        let is_full = state.is_full();
        match &mut state.room {
            Some(room) if !is_full => {
                room.granted += 1;
                true
            }
            _ => false,
        }
    }

    /// Takes room back that was set aside; false if none was.
    pub(super) fn take_grant_back(&self) -> bool {
        match &mut lock(&self.0).room {
            Some(room) if room.granted > 0 => {
                room.granted -= 1;
                true
            }
            _ => false,
        }
    }

    /// Gives reserved room back.
    pub(super) fn release(&self) {
        if let Some(room) = &mut lock(&self.0).room {
            room.reserved = room.reserved.saturating_sub(1);
        }
    }

    /// Puts `entry` into the room that was reserved for it, unless the queue was closed meanwhile.
    pub(super) fn fill(&self, entry: Entry<T>) -> Put<T> {
        let mut state = lock(&self.0);
        if let Some(room) = &mut state.room {
            room.reserved = room.reserved.saturating_sub(1);
        }
        if state.is_closed {
            return Put::Refused(entry);
        }
        if state.room.is_some() {
            return state.put_bounded(entry, End::Back);
        }
        state.push(entry, End::Back);
        Put::Done
    }
}

impl<T> State<T> {
    fn take_any(&mut self) -> Look<T> {
        match self.entries.pop_front() {
            Some(entry) => {
                self.give_back();
                Look::Entry(entry, self.entries.len())
            }
            None if self.is_closed => Look::Closed,
            None => Look::Empty,
        }
    }

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

    fn give_back(&mut self) {
        let room = self.entries.capacity();
        if room > SPARE && self.entries.len() < room / 4 {
            self.entries.shrink_to(room / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Core, End, Entry, Look, SPARE};
    use crate::sync::lock;

    #[test]
    fn the_room_of_a_burst_is_given_back() {
        let core = Core::new();
        for n in 0..1_000_000 {
            core.put(Entry::Item(n), End::Back);
        }
        for n in 0..1_000_000 {
            let Look::Entry(Entry::Item(taken), left) = core.take_any() else {
                panic!("{n} is there");
            };
            assert_eq!((taken, left), (n, 999_999 - n));
        }
        assert!(lock(&core.0).entries.capacity() <= SPARE);
    }
}
