//! Scale, and a slow model.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    task::{Wake, Waker},
    time::Duration,
};

use futures::executor::block_on;
use proptest::prelude::*;
use windlass::{AnySleep, Sleep, Timer, testing::VirtualClock};

use crate::{Step, counter, futures, ms, poll, step};

#[test]
fn a_million_timers_fire_in_order() {
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let n = 1_000_000;
    let mut sleeps: Vec<_> = (0..n)
        .map(|i: u64| clock.sleep(Duration::from_micros(1 + i.wrapping_mul(7_919) % 1000)))
        .collect();
    for sleep in &mut sleeps {
        assert!(poll(sleep, &waker).is_pending());
    }
    sleeps.truncate(600_000);
    block_on(clock.advance(ms(1)));
    assert_eq!(wakes.0.load(SeqCst), 600_000);
    assert!(format!("{clock:?}").contains("timers: 0"));
}

/// Notes which sleep was woken, and what the clock read.
struct Noted(usize, VirtualClock, Arc<Mutex<Vec<(usize, u64)>>>);

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        let now = self.1.elapsed().as_millis() as u64;
        self.2.lock().unwrap().push((self.0, now));
    }
}

/// The slow, obvious clock: a list that is searched for its minimum.
#[derive(Default)]
struct Model {
    now: u64,
    turn: u64,
    armed: Vec<(u64, u64, usize)>,
    fired: Vec<(usize, u64)>,
}

impl Model {
    fn arm(&mut self, id: usize, due: u64) -> bool {
        if due > self.now {
            self.turn += 1;
            self.armed.push((due, self.turn, id));
        }
        due > self.now
    }

    fn disarm(&mut self, id: usize) -> bool {
        let before = self.armed.len();
        self.armed.retain(|entry| entry.2 != id);
        self.armed.len() < before
    }

    fn go_to(&mut self, limit: u64) {
        while let Some(&first) = self.armed.iter().min().filter(|first| first.0 <= limit) {
            self.now = first.0;
            self.disarm(first.2);
            self.fired.push((first.2, self.now));
        }
        self.now = limit;
    }
}

proptest! {
    #[test]
    fn the_timers_do_what_a_slow_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let clock = VirtualClock::new();
        let fired = Arc::new(Mutex::new(Vec::new()));
        let mut sleeps: Vec<Option<AnySleep>> = Vec::new();
        let mut model = Model::default();
        for step in steps {
            let n = sleeps.len().max(1);
            match step {
                Step::Arm(d) => {
                    let id = sleeps.len();
                    let waker = Waker::from(Arc::new(Noted(id, clock.clone(), fired.clone())));
                    let mut sleep = clock.sleep(ms(d));
                    let pending = poll(&mut sleep, &waker).is_pending();
                    sleeps.push(Some(sleep));
                    prop_assert_eq!(pending, model.arm(id, model.now + d));
                }
                Step::Drop(i) => {
                    if let Some(sleep) = sleeps.get_mut(i % n) {
                        *sleep = None;
                        model.disarm(i % n);
                    }
                }
                Step::Reset(i, d) => {
                    if let Some(Some(sleep)) = sleeps.get_mut(i % n) {
                        Pin::new(sleep).reset(clock.now() + ms(d));
                        // Only who waits goes on waiting; it is woken if the time is past.
                        if model.disarm(i % n) && !model.arm(i % n, model.now + d) {
                            model.fired.push((i % n, model.now));
                        }
                    }
                }
                Step::Advance(d) => {
                    block_on(clock.advance(ms(d)));
                    model.go_to(model.now + d);
                }
                Step::AdvanceToNext => {
                    let next = model.armed.iter().min().map(|first| first.0);
                    prop_assert_eq!(block_on(clock.advance_to_next()), next.is_some());
                    model.go_to(next.unwrap_or(model.now));
                }
            }
            prop_assert_eq!(clock.elapsed(), ms(model.now));
            prop_assert_eq!(&*fired.lock().unwrap(), &model.fired);
        }
    }
}
