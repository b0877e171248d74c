//! [`Line`]: who is polled next.

use std::collections::VecDeque;

/// Who is polled next, in this order: first those in `fresh`, then those in `next`.
pub(crate) struct Line<M> {
    /// Members that came together when nobody stood in line.
    pub(super) fresh: VecDeque<M>,
    pub(super) next: VecDeque<Next<M>>,
    /// Members that must wait for their first poll until they are called.
    pub(super) parked: VecDeque<M>,
    /// How many members there are, also those that do not stand here.
    pub(super) len: usize,
    pub(super) is_first_turn: bool,
}

pub(super) enum Next<M> {
    Fresh(M),
    Lane(usize),
}

impl<M> Default for Line<M> {
    fn default() -> Self {
        Line {
            fresh: VecDeque::new(),
            next: VecDeque::new(),
            parked: VecDeque::new(),
            len: 0,
            is_first_turn: false,
        }
    }
}

impl<M> Line<M> {
    /// Whether whose turn it is has had none, or was parked.
    #[inline]
    pub(crate) fn is_first_turn(&self) -> bool {
        self.is_first_turn
    }

    /// Whether nobody stands in line.
    #[inline]
    pub(crate) fn is_idle(&self) -> bool {
        self.fresh.is_empty() && self.next.is_empty()
    }

    /// Adds a member, at the end.
    pub(crate) fn insert(&mut self, member: M) {
        self.len += 1;
        self.next.push_back(Next::Fresh(member));
    }

    /// Adds members, at the end; a crowd that finds nobody in line is not moved.
    pub(crate) fn append(&mut self, members: &mut VecDeque<M>) {
        self.len += members.len();
        if self.is_idle() {
            std::mem::swap(&mut self.fresh, members);
        } else {
            self.next.extend(members.drain(..).map(Next::Fresh));
        }
    }

    /// The member that has been parked for longest; its way back is `call`.
    pub(crate) fn parked(&mut self) -> Option<&mut M> {
        self.parked.front_mut()
    }

    /// Lets the member that has been parked for longest stand in line.
    pub(crate) fn call(&mut self) {
        let called = self.parked.pop_front();
        self.next.extend(called.map(Next::Fresh));
    }

    /// For how many members there is room.
    pub(super) fn room(&self) -> usize {
        self.fresh.capacity().max(self.next.capacity())
    }

    pub(super) fn shrink_to(&mut self, room: usize) {
        self.fresh.shrink_to(room);
        self.next.shrink_to(room);
        self.parked.shrink_to(room);
    }

    pub(super) fn pop(&mut self) -> Option<Next<M>> {
        if let Some(member) = self.fresh.pop_front() {
            return Some(Next::Fresh(member));
        }
        self.next.pop_front()
    }
}
