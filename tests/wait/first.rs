//! Waiting for the first.

use std::{sync::Arc, task::Poll};

use windlass::{
    Event, FutureStatus, Until, cancel_and_wait, testing::simulate, wait_for_all, wait_for_first,
};

use crate::{Wakes, contexts};

#[test]
fn empty_sets_are_over_after_one_turn() {
    // WAIT-01, WAIT-18, WAIT-28
    simulate(async |sim| {
        let none: [Event; 0] = [];
        assert_eq!(wait_for_first(none.clone()).await, None);
        wait_for_all(&none).await;
        cancel_and_wait(none.as_slice()).await;
        let waited = sim.ctx.wait(none, Until::All).await.unwrap();
        assert!(
            waited.done.is_empty() && waited.pending.is_empty(),
            "LOOP-22, our decision"
        );
    });
}

#[test]
fn what_is_done_already_is_found_after_one_turn_wherever_it_is() {
    // WAIT-02, WAIT-03, WAIT-04, WAIT-11, WAIT-12
    let [pending, done] = contexts();
    done.fail("an error counts like any end");
    for (set, place) in [
        (vec![&pending, &done], 1),
        (vec![&done, &pending], 0),
        (vec![&done, &pending, &pending], 0),
        (vec![&done, &done, &pending], 0),
    ] {
        let wakes = Arc::new(Wakes::default());
        let mut wait = Box::pin(wait_for_first(&set));
        assert!(wakes.poll(wait.as_mut()).is_pending(), "one turn");
        assert_eq!(wakes.poll(wait.as_mut()), Poll::Ready(Some(place)));
        drop(wait);
        assert_eq!(Arc::strong_count(&wakes), 1, "WAIT-07: no trace is left");
    }
    assert!(!pending.is_done());
}

#[test]
fn first_of_several_ends_the_wait_and_leaves_no_trace() {
    // WAIT-08, WAIT-10, WAIT-13, WAIT-14, WAIT-15
    for first in 0..3 {
        let [a, b, c] = contexts();
        let wakes = Arc::new(Wakes::default());
        let mut wait = Box::pin(wait_for_first((&a, &b, &c)));
        assert!(wakes.poll(wait.as_mut()).is_pending());
        assert_eq!(wakes.count(), 0, "Q-16: nobody turns meanwhile");
        [&a, &b, &c][first].cancel();
        assert_eq!(wakes.poll(wait.as_mut()), Poll::Ready(Some(first)));
        drop(wait);
        assert_eq!(Arc::strong_count(&wakes), 1);
        assert_eq!([&a, &b, &c].iter().filter(|ctx| ctx.is_done()).count(), 1);
    }
}

#[test]
fn events_and_contexts_mix() {
    // WAIT-05, WAIT-06, WAIT-09, WAIT-16
    let [pending, parent] = contexts();
    let (event, below) = (Event::new(), parent.child("below"));
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(wait_for_first((&pending, &event, &below)));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    event.set();
    assert_eq!(wakes.count(), 1);
    assert_eq!(wakes.poll(wait.as_mut()), Poll::Ready(Some(1)));
    assert!(event.is_set() && !pending.is_done());
    event.clear();
    let mut wait = Box::pin(wait_for_first((&pending, &event, &below)));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    parent.cancel();
    assert_eq!(wakes.poll(wait.as_mut()), Poll::Ready(Some(2)));
    assert!(!event.is_set(), "a wait sets nothing");
}

#[test]
fn dropped_wait_cancels_nothing() {
    // WAIT-17, LOOP-23
    let [a, b] = contexts();
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(wait_for_first([&a, &b]));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    assert_eq!(Arc::strong_count(&wakes), 3, "a place at each");
    drop(wait);
    assert_eq!(Arc::strong_count(&wakes), 1);
    let mut wait = Box::pin(wait_for_all([&a, &b]));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    assert_eq!(
        Arc::strong_count(&wakes),
        2,
        "a place at the first that is pending"
    );
    drop(wait);
    assert_eq!(Arc::strong_count(&wakes), 1);
    assert!(!a.is_done() && !b.is_done());
}
