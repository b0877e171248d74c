//! [`Placed`]: the sources of a merge in place, which the streamer polls.

use std::{
    collections::VecDeque,
    task::{Context, Poll},
};

use super::{
    driver::Driver,
    found::{Event, Found},
    running::{Outcome, Running, Slot, Turn as Did},
};
use crate::{
    Ctx, Error,
    group::{Group, Line, Then, Turn},
};

/// The sources that the streamer keeps: nothing here is shared, so nothing is locked.
///
/// A future takes a slot in its first turn, or is parked there until one is free: so nothing is
/// looked at before its turn.
pub(super) struct Placed<T, D: Driver> {
    group: Group<Running<T, D>>,
    slots: Slots,
}

/// How many futures may run, and do.
struct Slots {
    limit: usize,
    running: usize,
}

impl Slots {
    /// Whether the source may run.
    #[inline]
    fn admit<T, D: Driver>(&mut self, source: &mut Running<T, D>) -> bool {
        if self.limit == usize::MAX || !source.needs_slot() {
            return true; // without a limit none are counted
        }
        if self.running >= self.limit {
            return false;
        }
        self.running += 1;
        source.take_slot();
        true
    }

    /// Calls those that are parked, as far as there are slots.
    fn fill<T, D: Driver>(&mut self, line: &mut Line<Running<T, D>>) {
        while line.parked().is_some_and(|source| self.admit(source)) {
            line.call();
        }
    }

    #[inline(never)]
    fn free<T, D: Driver>(&mut self, line: &mut Line<Running<T, D>>) {
        self.running -= 1;
        self.fill(line);
    }
}

impl<T, D: Driver> Placed<T, D> {
    pub(super) fn new() -> Self {
        Placed {
            group: Group::new(),
            slots: Slots {
                limit: usize::MAX,
                running: 0,
            },
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.group.is_empty()
    }

    pub(super) fn set_limit(&mut self, limit: usize) {
        if self.slots.limit == limit {
            return;
        }
        if self.slots.limit == usize::MAX {
            // Those that run were not counted.
            for source in self.group.members() {
                if source.has_begun() && source.needs_slot() {
                    self.slots.running += 1;
                    source.take_slot();
                }
            }
        }
        self.slots.limit = limit;
        self.slots.fill(self.group.line());
    }

    pub(super) fn append(&mut self, sources: &mut VecDeque<Running<T, D>>) {
        self.group.line().append(sources);
    }

    pub(super) fn free_slot(&mut self) {
        self.slots.free(self.group.line());
    }

    /// Lets sources take turns until one has an item that `sort` leaves there; `None` if none is left.
    ///
    /// The caller has just seen that `ctx` goes on. Once it ends nothing more is pulled.
    ///
    /// What an item passes on its way from here to the consumer is inlined (`turn`, `sort`, `label`),
    /// and what is rare is not: an item is then written once, where it is read, and each copy that
    /// this saves costs as much as the source's turn.
    #[inline]
    pub(super) fn poll_next(
        &mut self,
        ctx: &Ctx<()>,
        cx: &mut Context<'_>,
        found: &mut Option<Found<T>>,
        mut sort: impl FnMut(&mut Running<T, D>, &mut Option<Found<T>>, Slot),
    ) -> Poll<Option<()>> {
        let slots = &mut self.slots;
        let mut turns = 0;
        self.group.poll_turns(cx, |source, cx, line| {
            turns += 1;
            if turns > 1 && ctx.is_done() {
                return Turn {
                    output: None,
                    then: Then::Again,
                };
            }
            if line.is_first_turn() && !slots.admit(source) {
                return Turn {
                    output: None,
                    then: Then::Park,
                };
            }
            let mut rare = Outcome::of(Then::Wait);
            let then = match source.turn(cx, found, &mut rare) {
                Did::Item => Then::Again,
                Did::Last => Then::Over,
                Did::Rare => {
                    if let Some(mut made) = rare.made {
                        made.greet_value();
                        line.insert(*made);
                    }
                    if rare.slot == Slot::Free {
                        slots.free(line);
                    }
                    *found = rare.found;
                    rare.then
                }
            };
            if found.is_some() {
                sort(source, found, rare.slot);
            }
            Turn {
                output: found.is_some().then_some(()),
                then,
            }
        })
    }

    /// Ends everything: each was interrupted.
    pub(super) fn interrupt(&mut self, why: &Error) -> VecDeque<Event<T>> {
        let mut ends = VecDeque::new();
        for mut source in self.group.take_all() {
            let Some(ended) = source.interrupt(|| why.clone()) else {
                continue;
            };
            self.slots.running -= usize::from(ended.slot == Slot::Free);
            ends.extend(ended.found.map(|found| source.event(found, ended.slot)));
        }
        ends
    }
}
