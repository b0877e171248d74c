//! The clock for executors without one: the suite beside a thread pool that has none.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::executor::{ThreadPool, block_on};
use windlass::{
    AnySleep, BlockOn, Result, Sleep, Spawner, Timer, WithTimer, adapters::FuturesTimer,
    testing::conformance,
};

/// The thread pool of the `futures` crate.
#[derive(Clone)]
struct Pool(Arc<ThreadPool>);

impl Spawner for Pool {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn_ok(future);
    }
}

impl BlockOn for Pool {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(block_on(future))
    }
}

fn make() -> (WithTimer<Pool, FuturesTimer>, Pool) {
    let pool = ThreadPool::builder().pool_size(2).create().unwrap();
    let pool = Pool(Arc::new(pool));
    (WithTimer::new(pool.clone(), FuturesTimer), pool)
}

#[test]
fn it_completes_an_executor_without_a_clock() {
    conformance::check(make);
}

#[test]
fn both_halves_can_be_driven_and_reached() {
    let (rt, _pool) = make();
    assert_eq!(rt.block_on(async { 7 }).unwrap(), 7);
    assert_eq!(rt.spawner().block_on(async { 8 }).unwrap(), 8);
    assert_eq!(format!("{rt:?}"), "WithTimer { .. }");
}

#[test]
fn a_sleep_that_never_waits_starts_no_timer() {
    let mut sleep = pin!(FuturesTimer.sleep(Duration::ZERO));
    let mut cx = Context::from_waker(Waker::noop());
    assert_eq!(sleep.as_mut().poll(&mut cx), Poll::Ready(()));
    assert!(!sleep.is_orphaned());
}

/// The timer thread of `futures-timer` 3.0.4 takes the deadline of a `Delay` and then its generation.
/// A reset in between gave the new generation to the former deadline, and if that was due, the sleep
/// ended early.
#[test]
fn a_reset_that_races_with_the_timer_thread_does_not_end_the_sleep_early() {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..3000 {
        let mut sleep = pin!(FuturesTimer.sleep(Duration::from_secs(3600)));
        let _ = sleep.as_mut().poll(&mut cx);
        sleep.as_mut().reset(FuturesTimer.now());
        let deadline = FuturesTimer.now() + Duration::from_micros(30);
        sleep.as_mut().reset(deadline);
        block_on(sleep);
        assert!(FuturesTimer.now() >= deadline);
    }
}

#[test]
fn boxing_a_boxed_sleep_boxes_nothing() {
    let size = size_of::<AnySleep>();
    let sleep = AnySleep::new(AnySleep::new(FuturesTimer.sleep(Duration::ZERO)));
    assert_eq!(size_of_val(&sleep), size);
    block_on(sleep);
}
