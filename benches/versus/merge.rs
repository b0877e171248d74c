//! Rows on merged streams.

use std::{future::Future, hint::black_box, time::Duration};

use futures::{
    StreamExt,
    stream::{self, FuturesUnordered, SelectAll},
};
use tokio::{runtime::Runtime, sync::mpsc};
use windlass::{Ctx, InPlace, Merge, Source, Streamer, adapters::Tokio};

use super::{
    measure::{Sample, counted_waker, drive, time},
    row::INFO,
    runner::Runner,
    tasks::{current_thread, multi_thread},
};

/// Half of them futures, half of them items of the streams.
const MIXED: usize = 200_000;
const STREAMS: usize = 100;
const BUSY: usize = 100_000;

type One = Sample<3>;

pub(crate) fn rows(run: &mut Runner) {
    mixed_in_place(run, "ready", One::ready);
    mixed_in_place(run, "yielding", One::yielding);
    for idle in [0, 100, 1000] {
        busy(run, idle);
    }
    run.growth(
        "merge-busy",
        "merge-busy-0-idle",
        "merge-busy-1000-idle",
        1.15,
    );
    labelled(run);
    mixed_tasks(run, "merge-tasks-ct", current_thread);
    mixed_tasks(run, "merge-tasks-mt", multi_thread);
}

fn polled<F: Future>(future: F) -> F::Output {
    drive(&counted_waker(), future)
}

async fn drain(mut items: Streamer<u64, (), InPlace<'_>>) {
    while let Some(item) = items.next().await {
        black_box(item.value());
    }
}

fn mixed_in_place(run: &mut Runner, kind: &str, make: fn(usize) -> One) {
    run.row(&format!("merge-in-place-{kind}"), |row| {
        row.items(MIXED);
        row.ours(move |n| {
            time(|| {
                let ctx = Ctx::root_on("bench", ());
                let (feeder, items) = Merge::in_place(&ctx, "merge").split();
                for i in 0..n / 2 {
                    feeder.future(make(i));
                }
                for _ in 0..STREAMS {
                    feeder.stream(stream::iter(0..n / 2 / STREAMS).then(make));
                }
                drop(feeder);
                polled(drain(items));
            })
        });
        row.peer("FuturesUnordered+SelectAll", 0.65, move |n| {
            time(|| {
                let futures: FuturesUnordered<_> = (0..n / 2).map(make).collect();
                let mut streams = SelectAll::new();
                for _ in 0..STREAMS {
                    streams.push(stream::iter(0..n / 2 / STREAMS).then(make).boxed());
                }
                let mut all = stream::select(futures, streams);
                polled(async {
                    while let Some(item) = all.next().await {
                        black_box(item);
                    }
                });
            })
        });
    });
}

/// One stream that has an item each time beside some that never have.
fn busy(run: &mut Runner, idle: usize) {
    let target = if idle == 0 { 0.45 } else { INFO };
    run.row(&format!("merge-busy-{idle}-idle"), |row| {
        row.items(BUSY);
        row.ours(move |n| {
            let ctx = Ctx::root_on("bench", ());
            let (feeder, mut items) = Merge::in_place(&ctx, "merge").split();
            for _ in 0..idle {
                feeder.stream(stream::pending());
            }
            feeder.stream(stream::iter(0..n + 1));
            polled(items.next());
            time(|| {
                polled(async {
                    for _ in 0..n {
                        black_box(items.next().await);
                    }
                });
            })
        });
        row.peer("SelectAll", target, move |n| {
            let mut all = SelectAll::new();
            for _ in 0..idle {
                all.push(stream::pending().boxed());
            }
            all.push(stream::iter(0..n + 1).boxed());
            polled(all.next());
            time(|| {
                polled(async {
                    for _ in 0..n {
                        black_box(all.next().await);
                    }
                });
            })
        });
    });
}

/// What a label and a chain of two sources add to an item: ours beside ours.
fn labelled(run: &mut Runner) {
    run.row("merge-busy-labelled", |row| {
        row.items(BUSY);
        row.ours(|n| {
            let ctx = Ctx::root_on("bench", ());
            let merge = Merge::in_place(&ctx, "merge").label("none");
            let (feeder, mut items) = merge.split();
            let inner = Source::stream(stream::iter(0..n + 1));
            feeder.label("some").add(Source::func_of(|| inner));
            polled(items.next());
            time(|| {
                polled(async {
                    for _ in 0..n {
                        black_box(items.next().await);
                    }
                });
            })
        });
        row.peer("unlabelled", INFO, |n| {
            let ctx = Ctx::root_on("bench", ());
            let (feeder, mut items) = Merge::in_place(&ctx, "merge").split();
            feeder.stream(stream::iter(0..n + 1));
            polled(items.next());
            time(|| {
                polled(async {
                    for _ in 0..n {
                        black_box(items.next().await);
                    }
                });
            })
        });
    });
}

fn mixed_tasks(run: &mut Runner, name: &str, make: fn() -> Runtime) {
    let (ours, native) = (make(), make());
    run.row(name, |row| {
        row.items(MIXED);
        row.ours(move |n| merge_tasks(&ours, n));
        row.peer("spawn-each+mpsc", 0.90, move |n| spawn_each(&native, n));
    });
}

fn merge_tasks(rt: &Runtime, n: usize) -> Duration {
    let ctx = Ctx::root_on("bench", Tokio::from(rt.handle().clone()));
    time(|| {
        rt.block_on(async {
            let (feeder, mut items) = Merge::new(&ctx, "merge").split();
            for i in 0..n / 2 {
                feeder.future(One::ready(i));
            }
            for _ in 0..STREAMS {
                feeder.stream(stream::iter(0..(n / 2 / STREAMS) as u64));
            }
            drop(feeder);
            while let Some(item) = items.next().await {
                black_box(item.value());
            }
        });
    })
}

/// One bounded channel, as whoever wants the streams held back writes it.
fn spawn_each(rt: &Runtime, n: usize) -> Duration {
    time(|| {
        rt.block_on(async {
            let (sender, mut receiver) = mpsc::channel(STREAMS);
            for i in 0..n / 2 {
                let sender = sender.clone();
                rt.spawn(async move { sender.send(One::ready(i).await).await.ok() });
            }
            for _ in 0..STREAMS {
                let sender = sender.clone();
                rt.spawn(async move {
                    for i in 0..(n / 2 / STREAMS) as u64 {
                        let _ = sender.send(i).await;
                    }
                });
            }
            drop(sender);
            while let Some(item) = receiver.recv().await {
                black_box(item);
            }
        });
    })
}
