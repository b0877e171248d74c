//! A group of members polled in place, by whoever polls the group.
//!
//! A member that is ready at its first poll costs no allocation here, nor does one that yields before
//! it is: only one that waits for others is given a lane of its own, which is used again, with its
//! waker. Until then a member lies in the line, and has its turns with the waker of an empty lane.
//!
//! # Invariants
//!
//! 1. What is to be polled stands in one [`Line`], new members and woken ones as they come: each
//!    of the members that are always ready gets the same share.
//! 2. A lane stands in the line at most once (`in_line`). A wake costs the same with any number of
//!    idle members: it pushes one index, once until the index is taken (`is_woken`).
//! 3. `is_woken` is cleared before the poll that the wake asks for: a wake from then on pushes again,
//!    so none is lost. A late wake of a lane that was given to another member is one idle poll.
//! 4. A member that wakes itself while it is polled, as one does that yields, is only noted
//!    ([`Polling`]), and stands in line again afterwards. Without a lane of its own it may have given
//!    away the waker of one that is another's by then: see 3; its next turn gives it a new one.

mod line;
mod wake;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use futures::task::waker_ref;

pub(crate) use self::line::Line;
use self::{
    line::Next,
    wake::{Polling, Signal, Woken},
};
use crate::sync::{Arc, Ordering, lock};

/// After so many polls in one call the group lets the executor go on.
const BUDGET: usize = 128;

/// So many empty lanes are kept at least.
const KEPT: usize = 16;

/// Members that are polled by whoever polls the group. They may borrow and need not be `Send`.
///
/// Members contain their own panics; one that unwinds leaves the group usable.
pub(crate) struct Group<M> {
    lanes: Vec<Lane<M>>,
    /// Lanes to fill again.
    free: Vec<usize>,
    line: Line<M>,
    woken: Arc<Woken>,
    /// Taken from `woken` and given back empty, so that neither allocates again.
    spare: Vec<usize>,
}

struct Lane<M> {
    member: Option<M>,
    in_line: bool,
    signal: Arc<Signal>,
}

/// What a member did when it was polled.
pub(crate) struct Turn<T> {
    pub(crate) output: Option<T>,
    pub(crate) then: Then,
}

pub(crate) enum Then {
    /// It will wake us.
    Wait,
    /// To the end of the line.
    Again,
    /// It was not polled, and waits until it is called; only in a first turn.
    Park,
    /// It is over, and dropped.
    Over,
}

impl Then {
    /// Whether the member stands in line again.
    #[inline]
    fn goes_on(&self, polling: &Polling) -> bool {
        match self {
            Then::Again => true,
            Then::Wait => polling.was_woken(),
            Then::Park | Then::Over => false,
        }
    }
}

impl<M> Lane<M> {
    fn new(woken: &Arc<Woken>, lane: usize) -> Self {
        Lane {
            member: None,
            in_line: false,
            signal: Signal::new(woken, lane),
        }
    }
}

impl<M> Group<M> {
    pub(crate) fn new() -> Self {
        Group {
            lanes: Vec::new(),
            free: Vec::new(),
            line: Line::default(),
            woken: Arc::default(),
            spare: Vec::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.line.len == 0
    }

    /// Where members are added.
    pub(crate) fn line(&mut self) -> &mut Line<M> {
        &mut self.line
    }

    /// All members, but for those that are parked.
    pub(crate) fn members(&mut self) -> impl Iterator<Item = &mut M> {
        let next = self.line.next.iter_mut().filter_map(|next| match next {
            Next::Fresh(member) => Some(member),
            Next::Lane(_) => None,
        });
        let waiting = self
            .lanes
            .iter_mut()
            .filter_map(|lane| lane.member.as_mut());
        waiting.chain(&mut self.line.fresh).chain(next)
    }

    /// Polls members in line, with `poll`, until one has an output; `None` if there are no members.
    /// `poll` may add members.
    ///
    /// While it is pending, a member's wake wakes `cx`.
    #[inline]
    pub(crate) fn poll_turns<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut poll: impl FnMut(&mut M, &mut Context<'_>, &mut Line<M>) -> Turn<T>,
    ) -> Poll<Option<T>> {
        for _ in 0..BUDGET {
            if self.is_empty() {
                return Poll::Ready(None);
            }
            self.line_up();
            let next = match self.line.pop() {
                Some(next) => next,
                None if self.is_quiet(cx) => return Poll::Pending,
                None => continue,
            };
            let output = self.turn(next, &mut poll);
            if output.is_some() {
                return Poll::Ready(output);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes the woken lanes into the line.
    #[inline]
    fn line_up(&mut self) {
        if self.woken.has_any.load(Ordering::Acquire) {
            self.take_woken();
        }
    }

    fn take_woken(&mut self) {
        let mut woken = lock(&self.woken.lanes);
        self.woken.has_any.store(false, Ordering::Release);
        std::mem::swap(&mut *woken, &mut self.spare);
        drop(woken);
        for index in self.spare.drain(..) {
            let Some(lane) = self.lanes.get_mut(index) else {
                continue;
            };
            lane.signal.is_woken.store(false, Ordering::Release);
            if lane.member.is_some() && !lane.in_line {
                lane.in_line = true;
                self.line.next.push_back(Next::Lane(index));
            }
        }
        if self.spare.capacity() > 4 * self.line.len.max(KEPT) {
            self.spare = Vec::new();
        }
    }

    /// Registers, then looks once more: whoever wakes a member after that look wakes `cx`.
    fn is_quiet(&self, cx: &mut Context<'_>) -> bool {
        self.woken.parent.register(cx.waker());
        !self.woken.has_any.load(Ordering::Acquire)
    }

    /// One turn. In its first one a member lies here, with the waker of an empty lane, and gets that
    /// lane only if it goes on.
    #[inline]
    fn turn<T>(
        &mut self,
        next: Next<M>,
        poll: &mut impl FnMut(&mut M, &mut Context<'_>, &mut Line<M>) -> Turn<T>,
    ) -> Option<T> {
        let (index, mut fresh) = match next {
            Next::Lane(index) => (index, None),
            Next::Fresh(member) => (self.vacancy(), Some(member)),
        };
        self.line.is_first_turn = fresh.is_some();
        let lane = self.lanes.get_mut(index)?;
        lane.in_line = false;
        let member = match &mut fresh {
            Some(member) => {
                self.line.len -= 1; // if it unwinds, it goes
                member
            }
            None => lane.member.as_mut()?,
        };
        let waker = waker_ref(&lane.signal);
        let mut cx = Context::from_waker(&waker);
        let polling = Polling::lane(&lane.signal);
        let Turn { output, then } = poll(member, &mut cx, &mut self.line);
        let goes_on = then.goes_on(&polling);
        drop(polling);
        if let Some(member) = fresh {
            self.settle(index, member, then, goes_on);
        } else if goes_on {
            lane.in_line = true;
            self.line.next.push_back(Next::Lane(index));
        } else if !matches!(then, Then::Wait) {
            self.leave(index);
        }
        output
    }

    /// What becomes of a member after its first turn.
    #[inline]
    fn settle(&mut self, index: usize, member: M, then: Then, goes_on: bool) {
        match then {
            Then::Over => {
                drop(member);
                return self.tidy();
            }
            Then::Park => self.line.parked.push_back(member),
            // It yields: the waker it has is forgotten, and it gets another one in its next turn.
            Then::Wait if goes_on => self.line.next.push_back(Next::Fresh(member)),
            Then::Again | Then::Wait => {
                self.free.pop(); // it is the last one there
                let lane = &mut self.lanes[index];
                lane.member = Some(member);
                lane.in_line = goes_on;
                if goes_on {
                    self.line.next.push_back(Next::Lane(index));
                }
            }
        }
        self.line.len += 1;
    }

    /// Takes a member that is over out of its lane.
    fn leave(&mut self, index: usize) {
        let member = self.lanes[index].member.take();
        self.line.len -= usize::from(member.is_some());
        self.free.push(index);
        self.tidy();
        drop(member);
    }

    /// An empty lane, the last one that is noted.
    fn vacancy(&mut self) -> usize {
        while let Some(&index) = self.free.last() {
            let lane = self.lanes.get(index);
            if lane.is_some_and(|lane| lane.member.is_none()) {
                return index;
            }
            self.free.pop();
        }
        let index = self.lanes.len();
        self.lanes.push(Lane::new(&self.woken, index));
        self.free.push(index);
        index
    }

    /// Makes room when few lanes are used.
    #[inline]
    fn tidy(&mut self) {
        let enough = 2 * self.line.len.max(KEPT / 2);
        if self.lanes.len() > 2 * enough || self.line.room() > 8 * enough {
            self.cut(enough);
        }
    }

    /// Cuts all lanes but the first `enough`, and the room that lists had for them. It pays for
    /// itself: at least as many members have gone.
    fn cut(&mut self, enough: usize) {
        let is_cut = |next: &Next<M>| matches!(next, Next::Lane(lane) if *lane >= enough);
        self.line.next.retain(|next| !is_cut(next));
        self.free.retain(|lane| *lane < enough);
        for lane in self.lanes.split_off(enough.min(self.lanes.len())) {
            if let Some(member) = lane.member {
                self.rehome(member);
            }
        }
        self.lanes.shrink_to(enough);
        self.free.shrink_to(enough);
        self.line.shrink_to(enough);
    }

    /// Gives a member another lane. It is polled once more: the waker it has is that of the old one.
    fn rehome(&mut self, member: M) {
        let index = self.vacancy();
        self.free.pop();
        let lane = &mut self.lanes[index];
        lane.member = Some(member);
        lane.in_line = true;
        self.line.next.push_back(Next::Lane(index));
    }

    /// Takes all members out: those that wait, then those in line for their first turn, then those
    /// that are parked.
    pub(crate) fn take_all(&mut self) -> impl Iterator<Item = M> + use<M> {
        self.free = Vec::new();
        let lanes = std::mem::take(&mut self.lanes);
        let line = std::mem::take(&mut self.line);
        let next = line.next.into_iter().filter_map(|next| match next {
            Next::Fresh(member) => Some(member),
            Next::Lane(_) => None,
        });
        let waiting = lanes.into_iter().filter_map(|lane| lane.member);
        waiting.chain(line.fresh).chain(next).chain(line.parked)
    }
}

impl<M: Future + Unpin> Group<M> {
    /// The output of the next future that ends; `None` if there are none.
    ///
    /// While it is pending, a member's wake wakes `cx`.
    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<M::Output>> {
        self.poll_turns(cx, |member, cx, _| match Pin::new(member).poll(cx) {
            Poll::Ready(output) => Turn {
                output: Some(output),
                then: Then::Over,
            },
            Poll::Pending => Turn {
                output: None,
                then: Then::Wait,
            },
        })
    }
}
#[cfg(test)]
mod tests;
