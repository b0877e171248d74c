//! How a holder ends.

use std::{
    future::{pending, ready},
    sync::Arc,
};

use windlass::{FutureStatus, Merge, Queue, TaskHolder, testing::simulate};

use crate::{
    after,
    kit::{Log, secs, yield_now},
};

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
fn snapshot_of_a_holder_names_what_was_polled_and_counts_the_rest() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let _polled = holder.task("polled").spawn(pending::<()>());
        sim.rt.settle().await;
        let _fresh = holder.task("fresh").spawn(pending::<()>());
        let seen = holder.snapshot().to_string();
        assert!(seen.contains("live, 1 not polled yet"), "{seen}");
        assert!(seen.contains("polled (task, running"), "{seen}");
        assert!(!seen.contains("fresh"), "{seen}");
        sim.rt.settle().await;
        let seen = holder.snapshot().to_string();
        assert!(seen.contains("fresh (task, running"), "{seen}");
        holder.cancel_and_wait().await;
        let seen = holder.snapshot().to_string();
        assert!(!seen.contains("task"), "{seen}");
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

#[test]
fn whatever_is_made_in_a_context_ends_without_ending_it() {
    // HOLD-02, FUT-70
    simulate(async |sim| {
        let ctx = sim.ctx.child("caller's");
        let holder = TaskHolder::new(&ctx, "holder");
        assert!(holder.cancel() && !ctx.is_done());
        holder.finish().await;
        let mut ticker = ctx.ticker(secs(1)).max_iterations(1);
        while ticker.next().await.is_some() {}
        let queue = Queue::<u32>::new(&ctx, "queue");
        assert!(queue.close());
        let (feeder, mut items) = Merge::<u32>::new(&ctx, "merge").split();
        feeder.finish_when_empty();
        while items.next().await.is_some() {}
        drop((ticker, queue, items));
        assert!(!ctx.is_done() && !ctx.is_stopping());
        // And the other way round: the caller's end is the end of each.
        let (holder, queue) = (
            TaskHolder::new(&ctx, "holder"),
            Queue::<u32>::new(&ctx, "queue"),
        );
        ctx.cancel();
        assert!(holder.is_done() && queue.try_append(1).is_err());
    });
}
