//! What the tests of the lists list.

use std::{cell::Cell, rc::Rc};

use super::slots::Placed;

pub(super) struct Member {
    pub(super) name: u32,
    place: Cell<usize>,
}

impl Member {
    pub(super) fn place(&self) -> usize {
        self.place.get()
    }
}

impl Placed for Rc<Member> {
    fn set_place(&self, place: usize) {
        self.place.set(place);
    }
}

pub(super) fn member(name: u32) -> Rc<Member> {
    let place = Cell::new(usize::MAX);
    Rc::new(Member { name, place })
}
