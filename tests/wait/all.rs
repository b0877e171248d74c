//! Waiting for all, and for their end.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
};

use windlass::{
    Event, Failure, FutureStatus, cancel_and_wait, testing::simulate, wait_for_all, wait_for_first,
};

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

#[test]
fn everything_complete_already_is_one_turn_for_any_mix() {
    // the shortcut for this case asked for every member to be an event and for none to be one.
    let (event, [ended, other]) = (Event::new(), contexts());
    event.set();
    ended.cancel();
    other.fail("an end as well");
    let wakes = Arc::new(Wakes::default());
    let sets: [Vec<&dyn FutureStatus>; 4] = [
        vec![&event],
        vec![&ended],
        vec![&event, &ended],
        vec![&ended, &event, &other, &event],
    ];
    for (n, set) in sets.into_iter().enumerate() {
        let mut wait = Box::pin(wait_for_all(set));
        assert!(wakes.poll(wait.as_mut()).is_pending(), "one turn");
        assert_eq!(wakes.count(), n + 1, "it has woken itself");
        assert!(wakes.poll(wait.as_mut()).is_ready());
    }
}

#[test]
fn waits_take_no_outcome_and_tell_nobody() {
    // WAIT-27: here the wait took the outcome from the eyes of whoever reports what nobody looks at.
    simulate(async |sim| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&log);
        let report =
            move |failure: &Failure<'_>| told.lock().unwrap().push(failure.error.to_string());
        let app = sim.ctx.build("app").reporter(report).start();
        let [seen, unseen] = ["seen", "unseen"].map(|e| app.try_spawn(ready(Err::<(), _>(e))));
        wait_for_all((&seen, &unseen)).await;
        assert!(wait_for_first([&seen]).await.is_some());
        assert!(log.lock().unwrap().is_empty(), "the wait tells nobody");
        assert!(seen.await.is_err());
        drop(unseen);
        assert_eq!(
            *log.lock().unwrap(),
            ["unseen"],
            "nor does it count as a look"
        );
    });
}
