//! [`Watch`]: the wait behind all others.

use std::task::{Context, Poll, ready};

use super::{Until, WaitSet, Waited};
use crate::{
    WaitSlot,
    ctx::yield_once,
    group::{Group, Then, Turn},
};

/// Watches the members of a set.
///
/// Every member gets a place of its own, which remembers that it was woken: what is done counts,
/// even if it is taken back before we look (an event that was cleared). Members that are looked at
/// are those that were not done before, from the first on, so that a wait for all looks at each
/// wake at one pending member, and is linear in all. It registers with those members that stay done
/// only when it comes to them.
pub(super) struct Watch {
    slots: Vec<Place>,
    /// All before this one are done.
    cursor: usize,
    has_yielded: bool,
    /// Of many that are watched for the first error, the pending ones: a wake costs the same with any
    /// number of them.
    crowd: Option<Box<Group<usize>>>,
    /// One of the crowd has failed.
    has_failed: bool,
}

/// Up to so many are all looked at at each wake, which costs little; of more each has a waker.
const FEW: usize = 30;

enum Place {
    Pending(WaitSlot),
    Done,
}

impl Watch {
    pub(super) fn new() -> Self {
        Watch {
            slots: Vec::new(),
            cursor: 0,
            has_yielded: false,
            crowd: None,
            has_failed: false,
        }
    }

    /// Looks at every member; the first time around this registers all.
    fn poll_each(&mut self, set: &impl WaitSet, cx: &mut Context<'_>) {
        self.slots
            .resize_with(set.size(), || Place::Pending(WaitSlot::default()));
        for index in self.cursor..self.slots.len() {
            self.poll_member(index, set, cx);
        }
    }

    /// Registers with those whose end may be taken back before the wait comes to them.
    fn begin_all(&mut self, set: &impl WaitSet, cx: &mut Context<'_>) {
        self.slots
            .resize_with(set.size(), || Place::Pending(WaitSlot::default()));
        for index in self.cursor..self.slots.len() {
            if !set.member(index).stays_done() {
                self.poll_member(index, set, cx);
            }
        }
    }

    fn poll_member(&mut self, index: usize, set: &impl WaitSet, cx: &mut Context<'_>) -> bool {
        if let Place::Pending(slot) = &mut self.slots[index] {
            if set.member(index).poll_done(slot, cx).is_ready() {
                self.slots[index] = Place::Done;
            }
        }
        self.is_done(index)
    }

    fn is_done(&self, index: usize) -> bool {
        matches!(self.slots[index], Place::Done)
    }

    pub(super) fn poll_all(&mut self, set: &impl WaitSet, cx: &mut Context<'_>) -> Poll<()> {
        if self.slots.len() < set.size() {
            self.begin_all(set, cx);
        }
        while self.cursor < self.slots.len() {
            if !self.poll_member(self.cursor, set, cx) {
                self.has_yielded = true;
                return Poll::Pending; // the member at the cursor will wake us
            }
            self.cursor += 1;
        }
        yield_once(&mut self.has_yielded, cx)
    }

    pub(super) fn poll_first(
        &mut self,
        set: &impl WaitSet,
        cx: &mut Context<'_>,
    ) -> Poll<Option<usize>> {
        self.poll_each(set, cx);
        let first = (0..self.slots.len()).find(|index| self.is_done(*index));
        if first.is_none() && !self.slots.is_empty() {
            self.has_yielded = true;
            return Poll::Pending; // whichever ends first will wake us
        }
        yield_once(&mut self.has_yielded, cx).map(|()| first)
    }

    pub(super) fn poll_until(
        &mut self,
        until: Until,
        set: &impl WaitSet,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        match until {
            Until::All => self.poll_all(set, cx),
            Until::First => self.poll_first(set, cx).map(|_| ()),
            Until::FirstError if set.size() > FEW => {
                if self.poll_crowd(set, cx).is_pending() {
                    self.has_yielded = true;
                    return Poll::Pending; // whichever ends next will wake us
                }
                yield_once(&mut self.has_yielded, cx)
            }
            Until::FirstError => {
                self.poll_each(set, cx);
                let has_failed = |index| self.is_done(index) && set.member(index).is_failed();
                if (0..self.slots.len()).any(has_failed) {
                    return yield_once(&mut self.has_yielded, cx);
                }
                self.poll_all(set, cx)
            }
        }
    }

    /// Ready when one of many has failed, or all are done.
    fn poll_crowd(&mut self, set: &impl WaitSet, cx: &mut Context<'_>) -> Poll<()> {
        let (slots, size) = (&mut self.slots, set.size());
        slots.resize_with(size, || Place::Pending(WaitSlot::default()));
        let crowd = self.crowd.get_or_insert_with(|| {
            let mut crowd = Group::new();
            crowd.line().append(&mut (0..size).collect());
            Box::new(crowd)
        });
        while !self.has_failed {
            let ended = ready!(crowd.poll_turns(cx, |index, cx, _| {
                let is_done = match &mut slots[*index] {
                    Place::Pending(slot) => set.member(*index).poll_done(slot, cx).is_ready(),
                    Place::Done => true,
                };
                Turn {
                    output: is_done.then_some(*index),
                    then: if is_done { Then::Over } else { Then::Wait },
                }
            }));
            let Some(index) = ended else { break };
            slots[index] = Place::Done;
            self.has_failed = set.member(index).is_failed();
        }
        Poll::Ready(())
    }

    /// What is done now, looked at or not; and what was, even if it was taken back since.
    pub(super) fn waited(&self, set: &impl WaitSet) -> Waited {
        let was_done = |index| matches!(self.slots.get(index), Some(Place::Done));
        let is_done = |index: &usize| was_done(*index) || set.member(*index).is_done();
        let (done, pending) = (0..set.size()).partition(is_done);
        Waited { done, pending }
    }
}
