//! A consumer whose clock stands still but for what its body takes and for the waits of the
//! schedule. Times are in milliseconds.

use super::*;

pub(super) const fn s(seconds: u64) -> u64 {
    seconds * 1000
}

pub(super) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

fn whole_ms(d: Duration) -> u64 {
    let n = u64::try_from(d.as_millis()).unwrap();
    assert_eq!(ms(n), d, "no exact milliseconds");
    n
}

/// A schedule with a consumer.
pub(super) struct Run {
    pub(super) schedule: Schedule,
    pub(super) now: u64,
    pub(super) is_paused: bool,
    /// The instants waited for.
    pub(super) waits: Vec<u64>,
}

impl Run {
    pub(super) fn every(period: u64) -> Run {
        Run {
            schedule: Schedule::new(ms(period)),
            now: 0,
            is_paused: false,
            waits: Vec::new(),
        }
    }

    pub(super) fn with(mut self, set: impl FnOnce(&mut Schedule)) -> Run {
        set(&mut self.schedule);
        self
    }

    pub(super) fn step(&mut self) -> Step {
        self.schedule.step(ms(self.now), self.is_paused)
    }

    /// Waits as told and gives the next tick: number, time to the next, instant.
    pub(super) fn next(&mut self) -> Option<(u64, u64, u64)> {
        loop {
            match self.step() {
                Step::Tick(tick) => {
                    return Some((tick.iteration, whole_ms(tick.until_next), self.now));
                }
                Step::Wait(Some(instant)) => {
                    self.now = whole_ms(instant);
                    self.waits.push(self.now);
                }
                Step::Wait(None) => panic!("waits for ever at {}", self.now),
                Step::End => return None,
            }
        }
    }

    /// The next `n` ticks, each followed by `body` for its number.
    pub(super) fn ticks(&mut self, n: usize, body: impl Fn(u64) -> u64) -> Vec<(u64, u64, u64)> {
        let mut seen = Vec::new();
        while seen.len() < n {
            let Some(tick) = self.next() else { break };
            self.now += body(tick.0);
            seen.push(tick);
        }
        seen
    }

    /// When the next `n` ticks come.
    pub(super) fn instants(&mut self, n: usize, body: impl Fn(u64) -> u64) -> Vec<u64> {
        self.ticks(n, body).iter().map(|tick| tick.2).collect()
    }
}

pub(super) fn instant(_: u64) -> u64 {
    0
}
