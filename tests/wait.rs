//! Waits and timeouts: behaviours WAIT-xx, TIME-xx, LOOP-18 … LOOP-27, regressions … Q-25.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use std::{
    future::{pending, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use windlass::{
    Ctx, Error, Event, FutureStatus, TimedOut, Until, WaitSlot, cancel_and_wait, ok,
    testing::simulate, wait_for_all, wait_for_first,
};

use self::kit::{secs, yield_now};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn poll<F: Future>(self: &Arc<Self>, future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Contexts stand in for signals: they end by hand.
fn contexts<const N: usize>() -> [Ctx<()>; N] {
    std::array::from_fn(|_| Ctx::root_on("signal", ()))
}

// ===== wait_for_first

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

// ===== wait_for_all

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

// ===== cancel_and_wait

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

// ===== ctx.wait

#[test]
fn wait_reports_done_and_pending() {
    // LOOP-18, LOOP-19, LOOP-20, LOOP-21
    simulate(async |sim| {
        let ctx = &sim.ctx;
        let after = |n: u64, fails: bool| {
            let inside = ctx.clone();
            ctx.task("after").silent().try_spawn(async move {
                inside.sleep(secs(n)).await?;
                if fails { Err("failed".into()) } else { ok(n) }
            })
        };
        let set = [
            after(3, false),
            after(1, false),
            after(2, true),
            after(9, false),
        ];
        let first = ctx.wait(&set, Until::First).await.unwrap();
        assert_eq!((first.done, first.pending), (vec![1], vec![0, 2, 3]));
        let failed = ctx.wait(&set, Until::FirstError).await.unwrap();
        assert_eq!((failed.done, sim.clock.elapsed()), (vec![1, 2], secs(2)));
        let late = ctx.wait(&set, Until::All).timeout(secs(2)).await.unwrap();
        assert_eq!((late.done, late.pending), (vec![0, 1, 2], vec![3]));
        assert_eq!(sim.clock.elapsed(), secs(4));
        assert!(!set[3].is_done(), "nothing is cancelled");
        let all = ctx.wait(&set, Until::All).await.unwrap();
        assert_eq!((all.done.len(), sim.clock.elapsed()), (4, secs(9)));
        let zero = ctx
            .wait((&Event::new(), &set[0]), Until::All)
            .timeout(Duration::ZERO)
            .await;
        assert_eq!(zero.unwrap().done, [1]);
    });
}

#[test]
fn cancellation_is_no_error_for_a_wait() {
    // LOOP-21
    simulate(async |sim| {
        let (stopped, other) = (sim.ctx.spawn(pending::<()>()), Event::new());
        stopped.cancel();
        let waited = sim
            .ctx
            .wait((&stopped, &other), Until::FirstError)
            .timeout(secs(1))
            .await;
        assert_eq!(
            (waited.unwrap().pending, sim.clock.elapsed()),
            (vec![1], secs(1))
        );
    });
}

#[test]
fn wait_ends_with_its_context() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let waiting = ctx.clone();
        let task = sim
            .ctx
            .try_spawn(async move { waiting.wait([Event::new()], Until::All).await });
        yield_now().await;
        ctx.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

// ===== timeouts

#[test]
fn output_passes_through_a_timeout() {
    // TIME-01, TIME-02, TIME-03, TIME-15, LOOP-24
    simulate(async |sim| {
        let ctx = sim.ctx.clone();
        let slept = async |n: u64| {
            sim.ctx.sleep(secs(n)).await.unwrap();
            40
        };
        assert_eq!(ctx.timeout(secs(10), slept(1)).await.unwrap(), 40);
        assert_eq!(ctx.timeout(secs(10), ready(5)).await.unwrap(), 5);
        assert_eq!(sim.clock.elapsed(), secs(1), "the timer is not waited for");
        let fallible = async {
            sim.ctx.sleep(secs(3)).await?;
            Err::<(), Error>("its own".into())
        };
        let failed = ctx.timeout(secs(10), fallible).await.unwrap();
        assert_eq!(failed.unwrap_err().to_string(), "its own");
        assert_eq!(sim.clock.elapsed(), secs(4));
    });
}

#[test]
fn timeout_is_timed_out_and_not_cancelled() {
    // TIME-06, TIME-07; Q-19: it could not be told from a cancellation.
    simulate(async |sim| {
        let start = sim.ctx.now();
        let error = sim
            .ctx
            .timeout(secs(10), pending::<()>())
            .await
            .unwrap_err();
        assert_eq!(sim.clock.elapsed(), secs(10));
        assert!(error.is_timed_out() && !error.is_cancelled());
        let late = error.downcast_ref::<TimedOut>().unwrap();
        assert_eq!((late.path(), late.after()), ("sim", secs(10)));
        assert_eq!(late.deadline(), start + secs(10));
    });
}

#[test]
fn custom_error_and_event_are_for_the_timeout_only() {
    // TIME-05, TIME-08, TIME-09, TIME-11, TIME-17, Q-24, Q-25
    simulate(async |sim| {
        let event = Event::new();
        let ctx = &sim.ctx;
        let wait = |d, f: u64| {
            ctx.timeout(d, ctx.sleep(secs(f)))
                .error("too slow")
                .notify(&event)
        };
        wait(secs(10), 2).await.unwrap().unwrap();
        assert!(!event.is_set(), "it was in time");
        let error = wait(secs(3), 9).await.unwrap_err();
        assert!(error.is_failed() && error.to_string() == "too slow" && event.is_set());
        wait(secs(3), 9).await.unwrap_err();
        assert!(event.is_set(), "it stays set");
    });
}

#[test]
fn future_is_dropped_before_the_timeout_returns() {
    // TIME-10, TIME-13, Q-20, Q-21: the work went on, or was not waited for.
    struct OnDrop(Arc<Mutex<Vec<&'static str>>>);
    impl Drop for OnDrop {
        fn drop(&mut self) {
            self.0.lock().unwrap().push("dropped");
        }
    }
    simulate(async |sim| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let mark = OnDrop(Arc::clone(&log));
        let work = async move {
            let _mark = mark;
            pending::<()>().await;
        };
        sim.ctx.timeout(secs(1), work).await.unwrap_err();
        assert_eq!(*log.lock().unwrap(), ["dropped"]);
        // TIME-19, LOOP-27: dropping the wait drops the work.
        let mark = OnDrop(Arc::clone(&log));
        let mut wait = Box::pin(sim.ctx.timeout(secs(1), async move {
            let _mark = mark;
            pending::<()>().await;
        }));
        assert!(Arc::new(Wakes::default()).poll(wait.as_mut()).is_pending());
        drop(wait);
        assert_eq!(*log.lock().unwrap(), ["dropped", "dropped"]);
        assert_eq!(sim.clock.elapsed(), secs(1), "the timer is disarmed");
    });
}

#[test]
fn value_in_the_poll_of_the_deadline_wins() {
    simulate(async |sim| {
        let both = sim.ctx.timeout(secs(5), sim.ctx.sleep(secs(5)));
        both.await.expect("the value wins").unwrap();
    });
}

#[test]
fn zero_and_huge_timeouts_are_defined() {
    // LOOP-26
    simulate(async |sim| {
        assert_eq!(sim.ctx.timeout(Duration::ZERO, ready(1)).await.unwrap(), 1);
        let zero = sim.ctx.timeout(Duration::ZERO, pending::<()>()).await;
        assert!(zero.unwrap_err().is_timed_out());
        let huge = sim.ctx.timeout(Duration::MAX, sim.ctx.sleep(secs(1))).await;
        huge.unwrap().unwrap();
        sim.ctx.sleep(Duration::ZERO).await.unwrap();
        assert_eq!(sim.clock.elapsed(), secs(1));
    });
}

#[test]
fn timeouts_and_sleeps_end_with_their_context() {
    // TIME-04
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let inside = ctx.clone();
        let waits = sim.ctx.spawn(async move {
            let timeout = inside.timeout(secs(10), pending::<()>());
            let (timeout, sleep) = futures::join!(timeout, inside.sleep(secs(10)));
            (
                timeout.unwrap_err().is_cancelled(),
                sleep.unwrap_err().is_cancelled(),
            )
        });
        sim.ctx.sleep(secs(2)).await.unwrap();
        ctx.cancel();
        assert_eq!(waits.await.unwrap(), (true, true));
        assert_eq!(sim.clock.elapsed(), secs(2));
        let before = ctx.timeout(secs(1), ready(())).await;
        assert!(
            before.unwrap_err().is_cancelled(),
            "a done context polls nothing"
        );
    });
}

#[test]
fn waits_are_static_and_send_and_go_into_join() {
    fn is_send<T: Send + 'static>(value: T) -> T {
        value
    }
    simulate(async |sim| {
        let ctx = &sim.ctx;
        is_send(ctx.timeout(secs(1), ready(()))).await.unwrap();
        is_send(ctx.sleep(secs(1))).await.unwrap();
        is_send(ctx.wait(Vec::<Event>::new(), Until::All))
            .await
            .unwrap();
        drop(is_send(ctx.done()));
    });
}

// ===== foreign things with a status

#[test]
fn own_types_delegate_to_what_they_wait_for() {
    struct Job(Ctx<()>, &'static str);
    impl FutureStatus for Job {
        fn state(&self) -> windlass::State {
            self.0.state()
        }
        fn error(&self) -> Option<Error> {
            self.0.error()
        }
        fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
            self.0.poll_done(slot, cx)
        }
    }
    let [a, b] = contexts();
    let jobs = [Job(a.clone(), "a"), Job(b, "b")];
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(wait_for_first(&jobs));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    a.fail("over");
    let Poll::Ready(Some(first)) = wakes.poll(wait.as_mut()) else {
        panic!("it hangs")
    };
    assert!(jobs[first].1 == "a" && jobs[first].is_failed() && !jobs[first].cancel());
    let erased: Vec<&dyn FutureStatus> = vec![&jobs[0], &a];
    assert!(erased.iter().all(|status| status.is_done()));
}

#[test]
fn a_wait_for_all_that_runs_out_of_time_lists_what_is_done_behind_what_is_pending() {
    simulate(async |sim| {
        let (pending, late) = (sim.ctx.child("pending"), sim.ctx.child("late"));
        let done = sim.ctx.child("done");
        done.cancel();
        let ends = late.clone();
        sim.ctx
            .call_later(Duration::from_secs(1), move || assert!(ends.cancel()));
        let set = [&pending, &done, &late];
        let wait = sim
            .ctx
            .wait(&set, Until::All)
            .timeout(Duration::from_secs(2));
        let waited = wait.await.unwrap();
        assert_eq!((waited.done, waited.pending), (vec![1, 2], vec![0]));
    });
}
