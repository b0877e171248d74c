//! Use inside another, and from other threads.

use std::{thread, time::Duration};

use futures::channel::oneshot;
use windlass::{
    BlockOn, NestedRun, Spawner, Timer,
    testing::{SimRuntime, Stalled},
};

use crate::{message, ms};

#[test]
fn blocking_on_the_runtime_that_runs_us_is_refused_and_says_what_to_do() {
    let rt = SimRuntime::new();
    let handle = rt.clone();
    let error = rt.block_on(async { BlockOn::block_on(&handle, async {}).unwrap_err() });
    assert!(error.is::<NestedRun>());
    assert!(
        error.to_string().contains("await the future instead"),
        "{error}"
    );
    let text = message(|| rt.block_on(async { handle.block_on(async {}) }));
    assert!(text.contains("await the future instead"), "{text}");
    let text = message(|| rt.block_on(async { handle.run_until_stalled() }));
    assert!(text.contains("await the future instead"), "{text}");
    assert_eq!(rt.block_on(async { 5 }), 5);
}

#[test]
fn another_simulation_may_run_inside_one() {
    let outer = SimRuntime::new();
    let inner = SimRuntime::new();
    let got = outer.block_on(async {
        outer.sleep(ms(1)).await;
        let got = inner.block_on(async {
            inner.clock().advance(ms(100)).await;
            inner.sleep(ms(100)).await;
            5
        });
        outer.clock().advance(ms(1)).await;
        got
    });
    assert_eq!(
        (got, outer.clock().elapsed(), inner.clock().elapsed()),
        (5, ms(2), ms(200))
    );
    // What waits for the outer one can never be woken while the inner one blocks.
    outer.block_on(async {
        let error = BlockOn::block_on(&inner, outer.sleep(ms(1))).unwrap_err();
        assert!(error.is::<Stalled>(), "{error}");
    });
}

#[test]
fn blocking_on_a_runtime_that_another_thread_runs_is_refused() {
    let rt = SimRuntime::new();
    let error = rt.block_on(async {
        let handle = rt.clone();
        thread::scope(|scope| {
            let other = scope.spawn(move || BlockOn::block_on(&handle, async {}).unwrap_err());
            other.join().unwrap()
        })
    });
    assert!(
        error.to_string().contains("another thread is running"),
        "{error}"
    );
}

#[test]
fn a_wake_from_another_thread_is_waited_for_on_request() {
    let rt = SimRuntime::new();
    rt.wait_for_threads(Duration::MAX);
    let (send, receive) = oneshot::channel();
    let (task_send, task_receive) = oneshot::channel();
    rt.spawn(async move {
        let n: i32 = task_receive.await.unwrap();
        send.send(n + 1).unwrap();
    });
    let other = thread::spawn(move || task_send.send(1).unwrap());
    assert_eq!(rt.block_on(receive), Ok(2));
    other.join().unwrap();
}

#[test]
fn other_threads_may_spawn_and_arm_timers() {
    let rt = SimRuntime::new();
    rt.wait_for_threads(Duration::MAX);
    let (send, receive) = oneshot::channel();
    let handle = rt.clone();
    let other = thread::spawn(move || {
        let inner = handle.clone();
        handle.spawn(async move {
            inner.sleep(ms(5)).await;
            send.send(inner.clock().elapsed()).unwrap();
        });
    });
    assert_eq!(rt.block_on(receive), Ok(ms(5)));
    other.join().unwrap();

    // Timers that only another executor waits for move the clock as well, whether they come
    // before or after the simulation has fallen asleep.
    for _ in 0..20 {
        let handle = rt.clone();
        let (send, receive) = oneshot::channel();
        let other = thread::spawn(move || {
            futures::executor::block_on(handle.sleep(ms(5)));
            send.send(()).unwrap();
        });
        assert_eq!(rt.block_on(receive), Ok(()));
        other.join().unwrap();
    }
    assert_eq!(rt.clock().elapsed(), ms(105));
}
