//! Rows on task holders, and on the nursery that polls in place.

use std::{
    cell::Cell,
    future::{Future, pending},
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::{
    future::Either,
    stream::{FuturesUnordered, StreamExt},
};
use tokio::{runtime::Runtime, task::JoinSet};
use tokio_util::task::TaskTracker;
use windlass::{Ctx, TaskHolder, adapters::Tokio, scope_in_place};

use super::{
    least::held::BareHolder,
    measure::{Future32, counted_waker, drive, time},
    row::INFO,
    runner::Runner,
    tasks::{current_thread, multi_thread},
};

const TASKS: usize = 100_000;

pub(crate) fn rows(run: &mut Runner) {
    spawn_and_finish(run, "ct", current_thread, [0.85, 1.4]);
    spawn_and_finish(run, "mt", multi_thread, [1.05, 1.4]);
    many_more(run);
    idle_members(run);
    nursery(run);
    nursery_steady(run);
    run.memory("holder-parked", |memory| {
        let rt = current_thread();
        let ctx = Ctx::root_on("root", Tokio::from(rt.handle().clone()));
        let holder = TaskHolder::new(&ctx, "holder");
        memory.ours(430.0, 3.0, |n, list| {
            list.extend((0..n).map(|_| holder.spawn(pending::<()>())));
            rt.block_on(tokio::task::yield_now());
        });
    });
}

/// Spawns tasks that nobody joins, and waits until all have finished.
fn spawn_and_finish(run: &mut Runner, kind: &str, rt: fn() -> Runtime, targets: [f64; 2]) {
    run.row(&format!("holder-finish-{kind}"), |row| {
        let (ours, set, tracker) = (rt(), rt(), rt());
        row.items(TASKS).rounds(21);
        row.ours(move |n| pass(&ours, n));
        row.peer("JoinSet", targets[0], move |n| {
            in_tokio(&set, async move {
                let start = Instant::now();
                let mut tasks = JoinSet::new();
                (0..n).for_each(|i| drop(tasks.spawn(Future32::yielding(i))));
                while tasks.join_next().await.is_some() {}
                start.elapsed()
            })
        });
        row.peer("TaskTracker", targets[1], move |n| {
            tracker_pass(&tracker, n)
        });
        let bare = rt();
        row.peer("bare_holder", INFO, move |n| bare_pass(&bare, n));
    });
}

/// Ten times as many: the cost of one does not grow, but for what the caches do.
fn many_more(run: &mut Runner) {
    run.row("holder-finish-ct-1e6", |row| {
        let (ours, tracker) = (current_thread(), current_thread());
        row.items(10 * TASKS)
            .rounds(5)
            .ours(move |n| pass(&ours, n));
        row.peer("TaskTracker", INFO, move |n| tracker_pass(&tracker, n));
    });
    run.growth(
        "holder-finish",
        "holder-finish-ct",
        "holder-finish-ct-1e6",
        2.0, // the caches run out, as for the tracker; what is quadratic would grow tenfold
    );
}

fn pass(rt: &Runtime, n: usize) -> Duration {
    let ctx = Ctx::root_on("root", Tokio::from(rt.handle().clone()));
    in_tokio(rt, async move {
        let start = Instant::now();
        let holder = TaskHolder::new(&ctx, "holder");
        (0..n).for_each(|i| drop(holder.spawn(Future32::yielding(i))));
        black_box(holder.finish().await);
        start.elapsed()
    })
}

fn tracker_pass(rt: &Runtime, n: usize) -> Duration {
    in_tokio(rt, async move {
        let start = Instant::now();
        let tasks = TaskTracker::new();
        (0..n).for_each(|i| drop(tasks.spawn(Future32::yielding(i))));
        tasks.close();
        tasks.wait().await;
        start.elapsed()
    })
}

fn bare_pass(rt: &Runtime, n: usize) -> Duration {
    in_tokio(rt, async move {
        let start = Instant::now();
        let holder = Arc::new(BareHolder::default());
        (0..n).for_each(|i| drop(holder.spawn(Future32::yielding(i))));
        holder.finish().await;
        start.elapsed()
    })
}

fn in_tokio(rt: &Runtime, pass: impl Future<Output = Duration> + Send + 'static) -> Duration {
    rt.block_on(rt.spawn(pass)).expect("a pass does not panic")
}

/// Short tasks in a holder that holds many others, which wait.
fn idle_members(run: &mut Runner) {
    for (name, idle) in [("0", 0), ("1e5", 100_000)] {
        run.row(&format!("holder-among-{name}-idle"), |row| {
            let (ours, set) = (current_thread(), current_thread());
            let ctx = Ctx::root_on("root", Tokio::from(ours.handle().clone()));
            let holder = TaskHolder::new(&ctx, "holder");
            (0..idle).for_each(|_| drop(holder.spawn(pending::<()>())));
            ours.block_on(tokio::task::yield_now());
            row.items(10_000).rounds(21).ours(move |n| {
                ours.block_on(async {
                    let start = Instant::now();
                    for i in 0..n {
                        black_box(holder.spawn(Future32::yielding(i)).await.ok());
                    }
                    start.elapsed()
                })
            });
            row.peer("tokio::spawn", INFO, move |n| {
                set.block_on(async {
                    let start = Instant::now();
                    for i in 0..n {
                        black_box(tokio::spawn(Future32::yielding(i)).await.ok());
                    }
                    start.elapsed()
                })
            });
        });
    }
    run.growth(
        "holder-among-idle",
        "holder-among-0-idle",
        "holder-among-1e5-idle",
        1.15,
    );
}

const AT_A_TIME: usize = 1000;

/// One future after the other, in place, beside a thousand that are idle.
fn nursery_steady(run: &mut Runner) {
    run.row("nursery-steady", |row| {
        row.items(TASKS).rounds(21);
        row.ours(|n| {
            let (ctx, waker) = (Ctx::root_on("root", ()), counted_waker());
            let took = Cell::new(Duration::ZERO);
            let scope = scope_in_place(&ctx, async |tasks| {
                (0..AT_A_TIME).for_each(|_| drop(tasks.spawn(pending::<()>())));
                let start = Instant::now();
                for i in 0..n {
                    black_box(tasks.spawn(Future32::yielding(i)).await.ok());
                }
                took.set(start.elapsed());
                Err::<(), _>("drops the idle ones")
            });
            drive(&waker, scope).expect_err("always");
            took.get()
        });
        row.peer("FuturesUnordered", 0.6, |n| {
            let mut all = FuturesUnordered::new();
            (0..AT_A_TIME).for_each(|_| all.push(Either::Left(pending())));
            drive(&counted_waker(), async {
                let start = Instant::now();
                for i in 0..n {
                    all.push(Either::Right(Future32::yielding(i)));
                    black_box(all.next().await);
                }
                start.elapsed()
            })
        });
    });
}

/// A thousand futures at a time, in place, in a nursery that is made for them.
fn nursery(run: &mut Runner) {
    run.row("nursery-in-place", |row| {
        row.items(TASKS).rounds(21);
        row.ours(|n| {
            let (ctx, waker) = (Ctx::root_on("root", ()), counted_waker());
            time(|| {
                for _ in 0..n.div_ceil(AT_A_TIME) {
                    let scope = scope_in_place(&ctx, async |tasks| {
                        let each = n.min(AT_A_TIME);
                        (0..each).for_each(|i| drop(tasks.spawn(Future32::yielding(i))));
                        windlass::ok(())
                    });
                    drive(&waker, scope).expect("nothing fails");
                }
            })
        });
        row.peer("FuturesUnordered", INFO, |n| {
            let waker = counted_waker();
            time(|| {
                for _ in 0..n.div_ceil(AT_A_TIME) {
                    let mut all = FuturesUnordered::new();
                    let each = n.min(AT_A_TIME);
                    (0..each).for_each(|i| all.push(Future32::yielding(i)));
                    drive(&waker, async { while all.next().await.is_some() {} });
                }
            })
        });
    });
}
