//! When a ticker ticks: pure integer arithmetic, without timer, waker or I/O.
//!
//! Instants are nanoseconds since the ticker's start on the timer's own clock. They saturate at
//! [`NEVER`], 584 years, which no clock reaches.
//!
//! A *slot* is an instant at which a tick is planned. The slots of a schedule are `last + k *
//! every`; jitter makes the tick *due* somewhat later within its slot, without moving any slot.
//!
//! # States
//!
//! * *fresh*, until the first tick: slot 0 is planned, `iteration` is 0, a one-shot change waits
//!   in `once`;
//! * *aimed*, after each tick: `slot` is planned, its tick is due at `due`, and comes no earlier
//!   than `floor`;
//! * *held*, a mark on either: a pauser was found closed since the last tick;
//! * *ended*, for good.
//!
//! # Invariants
//!
//! 1. `last <= now` at each tick: the slot of the last tick is never later than that tick, so
//!    what is measured from it is measured from the past.
//! 2. `slot <= due < slot + every` (or `slot == due`): a jittered tick stays within its slot.
//! 3. Each tick takes at least one slot, and none is taken twice, whatever the timer does: a tick
//!    needs `now >= due`, and the next slot is later than the last, unless a change or a zero
//!    period asks for the same instant again.
//! 4. Two ticks are at least `min_wait` apart: a tick needs `now >= floor`.
//! 5. A wait is for an instant later than `now`; at that instant the answer is another one.
//! 6. Every step takes constant time, however many slots have passed.

use std::time::Duration;

use super::{jitter::Jitter, missed::MissedTicks, tick::Tick};

#[cfg(test)]
mod edges;
#[cfg(test)]
mod model;
#[cfg(test)]
mod played;
#[cfg(test)]
mod timelines;

/// The instant that is never reached.
const NEVER: u64 = u64::MAX;

/// Up to this much lateness is the timer's; only more of it delays a schedule.
const TOLERANCE: u64 = 5_000_000;

/// The time from one tick to the next, unless asked for less.
const MIN_WAIT: u64 = 100_000_000;

/// The schedule of one ticker.
#[derive(Debug)]
pub(super) struct Schedule {
    every: u64,
    min_wait: u64,
    missed: MissedTicks,
    jitter: Jitter,
    max_iterations: u64,
    max_time: u64,

    iteration: u64,
    /// The slot of the last tick.
    last: u64,
    /// No tick before this: that of the last one and the minimum wait.
    floor: u64,
    /// The slot of the next tick.
    slot: u64,
    /// When within that slot.
    due: u64,
    /// How long the first interval is to be, if that was asked for before the first tick.
    once: Option<u64>,
    /// Whether the next tick was held back by a pauser.
    held: bool,
    ended: bool,
}

/// What a ticker is to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Yield this tick.
    Tick(Tick),
    /// Nothing until this long after the start; `None`: until something else happens.
    Wait(Option<Duration>),
    /// End.
    End,
}

// ===== impl Schedule =====

impl Schedule {
    pub(super) fn new(every: Duration) -> Self {
        Schedule {
            every: nanos(every),
            min_wait: MIN_WAIT,
            missed: MissedTicks::Skip,
            jitter: Jitter::NONE,
            max_iterations: NEVER,
            max_time: NEVER,
            iteration: 0,
            last: 0,
            floor: 0,
            slot: 0,
            due: 0,
            once: None,
            held: false,
            ended: false,
        }
    }

    pub(super) fn set_max_iterations(&mut self, n: u64) {
        self.max_iterations = n;
    }

    pub(super) fn set_max_time(&mut self, d: Duration) {
        self.max_time = nanos(d);
    }

    pub(super) fn set_min_wait(&mut self, d: Duration) {
        self.min_wait = nanos(d);
    }

    pub(super) fn set_missed(&mut self, missed: MissedTicks) {
        self.missed = missed;
    }

    pub(super) fn set_jitter(&mut self, jitter: Jitter) {
        self.jitter = jitter;
    }

    /// How many ticks there were.
    pub(super) fn iteration(&self) -> u64 {
        self.iteration
    }

    pub(super) fn every(&self) -> Duration {
        Duration::from_nanos(self.every)
    }

    /// What to do `now`, which is counted from the start.
    #[inline]
    pub(super) fn step(&mut self, now: Duration, is_paused: bool) -> Step {
        let now = nanos(now).min(NEVER - 1);
        self.ended = self.is_ended() || now >= self.max_time;
        if self.ended {
            return Step::End;
        }
        if is_paused {
            self.held = true;
            return self.wait_until(NEVER);
        }
        let ready = self.ready();
        if now < ready {
            return self.wait_until(ready);
        }
        Step::Tick(self.tick(now))
    }

    /// Whether there will be no more ticks, as far as that is known without looking at the clock.
    pub(super) fn is_ended(&self) -> bool {
        self.ended || self.iteration >= self.max_iterations
    }

    /// Whether ticks follow each other without any time between them.
    pub(super) fn is_endless_burst(&self) -> bool {
        self.every == 0 && self.min_wait == 0
    }

    /// From here on `every` apart, counted from the slot of the last tick.
    pub(super) fn change_after(&mut self, every: Duration) {
        self.every = nanos(every);
        self.once = None;
        if self.iteration > 0 {
            self.aim(self.next_slot());
        }
    }

    /// The next tick `distance` after the slot of the last one, the others as usual from there.
    pub(super) fn change_once(&mut self, distance: Duration) {
        let distance = nanos(distance);
        if self.iteration == 0 {
            self.once = Some(distance);
        } else {
            self.aim(self.last.saturating_add(distance));
        }
    }

    /// The earliest instant at which the next tick may come.
    fn ready(&self) -> u64 {
        self.due.max(self.floor)
    }

    fn wait_until(&self, instant: u64) -> Step {
        match instant.min(self.max_time) {
            NEVER => Step::Wait(None),
            instant => Step::Wait(Some(Duration::from_nanos(instant))),
        }
    }

    #[inline]
    fn tick(&mut self, now: u64) -> Tick {
        self.iteration = self.iteration.saturating_add(1);
        self.last = self.slot_taken_at(now);
        self.floor = now.saturating_add(self.min_wait);
        self.held = false;
        let next = match self.once.take() {
            Some(distance) => self.last.saturating_add(distance),
            None => self.next_slot(),
        };
        self.aim(next);
        Tick {
            iteration: self.iteration,
            until_next: match self.ready() {
                NEVER => Duration::MAX,
                ready => duration(ready - now),
            },
        }
    }

    #[inline]
    fn aim(&mut self, slot: u64) {
        self.slot = slot;
        self.due = self.due_in(slot);
    }

    #[inline]
    fn due_in(&self, slot: u64) -> u64 {
        slot.saturating_add(self.jitter.offset(slot, self.every))
    }

    /// The slot that a tick `now` stands for. The planned one is due.
    #[inline]
    fn slot_taken_at(&self, now: u64) -> u64 {
        if self.every == 0 {
            return now;
        }
        match self.missed {
            MissedTicks::Burst if !self.held => self.slot,
            MissedTicks::Delay if now - self.due > TOLERANCE.min(self.every) => now,
            MissedTicks::Delay => self.slot,
            MissedTicks::Skip | MissedTicks::Burst => self.latest_slot_due(now),
        }
    }

    /// The latest slot that is due `now`, from the planned one on. `every` is not 0.
    #[inline]
    fn latest_slot_due(&self, now: u64) -> u64 {
        let late = now - self.slot;
        if late < self.every {
            return self.slot; // spares the division
        }
        let slot = self.slot + whole(late, self.every) * self.every;
        // Invariant 2: if this one is not due yet, the one before is.
        if self.due_in(slot) <= now {
            slot
        } else {
            slot - self.every
        }
    }

    /// The slot after the last one; skipping, the first one after it that is due late enough.
    #[inline]
    fn next_slot(&self) -> u64 {
        let next = self.last.saturating_add(self.every);
        if self.missed != MissedTicks::Skip || self.every == 0 || next >= self.floor {
            return next;
        }
        // At least one period after `last`. Invariant 2: all slots before this one are due too
        // early, and the one after it is due late enough.
        let slot = self.floor - (self.floor - self.last) % self.every;
        if self.due_in(slot) >= self.floor {
            slot
        } else {
            slot.saturating_add(self.every)
        }
    }
}

/// `d` in nanoseconds; [`NEVER`] if that is too long.
fn nanos(d: Duration) -> u64 {
    d.as_secs()
        .saturating_mul(1_000_000_000)
        .saturating_add(u64::from(d.subsec_nanos()))
}

/// How many times `every`, which is not 0, fits into `late`. Half as wide a division takes much less
/// time, and will do up to four seconds.
#[inline]
fn whole(late: u64, every: u64) -> u64 {
    match (u32::try_from(late), u32::try_from(every)) {
        (Ok(late), Ok(every)) => u64::from(late / every),
        _ => late / every,
    }
}

/// Without the divisions that most durations between two ticks do not need.
#[inline]
fn duration(nanos: u64) -> Duration {
    match u32::try_from(nanos) {
        Ok(nanos) => Duration::new(0, nanos),
        Err(_) => Duration::from_nanos(nanos),
    }
}
