//! The schedule against a slow and obvious one, and what must hold for any history.

use proptest::prelude::*;

use super::*;

// ===== the model =====

/// Keeps the plan as a plain number and finds slots by walking from one to the next.
struct Model {
    every: u128,
    min_wait: u128,
    missed: MissedTicks,
    jitter: Jitter,
    max_iterations: u128,
    max_time: u128,
    iteration: u128,
    last: u128,
    floor: u128,
    /// Fixed by a one-shot change; otherwise the next slot follows from the rest.
    one_shot: Option<u128>,
    before_first: Option<u128>,
    held: bool,
}

impl Model {
    fn due(&self, slot: u128) -> u128 {
        slot + u128::from(self.jitter.offset(slot as u64, self.every as u64))
    }

    fn slot(&self) -> u128 {
        if self.iteration == 0 {
            return 0;
        }
        if let Some(slot) = self.one_shot {
            return slot;
        }
        let mut slot = self.last + self.every;
        if self.missed == MissedTicks::Skip {
            if self.every == 0 {
                return slot.max(self.floor);
            }
            while self.due(slot) < self.floor {
                slot += self.every;
            }
        }
        slot
    }

    fn ready(&self) -> u128 {
        let due = if self.iteration == 0 {
            0
        } else {
            self.due(self.slot())
        };
        due.max(self.floor)
    }

    fn step(&mut self, now: u128, is_paused: bool) -> Outcome {
        if self.iteration >= self.max_iterations || now >= self.max_time {
            return Outcome::End;
        }
        self.held |= is_paused;
        if is_paused {
            return Outcome::Wait(self.max_time);
        }
        let ready = self.ready();
        if now < ready {
            return Outcome::Wait(ready.min(self.max_time));
        }
        let slot = self.slot();
        let makes_up = self.missed == MissedTicks::Burst && !self.held;
        self.last = if self.every == 0 {
            now
        } else if self.missed == MissedTicks::Delay {
            let due = if self.iteration == 0 {
                0
            } else {
                self.due(slot)
            };
            let is_late = now > due + u128::from(TOLERANCE) || now > due + self.every;
            if is_late { now } else { slot }
        } else if makes_up {
            slot
        } else {
            let mut latest = slot;
            while self.due(latest + self.every) <= now {
                latest += self.every;
            }
            latest
        };
        self.held = false;
        self.iteration += 1;
        self.floor = now + self.min_wait;
        self.one_shot = self
            .before_first
            .take()
            .map(|distance| self.last + distance);
        Outcome::Tick {
            iteration: self.iteration,
            until_next: self.ready() - now,
        }
    }

    fn change_after(&mut self, every: u128) {
        self.every = every;
        self.one_shot = None;
        self.before_first = None;
    }

    fn change_once(&mut self, distance: u128) {
        if self.iteration == 0 {
            self.before_first = Some(distance);
        } else {
            self.one_shot = Some(self.last + distance);
        }
    }
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Tick {
        iteration: u128,
        until_next: u128,
    },
    /// `u64::MAX` is for ever.
    Wait(u128),
    End,
}

impl From<Step> for Outcome {
    fn from(step: Step) -> Self {
        match step {
            Step::Tick(tick) => Outcome::Tick {
                iteration: tick.iteration.into(),
                until_next: tick.until_next.as_nanos(),
            },
            Step::Wait(until) => {
                Outcome::Wait(until.map_or(u128::from(NEVER), |until| until.as_nanos()))
            }
            Step::End => Outcome::End,
        }
    }
}

// ===== histories =====

#[derive(Clone, Debug)]
enum Act {
    /// Lets time pass and asks.
    Ask {
        after: u64,
        is_paused: bool,
    },
    /// Waits exactly as long as told, plus the timer's lateness, and asks.
    Obey {
        lateness: u64,
    },
    ChangeAfter(u64),
    ChangeOnce(u64),
}

#[derive(Clone, Debug)]
struct Setup {
    every: u64,
    min_wait: u64,
    missed: MissedTicks,
    jitter: Jitter,
    max_iterations: u64,
    max_time: u64,
}

impl Setup {
    fn schedule(&self) -> Schedule {
        let mut schedule = Schedule::new(Duration::from_nanos(self.every));
        schedule.set_min_wait(Duration::from_nanos(self.min_wait));
        schedule.set_missed(self.missed);
        schedule.set_jitter(self.jitter);
        schedule.set_max_iterations(self.max_iterations);
        schedule.set_max_time(Duration::from_nanos(self.max_time));
        schedule
    }

    fn model(&self) -> Model {
        Model {
            every: self.every.into(),
            min_wait: self.min_wait.into(),
            missed: self.missed,
            jitter: self.jitter,
            max_iterations: self.max_iterations.into(),
            max_time: self.max_time.into(),
            iteration: 0,
            last: 0,
            floor: 0,
            one_shot: None,
            before_first: None,
            held: false,
        }
    }
}

fn policies() -> impl Strategy<Value = MissedTicks> {
    prop_oneof![
        Just(MissedTicks::Skip),
        Just(MissedTicks::Delay),
        Just(MissedTicks::Burst)
    ]
}

fn jitters() -> impl Strategy<Value = Jitter> {
    prop_oneof![
        Just(Jitter::NONE),
        (0.0..=1.0, any::<u64>()).prop_map(|(part, seed)| Jitter::new(part, seed)),
    ]
}

/// Lengths at which walking from slot to slot is quick; some round, so that instants coincide.
fn spans() -> impl Strategy<Value = u64> {
    prop_oneof![
        0..=40_u64,
        (0..=8_u64).prop_map(|n| n * 1_000_000),
        0..30_000_000_u64
    ]
}

fn periods() -> impl Strategy<Value = u64> {
    prop_oneof![
        1 => Just(0),
        6 => (1..=8_u64).prop_map(|n| n * 1_000_000),
        3 => 100_000..9_000_000_u64,
    ]
}

fn setups() -> impl Strategy<Value = Setup> {
    let limits = (
        prop_oneof![3 => Just(NEVER), 1 => 0..20_u64],
        prop_oneof![3 => Just(NEVER), 1 => 0..100_000_000_u64],
    );
    (periods(), spans(), policies(), jitters(), limits).prop_map(
        |(every, min_wait, missed, jitter, (max_iterations, max_time))| Setup {
            every,
            min_wait,
            missed,
            jitter,
            max_iterations,
            max_time,
        },
    )
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        4 => spans().prop_map(|lateness| Act::Obey { lateness: lateness / 8 }),
        4 => Just(Act::Obey { lateness: 0 }),
        4 => (spans(), prop::bool::weighted(0.2))
            .prop_map(|(after, is_paused)| Act::Ask { after, is_paused }),
        1 => periods().prop_map(Act::ChangeAfter),
        1 => spans().prop_map(Act::ChangeOnce),
    ];
    prop::collection::vec(act, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn it_agrees_with_the_slow_model(setup in setups(), acts in acts()) {
        let (mut fast, mut slow) = (setup.schedule(), setup.model());
        let mut now = 0;
        let mut told = 0;
        for act in acts {
            let is_paused = match act {
                Act::ChangeAfter(every) => {
                    fast.change_after(Duration::from_nanos(every));
                    slow.change_after(every.into());
                    continue;
                }
                Act::ChangeOnce(distance) => {
                    fast.change_once(Duration::from_nanos(distance));
                    slow.change_once(distance.into());
                    continue;
                }
                Act::Ask { after, is_paused } => { now += after; is_paused }
                Act::Obey { lateness } => { now = told.max(now) + lateness; false }
            };
            let expected = slow.step(now.into(), is_paused);
            let got = Outcome::from(fast.step(Duration::from_nanos(now), is_paused));
            prop_assert_eq!(&got, &expected, "at {}", now);
            told = match got {
                Outcome::Wait(until) if until < u128::from(NEVER) => until as u64,
                Outcome::Tick { until_next, .. } => now + until_next as u64,
                _ => now,
            };
        }
    }

    #[test]
    fn ticks_keep_their_distance_and_waits_come_to_an_end(setup in setups(), acts in acts()) {
        let mut schedule = setup.schedule();
        let mut now = 0;
        let mut last_tick: Option<u64> = None;
        for act in acts {
            match act {
                Act::ChangeAfter(every) => schedule.change_after(Duration::from_nanos(every)),
                Act::ChangeOnce(distance) => schedule.change_once(Duration::from_nanos(distance)),
                Act::Ask { after, .. } => now += after,
                Act::Obey { lateness } => now += lateness,
            }
            let mut step = schedule.step(Duration::from_nanos(now), false);
            if let Step::Wait(until) = step {
                let until = until.expect("invariant 5: it waits for an instant");
                prop_assert!(until > Duration::from_nanos(now), "invariant 5");
                now = until.as_nanos() as u64;
                step = schedule.step(until, false);
            }
            match step {
                Step::Tick(_) => {
                    if let Some(last) = last_tick.replace(now) {
                        prop_assert!(now - last >= setup.min_wait, "invariant 4");
                    }
                    prop_assert!(schedule.last <= now, "invariant 1");
                    prop_assert!(now < setup.max_time);
                }
                Step::Wait(_) => prop_assert!(false, "invariant 5: the wait led nowhere"),
                Step::End => {}
            }
            let Schedule { slot, due, every, .. } = schedule;
            prop_assert!(slot <= due && due - slot < every.max(1), "invariant 2");
        }
    }

    #[test]
    fn one_tick_per_slot_however_the_timer_fires(
        every in 1_000_u64..10_000_000,
        part in 0.0..=1.0,
        polls in prop::collection::vec(0_u64..15_000_000, 1..200),
    ) {
        let mut schedule = Schedule::new(Duration::from_nanos(every));
        schedule.set_min_wait(Duration::ZERO);
        schedule.set_jitter(Jitter::new(part, 9));
        let mut now = 0;
        let mut last_slot = None;
        for pause in polls {
            if let Step::Tick(tick) = schedule.step(Duration::from_nanos(now), false) {
                let slot = schedule.last;
                prop_assert_eq!(slot % every, 0, "on the schedule");
                prop_assert!(last_slot < Some(slot), "one tick per slot");
                let next = now + tick.until_next.as_nanos() as u64;
                prop_assert!(next - next % every > slot);
                last_slot = Some(slot);
            }
            now += pause / 4;
        }
    }

    #[test]
    fn nothing_overflows(
        every in any::<Duration>(),
        min_wait in any::<Duration>(),
        max_time in any::<Duration>(),
        missed in policies(),
        part in any::<f64>(),
        acts in prop::collection::vec((any::<Duration>(), 0..4_u8), 0..30),
    ) {
        let mut schedule = Schedule::new(every);
        schedule.set_min_wait(min_wait);
        schedule.set_max_time(max_time);
        schedule.set_missed(missed);
        schedule.set_jitter(Jitter::new(part, 1));
        let mut now = Duration::ZERO;
        for (d, act) in acts {
            match act {
                0 => schedule.change_after(d),
                1 => schedule.change_once(d),
                2 => now = now.saturating_add(d),
                _ => now = now.saturating_add(d / 1_000_000),
            }
            if let Step::Wait(Some(until)) = schedule.step(now, act == 3) {
                prop_assert!(until > now);
            }
        }
    }
}
