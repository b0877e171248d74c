//! Waiting until all is done, and what it counted.

use std::{
    future::{pending, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use windlass::{
    Event, Task, TaskHolder,
    testing::{assert_no_leaks, simulate},
};

use crate::{
    after,
    kit::{Log, secs, yield_now},
};

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

#[test]
fn spawned_tasks_start_on_the_next_turn_and_cancellations_and_ends_take_effect_then() {
    // HOLD-14, HOLD-16, HOLD-20; Q-57: no cleaner runs beside, so there is none to be disabled.
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let release = Event::new();
        let tasks = ["ONE", "TWO"].map(|name| {
            let (log, released) = (log.clone(), release.clone());
            holder.spawn(async move {
                log.add(name);
                let _fin = OnDrop(log.clone(), format!("FIN_{name}"));
                released.wait().await;
                log.add(format!("DONE_{name}"));
            })
        });
        assert!(log.take().is_empty());
        yield_now().await;
        assert_eq!(log.take(), ["ONE", "TWO"]);
        let ids = || {
            holder
                .tasks()
                .iter()
                .map(|task| task.id())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            ids(),
            [tasks[0].id(), tasks[1].id()],
            "nothing has finished"
        );
        tasks[0].cancel();
        assert_eq!((log.take().len(), holder.pending()), (0, 2));
        yield_now().await;
        assert_eq!(log.take(), ["FIN_ONE"]);
        assert_eq!(ids(), [tasks[1].id()]);
        release.set();
        yield_now().await;
        assert_eq!(log.take(), ["DONE_TWO", "FIN_TWO"]);
        assert_eq!((holder.pending(), ids().len()), (0, 0));
    });
}

/// Says so when it is dropped.
struct OnDrop(Log, String);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1.as_str());
    }
}

#[test]
fn task_that_returns_in_spite_of_its_cancellation_has_finished_like_any_other() {
    // HOLD-21
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let task = holder.task("stubborn").grace(secs(5)).spawn({
            let ctx = sim.ctx.clone();
            async move { ctx.sleep(secs(2)).await.is_ok() }
        });
        yield_now().await;
        assert!(task.cancel());
        let finished = holder.finish().await;
        assert_eq!((finished.completed, finished.cancelled), (1, 0));
        assert!(task.await.unwrap());
    });
}

#[test]
fn finish_leaves_nothing_behind_that_is_listed_counted_or_running() {
    // HOLD-26
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder").limit(2), Log::default());
        let tasks: Vec<_> = (1..=4).map(|n| after(&holder, &log, n)).collect();
        let adopted = holder.adopt(after(&sim.ctx, &log, 3));
        assert_eq!(holder.finish().await.completed, 5);
        assert!(tasks.iter().all(|task| !holder.contains(task.id())));
        assert!(!holder.contains(adopted.id()));
        assert_eq!((holder.pending(), holder.tasks().len()), (0, 0));
        assert_no_leaks(&sim.ctx);
    });
}
