//! The async-std adapter: the suite, and what is async-std's own.

use std::{sync::mpsc, time::Duration};

use windlass::{BlockOn, Spawner, Timer, adapters::AsyncStd, testing::conformance};

#[test]
fn async_std_keeps_the_contract() {
    conformance::check(|| (AsyncStd, AsyncStd));
}

#[test]
fn tasks_run_although_nobody_blocks() {
    let (send, receive) = mpsc::channel();
    AsyncStd.spawn(async move {
        AsyncStd.sleep(Duration::from_millis(1)).await;
        send.send(async_std::task::try_current().is_some()).unwrap();
    });
    assert_eq!(receive.recv(), Ok(true));
}

#[test]
fn block_on_inside_block_on_works() {
    let inner = async { AsyncStd.block_on(AsyncStd.sleep(Duration::from_millis(1))) };
    assert!(AsyncStd.block_on(inner).unwrap().is_ok());
}

#[test]
fn sleeps_of_async_std_and_ours_are_on_one_clock() {
    let slept = AsyncStd.block_on(async {
        let start = AsyncStd.now();
        async_std::task::sleep(Duration::from_millis(2)).await;
        AsyncStd.now() - start
    });
    assert!(slept.unwrap() >= Duration::from_millis(2));
}
