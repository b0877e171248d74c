//! Races of promises: setters, waiters, children and handles that go.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::future::join_all;
use windlass::{
    ChildPromise, FutureStatus, Promise,
    testing::{Sim, explore},
};

use super::{SEEDS, either_way, kit::secs};

#[test]
fn promise_set_against_drop_gives_everybody_the_same() {
    either_way(async |sim: &Sim| {
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
        value
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
    either_way(async |sim: &Sim| {
        let promise = Promise::<u32>::new();
        let in_time = |wait: Promise<u32>| {
            let ctx = sim.ctx.clone();
            sim.ctx
                .spawn(async move { ctx.timeout(secs(1), wait).await.is_ok() })
        };
        let waits = [in_time(promise.wait()), in_time(promise.wait())];
        let (ctx, sets) = (sim.ctx.clone(), promise.clone());
        let set = sim.ctx.spawn(async move {
            ctx.sleep(secs(1)).await.unwrap();
            sets.set(7)
        });
        assert_eq!(promise.wait().await.unwrap(), 7);
        assert!(set.await.unwrap());
        let were_in_time = join_all(waits).await;
        were_in_time
            .into_iter()
            .filter(|was| matches!(was, Ok(true)))
            .count()
    });
}

#[test]
fn end_of_the_parent_against_a_childs_value_is_one_outcome_that_stays() {
    //
    either_way(async |sim: &Sim| {
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
        is_set
    });
}
