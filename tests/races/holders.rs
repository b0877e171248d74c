//! Races of holders: of their end with what is spawned, adopted, cancelled and failing below.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use windlass::{
    Error, TaskHolder,
    testing::{Sim, explore},
};

use super::{
    Alive, SEEDS, after_a_second, either_way, endless,
    kit::{secs, yield_now},
};

#[test]
fn finish_against_spawn_leaves_nothing_running_and_counts_each_task_once() {
    either_way(async |sim: &Sim| {
        let (holder, alive) = (TaskHolder::new(&sim.ctx, "holder"), Alive::default());
        drop(after_a_second(&holder, &alive, Ok(())));
        let tasks: Vec<_> = (0..4)
            .map(|n| {
                let (handle, alive, elsewhere) = (holder.handle(), alive.clone(), sim.ctx.clone());
                sim.ctx.spawn(async move {
                    elsewhere.sleep(secs(1)).await.unwrap();
                    for _ in 0..n {
                        yield_now().await;
                    }
                    let late = after_a_second(&handle.child("below"), &alive, Ok(()));
                    late.await.is_ok()
                })
            })
            .collect();
        let finished = holder.finish().await;
        assert_eq!((alive.count(), holder.pending()), (0, 0), "nothing runs");
        let done = join_all(tasks)
            .await
            .into_iter()
            .filter(|done| matches!(done, Ok(true)));
        assert_eq!(
            (finished.completed, finished.cancelled),
            (1 + done.count(), 0)
        );
        finished.completed
    });
}

#[test]
fn cancel_against_finish_waits_for_the_tasks_whoever_is_first() {
    either_way(async |sim: &Sim| {
        let (holder, alive) = (TaskHolder::new(&sim.ctx, "holder"), Alive::default());
        let tasks: Vec<_> = (0..3)
            .map(|n| after_a_second(&holder, &alive, Ok(n)))
            .collect();
        let handle = holder.handle();
        let cancels = sim.ctx.spawn({
            let elsewhere = sim.ctx.clone();
            async move {
                elsewhere.sleep(secs(1)).await.unwrap();
                handle.cancel()
            }
        });
        let finished = holder.finish().await;
        assert_eq!(alive.count(), 0);
        assert_eq!(finished.completed + finished.cancelled, 3);
        let gave = join_all(tasks)
            .await
            .iter()
            .filter(|gave| gave.is_ok())
            .count();
        assert_eq!(
            gave, finished.completed,
            "an outcome is counted as it was given"
        );
        let was_first = cancels.await.unwrap();
        assert!(was_first || finished.cancelled == 0, "it was over before");
        assert!(holder.is_done());
        finished.completed
    });
}

#[test]
fn second_cancellation_against_finish_still_waits_for_the_grace() {
    //
    explore(SEEDS, async |sim: &Sim| {
        let (parent, alive) = (sim.ctx.child("parent"), Alive::default());
        let holder = TaskHolder::new(&parent, "holder");
        for n in 1..=3 {
            let (one, cleanup) = (alive.one(), sim.ctx.cleanup(secs(60)));
            drop(holder.task("graceful").grace(secs(9)).spawn(async move {
                let _one = one;
                cleanup.sleep(secs(n)).await.unwrap();
            }));
        }
        for ends in [holder.handle(), parent.clone(), holder.handle()] {
            sim.ctx.call_later(secs(2), move || {
                ends.cancel();
            });
        }
        let finished = holder.finish().await;
        assert_eq!((alive.count(), sim.clock.elapsed()), (0, secs(3)));
        assert_eq!((finished.completed, finished.cancelled), (3, 0));
    });
}

#[test]
fn fail_fast_against_success_gives_the_failure_and_each_outcome_as_it_came() {
    either_way(async |sim: &Sim| {
        let alive = Alive::default();
        let holder = TaskHolder::new(&sim.ctx, "holder").fail_fast();
        let succeed: Vec<_> = (0..3)
            .map(|n| after_a_second(&holder, &alive, Ok(n)))
            .collect();
        let fail = [
            after_a_second::<()>(&holder, &alive, Err("first")),
            after_a_second(&holder, &alive, Err("second")),
        ];
        let finished = holder.finish().await;
        assert_eq!(alive.count(), 0);
        let ended_with = holder.error().unwrap().to_string();
        assert_eq!(finished.first_error.unwrap().to_string(), ended_with);
        let mut failed: Vec<_> = fail.iter().filter_map(|task| task.error()).collect();
        failed.retain(Error::is_failed);
        assert!(failed.iter().any(|error| error.to_string() == ended_with));
        let gave = join_all(succeed)
            .await
            .iter()
            .filter(|gave| gave.is_ok())
            .count();
        assert_eq!((finished.completed, finished.failed), (gave, failed.len()));
        assert_eq!(finished.cancelled, 5 - gave - failed.len());
        (gave, failed.len())
    });
}

#[test]
fn scope_against_the_failure_of_its_task_gives_one_of_both_and_leaves_nothing() {
    either_way(async |sim: &Sim| {
        let alive = Alive::default();
        let scope = TaskHolder::new(&sim.ctx, "scope").fail_fast();
        let gave = scope
            .scope(async |tasks| {
                drop(after_a_second::<()>(tasks, &alive, Err("task")));
                drop(endless::<()>(tasks, &alive));
                sim.ctx.sleep(secs(1)).await?;
                yield_now().await;
                Err::<(), _>(Error::from("body"))
            })
            .await;
        let text = gave.unwrap_err().to_string();
        assert_eq!(alive.count(), 0);
        assert!(["body", "task"].contains(&&*text), "{text}");
        text
    });
}

#[test]
fn adopting_against_the_end_asks_every_task() {
    explore(SEEDS, async |sim: &Sim| {
        let (holder, alive) = (
            Arc::new(TaskHolder::new(&sim.ctx, "holder")),
            Alive::default(),
        );
        drop(endless::<()>(&holder, &alive));
        let adopts: Vec<_> = (0..3)
            .map(|_| {
                let (holder, ctx, one) = (Arc::clone(&holder), sim.ctx.clone(), alive.one());
                sim.ctx.spawn(async move {
                    let foreign = ctx.spawn(async move {
                        let _one = one;
                        pending::<()>().await;
                    });
                    ctx.sleep(secs(1)).await.unwrap();
                    holder.adopt(foreign).await.unwrap_err().is_cancelled()
                })
            })
            .collect();
        let handle = holder.handle();
        sim.ctx
            .call_later(secs(1), move || assert!(handle.cancel()));
        holder.finish().await; // what comes too late is cancelled, and not waited for
        for adopted in join_all(adopts).await {
            assert!(adopted.unwrap());
        }
        assert_eq!((alive.count(), holder.pending()), (0, 0));
    });
}

#[test]
fn limit_that_goes_up_and_down_loses_no_task_and_no_task_starts_beyond_it() {
    explore(SEEDS, async |sim: &Sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(0);
        let (alive, limit) = (Alive::default(), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..9)
            .map(|_| {
                let (ctx, alive, limit) = (sim.ctx.clone(), alive.clone(), Arc::clone(&limit));
                holder.spawn(async move {
                    let _one = alive.one();
                    assert!(alive.count() <= limit.load(Ordering::SeqCst));
                    ctx.sleep(Duration::from_millis(700)).await.unwrap();
                })
            })
            .collect();
        let limits = async {
            for n in [3, 0, 1, 4, 2, 9] {
                limit.store(n, Ordering::SeqCst);
                holder.set_limit(n);
                sim.ctx.sleep(secs(1)).await.unwrap();
            }
        };
        let (finished, ()) = futures::join!(holder.finish(), limits);
        assert_eq!((finished.completed, finished.failed), (9, 0));
        drop(tasks);
    });
}
