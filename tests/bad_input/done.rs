//! Contexts that are done: each way to use them ends at once.

use std::{
    future::{pending, ready},
    time::Duration,
};

use windlass::{
    Ctx, Error, Event, TaskHolder, Until,
    testing::{Sim, simulate},
};

use crate::kit::{Log, secs, yield_now};

fn ended(sim: &Sim) -> Ctx {
    let ctx = sim.ctx.child("ended");
    assert!(ctx.cancel_with("the test"));
    ctx
}

/// One that something had waited for when it ended, and one that nobody knew of.
fn both(sim: &Sim) -> [Ctx; 2] {
    let known = sim.ctx.child("ended");
    drop(known.done());
    assert!(known.cancel_with("the test"));
    [known, ended(sim)]
}

fn is_ours(error: &Error) -> bool {
    error.is_cancelled() && error.to_string() == "cancelled at sim-->ended by the test"
}

#[test]
fn waits_end_at_once_with_its_error_and_poll_nothing() {
    simulate(async |sim| {
        let ctx = ended(sim);
        let unpolled = || std::future::poll_fn(|_| -> std::task::Poll<()> { unreachable!() });
        let errors = [
            ctx.done().await,
            ctx.sleep(secs(5)).await.unwrap_err(),
            ctx.sleep(Duration::ZERO).await.unwrap_err(),
            ctx.timeout(secs(5), unpolled()).await.unwrap_err(),
            ctx.run_until_done(unpolled()).await.unwrap_err(),
            ctx.wait([Event::new()], Until::All).await.unwrap_err(),
            ctx.check().unwrap_err(),
        ];
        assert!(errors.iter().all(is_ours), "{errors:?}");
        ctx.stopping().await;
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
    });
}

#[test]
fn what_is_made_below_is_done_with_its_error() {
    simulate(async |sim| {
        for ctx in both(sim) {
            let other = sim.ctx.child("other");
            assert!(!ctx.cancel() && !ctx.stop() && !ctx.fail("late"));
            let below = [
                ctx.child("child"),
                ctx.build("built").timeout(secs(5)).value(1).start(),
                ctx.build("late")
                    .timeout(Duration::ZERO)
                    .start()
                    .child("leaf"),
                other.build("also").also_ends_with(&ctx).start(),
                ctx.build("mine").also_ends_with(&other).start(),
                ctx.child("scope").guard().disarm(),
            ];
            for ctx in &below {
                assert!(ctx.is_done() && ctx.is_stopping());
                assert!(
                    is_ours(&ctx.error().unwrap()) || ctx.path().contains("late"),
                    "{ctx:?}"
                );
                assert!(!ctx.cancel() && !ctx.stop() && !ctx.fail("late"));
            }
            assert!(!other.is_done());
        }
    });
}

#[test]
fn tasks_are_cancelled_unpolled_however_they_are_spawned() {
    simulate(async |sim| {
        let (ctx, log) = (ended(sim), Log::default());
        let run = |name: &'static str| {
            let log = log.clone();
            async move { log.add(name) }
        };
        let work = |name: &'static str| {
            let log = log.clone();
            move |_: &Ctx<()>| log.add(name)
        };
        let holder = TaskHolder::new(&ctx, "holder").limit(1);
        let tasks = [
            ctx.spawn(run("spawn")),
            ctx.spawn_with(|own| {
                assert!(own.is_done());
                run("spawn_with")
            }),
            ctx.task("graceful").grace(secs(5)).spawn(run("grace")),
            ctx.task("timed").timeout(secs(5)).spawn(run("timeout")),
            ctx.spawn_blocking(work("blocking")),
            ctx.on(sim.rt.clone()).spawn_local(run("local")),
            holder.spawn(run("held")),
        ];
        for task in tasks {
            assert!(task.is_done(), "when `spawn` returns");
            assert!(task.await.unwrap_err().is_cancelled());
        }
        let calls = [
            ctx.call_soon(|| unreachable!()),
            ctx.call_later(secs(1), || unreachable!()),
        ];
        yield_now().await;
        assert!(calls.iter().all(|call| !call.has_run()));
        assert!(log.take().is_empty());
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
    });
}

#[test]
fn finishing_what_is_over_is_over() {
    simulate(async |sim| {
        let ctx = ended(sim);
        drop(ctx.spawn(pending::<()>()));
        let reports = [
            ctx.finish().await,
            ctx.cancel_and_wait().await,
            ctx.shutdown(secs(60)).await,
        ];
        for report in reports {
            assert_eq!((report.completed, report.failed), (0, 0));
            assert!(report.dropped.is_empty() && report.left.is_empty());
        }
        let holder = TaskHolder::new(&ctx, "holder");
        assert_eq!(holder.finish().await.cancelled, 0);
        let scope = TaskHolder::new(&ctx, "scope").scope(async |_| Ok::<_, Error>(1));
        assert!(is_ours(&scope.await.unwrap_err()));
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
    });
}

#[test]
fn cleaning_up_is_still_possible() {
    simulate(async |sim| {
        let cleanup = ended(sim).cleanup(secs(5));
        let task = cleanup.spawn(ready(1));
        assert_eq!(task.await.unwrap(), 1);
        assert!(!cleanup.is_done());
    });
}
