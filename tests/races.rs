//! Races of holders, promises and joins: whatever the order in which what is ready runs.
//!
//! Everything that races comes to the same instant of the virtual clock; the seed draws the order.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::future::join_all;
use windlass::{
    AllSettled, AtLeast, ChildPromise, Ctx, Error, FailFast, FirstSuccess, FutureStatus, Promise,
    Task, TaskHolder, join_tasks,
    testing::{Sim, explore},
};

use self::kit::{secs, yield_now};

const SEEDS: std::ops::Range<u64> = 0..100;

/// How many futures there are, dropped ones not counted.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct One(Alive);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A task that gives `value` after a second, or that error.
fn after_a_second<T: Send + 'static>(
    ctx: &Ctx,
    alive: &Alive,
    value: Result<T, &'static str>,
) -> Task<T> {
    let (inside, one) = (ctx.clone(), alive.one());
    ctx.task("after a second").silent().try_spawn(async move {
        let _one = one;
        inside.sleep(secs(1)).await?;
        value.map_err(Error::from)
    })
}

/// A task that ends when it is cancelled.
fn endless<T: Send + 'static>(ctx: &Ctx, alive: &Alive) -> Task<T> {
    let one = alive.one();
    ctx.spawn(async move {
        let _one = one;
        pending().await
    })
}

// ===== holders

#[test]
fn finish_against_spawn_leaves_nothing_running_and_counts_each_task_once() {
    explore(SEEDS, async |sim: &Sim| {
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
    });
}

#[test]
fn cancel_against_finish_waits_for_the_tasks_whoever_is_first() {
    explore(SEEDS, async |sim: &Sim| {
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
    explore(SEEDS, async |sim: &Sim| {
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
    });
}

#[test]
fn scope_against_the_failure_of_its_task_gives_one_of_both_and_leaves_nothing() {
    let seen = RefCell::new(BTreeSet::new());
    explore(SEEDS, async |sim: &Sim| {
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
        seen.borrow_mut().insert(text);
    });
    assert_eq!(
        seen.into_inner().into_iter().collect::<Vec<_>>(),
        ["body", "task"]
    );
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

// ===== promises

#[test]
fn promise_set_against_drop_gives_everybody_the_same() {
    explore(SEEDS, async |sim: &Sim| {
        let promise = Promise::<u32>::new();
        let waits: Vec<_> = (0..3).map(|_| sim.ctx.try_spawn(promise.wait())).collect();
        let calls = Arc::new(AtomicUsize::new(0));
        let called = Arc::clone(&calls);
        promise.on_done(move |_| {
            called.fetch_add(1, Ordering::SeqCst);
        });
        let at_the_same_time = |act: fn(Promise<u32>)| {
            let (ctx, promise) = (sim.ctx.clone(), promise.clone());
            drop(sim.ctx.spawn(async move {
                ctx.sleep(secs(1)).await.unwrap();
                act(promise);
            }));
        };
        at_the_same_time(drop);
        at_the_same_time(|promise| assert!(promise.set(1) || promise.is_cancelled()));
        at_the_same_time(|promise| {
            promise.cancel();
        });
        let seen = promise.wait();
        drop(promise); // the three have the last handles
        let outcomes = join_all(waits).await;
        let value = seen.outcome().unwrap().ok().copied();
        assert!(
            outcomes
                .iter()
                .all(|gave| gave.as_ref().ok().copied() == value)
        );
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn last_setter_that_goes_against_one_that_sets_never_hides_a_value() {
    explore(SEEDS, async |sim: &Sim| {
        let promise = Promise::<u32>::new();
        let wait = sim.ctx.try_spawn(promise.wait());
        for sets in [true, false, false] {
            let (ctx, promise) = (sim.ctx.clone(), promise.clone());
            drop(sim.ctx.spawn(async move {
                ctx.sleep(secs(1)).await.unwrap();
                if sets {
                    assert!(promise.set(7), "somebody was left to set it");
                }
            }));
        }
        drop(promise);
        assert_eq!(wait.await.unwrap(), 7);
    });
}

#[test]
fn wait_that_is_dropped_against_set_leaves_the_others_their_value() {
    //
    explore(SEEDS, async |sim: &Sim| {
        let promise = Promise::<u32>::new();
        let in_time = |wait: Promise<u32>| sim.ctx.timeout(secs(1), wait);
        let (a, b, c) = (
            in_time(promise.wait()),
            in_time(promise.wait()),
            promise.wait(),
        );
        let set = async {
            sim.ctx.sleep(secs(1)).await.unwrap();
            yield_now().await;
            assert!(promise.set(7));
        };
        let (a, b, c, ()) = futures::join!(a, b, c, set);
        assert_eq!(c.unwrap(), 7);
        for gave in [a, b] {
            assert!(gave.map_or_else(|error| error.is_timed_out(), |gave| gave.is_ok()));
        }
    });
}

#[test]
fn end_of_the_parent_against_a_childs_value_is_one_outcome_that_stays() {
    //
    explore(SEEDS, async |sim: &Sim| {
        let parent = Promise::<u32>::new();
        let child = parent.child();
        let wait = sim.ctx.try_spawn(child.wait());
        let child = Arc::new(child);
        let at_the_same_time = |act: fn(&ChildPromise<u32>, &Promise<u32>) -> Option<String>| {
            let (ctx, child, parent) = (sim.ctx.clone(), Arc::clone(&child), parent.clone());
            sim.ctx.spawn(async move {
                ctx.sleep(secs(1)).await.unwrap();
                act(&child, &parent)
            })
        };
        let tasks = [
            at_the_same_time(|_, parent| parent.fail("no").then(String::new)),
            at_the_same_time(|child, _| child.set(7).then(String::new)),
            at_the_same_time(|child, _| child.error().map(|error| error.to_string())),
        ];
        let [ended, set, seen] = join_all(tasks).await.try_into().expect("three");
        assert!(ended.unwrap().is_some(), "nobody else ends the parent");
        let (is_set, seen) = (set.unwrap().is_some(), seen.unwrap());
        assert_eq!(wait.await.is_ok(), is_set);
        assert!(seen.is_none_or(|seen| seen == "no" && !is_set));
        assert_eq!(child.is_failed(), !is_set);
    });
}

// ===== joins

#[test]
fn losers_of_k_of_n_are_awaited_whoever_wins() {
    explore(SEEDS, async |sim: &Sim| {
        let alive = Alive::default();
        let mut tasks: Vec<_> = (0..4)
            .map(|n| after_a_second(&sim.ctx, &alive, Ok(n)))
            .collect();
        tasks.push(after_a_second(&sim.ctx, &alive, Err("no")));
        tasks.push(endless(&sim.ctx, &alive));
        let quorum = join_tasks(tasks, AtLeast::new(2)).await.unwrap();
        assert_eq!(
            (alive.count(), sim.clock.elapsed()),
            (0, secs(1)),
            "the losers have gone"
        );
        assert!(quorum.values.len() == 2 && quorum.failed.len() <= 1);
        assert!(quorum.values.iter().all(|(place, value)| place == value));
    });
}

#[test]
fn fail_fast_join_against_success_gives_all_or_the_error() {
    explore(SEEDS, async |sim: &Sim| {
        let alive = Alive::default();
        let tasks = [Ok(0), Err("no"), Ok(2)].map(|gave| after_a_second(&sim.ctx, &alive, gave));
        let gave = join_tasks(tasks, FailFast::new()).await;
        assert_eq!(gave.unwrap_err().to_string(), "no");
        assert_eq!(alive.count(), 0);
        let tasks = [0, 1, 2].map(|n| after_a_second(&sim.ctx, &alive, Ok(n)));
        assert_eq!(join_tasks(tasks, FailFast::new()).await.unwrap(), [0, 1, 2]);
    });
}

#[test]
fn first_success_against_the_end_of_the_context_ends_either_way() {
    explore(SEEDS, async |sim: &Sim| {
        let (parent, alive) = (sim.ctx.child("parent"), Alive::default());
        let mut tasks = Vec::from([0, 1].map(|n| after_a_second(&parent, &alive, Ok(n))));
        tasks.push(endless(&sim.ctx.child("beside"), &alive));
        let beside = tasks[2].watch();
        sim.ctx.call_later(secs(1), move || {
            parent.cancel();
        });
        match join_tasks(tasks, FirstSuccess::new()).await {
            Ok(won) => assert_eq!(won.index, won.value),
            Err(none) => {
                assert_eq!(none.failed.len(), 3);
                assert!(Error::from(none).is_cancelled());
            }
        }
        assert_eq!(alive.count(), 0);
        assert!(beside.is_cancelled());
    });
}

#[test]
fn dropped_join_against_its_tasks_leaves_none_behind() {
    explore(SEEDS, async |sim: &Sim| {
        let (holder, alive) = (TaskHolder::new(&sim.ctx, "holder"), Alive::default());
        let mut tasks = Vec::from([0, 1].map(|n| after_a_second(&holder, &alive, Ok(n))));
        tasks.push(endless(&holder, &alive));
        let join = join_tasks(tasks, AllSettled::new());
        let in_time = sim.ctx.timeout(secs(1), join).await;
        assert!(in_time.unwrap_err().is_timed_out());
        let finished = holder.finish().await;
        assert_eq!(
            (alive.count(), finished.completed + finished.cancelled),
            (0, 3)
        );
    });
}
