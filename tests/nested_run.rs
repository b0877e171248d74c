//! `run` inside async code: each case of the table in its docs, with a watchdog.
//!
//! the use that the original documents, a loop inside a running one, fails there.

use std::{sync::mpsc, thread, time::Duration};

use windlass::{
    BlockOn, Ctx, NestedRun, Result,
    adapters::{AsyncStd, Embedded, EmbeddedPool, Smol, Tokio},
    run,
};

/// What `work` returns on a thread of its own; fails if that takes for ever.
fn watched<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(Duration::from_secs(60))
        .expect("it hangs, or it panicked")
}

/// Two futures, one of which needs another thread or another task to go on.
fn nested(rt: &impl BlockOn) -> Result<(u32, u32)> {
    let (sender, receiver) = futures::channel::oneshot::channel();
    thread::spawn(move || sender.send(2));
    run(rt, (async { 1 }, async { receiver.await.unwrap_or(0) }))
}

fn works(outcome: Result<(u32, u32)>) {
    assert_eq!(outcome.unwrap(), (1, 2));
}

fn refuses(outcome: Result<(u32, u32)>) {
    let error = outcome.unwrap_err();
    assert!(error.is::<NestedRun>(), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("this thread must not block: "), "{text}");
    assert!(text.contains("`.await`"), "says what to do instead: {text}");
}

fn multi_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn current_thread() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// All runtimes but tokio, which refuses.
fn others_work() {
    works(nested(&Embedded::global()));
    works(nested(&EmbeddedPool::new(1)));
    works(nested(&Smol::global()));
    works(nested(&AsyncStd));
}

#[test]
fn on_a_plain_thread_all_of_them_work() {
    watched(|| {
        others_work();
        let rt = multi_thread();
        works(nested(&Tokio::from(rt.handle().clone())));
        works(nested(&rt));
        works(nested(&current_thread()));
    });
}

#[test]
fn on_a_plain_thread_a_handle_on_a_current_thread_runtime_refuses() {
    watched(|| {
        let rt = current_thread();
        let error = nested(&Tokio::from(rt.handle().clone())).unwrap_err();
        assert!(error.is::<NestedRun>());
        assert!(
            error.to_string().contains("give the `Runtime` itself"),
            "{error}"
        );
    });
}

#[test]
fn in_a_task_of_a_multi_thread_tokio_runtime() {
    watched(|| {
        let rt = multi_thread();
        let handle = Tokio::from(rt.handle().clone());
        let task = rt.spawn(async move {
            refuses(nested(&handle));
            others_work();
        });
        rt.block_on(task).unwrap();
    });
}

#[test]
fn in_a_task_of_a_current_thread_tokio_runtime() {
    watched(|| {
        let rt = current_thread();
        let handle = Tokio::from(rt.handle().clone());
        let other = multi_thread();
        let foreign = Tokio::from(other.handle().clone());
        let task = rt.spawn(async move {
            refuses(nested(&handle));
            refuses(nested(&foreign));
            others_work();
        });
        rt.block_on(task).unwrap();
    });
}

#[test]
fn in_a_local_set_of_tokio() {
    watched(|| {
        let rt = current_thread();
        let handle = Tokio::from(rt.handle().clone());
        let local = tokio::task::LocalSet::new();
        let task = local.spawn_local(async move {
            refuses(nested(&handle));
            others_work();
        });
        rt.block_on(local.run_until(task)).unwrap();
    });
}

#[test]
fn in_spawn_blocking_of_tokio() {
    watched(|| {
        let rt = multi_thread();
        let ctx = Ctx::root("app", Tokio::from(rt.handle().clone()));
        let handle = Tokio::from(rt.handle().clone());
        let task = ctx.spawn_blocking(move |_| {
            refuses(nested(&handle));
            others_work();
        });
        rt.block_on(task).unwrap();
    });
}

#[test]
fn in_a_task_of_smol_and_of_async_std() {
    watched(|| {
        let inside = async {
            others_work();
            let rt = multi_thread();
            works(nested(&Tokio::from(rt.handle().clone())));
        };
        smol::block_on(smol::spawn(inside));
        async_std::task::block_on(async_std::task::spawn(async { others_work() }));
    });
}

#[test]
fn in_a_task_of_our_own_pool_also_when_it_has_one_thread() {
    watched(|| {
        let pool = EmbeddedPool::new(1);
        let ctx = Ctx::root("app", pool.handle());
        let handle = pool.handle();
        let spawner = ctx.clone();
        let task = ctx.spawn(async move {
            others_work();
            // The only thread of the pool is here: it runs the other task while it waits.
            let other = spawner.spawn(async { 3 });
            assert_eq!(run(&handle, other).unwrap().unwrap(), 3);
        });
        pool.block_on(task).unwrap().unwrap();
    });
}

#[test]
fn inside_another_run() {
    watched(|| {
        for _ in 0..2 {
            run(&Embedded::global(), async { others_work() }).unwrap();
            run(&Smol::global(), async { others_work() }).unwrap();
            run(&AsyncStd, async { others_work() }).unwrap();
        }
        let rt = multi_thread();
        let handle = Tokio::from(rt.handle().clone());
        run(&rt, async {
            refuses(nested(&rt));
            refuses(nested(&handle));
            others_work();
        })
        .unwrap();
    });
}
