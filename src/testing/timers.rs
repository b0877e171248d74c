//! The timers of a virtual clock, and its hand. Pure: nothing is woken and nobody waits here.
//!
//! # Invariants
//!
//! 1. The hand never goes back.
//! 2. The hand never passes a timer that was not taken out: it stops at each due time.
//! 3. A timer is taken out once: by [`Timers::pop_due`], or by [`Timers::disarm`].
//! 4. Keys are ordered by due time, then by registration; no key is given twice.

use std::{collections::BTreeMap, time::Duration};

/// What is due when, in order; times count from the start of the clock.
#[derive(Debug)]
pub(super) struct Timers<W> {
    now: Duration,
    next: u64,
    armed: BTreeMap<TimerKey, W>,
}

/// A registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerKey {
    due: Duration,
    turn: u64,
}

impl<W> Timers<W> {
    pub(super) fn starting_at(now: Duration) -> Self {
        Timers {
            now,
            next: 0,
            armed: BTreeMap::new(),
        }
    }

    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn len(&self) -> usize {
        self.armed.len()
    }

    /// When the next timer is due.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.armed.first_key_value().map(|(key, _)| key.due)
    }

    /// Registers `value`; gives it back if the hand is at `due` already, or past it.
    pub(super) fn arm(&mut self, due: Duration, value: W) -> Result<TimerKey, W> {
        if due <= self.now {
            return Err(value);
        }
        let turn = self.next;
        self.next += 1;
        let key = TimerKey { due, turn };
        self.armed.insert(key, value);
        Ok(key)
    }

    pub(super) fn get_mut(&mut self, key: TimerKey) -> Option<&mut W> {
        self.armed.get_mut(&key)
    }

    pub(super) fn disarm(&mut self, key: TimerKey) -> Option<W> {
        self.armed.remove(&key)
    }

    /// Moves the hand to the next due time, if that is not after `limit`; says whether it is not.
    pub(super) fn step(&mut self, limit: Duration) -> bool {
        match self.next_due().filter(|due| *due <= limit) {
            // Never back: what is armed lies ahead of the hand, or at it until it is taken out.
            Some(due) => self.now = due,
            None => return false,
        }
        true
    }

    /// Takes out the first timer that the hand has reached.
    pub(super) fn pop_due(&mut self) -> Option<W> {
        let first = self.armed.first_entry()?;
        (first.key().due <= self.now).then(|| first.remove())
    }
}
