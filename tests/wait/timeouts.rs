//! Timeouts.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
    task::Poll,
    time::Duration,
};

use windlass::{
    Ctx, Error, Event, Failure, TimedOut, Until,
    testing::{SimRuntime, simulate},
};

use crate::{Wakes, kit::secs};

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
    // TIME-10, TIME-13, Q-20, Q-21: the work went on, or was not waited for. Q-22: a test claimed that
    // the work is not cancelled, where nobody saw it fail.
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

#[test]
fn outcome_is_fixed_when_the_time_runs_out() {
    // TIME-12: the work goes on to a value, two seconds late; the caller has its answer all the same.
    simulate(async |sim| {
        let ctx = &sim.ctx;
        let inside = ctx.clone();
        let work = ctx.spawn(async move {
            inside.sleep(secs(12)).await.unwrap();
            "too late"
        });
        let watch = work.watch();
        let late = ctx.timeout(secs(10), work).await;
        assert!(late.unwrap_err().is_timed_out());
        assert_eq!(sim.clock.elapsed(), secs(10));
        watch.wait().await.unwrap();
        assert_eq!(
            sim.clock.elapsed(),
            secs(12),
            "it was detached, not cancelled"
        );
    });
}

#[test]
fn time_that_ran_out_is_named_by_its_context() {
    // TIME-20: the label is the name of a context. TIME-18: there is no default to forget about, a
    // timeout is always said.
    simulate(async |sim| {
        let fetch = sim.ctx.child("fetch");
        let late = fetch.timeout(secs(10), pending::<()>()).await;
        assert_eq!(
            late.unwrap_err().to_string(),
            "timed out at sim-->fetch after 10s"
        );
        let conn = sim.ctx.build("conn").timeout(secs(5)).start();
        let error = conn.child("read").done().await;
        assert_eq!(error.to_string(), "timed out at sim-->conn after 5s");
    });
}

#[test]
fn errors_of_the_work_are_the_callers_and_not_reported() {
    // TIME-21: here they were logged as well, there only if it was not silent.
    simulate(async |sim| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&log);
        let report =
            move |failure: &Failure<'_>| told.lock().unwrap().push(failure.path.to_owned());
        let app = sim.ctx.build("app").reporter(report).start();
        let failed = app.timeout(secs(1), ready(Err::<(), _>("its own"))).await;
        assert_eq!(failed.unwrap(), Err("its own"));
        let task = app.try_spawn(ready(Err::<(), _>("the task's")));
        assert!(app.timeout(secs(1), task).await.unwrap().is_err());
        assert!(app.timeout(secs(1), pending::<()>()).await.is_err());
        assert!(log.lock().unwrap().is_empty());
    });
}

#[test]
fn future_is_dropped_when_the_timeout_is_over_although_that_is_still_there() {
    let kept = Arc::new(());
    let holds = || {
        let held = Arc::clone(&kept);
        async move {
            let _held = held;
            pending::<()>().await;
        }
    };
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let value = Arc::clone(&kept);
    let mut ends = Box::pin(ctx.timeout(secs(5), holds()));
    let mut gives = Box::pin(ctx.timeout(
        secs(5),
        futures::future::poll_fn(move |_| Poll::Ready(Arc::strong_count(&value))),
    ));
    let wakes = Arc::new(Wakes::default());
    assert!(wakes.poll(ends.as_mut()).is_pending());
    assert_eq!(Arc::strong_count(&kept), 3);
    assert!(matches!(wakes.poll(gives.as_mut()), Poll::Ready(Ok(3))));
    assert_eq!(Arc::strong_count(&kept), 2, "its value was ready");
    assert!(ctx.cancel());
    assert!(matches!(wakes.poll(ends.as_mut()), Poll::Ready(Err(e)) if e.is_cancelled()));
    assert_eq!(Arc::strong_count(&kept), 1, "its context has ended");
    assert!(
        wakes.poll(ends.as_mut()).is_pending(),
        "it was polled once too often"
    );
    assert!(wakes.poll(gives.as_mut()).is_pending());
}

#[test]
fn future_is_dropped_before_anybody_hears_of_the_timeout() {
    struct Looks(Event, Arc<Mutex<Vec<bool>>>);
    impl Drop for Looks {
        fn drop(&mut self) {
            self.1.lock().unwrap().push(self.0.is_set());
        }
    }
    simulate(async |sim| {
        let (event, seen) = (Event::new(), Arc::new(Mutex::new(Vec::new())));
        let looks = Looks(event.clone(), Arc::clone(&seen));
        let work = async move {
            let _looks = looks;
            pending::<()>().await;
        };
        let late = sim.ctx.timeout(secs(1), work).notify(&event).await;
        assert!(late.unwrap_err().is_timed_out() && event.is_set());
        assert_eq!(*seen.lock().unwrap(), [false]);
    });
}
