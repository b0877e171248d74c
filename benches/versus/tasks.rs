//! Rows on tasks: spawning and joining them, and what they weigh.

use std::{
    future::{Future, pending},
    sync::{Once, OnceLock},
    thread,
    time::{Duration, Instant},
};

use async_executor::Executor;
use tokio::{
    runtime::{Builder, Runtime},
    task::{JoinHandle, JoinSet},
};
use windlass::{
    Ctx, Spawner,
    adapters::{AsyncStd, Embedded, Smol, Tokio},
};

use super::{
    least::{spawn_on_smol, tree::BareNode},
    measure::{Future32, Sample},
    row::{INFO, Row},
    runner::Runner,
};

const TASKS: usize = 100_000;

pub(crate) fn rows(run: &mut Runner) {
    for (kind, future) in [
        ("ready", Future32::ready as fn(usize) -> Future32),
        ("yielding", Future32::yielding),
    ] {
        tokio_rows(run, kind, future);
        other_rows(run, kind, future);
    }
    parked::<1>(run, "task-parked-16");
    parked::<3>(run, "task-parked-32");
    parked::<7>(run, "task-parked-64");
    parked::<14>(run, "task-parked-120");
}

// ===== spawning and joining =====

/// A tokio runtime of one thread.
pub(crate) fn current_thread() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread needs nothing but a poller")
}

/// A tokio runtime of four workers.
pub(crate) fn multi_thread() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("four threads start")
}

fn tokio_rows(run: &mut Runner, kind: &str, future: fn(usize) -> Future32) {
    run.row(&format!("spawn-tokio-ct-{kind}"), |row| {
        let targets = Targets {
            join_set: 1.0,
            raw: 1.4,
        };
        tokio_row(row, current_thread, targets, future);
    });
    run.row(&format!("spawn-tokio-mt-{kind}"), |row| {
        let targets = Targets {
            join_set: 1.15,
            raw: 1.5,
        };
        tokio_row(row.rounds(21), multi_thread, targets, future);
    });
    run.row(&format!("spawn-tokio-ct-erased-{kind}"), |row| {
        let (ours, raw) = (current_thread(), current_thread());
        let ctx = Ctx::root("root", Tokio::from(ours.handle().clone()));
        row.items(TASKS)
            .ours(move |n| in_tokio(&ours, spawn_ours(ctx.clone(), n, future)))
            .peer("tokio::spawn", INFO, move |n| {
                in_tokio(&raw, spawn_raw(n, future))
            });
    });
}

struct Targets {
    join_set: f64,
    raw: f64,
}

fn tokio_row(row: &mut Row, rt: fn() -> Runtime, targets: Targets, future: fn(usize) -> Future32) {
    let [ours, set, raw, bare] = [(); 4].map(|()| rt());
    let ctx = Ctx::root_on("root", Tokio::from(ours.handle().clone()));
    row.items(TASKS)
        .ours(move |n| in_tokio(&ours, spawn_ours(ctx.clone(), n, future)))
        .peer("JoinSet", targets.join_set, move |n| {
            in_tokio(&set, spawn_in_set(n, future))
        })
        .peer("tokio::spawn", targets.raw, move |n| {
            in_tokio(&raw, spawn_raw(n, future))
        })
        .peer("bare_listed", INFO, move |n| {
            let node = BareNode::new(None);
            in_tokio(&bare, async move {
                spawn_with(n, future, |f| node.spawn(f)).await
            })
        });
}

/// Times `pass` as a task of the runtime, so that it spawns from a worker.
fn in_tokio(rt: &Runtime, pass: impl Future<Output = Duration> + Send + 'static) -> Duration {
    rt.block_on(rt.spawn(pass)).expect("a pass does not panic")
}

async fn spawn_ours<R: Spawner>(
    ctx: Ctx<R>,
    n: usize,
    future: impl Fn(usize) -> Future32,
) -> Duration {
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(n);
    tasks.extend((0..n).map(|i| ctx.spawn(future(i))));
    for task in tasks {
        task.await.expect("nothing ends these tasks");
    }
    start.elapsed()
}

async fn spawn_raw(n: usize, future: impl Fn(usize) -> Future32) -> Duration {
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(n);
    tasks.extend((0..n).map(|i| tokio::spawn(future(i))));
    for task in tasks {
        task.await.expect("nothing ends these tasks");
    }
    start.elapsed()
}

async fn spawn_in_set(n: usize, future: impl Fn(usize) -> Future32) -> Duration {
    let start = Instant::now();
    let mut tasks = JoinSet::new();
    (0..n).for_each(|i| drop(tasks.spawn(future(i))));
    while let Some(joined) = tasks.join_next().await {
        joined.expect("nothing ends these tasks");
    }
    start.elapsed()
}

/// Runtimes whose own handles are the only peer.
fn other_rows(run: &mut Runner, kind: &str, future: fn(usize) -> Future32) {
    run.row(&format!("spawn-smol-{kind}"), |row| {
        let ctx = Ctx::root_on("root", Smol::global());
        row.items(TASKS)
            .rounds(21)
            .ours(move |n| smol::block_on(smol::spawn(spawn_ours(ctx.clone(), n, future))))
            .peer("smol::spawn", 1.5, move |n| {
                smol::block_on(smol::spawn(spawn_with(n, future, smol::spawn)))
            })
            .peer("bare_handle", INFO, move |n| {
                smol::block_on(smol::spawn(spawn_with(n, future, spawn_on_smol)))
            });
    });
    run.row(&format!("spawn-async-std-{kind}"), |row| {
        let ctx = Ctx::root_on("root", AsyncStd);
        row.items(TASKS)
            .rounds(21)
            .ours(move |n| {
                let pass = spawn_ours(ctx.clone(), n, future);
                async_std::task::block_on(async_std::task::spawn(pass))
            })
            .peer("async_std::spawn", 1.5, move |n| {
                let pass = spawn_with(n, future, async_std::task::spawn);
                async_std::task::block_on(async_std::task::spawn(pass))
            });
    });
    run.row(&format!("spawn-embedded-{kind}"), |row| {
        let ctx = Ctx::root_on("root", Embedded::global());
        let pass = move |n| {
            let ctx = ctx.clone();
            let all = ctx.spawn(spawn_ours(ctx.clone(), n, future));
            futures_lite::future::block_on(all).expect("a pass does not panic")
        };
        row.items(TASKS)
            .rounds(21)
            .ours(pass)
            .peer("async_executor", 1.5, move |n| {
                let executor = plain_pool();
                let all = executor.spawn(spawn_with(n, future, |f| executor.spawn(f)));
                futures_lite::future::block_on(all)
            });
    });
}

/// What the embedded runtime builds on, with as many threads, started on first use.
fn plain_pool() -> &'static Executor<'static> {
    static POOL: OnceLock<Executor<'static>> = OnceLock::new();
    static STARTED: Once = Once::new();
    let pool = POOL.get_or_init(Executor::new);
    STARTED.call_once(|| {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        for _ in 0..threads {
            thread::spawn(|| futures_lite::future::block_on(pool.run(pending::<()>())));
        }
    });
    pool
}

async fn spawn_with<H: Future>(
    n: usize,
    future: impl Fn(usize) -> Future32,
    spawn: impl Fn(Future32) -> H,
) -> Duration {
    let start = Instant::now();
    let mut tasks = Vec::with_capacity(n);
    tasks.extend((0..n).map(|i| spawn(future(i))));
    for task in tasks {
        task.await;
    }
    start.elapsed()
}

// ===== weight =====

/// Aborts its task when dropped, so that the second count finds room.
struct Aborting(JoinHandle<u64>);

impl Drop for Aborting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Tasks that were polled once and wait for ever.
fn parked<const WORDS: usize>(run: &mut Runner, name: &str) {
    run.memory(name, |row| {
        let rt = current_thread();
        let ctx = Ctx::root_on("root", Tokio::from(rt.handle().clone()));
        row.ours(400.0, 2.0, |n, list| {
            let future = |_| ctx.spawn(Sample::<WORDS>::parked());
            list.extend((0..n).map(future));
            settle(&rt);
        });
        ctx.cancel();
        settle(&rt);
        row.peer("tokio::spawn", |n, list| {
            let future = |_| Aborting(rt.spawn(Sample::<WORDS>::parked()));
            list.extend((0..n).map(future));
            settle(&rt);
        });
        let mut sets = Vec::with_capacity(2);
        row.peer("JoinSet", |n, list| {
            let mut set = JoinSet::new();
            list.resize(n, ());
            for _ in 0..n {
                set.spawn_on(Sample::<WORDS>::parked(), rt.handle());
            }
            settle(&rt);
            sets.push(set);
        });
    });
}

/// Lets every task that was spawned on `rt` be polled.
fn settle(rt: &Runtime) {
    // The queue of a current-thread runtime is in order: this one comes last.
    rt.block_on(rt.spawn(async {})).expect("an empty task ends");
}
