//! The clauses about the end of an executor, for drivers that own it.

use std::{future::poll_fn, sync::Arc, task::Poll};

use super::{
    harness::{Count, Moment, Starts, parked, yield_now},
    watch::ends,
};
use crate::BlockOn;

pub(super) fn check<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    a_dropped_owner_drops_tasks_that_wait(&make);
    a_dropped_owner_drops_tasks_that_were_never_polled(&make);
    a_handle_inside_a_task_keeps_nothing_alive(&make);
    spawn_after_the_owner_has_gone_drops_the_future(&make);
    a_wake_after_the_owner_has_gone_does_nothing(&make);
    a_destructor_that_spawns_at_the_end_is_harmless(&make);
}

/// Clause 7.
fn a_dropped_owner_drops_tasks_that_wait<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "dropping the owner drops the tasks that wait";
    let (handle, driver) = make();
    let dropped = Count::new();
    for _ in 0..10 {
        let (task, waker, _) = parked();
        let guard = dropped.on_drop();
        handle.start(Box::pin(async move {
            task.await;
            drop(guard);
        }));
        assert!(ends(&driver, clause, waker).is_ok(), "{clause}");
    }
    assert_eq!(dropped.get(), 0, "{clause}: dropped before that");
    drop(driver);
    assert_eq!(dropped.get(), 10, "{clause}");
}

/// Clause 7.
fn a_dropped_owner_drops_tasks_that_were_never_polled<H: Starts, B: BlockOn>(
    make: impl Fn() -> (H, B),
) {
    let clause = "dropping the owner drops the tasks that were never polled, or are ready";
    let (handle, driver) = make();
    let dropped = Count::new();
    for _ in 0..100 {
        let guard = dropped.on_drop();
        handle.start(Box::pin(async move {
            let _guard = guard;
            loop {
                yield_now().await;
            }
        }));
    }
    drop(driver);
    assert_eq!(dropped.get(), 100, "{clause}");
}

/// Clause 7.
fn a_handle_inside_a_task_keeps_nothing_alive<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a handle inside a task does not keep that task alive";
    let (handle, driver) = make();
    let dropped = Count::new();
    let count = Arc::clone(&dropped);
    handle.start_calling(Moment::Drop, Box::new(move |_| count.add()));
    ends(&driver, clause, yield_now());
    drop(driver);
    assert_eq!(dropped.get(), 1, "{clause}");
}

/// Clause 7.
fn spawn_after_the_owner_has_gone_drops_the_future<H: Starts, B: BlockOn>(
    make: impl Fn() -> (H, B),
) {
    let clause = "what is spawned after the owner has gone is dropped inside the call";
    let (handle, driver) = make();
    drop(driver);
    let (dropped, polled) = (Count::new(), Count::new());
    let (guard, count) = (dropped.on_drop(), Arc::clone(&polled));
    handle.start(Box::pin(async move {
        let _guard = guard;
        count.add();
    }));
    assert_eq!((dropped.get(), polled.get()), (1, 0), "{clause}");
}

/// Clause 7.
fn a_wake_after_the_owner_has_gone_does_nothing<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a wake after the owner has gone does nothing";
    let (handle, driver) = make();
    let (task, waker, mut ended) = parked();
    handle.start(task);
    let Ok(waker) = ends(&driver, clause, waker) else {
        panic!("{clause}: the task was dropped before that");
    };
    drop(driver);
    waker.wake_by_ref();
    waker.wake();
    assert!(ended.try_recv().is_err(), "{clause}: it was polled");
}

/// Clauses 7 and 8.
fn a_destructor_that_spawns_at_the_end_is_harmless<H: Starts, B: BlockOn>(
    make: impl Fn() -> (H, B),
) {
    let clause = "what a destructor spawns while the executor ends is dropped";
    let (handle, driver) = make();
    let (dropped, polled) = (Count::new(), Count::new());
    for _ in 0..10 {
        let (guard, count) = (dropped.on_drop(), Arc::clone(&polled));
        let call = move |handle: &H| {
            handle.start(Box::pin(poll_fn(move |_| {
                let _guard = &guard;
                count.add();
                Poll::Ready(())
            })));
        };
        handle.start_calling(Moment::Drop, Box::new(call));
    }
    ends(&driver, clause, yield_now());
    drop(driver);
    assert_eq!((dropped.get(), polled.get()), (10, 0), "{clause}");
}
