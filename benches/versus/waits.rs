//! Rows on waits: many tasks on one end, timeouts, races with a context, sets of tasks.

use std::{
    future::{Future, pending, poll_fn},
    hint::black_box,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Waker,
    time::{Duration, Instant},
};

use tokio::{runtime::Runtime, sync::Notify};
use tokio_util::sync::CancellationToken;
use windlass::{Ctx, adapters::Tokio, wait_for_all};

use super::{
    least::{
        BareList, BareTimeout,
        due::{BareDeadlines, BareDue},
    },
    measure::{Future32, counted_waker, drive, time},
    row::{INFO, Row},
    runner::Runner,
    tasks::{current_thread, multi_thread},
};

pub(crate) const TASKS: usize = 100_000;

/// The deadline of what never runs out of time.
const FAR: Duration = Duration::from_secs(3600);

pub(crate) fn rows(run: &mut Runner) {
    for (flavour, rt) in [
        ("ct", current_thread as fn() -> Runtime),
        ("mt", multi_thread),
    ] {
        cancelled_together(run, flavour, rt);
    }
    run_until_done(run);
    timeouts(run);
    deadlines(run);
    wait_for_sets(run);
}

// ===== many tasks wait for one end =====

fn cancelled_together(run: &mut Runner, flavour: &str, rt: fn() -> Runtime) {
    run.row(&format!("cancel-raw-tasks-{flavour}"), |row| {
        let ours = rt();
        row.items(TASKS).rounds(21).ours(move |n| {
            let ctx = Ctx::root_on("root", ());
            let fire = ctx.clone();
            raw_tasks(&ours, n, || ctx.done(), move || fire.cancel())
        });
        token_peer(row, rt(), 0.9);
        let rt = rt();
        row.peer("Notify", 1.05, move |n| {
            let notify = Arc::new(Notify::new());
            let fire = notify.clone();
            raw_tasks(
                &rt,
                n,
                || {
                    let notify = notify.clone();
                    async move { notify.notified().await }
                },
                move || fire.notify_waiters(),
            )
        });
    });
    run.row(&format!("cancel-own-tasks-{flavour}"), |row| {
        let ours = rt();
        row.items(TASKS)
            .rounds(21)
            .ours(move |n| own_tasks(&ours, n, |_| pending()));
        token_peer(row, rt(), 1.3);
    });
    run.row(&format!("cancel-own-tasks-on-done-{flavour}"), |row| {
        let ours = rt();
        row.items(TASKS).rounds(21).ours(move |n| {
            own_tasks(&ours, n, |ctx| {
                let done = ctx.done();
                async move { drop(done.await) }
            })
        });
        token_peer(row, rt(), 1.3);
    });
}

fn token_peer(row: &mut Row, rt: Runtime, target: f64) {
    row.peer("cancelled", target, move |n| {
        let token = CancellationToken::new();
        let fire = token.clone();
        raw_tasks(
            &rt,
            n,
            || {
                let token = token.clone();
                async move { token.cancelled().await }
            },
            move || fire.cancel(),
        )
    });
}

/// From `fire` until `n` tasks that wait for it are joined.
pub(crate) fn raw_tasks<W, T>(
    rt: &Runtime,
    n: usize,
    wait: impl Fn() -> W,
    fire: impl FnOnce() -> T,
) -> Duration
where
    W: Future<Output: Send> + Send + 'static,
{
    rt.block_on(async {
        let arrived = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::with_capacity(n);
        tasks.extend((0..n).map(|_| tokio::spawn(arriving(wait(), &arrived))));
        all_arrived(n, &arrived).await;
        let start = Instant::now();
        black_box(fire());
        join_all(tasks).await;
        start.elapsed()
    })
}

/// The same with tasks of ours, ended by their context.
fn own_tasks<W>(rt: &Runtime, n: usize, wait: impl Fn(&Ctx<Tokio>) -> W) -> Duration
where
    W: Future<Output = ()> + Send + 'static,
{
    let ctx = Ctx::root_on("root", Tokio::from(rt.handle().clone()));
    rt.block_on(async {
        let arrived = Arc::new(AtomicUsize::new(0));
        let mut tasks = Vec::with_capacity(n);
        tasks.extend((0..n).map(|_| ctx.spawn(arriving(wait(&ctx), &arrived))));
        all_arrived(n, &arrived).await;
        let start = Instant::now();
        ctx.cancel();
        join_all(tasks).await;
        start.elapsed()
    })
}

/// `inner`, counted in `arrived` once it has been polled.
fn arriving<F: Future>(
    inner: F,
    arrived: &Arc<AtomicUsize>,
) -> impl Future<Output = F::Output> + use<F> {
    let mut arrived = Some(arrived.clone());
    async move {
        let mut inner = pin!(inner);
        poll_fn(|cx| {
            let polled = inner.as_mut().poll(cx);
            if let Some(arrived) = arrived.take() {
                arrived.fetch_add(1, Ordering::Relaxed);
            }
            polled
        })
        .await
    }
}

async fn all_arrived(n: usize, arrived: &AtomicUsize) {
    while arrived.load(Ordering::Relaxed) < n {
        tokio::task::yield_now().await;
    }
}

// ===== one future at a time =====

type Kind = (&'static str, fn(usize) -> Future32);

const KINDS: [Kind; 2] = [("ready", Future32::ready), ("yielding", Future32::yielding)];

fn run_until_done(run: &mut Runner) {
    for ((kind, future), target) in KINDS.into_iter().zip([0.6, 0.7]) {
        run.row(&format!("run-until-done-{kind}"), |row| {
            let ctx = Ctx::root_on("root", ()).child("child");
            let token = CancellationToken::new().child_token();
            row.items(50_000)
                .ours(move |n| each(n, |waker, i| drive(waker, ctx.run_until_done(future(i)))))
                .peer("run_until_cancelled", target, move |n| {
                    each(n, |waker, i| {
                        drive(waker, token.run_until_cancelled(future(i)))
                    })
                });
        });
    }
}

fn timeouts(run: &mut Runner) {
    for ((kind, future), target) in KINDS.into_iter().zip([0.5, 1.3]) {
        run.row(&format!("timeout-{kind}"), |row| {
            let [ours, native, bare, clock] = [(); 4].map(|()| busy_timer());
            let ctx = Ctx::root_on("root", Tokio::from(ours.handle().clone()));
            let [list, other] = [(); 2].map(|()| Arc::new(BareList::default()));
            row.items(50_000)
                .ours(move |n| {
                    let _inside = ours.enter();
                    each(n, |waker, i| drive(waker, ctx.timeout(FAR, future(i))))
                })
                .peer("tokio::timeout", target, move |n| {
                    let _inside = native.enter();
                    each(n, |waker, i| {
                        drive(waker, tokio::time::timeout(FAR, future(i)))
                    })
                })
                .peer("bare_list", INFO, move |n| {
                    let _inside = bare.enter();
                    each(n, |waker, i| {
                        drive(waker, BareTimeout::new(FAR, future(i), &list, None))
                    })
                })
                .peer("bare_list+clock", INFO, move |n| {
                    let _inside = clock.enter();
                    let handle = Some(clock.handle());
                    each(n, |waker, i| {
                        drive(waker, BareTimeout::new(FAR, future(i), &other, handle))
                    })
                });
        });
    }
}

/// A runtime whose clock waits for an earlier deadline already, as in any program that is busy
/// with more than this: no timer of a row then has to interrupt its sleep.
fn busy_timer() -> Runtime {
    let rt = current_thread();
    rt.spawn(async { tokio::time::sleep(FAR / 2).await });
    // The second turn finds the timer of the first, and looks how long it may sleep.
    for _ in 0..3 {
        rt.block_on(tokio::task::yield_now());
    }
    rt
}

/// Times `op` on `n` items, with a waker as that of a task.
fn each<T>(n: usize, op: impl Fn(&Waker, usize) -> T) -> Duration {
    let waker = counted_waker();
    time(|| {
        for i in 0..n {
            black_box(op(&waker, i));
        }
    })
}

fn deadlines(run: &mut Runner) {
    // Alone: the deadline starts the driver of its tree, which ends with it.
    for (name, keep) in [("deadline-child", true), ("deadline-child-alone", false)] {
        run.row(name, |row| {
            let [ours, native, bare] = [(); 3].map(|()| busy_timer());
            let above = Arc::new(BareDeadlines::default());
            let root = Ctx::root_on("root", Tokio::from(ours.handle().clone()));
            let kept = keep.then(|| root.build("kept").timeout(FAR).start());
            row.items(50_000)
                .ours(move |n| {
                    let _kept = &kept;
                    in_turns(&ours, n, |_, _| {
                        drop(root.build("child").timeout(FAR).start())
                    })
                })
                .peer("tokio::timeout", 1.0, move |n| {
                    in_turns(&native, n, |waker, i| {
                        let _ = drive(waker, tokio::time::timeout(FAR, Future32::yielding(i)));
                    })
                })
                .peer("bare_deadline", INFO, move |n| {
                    in_turns(&bare, n, |_, _| {
                        drop(BareDue::new(&above, FAR, bare.handle()))
                    })
                });
        });
    }
}

/// Times `op` on `n` items, letting the other tasks of `rt` run every hundred items.
fn in_turns(rt: &Runtime, n: usize, op: impl Fn(&Waker, usize)) -> Duration {
    let waker = counted_waker();
    rt.block_on(async {
        let start = Instant::now();
        for i in 0..n {
            op(&waker, i);
            if i % 100 == 99 {
                tokio::task::yield_now().await;
            }
        }
        start.elapsed()
    })
}

// ===== sets of tasks =====

fn wait_for_sets(run: &mut Runner) {
    for (size, n, repeats) in [("1e3", 1000, 50), ("1e5", TASKS, 1)] {
        for (kind, finished) in [("finished", true), ("running", false)] {
            run.row(&format!("wait-for-all-{kind}-{size}"), |row| {
                row.items(n).repeats(repeats);
                wait_for_set(row, finished);
            });
        }
    }
    for kind in ["finished", "running"] {
        run.growth(
            &format!("wait-for-all-{kind}"),
            &format!("wait-for-all-{kind}-1e3"),
            &format!("wait-for-all-{kind}-1e5"),
            10.0, // the caches run out, but a quadratic walk would grow a hundredfold,
        );
    }
}

/// From the call that waits for all tasks until it returns.
fn wait_for_set(row: &mut Row, finished: bool) {
    let [ours, turns, native] = [(); 3].map(|()| current_thread());
    let spawn = |rt: &Runtime| {
        let ctx = Ctx::root_on("root", Tokio::from(rt.handle().clone()));
        move |i| ctx.spawn(Future32::yielding(i))
    };
    let (spawn_ours, spawn_turns) = (spawn(&ours), spawn(&turns));
    row.ours(move |n| {
        set(&ours, n, finished, &spawn_ours, async |tasks| {
            wait_for_all(&tasks).await;
            tasks
        })
    });
    row.peer("await_in_turn", 1.5, move |n| {
        set(&turns, n, finished, &spawn_turns, join_all)
    });
    row.peer("JoinHandles_in_turn", 1.5, move |n| {
        let spawn = |i| tokio::spawn(Future32::yielding(i));
        set(&native, n, finished, spawn, join_all)
    });
}

/// Times `wait` on `n` tasks that have finished, or that were just spawned and yield once.
fn set<J, T>(
    rt: &Runtime,
    n: usize,
    finished: bool,
    spawn: impl Fn(usize) -> J,
    wait: impl AsyncFnOnce(Vec<J>) -> T,
) -> Duration {
    rt.block_on(async {
        let mut tasks = Vec::with_capacity(n);
        tasks.extend((0..n).map(spawn));
        while finished && rt.metrics().num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
        let start = Instant::now();
        let kept = black_box(wait(tasks).await);
        let took = start.elapsed();
        drop(kept);
        took
    })
}

/// Waits for the tasks one after the other, and keeps what they returned.
pub(crate) async fn join_all<J: Future>(tasks: Vec<J>) -> Vec<J::Output> {
    let mut all = Vec::with_capacity(tasks.len());
    for task in tasks {
        all.push(task.await);
    }
    all
}
