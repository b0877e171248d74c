//! The back of a queue: what is done under its lock.

use std::{collections::VecDeque, mem, task::Waker};

use super::{Back, End, Entry, Overflow, Put, Room};
use crate::{
    registry::{Key, Taken},
    status::Waiters,
    sync::mutant,
};

impl<T> Back<T> {
    #[inline]
    pub(super) fn add(&mut self, entry: Entry<T>) -> Put<T> {
        self.entries.push_back(entry);
        if self.consumers.is_empty() || mutant("append_without_waking") {
            return Put::Done(None);
        }
        Put::Done(self.consumers.take_first())
    }

    pub(super) fn begin_refill(&mut self) -> VecDeque<Entry<T>> {
        self.is_refilling = true;
        self.in_hand = self.entries.len();
        self.turned_away = 0;
        mem::take(&mut self.entries)
    }

    /// Registers `fresh` as one who waits; or puts it in the place of the waker that is there.
    pub(super) fn wait(&mut self, place: &mut Option<Key>, fresh: &mut Option<Waker>) {
        let registered = place.and_then(|key| self.consumers.get_mut(key));
        match (registered, fresh.as_mut()) {
            (Some(waker), Some(fresh)) => mem::swap(waker, fresh), // dropped outside the lock
            (Some(_), None) => {}
            (None, _) => *place = fresh.take().map(|waker| self.consumers.insert(waker)),
        }
    }

    /// Takes up to `many` of those who wait out of their row, to be woken.
    pub(super) fn take_consumers(&mut self, many: usize) -> Taken<Waker> {
        let mut woken = Waiters::default();
        for _ in 0..many {
            let Some(consumer) = self.consumers.take_first() else {
                break;
            };
            woken.insert(consumer);
        }
        woken.take()
    }

    pub(super) fn leave(&mut self, place: &mut Option<Key>) -> Option<Waker> {
        self.consumers.remove(place.take()?)
    }

    pub(super) fn push(&mut self, entry: Entry<T>, end: End) {
        match end {
            End::Back => self.entries.push_back(entry),
            End::Front => self.entries.push_front(entry),
        }
    }

    /// Sets room aside for as many as wait and fit.
    pub(super) fn hand_out_room(&mut self) -> Option<Taken<Waker>> {
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
    pub(super) fn free(&self) -> usize {
        let used = |room: &Room| self.entries.len() + room.reserved + room.granted;
        let free = |room: &Room| room.bound.saturating_sub(used(room));
        self.room.as_deref().map_or(0, free)
    }

    pub(super) fn is_full(&self) -> bool {
        self.room.is_some() && self.free() == 0
    }

    pub(super) fn put_bounded(&mut self, entry: Entry<T>, end: End) -> Put<T> {
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
