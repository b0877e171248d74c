//! The clauses of [`Spawner`] that need threads.

use std::thread;

use futures::channel::oneshot;

use super::{
    harness::{Count, in_call, is_in_call},
    watch::ends,
};
use crate::{BlockOn, Spawner};

/// Clause 8.
pub(super) fn spawn_from_a_foreign_thread<S: Spawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    let clause = "`spawn` works from any thread";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    let spawning = thread::spawn(move || {
        handle.spawn(async move {
            let _ = tell.send(());
        });
    });
    assert!(spawning.join().is_ok(), "{clause}: it panicked");
    assert_eq!(ends(&driver, clause, told), Ok(()), "{clause}");
}

/// Clause 9.
pub(super) fn spawn_blocking_runs_the_work_outside_the_call<S: Spawner, B: BlockOn>(
    make: impl Fn() -> (S, B),
) {
    let clause = "`spawn_blocking` runs the work, and not inside the call";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    in_call(|| {
        handle.spawn_blocking(move || {
            let _ = tell.send(is_in_call());
        });
    });
    assert_eq!(ends(&driver, clause, told), Ok(false), "{clause}");
}

/// Clause 9.
pub(super) fn spawn_blocking_inside_a_task<S: Spawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    let clause = "`spawn_blocking` works inside a task and inside other blocking work";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    let (inner, innermost) = (handle.clone(), handle.clone());
    handle.spawn(async move {
        inner.spawn_blocking(move || {
            innermost.spawn_blocking(move || {
                let _ = tell.send(());
            });
        });
    });
    assert_eq!(ends(&driver, clause, told), Ok(()), "{clause}");
}

/// Clause 9.
pub(super) fn spawn_blocking_after_the_owner_has_gone<S: Spawner, B: BlockOn>(
    make: impl Fn() -> (S, B),
) {
    let clause = "after the owner has gone, `spawn_blocking` runs the work or drops it";
    let (handle, driver) = make();
    drop(driver);
    let done = Count::new();
    let guard = done.on_drop();
    let (tell, told) = oneshot::channel::<()>();
    handle.spawn_blocking(move || drop((guard, tell)));
    // Either way the sender goes.
    let told = futures_lite::future::block_on(told);
    assert!(told.is_err() && done.get() == 1, "{clause}");
}
