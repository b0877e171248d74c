//! Waiting, and handles that go.

use std::{
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use windlass::{FutureStatus, Promise, ResettablePromise, WaitSlot, wait_for_all, wait_for_first};

use crate::{Log, Wakes, is_cancelled, poll, ready};

#[test]
fn each_wait_is_woken_once_and_a_wait_that_left_is_not() {
    let promise = Promise::new();
    let (a_wakes, a_waker) = Wakes::new();
    let (b_wakes, b_waker) = Wakes::new();
    let (mut a, mut b) = (promise.wait(), promise.wait());
    assert!(poll(&mut a, &a_waker).is_pending());
    assert!(poll(&mut a, &a_waker).is_pending());
    assert!(poll(&mut b, &b_waker).is_pending());
    drop(b);
    assert_eq!(Arc::strong_count(&b_wakes), 2, "its waker is gone");
    promise.set(1);
    assert_eq!((a_wakes.count(), b_wakes.count()), (1, 0));
    assert!(matches!(poll(&mut a, &a_waker), Poll::Ready(Ok(1))));
}

#[test]
fn waits_in_slots_are_woken_once_after_the_callbacks_and_one_that_left_is_not() {
    let (promise, log) = (Promise::new(), Log::default());
    let (a_wakes, a_waker) = Wakes::new();
    let (b_wakes, b_waker) = Wakes::new();
    let (mut a, mut b) = (WaitSlot::default(), WaitSlot::default());
    let in_slot = |slot: &mut WaitSlot, waker: &Waker| {
        promise.poll_done(slot, &mut Context::from_waker(waker))
    };
    assert!(in_slot(&mut a, &a_waker).is_pending());
    assert!(in_slot(&mut a, &a_waker).is_pending());
    assert!(in_slot(&mut b, &b_waker).is_pending());
    drop(b);
    assert_eq!(Arc::strong_count(&b_wakes), 2, "its waker is gone");
    let (seen, wakes) = (log.clone(), a_wakes.clone());
    promise.on_done(move |_| seen.note(format!("woken {}", wakes.count())));
    promise.set(1);
    assert_eq!(log.take(), ["woken 0"]);
    assert_eq!((a_wakes.count(), b_wakes.count()), (1, 0));
    assert!(in_slot(&mut a, &a_waker).is_ready());
    assert!(in_slot(&mut WaitSlot::default(), &b_waker).is_ready());
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let promise = Promise::new();
    let (old, old_waker) = Wakes::new();
    let (new, new_waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &old_waker).is_pending());
    assert!(poll(&mut wait, &new_waker).is_pending());
    promise.set(1);
    assert_eq!((old.count(), new.count()), (0, 1));
}

/// Bug Q-17: one waiter that was cancelled resolved the shared object for everybody.
#[test]
fn q_17_a_wait_that_is_dropped_leaves_the_promise_alone() {
    let (_, waker) = Wakes::new();
    let promise = Promise::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(wait);
    assert!(!promise.is_done());

    let child = promise.child();
    let mut wait = child.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(wait);
    assert!(!child.is_done());

    let resettable = ResettablePromise::<u32>::new();
    let mut wait = resettable.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(wait);
    assert!(!resettable.is_done());
    assert!(child.set(1) && promise.set(2) && resettable.set(3));
}

#[test]
fn ten_thousand_waits_end_with_one_value_and_leave_in_any_order() {
    let promise = Promise::new();
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..10_000).map(|_| promise.wait()).collect();
    for wait in &mut waits {
        assert!(poll(wait, &waker).is_pending());
    }
    let mut at = 0;
    waits.retain(|_| {
        at += 1;
        at % 2 == 0
    });
    promise.set(9);
    assert_eq!(wakes.count(), 5000);
    for wait in &mut waits {
        assert!(matches!(poll(wait, &waker), Poll::Ready(Ok(9))));
    }
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_from_being_woken() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a bad waker");
        }
    }
    let promise = Promise::new();
    let (wakes, good) = Wakes::new();
    let (mut a, mut b) = (promise.wait(), promise.wait());
    assert!(poll(&mut a, &Waker::from(Arc::new(Bad))).is_pending());
    assert!(poll(&mut b, &good).is_pending());
    assert!(promise.set(1));
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_promise_takes_part_in_the_waits_for_several() {
    let (a, b) = (Promise::<u32>::new(), Promise::<u32>::new());
    let (wakes, waker) = Wakes::new();
    let mut first = Box::pin(wait_for_first([&a, &b]));
    let mut all = Box::pin(wait_for_all((&a, &b)));
    assert!(poll(&mut first, &waker).is_pending());
    assert!(poll(&mut all, &waker).is_pending());
    b.set(1);
    assert_eq!(
        wakes.count(),
        1,
        "the wait for all watches `a`, and comes to `b` later"
    );
    assert!(matches!(poll(&mut first, &waker), Poll::Ready(Some(1))));
    assert!(poll(&mut all, &waker).is_pending());
    a.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(poll(&mut all, &waker).is_ready());
    assert!(a.is_done() && is_cancelled(&a));
}

#[test]
fn waits_end_when_the_last_handle_that_can_set_goes() {
    let promise = Promise::<u32>::named("upload");
    let second = promise.clone();
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(promise);
    assert!(poll(&mut wait, &waker).is_pending());
    drop(second);
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Err(error)) = poll(&mut wait, &waker) else {
        panic!("it hangs")
    };
    assert_eq!(
        error.to_string(),
        "cancelled at upload by nobody being left to set it"
    );
}

#[test]
fn a_handle_that_is_awaited_only_waits() {
    let promise = Promise::<u32>::new();
    let (other, (wakes, waker)) = (promise.clone(), Wakes::new());
    let mut awaited = promise;
    assert!(poll(&mut awaited, &waker).is_pending());
    drop(other);
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(&mut awaited, &waker), Poll::Ready(Err(e)) if e.is_cancelled()));
    // Nobody can set this one from the start.
    assert!(ready(Promise::<u32>::new()).unwrap_err().is_cancelled());
}

#[test]
fn a_promise_that_nobody_observes_just_goes_and_drops_its_value() {
    let value = Arc::new(());
    let promise = Promise::new();
    promise.set(Arc::clone(&value));
    let wait = promise.wait();
    drop(promise);
    assert_eq!(Arc::strong_count(&value), 2);
    drop(wait);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn callbacks_hear_of_a_promise_that_nobody_will_set() {
    let (log, promise) = (Log::default(), Promise::new());
    promise.on_done(log.callback("one"));
    drop(promise);
    assert_eq!(log.take(), ["one cancelled"]);
}
