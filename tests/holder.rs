//! The holder: behaviours HOLD-xx and the regressions of Q-49 … Q-58.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use windlass::{
    Ctx, Error, FutureStatus, Task, TaskHolder, ok,
    testing::{Sim, explore, simulate},
};

use self::kit::{Log, secs, yield_now};

/// A task that ends after `n` seconds and says so.
fn after(ctx: &Ctx, log: &Log, n: u64) -> Task<u64> {
    let (inside, log) = (ctx.clone(), log.clone());
    ctx.try_spawn(async move {
        inside.sleep(secs(n)).await?;
        log.add(n.to_string());
        ok(n)
    })
}

// ===== waiting

#[test]
fn fresh_holder_is_empty_and_finishes_at_once() {
    // HOLD-01
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        assert_eq!(
            (
                holder.pending(),
                holder.tasks().len(),
                holder.path().as_str()
            ),
            (0, 0, "sim-->holder")
        );
        let finished = holder.finish().await;
        assert_eq!(
            (finished.completed, finished.failed, finished.cancelled),
            (0, 0, 0)
        );
    });
}

#[test]
fn finish_waits_for_all_however_long_it_takes() {
    // HOLD-03, HOLD-23
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let tasks = [after(&holder, &log, 5), after(&holder, &log, 1)];
        let finished = holder.finish().await;
        assert_eq!(
            (log.take(), finished.completed),
            (vec!["1".into(), "5".into()], 2)
        );
        assert_eq!(sim.clock.elapsed(), secs(5));
        drop(tasks);
    });
}

#[test]
fn task_can_be_awaited_inside() {
    // HOLD-04
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        assert_eq!(after(&holder, &log, 5).await.unwrap(), 5);
        assert_eq!(after(&holder, &log, 1).await.unwrap(), 1);
        assert_eq!(holder.finish().await.completed, 2);
        assert_eq!(log.take(), ["5", "1"]);
    });
}

#[test]
fn failing_task_stops_nobody_and_is_reported_at_the_end() {
    // HOLD-06; Q-54: errors of held tasks were only logged.
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let failing = holder
            .task("failing")
            .silent()
            .try_spawn(ready(Err::<(), _>("broken")));
        let others = [after(&holder, &log, 5), after(&holder, &log, 1)];
        let finished = holder.finish().await;
        assert_eq!((finished.completed, finished.failed), (2, 1));
        assert_eq!(finished.first_error.unwrap().to_string(), "broken");
        assert_eq!(log.take(), ["1", "5"]);
        drop((failing, others));
    });
}

#[test]
fn task_leaves_before_its_callbacks() {
    // HOLD-09, HOLD-15, HOLD-17
    simulate(async |sim| {
        let holder = Arc::new(TaskHolder::new(&sim.ctx, "holder"));
        let task = holder.spawn(pending::<()>());
        assert_eq!((holder.pending(), holder.contains(task.id())), (1, true));
        let (weak, seen) = (Arc::downgrade(&holder), Arc::new(AtomicUsize::new(9)));
        let out = Arc::clone(&seen);
        task.on_done(move |_| out.store(weak.upgrade().unwrap().pending(), Ordering::SeqCst));
        yield_now().await;
        task.cancel();
        yield_now().await;
        assert_eq!(
            (seen.load(Ordering::SeqCst), holder.contains(task.id())),
            (0, false)
        );
    });
}

#[test]
fn tasks_are_listed_in_order_of_insertion_through_any_handle() {
    // HOLD-12, HOLD-13
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let elsewhere = sim.ctx.spawn(pending::<()>());
        let handle = holder.handle();
        let tasks = [
            holder.spawn(pending::<()>()),
            handle.child("below").spawn(pending()),
            handle.spawn_with(|_| pending()),
        ];
        let ids: Vec<_> = holder.tasks().iter().map(|task| task.id()).collect();
        assert_eq!(ids, tasks.iter().map(Task::id).collect::<Vec<_>>());
        assert!(!holder.contains(elsewhere.id()));
        elsewhere.cancel();
    });
}

#[test]
fn nearest_holder_counts_and_outer_one_waits() {
    simulate(async |sim| {
        let (outer, log) = (TaskHolder::new(&sim.ctx, "outer"), Log::default());
        let inner = TaskHolder::new(&outer, "inner");
        let task = after(&inner, &log, 3);
        assert_eq!((outer.pending(), inner.pending()), (0, 1));
        let report = outer.finish().await;
        assert_eq!((sim.clock.elapsed(), report.completed), (secs(3), 0));
        assert_eq!(task.await.unwrap(), 3);
    });
}

// ===== ending

#[test]
fn end_of_the_context_reaches_held_tasks_at_once() {
    // HOLD-08, HOLD-10, HOLD-11; Q-51: they went on until the holder was being left.
    simulate(async |sim| {
        let parent = sim.ctx.child("parent");
        let holder = TaskHolder::new(&parent, "holder");
        let tasks = [holder.spawn(pending::<()>()), holder.spawn(pending())];
        yield_now().await;
        parent.cancel();
        assert!(
            tasks
                .iter()
                .all(|task| FutureStatus::state(task) != windlass::State::Pending)
        );
        assert_eq!(holder.finish().await.cancelled, 2);
    });
}

#[test]
fn spawn_after_the_end_gives_a_task_that_is_cancelled() {
    //
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        holder.finish().await;
        let late = holder.spawn(async { 1 });
        assert!(late.is_done() && late.await.unwrap_err().is_cancelled());
        assert!(holder.reserve().await.is_err() && holder.try_reserve().is_none());
        assert_eq!(holder.pending(), 0);
    });
}

#[test]
fn dropped_holder_cancels_and_the_outer_holder_waits_for_the_rest() {
    // HOLD-25
    simulate(async |sim| {
        let (outer, log) = (TaskHolder::new(&sim.ctx, "outer"), Log::default());
        let inner = TaskHolder::new(&outer, "inner");
        let told = log.clone();
        let cleanup = outer.cleanup(secs(10));
        drop(inner.task("slow to go").grace(secs(5)).spawn(async move {
            cleanup.sleep(secs(2)).await.unwrap();
            told.add("cleaned up");
        }));
        yield_now().await;
        drop(inner);
        outer.finish().await;
        assert_eq!(
            (log.take(), sim.clock.elapsed()),
            (vec!["cleaned up".into()], secs(2))
        );
    });
}

#[test]
fn second_cancellation_while_it_finishes_waits_all_the_same() {
    // cancelled while it waited, it returned without waiting for its tasks.
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let (told, cleanup) = (log.clone(), sim.ctx.cleanup(secs(60)));
        drop(holder.task("graceful").grace(secs(9)).spawn(async move {
            cleanup.sleep(secs(4)).await.unwrap();
            told.add("gone");
        }));
        yield_now().await;
        let handle = holder.handle();
        let twice = sim
            .ctx
            .call_later(secs(1), move || assert!(handle.cancel()));
        let again = holder.handle();
        sim.ctx
            .call_later(secs(2), move || assert!(!again.cancel()));
        let finished = holder.finish().await;
        assert_eq!((log.take(), finished.completed), (vec!["gone".into()], 1));
        assert!(twice.has_run() && sim.clock.elapsed() == secs(4));
    });
}

#[test]
fn dropped_finish_loses_nothing_and_goes_on() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let task = after(&holder, &log, 5);
        assert!(
            sim.ctx
                .timeout(secs(1), holder.finish())
                .await
                .unwrap_err()
                .is_timed_out()
        );
        assert!(!holder.is_done() && holder.pending() == 1);
        assert_eq!(holder.finish().await.completed, 1);
        drop(task);
    });
}

#[test]
fn task_that_waits_for_its_own_holder_is_refused() {
    // it waited for itself.
    simulate(async |sim| {
        let holder = Arc::new(TaskHolder::new(&sim.ctx, "holder"));
        let inside = Arc::clone(&holder);
        let task = holder.spawn(async move {
            let first = inside.finish().await.first_error;
            let second = inside.shutdown(secs(1)).await.first_error;
            [first, second]
                .map(|error| error.is_some_and(|e| e.to_string().contains("cannot wait")))
        });
        assert_eq!(task.await.unwrap(), [true, true]);
        assert!(!holder.is_done(), "a refusal ends nothing");
    });
}

#[test]
fn fail_fast_ends_the_holder_with_the_first_failure() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").fail_fast();
        let other = holder.spawn(pending::<()>());
        let stopped = holder.spawn(pending::<()>());
        yield_now().await;
        stopped.cancel();
        yield_now().await;
        assert!(!holder.is_done(), "a cancellation is no failure");
        let failing = holder
            .task("failing")
            .silent()
            .try_spawn(ready(Err::<(), _>("broken")));
        let finished = holder.finish().await;
        assert_eq!((finished.failed, finished.cancelled), (1, 2));
        assert_eq!(holder.error().unwrap().to_string(), "broken");
        let cause = other.await.unwrap_err();
        assert!(cause.is_cancelled() && failing.error().unwrap().is_failed());
    });
}

// ===== limits and slots

/// How many run at a time, at the most.
#[derive(Clone, Default)]
struct Peak(Arc<(AtomicUsize, AtomicUsize)>);

impl Peak {
    fn work(&self, ctx: &Ctx) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (peak, ctx) = (self.clone(), ctx.clone());
        async move {
            let now = peak.0.0.fetch_add(1, Ordering::SeqCst) + 1;
            peak.0.1.fetch_max(now, Ordering::SeqCst);
            ctx.sleep(secs(1)).await.unwrap();
            peak.0.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[test]
fn limit_holds_and_queued_tasks_start_in_order() {
    simulate(async |sim| {
        let (holder, peak) = (
            TaskHolder::new(&sim.ctx, "holder").limit(3),
            Peak::default(),
        );
        let log = Log::default();
        let tasks: Vec<_> = (0..9)
            .map(|n| {
                let (work, log) = (peak.work(&sim.ctx), log.clone());
                holder.spawn(async move {
                    log.add(n.to_string());
                    work.await;
                })
            })
            .collect();
        assert_eq!(holder.pending(), 9, "queued ones count");
        holder.finish().await;
        assert_eq!((peak.most(), sim.clock.elapsed()), (3, secs(3)));
        assert_eq!(log.take().concat(), "012345678");
        drop(tasks);
    });
}

#[test]
fn limit_of_zero_starts_nothing_until_it_is_raised() {
    simulate(async |sim| {
        let (holder, peak) = (
            TaskHolder::new(&sim.ctx, "holder").limit(0),
            Peak::default(),
        );
        let tasks: Vec<_> = (0..4).map(|_| holder.spawn(peak.work(&sim.ctx))).collect();
        sim.ctx.sleep(secs(5)).await.unwrap();
        assert_eq!(peak.most(), 0);
        holder.set_limit(2);
        sim.ctx.sleep(Duration::from_millis(500)).await.unwrap();
        holder.set_limit(1);
        holder.finish().await;
        assert_eq!(
            (peak.most(), sim.clock.elapsed()),
            (2, secs(8)),
            "2 at once, then 1 by 1"
        );
        drop(tasks);
    });
}

#[test]
fn queued_task_ends_with_the_context_and_on_its_own_request() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(1);
        let (running, queued) = (holder.spawn(pending::<()>()), holder.spawn(async { 1 }));
        let third = holder.spawn(async { 3 });
        yield_now().await;
        queued.cancel();
        assert!(queued.await.unwrap_err().is_cancelled());
        running.cancel();
        assert_eq!(third.await.unwrap(), 3, "the room goes to the next");
        let (blocking, queued) = (holder.spawn(pending::<()>()), holder.spawn(async { 1 }));
        yield_now().await;
        holder.cancel();
        assert_eq!(holder.finish().await.cancelled, 4);
        assert!(blocking.is_done() && queued.is_done());
    });
}

#[test]
fn slots_give_back_pressure_and_are_given_back() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(2);
        let (first, second) = (
            holder.reserve().await.unwrap(),
            holder.try_reserve().unwrap(),
        );
        assert!(holder.try_reserve().is_none());
        let late = sim.ctx.timeout(secs(1), holder.reserve()).await;
        assert!(
            late.unwrap_err().is_timed_out(),
            "a dropped wait leaves the line"
        );
        drop(first.task("dropped unused"));
        let first = holder.try_reserve().expect("the room is free again");
        let inside = sim.ctx.clone();
        let task = second
            .task("work")
            .try_spawn(async move { inside.sleep(secs(3)).await });
        assert!(holder.try_reserve().is_none(), "held until the task ends");
        let third = holder.reserve().await.unwrap();
        assert_eq!(sim.clock.elapsed(), secs(4));
        task.await.unwrap();
        drop((first, third));
        let stopped = futures::join!(async { holder.limit_zero_reserve().await }, async {
            yield_now().await;
            holder.stop();
        });
        assert!(
            stopped.0.unwrap_err().is_cancelled(),
            "it ends when the holder is asked to stop"
        );
    });
}

/// Waits for room that there is not.
trait Starve {
    async fn limit_zero_reserve(&self) -> Result<(), Error>;
}

impl Starve for TaskHolder {
    async fn limit_zero_reserve(&self) -> Result<(), Error> {
        self.set_limit(0);
        self.reserve().await.map(drop)
    }
}

#[test]
fn whatever_the_order_no_room_is_lost() {
    explore(0..50, async |sim: &Sim| {
        let (holder, peak) = (
            TaskHolder::new(&sim.ctx, "holder").limit(2),
            Peak::default(),
        );
        let holder = &holder;
        let reserving = (0..10).map(|n| {
            let work = peak.work(&sim.ctx);
            async move {
                if n % 3 == 0 {
                    // One in three gives up while it waits, or right after.
                    let _ = sim
                        .ctx
                        .timeout(Duration::from_millis(n * 300), holder.reserve())
                        .await;
                } else {
                    drop(holder.reserve().await.unwrap().task("work").spawn(work));
                }
            }
        });
        let spawned: Vec<_> = (0..5).map(|_| holder.spawn(peak.work(&sim.ctx))).collect();
        futures::future::join_all(reserving).await;
        let finished = holder.finish().await;
        assert_eq!((finished.completed, peak.most()), (11, 2));
        drop(spawned);
    });
}

// ===== adopting

#[test]
fn adopted_task_is_waited_for_and_cancelled_with_the_holder() {
    // HOLD-22, Q-55
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let finishing = holder.adopt(after(&sim.ctx, &log, 2));
        let finishing = holder.adopt(finishing);
        assert_eq!(
            (holder.pending(), holder.contains(finishing.id())),
            (1, true)
        );
        let finished = holder.finish().await;
        assert_eq!(
            (sim.clock.elapsed(), finished.completed, log.take().len()),
            (secs(2), 1, 1)
        );
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let endless = holder.adopt(sim.ctx.spawn(pending::<()>()));
        yield_now().await;
        holder.cancel();
        assert_eq!(holder.finish().await.cancelled, 1);
        assert!(endless.is_cancelled());
        let late = holder.adopt(sim.ctx.spawn(pending::<()>()));
        assert!(
            late.await.unwrap_err().is_cancelled(),
            "the holder has ended"
        );
    });
}

// ===== scopes

#[test]
fn scope_waits_for_its_tasks_and_gives_the_bodys_value() {
    simulate(async |sim| {
        let log = Log::default();
        let value = TaskHolder::new(&sim.ctx, "scope")
            .scope(async |tasks| {
                drop(after(tasks, &log, 3));
                ok("value")
            })
            .await;
        assert_eq!(
            (value.unwrap(), log.take()),
            ("value", vec!["3".to_owned()])
        );
    });
}

#[test]
fn failing_and_panicking_bodies_cancel_the_tasks_and_wait_for_them() {
    // HOLD-24; Q-49: leaving through an error waited for ever.
    simulate(async |sim| {
        for panics in [false, true] {
            let dropped = Arc::new(());
            let held = Arc::clone(&dropped);
            let error = TaskHolder::new(&sim.ctx, "scope")
                .scope(async |tasks| {
                    drop(tasks.spawn(async move {
                        let _held = held;
                        pending::<()>().await;
                    }));
                    yield_now().await;
                    assert!(!panics, "the body panics");
                    Err::<(), _>("the body fails")
                })
                .await
                .unwrap_err();
            assert_eq!((error.is_panic(), error.is_failed()), (panics, !panics));
            assert_eq!(Arc::strong_count(&dropped), 1, "its task is gone");
        }
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
    });
}

#[test]
fn early_drop_of_a_scope_cancels_its_tasks() {
    simulate(async |sim| {
        let parent = sim.ctx.child("parent");
        let scope = TaskHolder::new(&parent, "scope").scope(async |tasks| {
            drop(tasks.spawn(pending::<()>()));
            pending::<()>().await;
            ok(())
        });
        assert!(
            sim.ctx
                .timeout(secs(1), scope)
                .await
                .unwrap_err()
                .is_timed_out()
        );
        assert_eq!(parent.finish().await.cancelled, 0, "they are the scope's");
    });
}

#[test]
fn scope_ends_with_its_context_and_with_a_failure_under_fail_fast() {
    simulate(async |sim| {
        let failed = TaskHolder::new(&sim.ctx, "scope")
            .fail_fast()
            .scope(async |tasks| {
                drop(
                    tasks
                        .task("failing")
                        .silent()
                        .try_spawn(ready(Err::<(), _>("broken"))),
                );
                pending::<()>().await;
                ok(())
            });
        assert_eq!(failed.await.unwrap_err().to_string(), "broken");
        let parent = sim.ctx.child("parent");
        let ending = parent.clone();
        sim.ctx
            .call_later(secs(1), move || assert!(ending.cancel()));
        let ended = TaskHolder::new(&parent, "scope").scope(async |_| {
            pending::<()>().await;
            ok(())
        });
        assert!(ended.await.unwrap_err().is_cancelled());
        assert_eq!(sim.clock.elapsed(), secs(1));
    });
}

// ===== shutdown

#[test]
fn shutdown_names_whom_it_dropped() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        drop(holder.task("stubborn").spawn(pending::<()>()));
        let foreign = holder.adopt(sim.ctx.task("adopted").spawn(pending::<()>()));
        yield_now().await;
        let report = holder.shutdown(secs(2)).await;
        let mut paths: Vec<_> = report.dropped.iter().map(|s| s.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["sim-->adopted", "sim-->holder-->stubborn"]);
        assert_eq!((sim.clock.elapsed(), report.cancelled), (secs(2), 2));
        assert!(foreign.is_done());
    });
}

#[test]
fn long_lived_holder_does_not_grow() {
    // HOLD-15, Q-56: what is counted is what lives.
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let idle: Vec<_> = (0..100).map(|_| holder.spawn(pending::<()>())).collect();
        for _ in 0..20_000 {
            holder.spawn(yield_now()).await.unwrap();
        }
        assert_eq!((holder.pending(), holder.tasks().len()), (100, 100));
        holder.cancel();
        assert_eq!(holder.finish().await.completed, 20_000);
        drop(idle);
    });
}
