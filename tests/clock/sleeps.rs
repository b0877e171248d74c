//! The sleeps.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
    task::{Wake, Waker},
    time::Duration,
};

use futures::executor::block_on;
use windlass::{
    Sleep, Timer,
    testing::{SimRuntime, VirtualClock},
};

use crate::{Log, counter, futures, ms, note_later, poll, spin};

#[test]
fn a_sleep_that_is_never_polled_does_not_drag_the_clock() {
    let rt = SimRuntime::new();
    let _kept = rt.sleep(ms(10));
    rt.block_on(rt.sleep(ms(20)));
    rt.clock().record_fired();
    rt.block_on(rt.sleep(ms(20)));
    assert_eq!(rt.clock().fired(), [ms(40)]);
}

#[test]
fn a_sleep_wakes_once_and_whoever_polled_last() {
    let clock = VirtualClock::new();
    let (old, old_waker) = counter();
    let (new, new_waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &old_waker).is_pending());
    assert!(poll(&mut sleep, &new_waker).is_pending());
    assert!(poll(&mut sleep, &new_waker).is_pending());
    block_on(clock.advance(ms(20)));
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
    assert!(poll(&mut sleep, &new_waker).is_ready());
}

#[test]
fn reset_arms_again_whether_or_not_the_sleep_has_ended() {
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &waker).is_pending());
    Pin::new(&mut sleep).reset(clock.now() + ms(30));
    // The waiter stays: it need not poll again to be woken at the new time.
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 0);
    block_on(clock.advance(ms(20)));
    assert_eq!(wakes.0.load(SeqCst), 1);
    assert!(poll(&mut sleep, &waker).is_ready());

    Pin::new(&mut sleep).reset(clock.now() + ms(5));
    assert!(poll(&mut sleep, &waker).is_pending());
    block_on(clock.advance(ms(5)));
    assert_eq!(wakes.0.load(SeqCst), 2);
    assert!(poll(&mut sleep, &waker).is_ready());
}

#[test]
fn reset_to_the_past_wakes_at_once() {
    let clock = VirtualClock::starting_at(ms(10));
    let (wakes, waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &waker).is_pending());
    Pin::new(&mut sleep).reset(clock.now() - ms(5));
    assert_eq!(wakes.0.load(SeqCst), 1);
    assert!(poll(&mut sleep, &waker).is_ready());
    block_on(clock.advance(ms(100)));
    assert_eq!(wakes.0.load(SeqCst), 1);
}

#[test]
fn ties_fire_in_the_order_of_registration() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    for name in ["a", "b", "c"] {
        note_later(&rt, &log, ms(10), name);
    }
    let late = rt.sleep(ms(10)); // made before "d", polled after it
    note_later(&rt, &log, ms(10), "d");
    rt.block_on(async {
        rt.settle().await;
        late.await;
        log.note("late");
    });
    let all = [("a", 10), ("b", 10), ("c", 10), ("d", 10), ("late", 10)];
    assert_eq!(log.lines(), all);
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_from_being_woken() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics (this is part of a test)");
        }
    }
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let mut bad = clock.sleep(ms(10));
    let mut good = clock.sleep(ms(10));
    assert!(poll(&mut bad, &Waker::from(Arc::new(Panics))).is_pending());
    assert!(poll(&mut good, &waker).is_pending());
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 1);
}

#[test]
fn a_waker_may_use_the_clock_that_wakes_it() {
    // A lock held while waking would deadlock here.
    struct Reenters(VirtualClock, Mutex<Vec<Duration>>);
    impl Wake for Reenters {
        fn wake(self: Arc<Self>) {
            spin(self.0.advance(ms(5)));
            self.1.lock().unwrap().push(self.0.elapsed());
        }
    }
    let clock = VirtualClock::new();
    let reenters = Arc::new(Reenters(clock.clone(), Mutex::default()));
    let waker = Waker::from(reenters.clone());
    let mut sleeps: Vec<_> = [10, 10, 12].map(|n| clock.sleep(ms(n))).into();
    for sleep in &mut sleeps {
        assert!(poll(sleep, &waker).is_pending());
    }
    block_on(clock.advance(ms(10)));
    let seen = reenters.1.lock().unwrap().clone();
    assert_eq!(
        seen,
        [ms(17); 3],
        "each fired once; the last one's advance goes the farthest"
    );
}
