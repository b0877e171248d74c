//! Zero, huge and past durations; and sets of nothing.

use std::{future::pending, time::Duration};

use windlass::{Event, ShutdownPhase, Until, testing::simulate};

use crate::kit::{Log, secs, yield_now};

/// Longer than any clock goes.
const FOR_EVER: Duration = Duration::MAX;

#[test]
fn sleep_of_nothing_is_over_at_once_and_the_longest_is_not() {
    simulate(async |sim| {
        let ctx = &sim.ctx;
        ctx.sleep(Duration::ZERO).await.unwrap();
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
        let long = ctx.timeout(secs(1_000_000), ctx.sleep(FOR_EVER)).await;
        assert!(long.unwrap_err().is_timed_out());
    });
}

#[test]
fn timeout_and_wait_take_any_duration() {
    simulate(async |sim| {
        let (ctx, event) = (&sim.ctx, Event::new());
        let soon = ctx.sleep(secs(1));
        ctx.timeout(FOR_EVER, soon).await.unwrap().unwrap();
        let none = ctx.wait([&event], Until::First).timeout(Duration::ZERO);
        assert_eq!(none.await.unwrap().pending, [0]);
        let set = event.clone();
        ctx.call_later(secs(1), move || set.set());
        let long = ctx.wait([&event], Until::First).timeout(FOR_EVER);
        assert_eq!(long.await.unwrap().done, [0]);
        assert_eq!(sim.clock.elapsed(), secs(2));
    });
}

#[test]
fn deadline_that_is_past_or_beyond_reach_is_defined() {
    simulate(async |sim| {
        let now = sim.ctx.now();
        let past = sim.ctx.build("past").deadline(now - secs(1)).start();
        assert!(past.error().unwrap().is_timed_out(), "when it is made");
        assert_eq!(past.remaining(), Some(Duration::ZERO));
        let present = sim.ctx.build("present").deadline(now).start();
        assert!(present.error().unwrap().is_timed_out());
        let far = sim.ctx.build("far").deadline(now + secs(1 << 40)).start();
        let near = far.build("near").timeout(FOR_EVER).start();
        sim.ctx.sleep(secs(1_000_000)).await.unwrap();
        assert!(!far.is_done() && !near.is_done());
    });
}

#[test]
fn cleanup_of_no_time_is_over_and_of_all_time_is_not() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ended");
        ctx.cancel();
        let none = ctx.cleanup(Duration::ZERO);
        assert!(none.error().unwrap().is_timed_out());
        let all = ctx.cleanup(FOR_EVER);
        sim.ctx.sleep(secs(1_000_000)).await.unwrap();
        assert!(!all.is_done());
    });
}

#[test]
fn task_takes_any_timeout_and_any_grace() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let work = async |n: u64| sim.ctx.sleep(secs(n)).await.map(|()| n);
        let [inside, other] = [ctx.cleanup(FOR_EVER), ctx.cleanup(FOR_EVER)];
        let long = ctx.task("long").timeout(FOR_EVER).spawn(async { 1 });
        assert_eq!(long.await.unwrap(), 1);
        let past = ctx
            .task("past")
            .deadline(ctx.now() - secs(1))
            .spawn(async { 1 });
        assert!(past.await.unwrap_err().is_timed_out());
        let none = ctx.task("none").grace(Duration::ZERO);
        let none = none.try_spawn(async move { inside.sleep(secs(1)).await });
        let all = ctx.task("all").grace(FOR_EVER);
        let all = all.try_spawn(async move { other.sleep(secs(1_000_000)).await });
        yield_now().await;
        ctx.cancel();
        assert!(none.await.unwrap_err().is_cancelled());
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
        all.await.unwrap();
        assert_eq!(work(1).await.unwrap(), 1);
    });
}

#[test]
fn call_takes_any_time() {
    simulate(async |sim| {
        let (ctx, log) = (&sim.ctx, Log::default());
        let call = |name: &'static str| {
            let log = log.clone();
            move || log.add(name)
        };
        let never = [
            ctx.call_later(FOR_EVER, call("never")),
            ctx.call_at(ctx.now() + secs(1 << 40), call("never")),
        ];
        ctx.call_later(Duration::ZERO, call("at once"));
        ctx.call_at(ctx.now() - secs(1), call("past"));
        yield_now().await;
        assert_eq!(log.take(), ["at once", "past"]);
        ctx.sleep(secs(1_000_000)).await.unwrap();
        assert!(log.take().is_empty());
        assert!(never.iter().all(windlass::CallHandle::cancel));
    });
}

#[test]
fn shutdown_takes_any_grace_bound_and_pace() {
    simulate(async |sim| {
        let ends = |n: u64| {
            let app = sim.ctx.child("app");
            let inside = app.clone();
            drop(app.try_spawn(async move { inside.sleep(secs(n)).await }));
            app
        };
        let all = ends(2).shutdown(FOR_EVER).await;
        assert_eq!((all.completed, all.took), (1, secs(2)));
        let none = ends(2).shutdown(Duration::ZERO).await;
        assert_eq!((none.cancelled, none.took), (1, Duration::ZERO));
        let (mut told, app) = (0, ends(2));
        let paced = app.phased_shutdown(FOR_EVER).drop_within(FOR_EVER);
        let paced = paced.on_progress(Duration::ZERO, |progress| {
            assert_eq!(progress.phase, ShutdownPhase::Stopping);
            told += 1;
        });
        assert_eq!(paced.run().await.completed, 1);
        assert!(
            (1..=2_000).contains(&told),
            "a millisecond apart at least: {told}"
        );
        let (mut told, app) = (0, ends(2));
        let silent = app.phased_shutdown(secs(1)).drop_within(Duration::ZERO);
        let silent = silent.on_progress(FOR_EVER, |_| told += 1);
        let left = silent.run().await;
        assert_eq!((left.dropped.len(), left.took), (1, secs(1)));
        assert_eq!(told, 0);
        drop(sim.ctx.timeout(FOR_EVER, pending::<()>()));
    });
}

#[test]
fn set_of_nothing_is_over_whatever_is_asked_of_it() {
    // WAIT-01, WAIT-18
    simulate(async |sim| {
        for until in [Until::All, Until::First, Until::FirstError] {
            for limit in [None, Some(Duration::ZERO), Some(FOR_EVER)] {
                let wait = sim.ctx.wait(Vec::<Event>::new(), until);
                let waited = match limit {
                    None => wait.await,
                    Some(limit) => wait.timeout(limit).await,
                };
                let waited = waited.unwrap();
                assert!(waited.done.is_empty() && waited.pending.is_empty());
            }
        }
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
    });
}
