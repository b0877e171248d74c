//! [`Slots`]: a list whose members know their places.
//!
//! # Invariants
//!
//! 1. A member's place holds that member, for each member.
//! 2. `live` places are taken. The last one is, or there is none.
//! 3. Members stay in the order in which they came.
//! 4. At least a quarter of the places are taken, or there are at most [`SPARE`].
//!
//! A member that goes leaves its place empty instead of moving another one there: in a list of many
//! tasks that other one would be far from any cache. Empty places are closed up when there are too
//! many, or when the list would grow otherwise; either is paid for by those that went.

/// Up to this many places are left alone.
const SPARE: usize = 64;

/// A member of a list, which keeps its own place there. Written under the lock of the list only.
pub(super) trait Placed {
    fn set_place(&self, place: usize);
}

#[derive(Debug)]
pub(super) struct Slots<T> {
    places: Vec<Option<T>>,
    live: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots {
            places: Vec::new(),
            live: 0,
        }
    }
}

impl<T> Slots<T> {
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// How many places there are, empty ones included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(super) fn places(&self) -> usize {
        self.places.capacity()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.places.iter().flatten()
    }
}

impl<T: Placed> Slots<T> {
    pub(super) fn insert(&mut self, member: T) {
        if self.places.len() == self.places.capacity() {
            self.make_room();
        }
        member.set_place(self.places.len());
        self.places.push(Some(member));
        self.live += 1;
    }

    /// Takes a member out; the caller drops it outside the lock.
    pub(super) fn remove(&mut self, place: usize) -> Option<T> {
        let gone = self.places.get_mut(place)?.take()?;
        self.live -= 1;
        while self.places.last().is_some_and(Option::is_none) {
            self.places.pop();
        }
        if self.places.capacity() > SPARE && self.live < self.places.capacity() / 4 {
            self.close_up();
            self.places.shrink_to(self.live * 2);
        }
        Some(gone)
    }

    /// Closes up if half of the places are empty; else grows by a quarter, which costs a copy of
    /// the list now and then and leaves little unused.
    fn make_room(&mut self) {
        let len = self.places.len();
        if self.live <= len / 2 {
            self.close_up();
        } else {
            self.places.reserve_exact((len / 4).max(4));
        }
    }

    fn close_up(&mut self) {
        if self.live == self.places.len() {
            return;
        }
        self.places.retain(Option::is_some);
        for (place, member) in self.places.iter().flatten().enumerate() {
            member.set_place(place);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, rc::Rc};

    use super::{Placed, Slots};

    struct Member {
        name: u32,
        place: Cell<usize>,
    }

    impl Member {
        fn place(&self) -> usize {
            self.place.get()
        }
    }

    impl Placed for Rc<Member> {
        fn set_place(&self, place: usize) {
            self.place.set(place);
        }
    }

    fn member(name: u32) -> Rc<Member> {
        let place = Cell::new(usize::MAX);
        Rc::new(Member { name, place })
    }

    /// A list with members `0..n`, and the members.
    fn filled(n: u32) -> (Slots<Rc<Member>>, Vec<Rc<Member>>) {
        let members: Vec<_> = (0..n).map(member).collect();
        let mut slots = Slots::default();
        members
            .iter()
            .for_each(|member| slots.insert(Rc::clone(member)));
        (slots, members)
    }

    fn names(slots: &Slots<Rc<Member>>) -> Vec<u32> {
        slots.iter().map(|member| member.name).collect()
    }

    #[test]
    fn members_stay_in_order_and_are_found_whoever_goes() {
        let (mut slots, mut members) = filled(1000);
        let mut next = 1000;
        let mut random = 12_345_u64;
        for round in 0..20_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = (random >> 33) as usize % (members.len() + 1);
            if at < members.len() && (round % 3 != 0 || round > 10_000) {
                let gone = members.remove(at);
                let taken = slots.remove(gone.place()).expect("it is there");
                assert!(
                    Rc::ptr_eq(&taken, &gone),
                    "its place holds it, and nobody else"
                );
            } else {
                members.push(member(next));
                next += 1;
                slots.insert(Rc::clone(&members[members.len() - 1]));
            }
            assert_eq!(slots.len(), members.len());
        }
        let expected: Vec<u32> = members.iter().map(|member| member.name).collect();
        assert_eq!(names(&slots), expected);
    }

    #[test]
    fn memory_follows_the_members_and_not_the_traffic() {
        let (mut slots, members) = filled(1);
        for name in 0..10_000 {
            let passing = member(name);
            slots.insert(Rc::clone(&passing));
            slots.remove(passing.place());
        }
        assert!(slots.places.capacity() <= super::SPARE);
        let (mut slots, many) = filled(10_000);
        for gone in &many[..9_999] {
            slots.remove(gone.place());
        }
        assert!(slots.places.capacity() <= super::SPARE, "given back");
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
        assert!(
            slots.places.capacity() <= 2_600,
            "{}",
            slots.places.capacity()
        );
    }

    #[test]
    fn an_empty_place_gives_nothing() {
        let (mut slots, members) = filled(2);
        assert!(slots.remove(0).is_some());
        assert!(slots.remove(0).is_none(), "it went before");
        assert!(slots.remove(7).is_none(), "there is no such place");
        drop(members);
    }
}
