//! [`Segments`]: the list behind [`Slots`](super::slots::Slots), when it has had several members.
//!
//! # Invariants
//!
//! 1. A member's place holds that member, for each member.
//! 2. `live` places are taken. The last one is, or there is none.
//! 3. Members stay in the order in which they came.
//! 4. There is room for at most four times the members, or for [`SPARE`], and a segment.
//! 5. Every segment before the last one with places is full of places.
//!
//! A member that goes leaves its place empty instead of moving another one there: in a list of many
//! tasks that other one would be far from any cache. Empty places are closed up when there are too
//! many, or when the list would grow otherwise; either is paid for by those that went.
//!
//! A long list grows by segments, and none is ever copied to grow: with a hundred thousand tasks
//! that would cost more than all the rest here.

use super::slots::Placed;

/// Up to this many places are left alone.
const SPARE: usize = 64;

/// How many places are allocated together in a long list. The first segment begins small.
const SEGMENT: usize = 512;

#[derive(Debug)]
pub(crate) struct Segments<T> {
    head: Segment<T>,
    rest: Vec<Segment<T>>,
    places: usize,
    live: usize,
}

type Segment<T> = Vec<Option<T>>;

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Segments {
            head: Vec::new(),
            rest: Vec::new(),
            places: 0,
            live: 0,
        }
    }
}

impl<T> Segments<T> {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        let rest = self.rest.iter().flatten();
        self.head.iter().chain(rest).flatten()
    }

    /// Who is at `place`.
    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        let segment = match (place / SEGMENT).checked_sub(1) {
            None => &self.head,
            Some(at) => self.rest.get(at)?,
        };
        segment.get(place % SEGMENT)?.as_ref()
    }

    /// The place of the member with this id, where ids grow along the list: halves it, past what
    /// is empty.
    pub(super) fn find(&self, id: u64, id_of: impl Fn(&T) -> u64) -> Option<usize> {
        let (mut low, mut high) = (0, self.places);
        while low < high {
            let middle = low + (high - low) / 2;
            let taken = (middle..high).find_map(|place| Some((place, self.get(place)?)));
            match taken.map(|(place, member)| (place, id_of(member))) {
                Some((place, its)) if its == id => return Some(place),
                Some((place, its)) if its < id => low = place + 1,
                _ => high = middle,
            }
        }
        None
    }

    fn place_mut(&mut self, place: usize) -> Option<&mut Option<T>> {
        self.segment_mut(place)?.get_mut(place % SEGMENT)
    }

    /// The segment that has `place`, if it is there.
    fn segment_mut(&mut self, place: usize) -> Option<&mut Segment<T>> {
        match (place / SEGMENT).checked_sub(1) {
            None => Some(&mut self.head),
            Some(at) => self.rest.get_mut(at),
        }
    }

    /// For how many members there is room.
    pub(super) fn room(&self) -> usize {
        self.head.capacity() + self.rest.len() * SEGMENT
    }
}

impl<T: Placed> Segments<T> {
    pub(super) fn insert(&mut self, member: T) {
        let place = self.next_place();
        member.set_place(place);
        match self.segment_mut(place) {
            Some(segment) => segment.push(Some(member)),
            None => unreachable!("room was made"),
        }
        self.places += 1;
        self.live += 1;
    }

    /// Takes a member out; the caller drops it outside the lock.
    pub(super) fn remove(&mut self, place: usize) -> Option<T> {
        let gone = self.place_mut(place)?.take()?;
        self.live -= 1;
        if place + 1 == self.places {
            self.drop_empty_end();
        }
        if self.live < self.room() / 4 && self.room() > SPARE {
            self.close_up();
            self.give_back();
        }
        Some(gone)
    }

    /// Where the next member goes: there is room.
    fn next_place(&mut self) -> usize {
        let is_full = |segment: &mut Segment<T>| segment.len() == segment.capacity();
        let at = self.places;
        if self.segment_mut(at).is_none_or(is_full) {
            self.make_room();
        }
        self.places
    }

    /// Closes up if half of the places are empty; else grows, the first segment by a quarter.
    #[cold]
    fn make_room(&mut self) {
        if self.live <= self.places / 2 {
            self.close_up();
        }
        let len = self.head.len();
        if len < SEGMENT {
            if len == self.head.capacity() {
                self.head.reserve_exact((len / 4).max(4).min(SEGMENT - len));
            }
            return;
        }
        let place = self.places;
        if self.segment_mut(place).is_none() {
            self.rest.push(Vec::with_capacity(SEGMENT));
        }
    }

    /// Moves the members to the front, in their order.
    #[cold]
    fn close_up(&mut self) {
        let mut front = 0;
        for place in 0..self.places {
            let Some(member) = self.place_mut(place).and_then(Option::take) else {
                continue;
            };
            member.set_place(front);
            if let Some(free) = self.place_mut(front) {
                *free = Some(member);
            }
            front += 1;
        }
        self.drop_empty_end();
    }

    /// Takes the empty places at the end away. One segment stays for the next to come.
    fn drop_empty_end(&mut self) {
        while let Some(last) = self.places.checked_sub(1) {
            let Some(segment) = self.segment_mut(last) else {
                return;
            };
            if segment.last().is_none_or(Option::is_some) {
                break;
            }
            segment.pop();
            self.places = last;
        }
        let used = self.places.saturating_sub(1) / SEGMENT;
        self.rest.truncate(used + 1);
    }

    /// Gives back the room that the members, who are closed up, will not need soon.
    #[cold]
    fn give_back(&mut self) {
        let used = self.places.saturating_sub(1) / SEGMENT;
        self.rest.truncate(used);
        if used == 0 {
            self.rest.shrink_to_fit();
            self.head.shrink_to(self.live * 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{
        super::kit::{Member, member},
        Segments,
    };

    /// A list with members `0..n`, and the members.
    fn filled(n: u32) -> (Segments<Rc<Member>>, Vec<Rc<Member>>) {
        let members: Vec<_> = (0..n).map(member).collect();
        let mut slots = Segments::default();
        members
            .iter()
            .for_each(|member| slots.insert(Rc::clone(member)));
        (slots, members)
    }

    fn names(slots: &Segments<Rc<Member>>) -> Vec<u32> {
        slots.iter().map(|member| member.name).collect()
    }

    #[test]
    fn memory_follows_the_members_and_not_the_traffic() {
        let (mut slots, members) = filled(1);
        for name in 0..10_000 {
            let passing = member(name);
            slots.insert(Rc::clone(&passing));
            slots.remove(passing.place());
        }
        assert!(slots.room() <= super::SPARE);
        let (mut slots, many) = filled(10_000);
        for gone in &many[..9_999] {
            slots.remove(gone.place());
        }
        assert!(slots.room() <= super::SPARE, "given back");
        assert_eq!(names(&slots), [9_999]);
        drop(members);
    }

    #[test]
    fn a_queue_of_members_needs_no_more_room_than_twice_its_length() {
        let (mut slots, members) = filled(1_000);
        let mut queue = std::collections::VecDeque::from(members);
        for name in 0..100_000 {
            let first = queue.pop_front().expect("a thousand are in it");
            slots.remove(first.place());
            queue.push_back(member(name));
            slots.insert(Rc::clone(&queue[999]));
        }
        assert!(slots.room() <= 2_600, "{}", slots.room());
    }

    #[test]
    fn a_list_of_any_length_grows_and_shrinks_over_the_bounds_of_its_segments() {
        for length in 500..1_100 {
            let (mut slots, members) = filled(length);
            assert!(slots.room() <= length as usize + 2 * super::SEGMENT);
            // Back and forth over the end, which may be a bound.
            for _ in 0..3 {
                let last = slots.remove(members[length as usize - 1].place());
                slots.insert(last.expect("it is there"));
            }
            assert_eq!(names(&slots), (0..length).collect::<Vec<_>>());
            for gone in members.iter().rev() {
                let taken = slots.remove(gone.place()).expect("it is there");
                assert!(Rc::ptr_eq(&taken, gone));
            }
            assert!(slots.room() <= super::SPARE, "{} are kept", slots.room());
        }
    }

    #[test]
    fn the_first_segment_grows_from_any_capacity() {
        for capacity in 0..=super::SEGMENT {
            let mut slots = Segments::default();
            slots.head.reserve_exact(capacity);
            (0..600).for_each(|name| slots.insert(member(name)));
            assert_eq!(names(&slots), (0..600).collect::<Vec<_>>());
        }
    }
}
