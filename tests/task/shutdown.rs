//! Waiting until nothing runs.

use std::{future::pending, panic::Location, time::Duration};

use windlass::{Ctx, Error, testing::simulate};

use crate::kit::{secs, yield_now};

#[test]
fn finish_waits_for_tasks_that_are_added_meanwhile() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("work");
        let (first, below) = (ctx.clone(), ctx.child("below"));
        drop(ctx.spawn(async move {
            first.sleep(secs(1)).await.unwrap();
            let again = below.clone();
            drop(below.spawn(async move { again.sleep(secs(2)).await.unwrap() }));
        }));
        let finished = ctx.finish().await;
        assert_eq!((finished.completed, sim.clock.elapsed()), (2, secs(3)));
        assert_eq!(ctx.finish().await.completed, 2, "nothing runs: at once");
    });
}

#[test]
fn shutdown_asks_waits_ends_and_names_those_it_dropped() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let (polite, end) = (app.clone(), app.clone());
        let good = app.spawn(async move {
            polite.stopping().await;
            polite.sleep(secs(1)).await.unwrap();
            "in good order"
        });
        let at = Location::caller();
        drop(app.child("conn").task("stubborn").spawn(pending::<()>()));
        yield_now().await;
        let report = end.shutdown(secs(10)).await;
        assert_eq!(
            (good.await.unwrap(), sim.clock.elapsed()),
            ("in good order", secs(10))
        );
        assert_eq!(
            (report.completed, report.cancelled, report.took),
            (1, 1, secs(10))
        );
        let [straggler] = &report.dropped[..] else {
            panic!("{report}")
        };
        assert_eq!(straggler.path, "sim-->app-->conn-->stubborn");
        assert_eq!(
            (straggler.spawned_at.line(), straggler.held_for),
            (at.line() + 1, secs(10))
        );
        assert!(app.is_done());
    });
}

#[test]
fn shutdown_returns_as_soon_as_nothing_runs() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let inside = app.clone();
        drop(app.spawn(async move { inside.stopping().await }));
        yield_now().await;
        let report = app.shutdown(secs(1000)).await;
        assert!(report.dropped.is_empty() && sim.clock.elapsed() == Duration::ZERO);
    });
}

#[test]
fn cancel_and_wait_ends_and_waits() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let tasks: Vec<_> = (0..100)
            .map(|_| app.child("c").spawn(pending::<()>()))
            .collect();
        yield_now().await;
        let report = app.cancel_and_wait().await;
        assert_eq!(
            (report.cancelled, report.failed, report.completed),
            (100, 0, 0)
        );
        assert!(tasks.iter().all(|task| task.is_done()));
    });
}

#[test]
fn finish_counts_each_kind_and_keeps_the_first_error() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let fails = |ctx: &Ctx, n: u64, text: &'static str| {
            let inside = sim.ctx.clone();
            drop(ctx.task("fails").silent().try_spawn(async move {
                inside.sleep(secs(n)).await?;
                Err::<(), Error>(text.into())
            }));
        };
        let below = app.child("below");
        fails(&app, 2, "second");
        fails(&app, 1, "first");
        drop(
            app.task("late")
                .silent()
                .timeout(secs(1))
                .spawn(pending::<()>()),
        );
        let panics = async { assert!(std::hint::black_box(false), "on purpose") };
        drop(below.task("panics").silent().spawn(panics));
        app.spawn(pending::<()>()).cancel();
        drop(below.spawn(async {}));
        let finished = app.finish().await;
        let counts = (finished.completed, finished.failed, finished.cancelled);
        assert_eq!(counts, (1, 4, 1), "out of time and panicked are failures");
        // Of the tasks of one context it is the first in time.
        assert_eq!(finished.first_error.unwrap().to_string(), "first");
        assert!(below.finish().await.first_error.unwrap().is_panic());
        drop(below);
        let again = app.finish().await;
        assert_eq!(
            (again.completed, again.failed, again.cancelled),
            counts,
            "also when it has gone"
        );
    });
}

#[test]
fn what_ran_is_counted_once_whichever_generation_has_gone() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let conn = app.child("conn");
        let request = conn.child("request");
        for ctx in [&conn, &request] {
            drop(ctx.spawn(async {}));
            ctx.spawn(pending::<()>()).cancel();
            drop(
                ctx.task("fails")
                    .silent()
                    .try_spawn(async { Err::<(), _>("no") }),
            );
        }
        let counts = async || {
            let finished = app.finish().await;
            assert_eq!(finished.first_error.unwrap().to_string(), "no");
            (finished.completed, finished.failed, finished.cancelled)
        };
        assert_eq!(counts().await, (2, 2, 2));
        drop(request);
        assert_eq!(counts().await, (2, 2, 2), "its sums are its parent's");
        drop(conn);
        assert_eq!(counts().await, (2, 2, 2), "and now those of that one's");
    });
}

/// A task that sleeps for a second and then, `hops` times, goes on as another in the other context.
fn hop(clock: Ctx, here: Ctx, there: Ctx, hops: u64) {
    let spawner = here.clone();
    drop(spawner.spawn(async move {
        clock.sleep(secs(1)).await.unwrap();
        if hops > 0 {
            hop(clock, there, here, hops - 1);
        }
    }));
}

#[test]
fn finish_follows_work_that_moves_between_contexts() {
    // It looks at one context after the other: what moves into one that it has seen is not missed.
    simulate(async |sim| {
        for (first, second) in [("one", "two"), ("two", "one")] {
            for hops in 0..6 {
                let app = sim.ctx.child("app");
                let contexts = [app.child("one"), app.child("two")];
                contexts.iter().for_each(|ctx| drop(ctx.done()));
                let named = |name| {
                    contexts
                        .iter()
                        .find(|ctx| ctx.name() == name)
                        .unwrap()
                        .clone()
                };
                hop(sim.ctx.clone(), named(first), named(second), hops);
                let start = sim.clock.elapsed();
                assert_eq!(app.finish().await.completed as u64, hops + 1);
                assert_eq!(sim.clock.elapsed() - start, secs(hops + 1));
            }
        }
    });
}
