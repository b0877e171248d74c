//! Callbacks.

use windlass::{Promise, promise::recipes::transfer_result};

use crate::{Log, Wakes, poll, ready, value};

#[test]
fn fut_01_to_03_callbacks_are_known_by_their_ids() {
    let (log, promise) = (Log::default(), Promise::new());
    let other = Promise::new();
    let stranger = other.on_done(log.callback("stranger"));
    assert!(!promise.has_on_done(stranger));
    let f1 = promise.on_done(log.callback("one"));
    assert!(promise.has_on_done(f1) && !promise.has_on_done(stranger));
    let f2 = promise.on_done(log.callback("two"));
    assert!(promise.has_on_done(f1) && promise.has_on_done(f2));
    assert!(promise.remove_on_done(f1));
    assert!(!promise.remove_on_done(f1) && !promise.remove_on_done(stranger));
    promise.set(1);
    assert_eq!(log.take(), ["two 1"]);
    assert!(!promise.has_on_done(f2) && !promise.remove_on_done(f2));
}

#[test]
fn fut_38_and_40_callbacks_are_called_once_in_order_and_late_ones_at_once() {
    let (log, promise) = (Log::default(), Promise::new());
    for name in ["ONE", "TWO", "THREE"] {
        promise.on_done(log.callback(name));
    }
    promise.fail("no");
    assert_eq!(log.take(), ["ONE no", "TWO no", "THREE no"]);
    promise.on_done(log.callback("ONE"));
    assert_eq!(log.take(), ["ONE no"]);
    promise.on_done(log.callback("TWO"));
    assert_eq!(log.take(), ["TWO no"]);
    drop(promise);
    assert!(log.take().is_empty());
}

#[test]
fn a_callback_that_panics_does_not_keep_the_others_from_being_called() {
    let (log, promise) = (Log::default(), Promise::new());
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    promise.on_done(|_| panic!("a bad callback"));
    promise.on_done(log.callback("two"));
    assert!(promise.set(1));
    assert_eq!(log.take(), ["two 1"]);
    assert_eq!(wakes.count(), 1);
    promise.on_done(|_| panic!("a bad late callback"));
}

#[test]
fn callbacks_run_outside_all_locks_and_before_the_waits_are_woken() {
    let (log, promise) = (Log::default(), Promise::new());
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    let (again, inner) = (promise.clone(), log.clone());
    promise.on_done(move |outcome| {
        assert_eq!(outcome.ok(), Some(&1));
        inner.note(format!("woken {}", wakes.count()));
        let id = again.on_done(inner.callback("late"));
        assert!(!again.has_on_done(id) && !again.set(2) && again.is_done());
    });
    promise.set(1);
    assert_eq!(log.take(), ["woken 0", "late 1"]);
}

#[test]
fn a_chain_of_a_hundred_thousand_promises_is_a_loop() {
    let all: Vec<Promise<u32>> = (0..100_000).map(|_| Promise::new()).collect();
    for pair in all.windows(2) {
        pair[0].on_done(transfer_result(&pair[1]));
    }
    let last = all.last().unwrap().wait();
    all[0].set(3);
    assert_eq!(ready(last).unwrap(), 3);
    let waits: Vec<_> = all.iter().map(Promise::wait).collect();
    drop(all);
    assert!(waits.iter().all(|wait| value(wait) == Some(3)));
}

#[test]
fn a_chain_whose_head_is_dropped_ends_in_a_loop_too() {
    let all: Vec<Promise<u32>> = (0..100_000).map(|_| Promise::new()).collect();
    for pair in all.windows(2) {
        pair[0].on_done(transfer_result(&pair[1]));
    }
    let last = all.last().unwrap().wait();
    drop(all);
    assert!(ready(last).unwrap_err().is_cancelled());
}
