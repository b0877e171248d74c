//! Room in a bounded queue: what is reserved, what is set aside, who waits for it.

use std::{mem, task::Waker};

use super::{Core, End, Entry, Overflow, Put};
use crate::{
    registry::{Key, Taken},
    sync::mutant,
};

/// What a sender gets who asks for room.
pub(in crate::queue) enum Ask {
    Reserved,
    Full,
    Closed,
}

impl<T> Core<T> {
    /// Reserves room for one if there is some that nobody waits for.
    pub(in crate::queue) fn reserve(&self) -> Ask {
        let mut back = self.hold();
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
    pub(in crate::queue) fn reserve_or_wait(
        &self,
        place: &mut Option<Key>,
        fresh: &mut Option<Waker>,
    ) -> Ask {
        let mut back = self.hold();
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
    pub(in crate::queue) fn hand_out_room(&self) -> Option<Taken<Waker>> {
        self.hold().hand_out_room()
    }

    /// Leaves a place in the row of senders; room that was set aside for it is handed out again.
    pub(in crate::queue) fn stop_sending(&self, place: &mut Option<Key>) -> Option<Taken<Waker>> {
        let key = place.take()?;
        let mut back = self.hold();
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
    pub(in crate::queue) fn release(&self) {
        if let Some(room) = &mut self.hold().room {
            room.reserved = room.reserved.saturating_sub(1);
        }
    }

    /// Puts `entry` into the room that was reserved for it, unless the queue was closed meanwhile.
    pub(in crate::queue) fn fill(&self, entry: Entry<T>) -> Put<T> {
        let mut back = self.hold();
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
