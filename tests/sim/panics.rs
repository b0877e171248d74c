//! Panics, and states from which nothing goes on.

use std::{
    future::{Future, pending},
    pin::Pin,
};

use futures::{StreamExt, channel::oneshot, future::poll_fn, stream::FuturesUnordered};
use windlass::{
    BlockOn, LocalSpawner, Spawner, Timer,
    testing::{SimRuntime, Stalled},
};

use crate::{Drops, message, ms};

#[test]
fn a_panic_of_a_task_comes_out_and_the_runtime_stays_usable() {
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let token = drops.token();
    // It belongs to the future itself, so that no unwinding drops it.
    rt.spawn(poll_fn(move |_| {
        let _token = &token;
        panic!("boom (this is part of a test)");
    }));
    let (send, receive) = oneshot::channel();
    rt.spawn(async move { send.send(1).unwrap() });
    assert_eq!(
        message(|| rt.block_on(pending())),
        "boom (this is part of a test)"
    );
    assert_eq!(drops.count(), 1);
    assert_eq!(rt.block_on(receive), Ok(1));
}

#[test]
fn a_panic_of_the_future_comes_out_and_the_runtime_stays_usable() {
    let rt = SimRuntime::new();
    let text = message(|| rt.block_on(async { panic!("main (this is part of a test)") }));
    assert_eq!(text, "main (this is part of a test)");
    assert_eq!(rt.block_on(async { 5 }), 5);
}

#[test]
fn a_state_in_which_nothing_can_become_ready_is_an_error_that_lists_who_waits() {
    let rt = SimRuntime::new();
    rt.spawn(pending());
    let first = line!() - 1;
    rt.spawn_local(pending());
    rt.spawn(async {});
    rt.clock().auto_jump(true);
    rt.block_on(rt.sleep(ms(1500)));
    let error = BlockOn::block_on(&rt, pending::<()>()).unwrap_err();
    let blocked = line!() - 1;
    let text = error.to_string();
    let expected = format!(
        "the simulation has stalled at 1.5s: nothing is ready, no timer is pending, and no other \
         thread is being waited for; waiting are\n  \
         the future that was entered at tests/sim/panics.rs:{blocked}:17\n  \
         a task without a context, spawned at tests/sim/panics.rs:{first}:8\n  \
         a task without a context, spawned at tests/sim/panics.rs:{}:8",
        first + 2
    );
    assert_eq!(text, expected);
    let stalled = error.downcast_ref::<Stalled>().unwrap();
    assert_eq!((stalled.at, stalled.waiting.len()), (ms(1500), 2));
    assert_eq!(message(|| rt.block_on(pending())).lines().count(), 4);
    assert_eq!(rt.block_on(async { 5 }), 5, "and the runtime stays usable");
}

#[test]
fn a_stalled_future_is_dropped() {
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let token = drops.token();
    let stalled = BlockOn::block_on(&rt, async {
        let _token = token;
        pending::<()>().await;
    });
    assert!(stalled.is_err());
    assert_eq!(drops.count(), 1);
}

#[test]
fn debug_never_blocks_and_tells_the_state() {
    let rt = SimRuntime::new();
    rt.spawn(pending());
    let text = format!("{rt:?}");
    assert!(
        text.contains("tasks: 1") && text.contains("elapsed: 0ns"),
        "{text}"
    );
    assert!(format!("{:?}", rt.settle()).starts_with("Settle"));
}

#[test]
fn parts_that_are_polled_with_wakers_of_their_own_are_woken() {
    // `FuturesUnordered` hands its own wakers down, which in turn wake ours.
    let rt = SimRuntime::new();
    let parts: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>> = FuturesUnordered::new();
    parts.push(Box::pin(rt.sleep(ms(10))));
    parts.push(Box::pin(rt.clock().advance(ms(20))));
    parts.push(Box::pin(rt.settle()));
    let ended = rt.block_on(parts.map(|()| rt.clock().elapsed()).collect::<Vec<_>>());
    assert_eq!(ended, [ms(0), ms(10), ms(20)]);
}
