//! Models of the tasks that take up sources of an inbox.

use std::{future::Future, panic::Location, pin::Pin};

use super::{Feeder, Merge, Streamer, Tasks, inbox::Start, job::Job};
use crate::{
    Ctx,
    models::{Wakes, check, spawn as start},
    sync::{Arc, Mutex, lock},
    task::light::Light,
};

type Spawned = Arc<Mutex<Vec<Pin<Box<Light<Job<u32, Tasks>>>>>>>;

/// A merge whose tasks are kept for the model, which polls them in place of an executor.
fn merge(ctx: &Ctx<()>, in_a_row: usize) -> (Feeder<u32>, Streamer<u32>, Spawned) {
    let spawned = Spawned::default();
    let kept = Arc::clone(&spawned);
    let spawn = Box::new(move |job, is_light: bool| {
        assert!(is_light, "nothing here needs a task of its own kind");
        lock(&kept).push(Box::pin(Light::new(job, Location::caller())));
    });
    let merge = Merge {
        ctx: ctx.child("merge"),
        start: Some(Start {
            spawn,
            width: 1,
            in_a_row,
        }),
        label: (),
        limit: None,
        ordered: false,
    };
    let (feeder, items) = merge.split();
    (feeder, items, spawned)
}

/// Polls what was spawned, until nothing is left.
fn run(spawned: &Spawned) {
    loop {
        let Some(mut task) = lock(spawned).pop() else {
            return;
        };
        let wakes = Wakes::new();
        if wakes.poll(|cx| task.as_mut().poll(cx)).is_pending() {
            assert!(wakes.count() > 0, "it comes back");
            lock(spawned).insert(0, task);
        }
    }
}

/// A future is fed while the task ends that was called for another one: somebody takes it up.
#[test]
fn a_future_is_fed_while_a_task_runs_out_of_them() {
    check(&["begin_without_counting"], || fed_while_it_runs_out(64));
}

/// The same where a task comes back for each.
#[test]
fn a_future_is_fed_while_a_task_that_comes_back_runs_out_of_them() {
    check(&["begin_without_counting"], || fed_while_it_runs_out(1));
}

fn fed_while_it_runs_out(in_a_row: usize) {
    let ctx = Ctx::root_on("root", ());
    let (feeder, mut items, spawned) = merge(&ctx, in_a_row);
    feeder.future(async { 1 });
    let others = Arc::clone(&spawned);
    let runner = start(move || run(&others));
    feeder.future(async { 2 });
    runner.join().unwrap();
    run(&spawned);
    assert_eq!(items.remaining().len(), 2);
}

/// A future is fed while the executor drops the task that was called for another one: both end.
#[test]
fn a_future_is_fed_while_the_task_is_dropped_that_was_called() {
    check(&["refuse_without_looking"], || {
        let ctx = Ctx::root_on("root", ());
        let (feeder, mut items, spawned) = merge(&ctx, 64);
        feeder.future(async { 1 });
        let called = lock(&spawned).pop();
        let executor = start(move || drop(called));
        feeder.future(async { 2 });
        executor.join().unwrap();
        let left = std::mem::take(&mut *lock(&spawned));
        drop(left);
        assert_eq!(items.remaining().len(), 2);
    });
}

/// The context ends while a future waits for the first time: its task is asked to end, or sees it.
#[test]
fn the_context_ends_while_a_future_waits() {
    check(&["park_without_looking"], || {
        let ctx = Ctx::root_on("root", ());
        let (feeder, mut items, spawned) = merge(&ctx, 64);
        feeder.future(std::future::pending());
        let mut task = lock(&spawned).pop().expect("it was called");
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let runner = start(move || {
            let polled = woken.poll(|cx| task.as_mut().poll(cx));
            (polled.is_ready(), task)
        });
        ctx.cancel();
        let (is_over, task) = runner.join().unwrap();
        assert!(is_over || wakes.count() > 0, "the task hangs");
        drop(task);
        assert_eq!(items.remaining().len(), 1);
        let children = ctx.node().live().map(|live| live.children());
        let [live] = &children.unwrap_or_default()[..] else {
            panic!("the merge has a context of its own");
        };
        assert!(live.is_idle() && live.tasks().is_empty());
    });
}
