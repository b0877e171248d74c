//! How tasks end.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use windlass::{
    Cancelled, Ctx, Error, FutureStatus, State, TaskHolder, TimedOut, ok, testing::simulate,
};

use crate::{
    OnDrop,
    kit::{Log, secs, yield_now},
    reporting,
};

#[test]
fn future_is_dropped_before_the_task_is_done() {
    simulate(async |sim| {
        let log = Log::default();
        let mark = OnDrop(log.clone(), "dropped");
        let task = sim.ctx.spawn(async move {
            let _mark = mark;
            pending::<()>().await;
        });
        let told = log.clone();
        task.on_done(move |outcome| told.add(format!("done {}", outcome.is_err())));
        yield_now().await;
        assert!(task.cancel() && !task.cancel(), "the first request only");
        assert_eq!(FutureStatus::state(&task), State::Stopping);
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped", "done true"]);
    });
}

#[test]
fn context_end_stops_its_tasks_and_those_below() {
    simulate(async |sim| {
        let outer = sim.ctx.child("outer");
        let tasks = [
            outer.spawn(pending::<()>()),
            outer.child("inner").spawn(pending::<()>()),
        ];
        yield_now().await;
        outer.cancel_with("enough");
        for task in &tasks {
            assert_eq!(
                FutureStatus::state(task),
                State::Stopping,
                "asked when the call returns"
            );
        }
        for task in tasks {
            let error = task.await.unwrap_err();
            assert_eq!(error.to_string(), "cancelled at sim-->outer by enough");
        }
    });
}

#[test]
fn future_that_returns_wins_also_in_the_poll_of_the_end() {
    simulate(async |sim| {
        let own = sim.ctx.child("own");
        let ending = own.clone();
        let task = own.spawn(async move {
            assert!(ending.cancel());
            "returned all the same"
        });
        assert_eq!(task.await.unwrap(), "returned all the same");
    });
}

#[test]
fn task_of_a_done_context_is_cancelled_and_never_polled() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("done");
        let log = Log::default();
        let (before, polled) = (ctx.clone(), log.clone());
        let early = before.spawn(async move { polled.add("polled") });
        ctx.cancel();
        assert!(
            early.await.unwrap_err().is_cancelled(),
            "spawned before, polled after"
        );
        let (polled, mark) = (log.clone(), OnDrop(log.clone(), "dropped"));
        let late = ctx.spawn(async move {
            polled.add("polled");
            drop(mark);
        });
        assert!(late.is_done(), "done at once");
        assert!(late.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped"]);
    });
}

#[test]
fn loop_that_ignores_errors_is_dropped_at_a_wait() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let inside = ctx.clone();
        let stubborn = ctx.spawn(async move {
            loop {
                let _ = inside.sleep(secs(1)).await;
            }
        });
        yield_now().await;
        ctx.cancel();
        let outcome: Result<(), Error> = stubborn.await;
        assert!(outcome.unwrap_err().is_cancelled());
    });
}

#[test]
fn error_of_the_context_returned_by_its_task_is_a_cancellation() {
    simulate(async |sim| {
        let (app, log) = reporting(sim);
        let ctx = app.child("ends");
        let inside = ctx.clone();
        let task = ctx.try_spawn(async move {
            inside.stopping().await;
            loop {
                inside.check()?;
                yield_now().await;
            }
            #[allow(unreachable_code)]
            ok(())
        });
        drop(task);
        yield_now().await;
        ctx.fail("broken");
        ctx.finish().await;
        assert!(
            log.take().is_empty(),
            "not reported: the context's failure is the context's"
        );
        let finished = ctx.finish().await;
        assert_eq!((finished.failed, finished.cancelled), (0, 1));
    });
}

#[test]
fn grace_lets_a_task_finish_after_a_plain_end_and_no_longer() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let work = async |ctx: Ctx, d: Duration| {
            let cleanup = ctx.cleanup(secs(100));
            ctx.stopping().await;
            cleanup.sleep(d).await.unwrap();
            "cleaned up"
        };
        let quick = ctx
            .task("quick")
            .grace(secs(5))
            .spawn(work(ctx.clone(), secs(2)));
        let slow = ctx
            .task("slow")
            .grace(secs(5))
            .spawn(work(ctx.clone(), secs(9)));
        let none = ctx.task("none").spawn(work(ctx.clone(), secs(2)));
        yield_now().await;
        ctx.cancel();
        assert!(none.await.unwrap_err().is_cancelled());
        assert_eq!(quick.await.unwrap(), "cleaned up");
        assert_eq!(sim.clock.elapsed(), secs(2));
        assert!(slow.await.unwrap_err().is_cancelled());
        assert_eq!(sim.clock.elapsed(), secs(5));
    });
}

#[test]
fn task_with_a_timeout_runs_out_of_time() {
    simulate(async |sim| {
        let task = sim.ctx.task("slow").timeout(secs(3)).spawn(pending::<()>());
        assert!(task.await.unwrap_err().is_timed_out());
        assert_eq!(sim.clock.elapsed(), secs(3));
        let zero = sim
            .ctx
            .task("zero")
            .timeout(Duration::ZERO)
            .spawn(async { 1 });
        assert!(zero.await.unwrap_err().is_timed_out());
    });
}

#[test]
fn own_context_ends_with_its_task_and_takes_its_tasks_along() {
    simulate(async |sim| {
        let (done, log) = (Arc::new(Mutex::new(None)), Log::default());
        let (out, mark) = (Arc::clone(&done), OnDrop(log.clone(), "child dropped"));
        let task = sim
            .ctx
            .task("own")
            .value(5_u8)
            .spawn_with(|own| async move {
                drop(own.spawn(async move {
                    let _mark = mark;
                    pending::<()>().await;
                }));
                *out.lock().unwrap() = Some(own.clone());
                yield_now().await;
                (own.path(), own.value::<u8>().map(|five| *five))
            });
        assert_eq!((task.name(), task.path().as_str()), ("own", "sim-->own"));
        assert_eq!(task.await.unwrap(), ("sim-->own".to_owned(), Some(5)));
        let own = done.lock().unwrap().take().unwrap();
        assert!(own.is_done());
        own.finish().await;
        assert_eq!(log.take(), ["child dropped"]);
    });
}

#[test]
fn long_run_of_tasks_leaves_no_trace() {
    simulate(async |sim| {
        let held = Arc::new(AtomicUsize::new(0));
        let holder = TaskHolder::new(&sim.ctx, "holder");
        for _ in 0..10_000 {
            let count = Arc::clone(&held);
            let task = holder.spawn_with(|own| async move {
                own.on_done(move |_| {
                    count.fetch_add(1, Ordering::SeqCst);
                });
                yield_now().await;
            });
            task.await.unwrap();
        }
        assert_eq!(
            (held.load(Ordering::SeqCst), Arc::strong_count(&held)),
            (10_000, 1)
        );
        assert_eq!(
            (holder.pending(), holder.finish().await.completed),
            (0, 10_000)
        );
    });
}

#[test]
fn deadline_of_another_stops_a_task_that_has_its_own() {
    simulate(async |sim| {
        let ctx = sim.ctx.build("short").timeout(secs(5)).start();
        let task = ctx.task("long").timeout(secs(60)).spawn(pending::<()>());
        let error = task.await.unwrap_err();
        assert_eq!(sim.clock.elapsed(), secs(5));
        assert!(
            error.is_cancelled() && !error.is_timed_out(),
            "not its own: {error:?}"
        );
        let whose = error.downcast_ref::<TimedOut>().unwrap();
        assert_eq!(whose.path(), "sim-->short");
    });
}

#[test]
fn cancelled_task_says_where_it_was_asked() {
    simulate(async |sim| {
        let task = sim.ctx.spawn(pending::<()>());
        let spawned = line!() - 1;
        yield_now().await;
        task.cancel();
        let asked = line!() - 1;
        let other = sim.ctx.spawn(pending::<()>());
        assert!(other.watch().cancel());
        let lines = [task, other].map(async |task| match task.await.unwrap_err() {
            Error::Cancelled(cancelled) => cancelled.location().line(),
            error => panic!("{error}"),
        });
        let [one, two] = lines;
        assert_eq!((one.await, two.await), (asked, asked + 3));
        assert!(spawned < asked);
    });
}

#[test]
fn task_is_polled_on_during_its_grace() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let cleanup = ctx.cleanup(secs(100));
        let task = ctx.task("steps").grace(secs(5)).spawn(async move {
            for _ in 0..4 {
                cleanup.sleep(secs(1)).await.unwrap();
            }
            "four steps"
        });
        yield_now().await;
        ctx.cancel();
        assert_eq!(task.await.unwrap(), "four steps");
        assert_eq!(sim.clock.elapsed(), secs(4));
    });
}

#[test]
fn task_stopped_by_its_context_has_the_end_of_that_as_its_cause() {
    simulate(async |sim| {
        let ends: [fn(&Ctx); 2] = [
            |ctx| assert!(ctx.cancel_with("enough")),
            |ctx| assert!(ctx.fail("broken")),
        ];
        for end in ends {
            let ctx = sim.ctx.child("ends");
            let tasks = [ctx.spawn(pending::<()>()), ctx.spawn(pending::<()>())];
            yield_now().await;
            end(&ctx);
            for task in tasks {
                let error = task.await.unwrap_err();
                let cause = error.downcast_ref::<Cancelled>().unwrap().cause();
                assert_eq!(cause.unwrap().to_string(), ctx.error().unwrap().to_string());
            }
        }
    });
}
