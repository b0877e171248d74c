//! The executor of the example keeps the contract, and contexts work on it.

use std::{
    future::pending,
    pin::pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use windlass::{
    BlockOn, Ctx, NestedRun, Spawner, WithTimer, adapters::FuturesTimer, testing::conformance,
};

#[allow(dead_code, unreachable_pub, reason = "it is a program of its own")]
#[path = "../examples/custom_executor.rs"]
mod custom_executor;

use custom_executor::{Executor, Handle};

type Rt = WithTimer<Handle, FuturesTimer>;

fn make() -> (Rt, Executor) {
    let executor = Executor::new();
    let rt = WithTimer::new(executor.handle(), FuturesTimer);
    (rt, executor)
}

#[test]
fn the_custom_executor_keeps_the_contract() {
    conformance::check(make);
    conformance::check_owner(make);
}

#[test]
fn the_example_runs() {
    custom_executor::main().unwrap();
}

#[test]
fn tasks_run_in_the_order_in_which_they_became_ready() {
    let (rt, executor) = make();
    let order = Arc::new(Mutex::new(Vec::new()));
    for n in 0..3 {
        let order = order.clone();
        rt.spawn(async move {
            order.lock().unwrap().push(n);
            futures_lite::future::yield_now().await;
            order.lock().unwrap().push(n + 10);
        });
    }
    executor
        .block_on(async {
            while order.lock().unwrap().len() < 6 {
                futures_lite::future::yield_now().await;
            }
        })
        .unwrap();
    assert_eq!(*order.lock().unwrap(), [0, 1, 2, 10, 11, 12]);
}

#[test]
fn blocking_inside_itself_is_refused() {
    let (_, executor) = make();
    let refused = executor.block_on(async { executor.block_on(async {}).unwrap_err() });
    let error = refused.unwrap();
    assert!(error.is::<NestedRun>(), "{error}");
    // And it can be driven again.
    assert!(executor.block_on(async {}).is_ok());
}

#[test]
fn spawn_wait_and_cancel_work_on_it() {
    let (rt, executor) = make();
    let app = Ctx::root("app", rt);
    executor
        .block_on(async {
            assert_eq!(app.spawn(async { 7 }).await.unwrap(), 7);
            let server = app.child("server");
            let waiting = server.spawn(pending::<()>());
            assert!(server.cancel_with("enough"));
            let why = waiting.await.unwrap_err();
            assert_eq!(why.to_string(), "cancelled at app-->server by enough");
            let short = Duration::from_millis(1);
            assert!(app.timeout(short, pending::<()>()).await.is_err());
        })
        .unwrap();
}

#[test]
fn a_dropped_executor_ends_the_tasks_of_its_contexts() {
    let (rt, executor) = make();
    let app = Ctx::root("app", rt);
    let inner = app.clone();
    // It holds its own context, and through that the runtime.
    let task = app.spawn(async move {
        let _inner = inner;
        pending::<()>().await;
    });
    let mut done = pin!(task.watch().wait());
    let poll = executor.block_on(futures_lite::future::poll_once(done.as_mut()));
    assert!(poll.unwrap().is_none());
    drop(executor);
    let why = futures_lite::future::block_on(task).unwrap_err();
    assert!(why.is_cancelled(), "{why}");
    assert!(futures_lite::future::block_on(done).is_err());
}
