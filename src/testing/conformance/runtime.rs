//! The clauses of a spawner and a timer together.

use std::time::Duration;

use futures::channel::oneshot;

use super::watch::ends;
use crate::{AnyRuntime, BlockOn, Runtime};

const SHORT: Duration = Duration::from_millis(2);

pub(super) fn a_task_sleeps<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a task can sleep on the clock of its runtime";
    let (rt, driver) = make();
    let (tell, told) = oneshot::channel();
    let clock = rt.clone();
    rt.spawn(async move {
        let start = clock.now();
        clock.sleep(SHORT).await;
        let _ = tell.send(clock.now() - start);
    });
    let slept = ends(&driver, clause, told);
    assert!(slept.is_ok_and(|slept| slept >= SHORT), "{clause}");
}

pub(super) fn an_erased_runtime_is_the_same<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "erasing a runtime changes nothing, nor does erasing it twice";
    let (rt, driver) = make();
    let erased = AnyRuntime::new(AnyRuntime::new(rt));
    a_task_sleeps(|| (erased.clone(), Borrowed(&driver)));
    let (tell, told) = oneshot::channel();
    crate::Spawner::spawn_blocking(&erased, move || {
        let _ = tell.send(());
    });
    assert_eq!(ends(&driver, clause, told), Ok(()), "{clause}");
}

/// A driver that is somebody else's.
struct Borrowed<'a, B>(&'a B);

impl<B: BlockOn> BlockOn for Borrowed<'_, B> {
    fn block_on<F: Future>(&self, future: F) -> crate::Result<F::Output> {
        self.0.block_on(future)
    }
}
