//! Taking out: from the front, from the back, and moving what is in the back to the front.

use std::{collections::VecDeque, mem, task::Waker};

use super::{Core, Entry, FEW, Look, SPARE, give_back, held::lock_late, pop_item};
use crate::{
    registry::{Key, Taken},
    sync::{Ordering, lock, mutant},
};

impl<T> Core<T> {
    /// Whether there seems to be nothing to take; a look under the lock is certain.
    #[inline]
    pub(in crate::queue) fn seems_empty(&self) -> bool {
        // Acquire: partner of the Release in `Held` and `take_front`.
        self.front.len.load(Ordering::Acquire) == 0 && !self.is_behind.load(Ordering::Acquire)
    }

    /// Takes what comes first, if that is an item which can be had under one lock, of a queue without
    /// a bound. A consumer that waits at `place` leaves it with the item.
    #[inline]
    pub(in crate::queue) fn take_item(&self, place: &mut Option<Key>) -> Option<T> {
        if self.front.len.load(Ordering::Acquire) > 0 {
            return self.take_item_in_front(place);
        }
        if self.is_behind.load(Ordering::Acquire) {
            self.take_item_behind(place)
        } else {
            None
        }
    }

    #[inline]
    fn take_item_in_front(&self, place: &Option<Key>) -> Option<T> {
        if place.is_some() {
            return None; // it is left under the other lock
        }
        let mut front = lock(&self.front.entries);
        let item = pop_item(&mut front)?;
        self.front.len.store(front.len(), Ordering::Release);
        Some(item)
    }

    #[inline]
    fn take_item_behind(&self, place: &mut Option<Key>) -> Option<T> {
        let mut back = lock_late(&self.back); // not `Held`: nothing is put in
        let is_front_empty = !back.is_refilling && self.front.len.load(Ordering::Acquire) == 0;
        let is_front_empty = is_front_empty || mutant("take_past_the_front");
        let is_many = back.entries.len() > FEW; // a refill
        if !is_front_empty || is_many || back.room.is_some() {
            return None;
        }
        let item = pop_item(&mut back.entries)?;
        if place.is_some() {
            let gone = back.leave(place);
            // It will wait again, and need not look before. Who finds an item at each look leaves
            // the flag as it is.
            if back.entries.is_empty() {
                self.is_behind.store(false, Ordering::Relaxed);
            }
            drop(back);
            drop(gone);
        }
        Some(item)
    }

    /// Takes what comes first, for an iteration that began after `begun` breaks; `None` for one that
    /// no break ends. `place` is where it waits, if it does: it leaves that place with an entry. If
    /// there is none, it waits there with `fresh`. One that has a `hand`, which is empty, takes what is
    /// behind that entry along.
    #[inline]
    pub(in crate::queue) fn take(
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
        let mut back = self.hold_late();
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
            back.wait(place, fresh); // it will wake us, or others in our place, when it is done
            back.turned_away += usize::from(place.is_some());
            return Some(Look::Moving);
        }
        let Some(entry) = back.entries.pop_front() else {
            back.publish_if_empty();
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
                let woken = self.refill(hand);
                let woken = (!woken.is_empty()).then(|| Box::new(woken));
                return Some(Look::Refilled(entry, woken));
            }
        }
        back.publish_if_empty();
        drop(back);
        drop(gone);
        Some(Look::Entry(entry))
    }

    /// Leaves a place in the row of consumers. If it was woken for something that is still there, the
    /// next one is to be woken.
    pub(in crate::queue) fn stop_waiting(&self, place: &mut Option<Key>) -> Option<Waker> {
        if place.is_none() {
            return None;
        }
        let mut back = self.hold();
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
    fn refill(&self, hand: VecDeque<Entry<T>>) -> Taken<Waker> {
        let mut spare = self.add_to_front(hand);
        loop {
            let mut back = self.hold();
            let firsts = mem::take(&mut back.firsts);
            if firsts.is_empty() || mutant("forget_what_was_put_first") {
                back.is_refilling = false;
                if back.entries.capacity() == 0 {
                    mem::swap(&mut back.entries, &mut spare);
                }
                let left = self.len_with(&back);
                let many = left.min(back.turned_away.max(1));
                return back.take_consumers(many);
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
    /// woken then: those who were woken for it have found nothing.
    pub(in crate::queue) fn put_back(&self, mut hand: VecDeque<Entry<T>>) -> Taken<Waker> {
        let many = hand.len();
        let mut front = lock(&self.front.entries);
        hand.append(&mut front);
        *front = hand;
        self.front.len.store(front.len(), Ordering::Release);
        drop(front);
        self.hold().take_consumers(many)
    }

    /// Takes out everything that is there, but for what another consumer is just moving.
    pub(in crate::queue) fn take_all(&self) -> VecDeque<Entry<T>> {
        let mut all = VecDeque::new();
        loop {
            if self.front.len.load(Ordering::Acquire) > 0 {
                let mut front = lock(&self.front.entries);
                all.append(&mut front);
                self.front.len.store(0, Ordering::Release);
            }
            let mut back = self.hold();
            if back.is_refilling || self.front.len.load(Ordering::Acquire) == 0 {
                all.append(&mut back.entries);
                back.entries = VecDeque::new();
                return all;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::{Core, Entry, Look};

    /// Of those who had come for what a refill had in hand one was woken afterwards. The others waited
    /// on, beside items, if that one took a single item and went.
    #[test]
    fn all_whom_a_refill_turned_away_are_woken_as_far_as_there_is_something() {
        for (left, woken) in [(0, 0), (1, 1), (2, 2), (9, 3)] {
            let core = Core::new();
            (0..9).for_each(|n| drop(core.put(Entry::Item(n))));
            let hand = core.hold().begin_refill();
            let mut places = [None; 4];
            for place in &mut places[..3] {
                let look = core.take(None, place, &mut Some(Waker::noop().clone()), None);
                assert!(matches!(look, Look::Moving));
            }
            let hand = hand.into_iter().take(left).collect(); // others have taken the rest
            assert_eq!(core.refill(hand).into_iter().count(), woken, "{left}");
        }
    }

    #[test]
    fn those_are_woken_too_who_were_turned_away_and_came_for_what_is_in_the_back() {
        let core = Core::new();
        let hand = core.hold().begin_refill();
        drop(core.put(Entry::Item(1)));
        let look = core.take(None, &mut None, &mut Some(Waker::noop().clone()), None);
        assert!(matches!(look, Look::Moving));
        assert_eq!(core.refill(hand).into_iter().count(), 1);
    }
}
