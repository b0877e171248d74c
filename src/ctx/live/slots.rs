//! [`Slots`]: a list whose members know their places.
//!
//! # Invariants
//!
//! 1. A member's place holds that member, for each member.
//! 2. Members stay in the order in which they came.
//! 3. There is room for at most four times the members, or for a few.
//!
//! Most nodes have one task or one child: that one is inline. Once there were two, the list is a
//! [`Segments`] and stays one.

use super::segments::Segments;

/// A member of a list, which keeps its own place there. Written under the lock of the list only.
pub(crate) trait Placed {
    fn set_place(&self, place: usize);
}

#[derive(Debug, Default)]
pub(crate) enum Slots<T> {
    #[default]
    Empty,
    /// At place 0.
    One(T),
    Many(Box<Segments<T>>),
}

impl<T> Slots<T> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Slots::Empty => 0,
            Slots::One(_) => 1,
            Slots::Many(many) => many.len(),
        }
    }

    /// How many places there are, empty ones included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(crate) fn places(&self) -> usize {
        match self {
            Slots::Empty => 0,
            Slots::One(_) => 1,
            Slots::Many(many) => many.room(),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let (one, many) = match self {
            Slots::Empty => (None, None),
            Slots::One(member) => (Some(member), None),
            Slots::Many(many) => (None, Some(many)),
        };
        one.into_iter()
            .chain(many.into_iter().flat_map(|many| many.iter()))
    }

    /// Who is at `place`.
    #[inline]
    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        match self {
            Slots::Many(many) => many.get(place),
            Slots::One(member) if place == 0 => Some(member),
            _ => None,
        }
    }

    /// The place of the member with this id, where ids grow along the list.
    pub(crate) fn find(&self, id: u64, id_of: impl Fn(&T) -> u64) -> Option<usize> {
        match self {
            Slots::Empty => None,
            Slots::One(member) => (id_of(member) == id).then_some(0),
            Slots::Many(many) => many.find(id, id_of),
        }
    }
}

impl<T: Placed> Slots<T> {
    #[inline]
    pub(crate) fn insert(&mut self, member: T) {
        match self {
            Slots::Empty => {
                member.set_place(0);
                *self = Slots::One(member);
            }
            Slots::Many(many) => many.insert(member),
            Slots::One(_) => self.insert_second(member),
        }
    }

    #[cold]
    fn insert_second(&mut self, member: T) {
        let mut many = Box::new(Segments::default());
        if let Slots::One(first) = std::mem::take(self) {
            many.insert(first);
        }
        many.insert(member);
        *self = Slots::Many(many);
    }

    /// Takes a member out; the caller drops it outside the lock.
    #[inline]
    pub(crate) fn remove(&mut self, place: usize) -> Option<T> {
        match self {
            Slots::Many(many) => many.remove(place),
            Slots::One(_) if place == 0 => match std::mem::take(self) {
                Slots::One(member) => Some(member),
                _ => None,
            },
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::{
        super::kit::{Member, member},
        Slots,
    };

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
    fn an_empty_place_gives_nothing() {
        let (mut slots, members) = filled(2);
        assert!(slots.remove(0).is_some());
        assert!(slots.remove(0).is_none(), "it went before");
        assert!(slots.remove(7).is_none(), "there is no such place");
        drop(members);
    }
    #[test]
    fn one_comes_and_goes_without_a_list() {
        let (mut slots, members) = filled(1);
        assert!(matches!(slots, Slots::One(_)) && members[0].place() == 0);
        assert_eq!((slots.len(), names(&slots)), (1, vec![0]));
        assert!(slots.remove(1).is_none(), "there is no such place");
        assert!(slots.remove(0).is_some_and(|gone| gone.name == 0));
        assert!(slots.remove(0).is_none() && slots.len() == 0);
        slots.insert(member(1));
        slots.insert(member(2));
        assert_eq!(names(&slots), [1, 2]);
        let gone = [slots.remove(0), slots.remove(1), slots.remove(0)];
        assert_eq!(
            gone.map(|gone| gone.map(|gone| gone.name)),
            [Some(1), Some(2), None]
        );
        assert!(matches!(slots, Slots::Many(_)), "it stays one");
    }
}
