//! Waiting for all, and for their end.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
};

use windlass::{Event, cancel_and_wait, testing::simulate, wait_for_all};

use crate::{
    Wakes, contexts,
    kit::{secs, yield_now},
};

#[test]
fn all_have_to_be_done_and_duplicates_count_once() {
    // WAIT-19, WAIT-24, WAIT-25
    let [f1, f2, f3, f4] = contexts();
    let wakes = Arc::new(Wakes::default());
    let set = [&f1, &f2, &f3, &f3, &f4];
    let mut wait = Box::pin(wait_for_all(set));
    for ending in [&f2, &f1, &f3] {
        assert!(wakes.poll(wait.as_mut()).is_pending());
        ending.cancel();
    }
    assert!(wakes.poll(wait.as_mut()).is_pending());
    f4.fail("also an end");
    assert!(wakes.poll(wait.as_mut()).is_ready());
    let mut again = Box::pin(wait_for_all(set));
    assert!(
        wakes.poll(again.as_mut()).is_pending(),
        "one turn, although all are done"
    );
    assert!(wakes.poll(again.as_mut()).is_ready());
}

#[test]
fn end_that_is_taken_back_meanwhile_counts() {
    // WAIT-26: an event that was set and cleared before we looked.
    let (event, [other]) = (Event::new(), contexts());
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(wait_for_all((&other, &event)));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    event.set();
    event.clear();
    assert!(
        wakes.poll(wait.as_mut()).is_pending(),
        "the other is not done"
    );
    other.cancel();
    assert!(wakes.poll(wait.as_mut()).is_ready());
}

#[test]
fn wait_for_all_of_a_hundred_thousand_is_linear() {
    let all: Vec<_> = (0..100_000).map(|_| Event::new()).collect();
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(wait_for_all(&all));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    // Each wake is followed by a poll, which must not look at all the others.
    for event in all.iter().rev() {
        event.set();
        assert_eq!(
            wakes.poll(wait.as_mut()).is_ready(),
            std::ptr::eq(event, &all[0])
        );
    }
}

#[test]
fn event_wait_is_released_by_a_set_that_was_cleared() {
    let event = Event::new();
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(event.wait());
    assert!(wakes.poll(wait.as_mut()).is_pending());
    event.set();
    event.clear();
    assert!(wakes.poll(wait.as_mut()).is_ready());
    let mut next = Box::pin(event.wait());
    assert!(
        wakes.poll(next.as_mut()).is_pending(),
        "it is clear for those who come later"
    );
}

#[test]
fn cancel_and_wait_waits_for_the_real_end() {
    // WAIT-29, WAIT-30, WAIT-31, Q-18
    simulate(async |sim| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let ctx = &sim.ctx;
        let graceful = |name: &'static str| {
            let (log, inside) = (Arc::clone(&log), ctx.clone());
            ctx.task(name).grace(secs(10)).spawn(async move {
                log.lock().unwrap().push(name);
                inside.sleep(secs(2)).await.unwrap();
                name
            })
        };
        let (one, two) = (graceful("one"), graceful("two"));
        let done = ctx.try_spawn(ready(Err::<(), _>("failed before")));
        let stopped = ctx.spawn(pending::<()>());
        yield_now().await;
        cancel_and_wait((&one, &two, &done, &stopped)).await;
        assert_eq!(sim.clock.elapsed(), secs(2));
        assert_eq!(
            (one.await.unwrap(), two.await.unwrap()),
            ("one", "two"),
            "they swallowed it"
        );
        assert!(done.await.unwrap_err().is_failed() && stopped.is_cancelled());
        assert_eq!(*log.lock().unwrap(), ["one", "two"]);
    });
}
