//! Rows on queues of `u64`: within a task, between tasks, between threads.
//!
//! The peer `bare-lock` has no target: it tells how much of the rest is due to the lock itself.

use std::{
    future::Future,
    hint::black_box,
    sync::{Arc, Barrier, mpsc as std_mpsc},
    thread,
    time::{Duration, Instant},
};

use tokio::sync::mpsc;
use windlass::{Ctx, Queue, QueueStream, SyncQueue};

use super::{
    bare::Bare,
    measure::{counted_waker, drive, time},
    row::{INFO, Row},
    runner::Runner,
    tasks::{current_thread, multi_thread},
};

/// Items in a pass.
const ITEMS: usize = 100_000;

pub(crate) fn rows(run: &mut Runner) {
    for (name, kind) in KINDS {
        let row = |of: &str| format!("{name}-{of}");
        run.row(&row("one-by-one"), |row| bursts(row, kind, 1, [0.75, INFO]));
        run.row(&row("bursts-of-1000"), |row| {
            bursts(row, kind, 1000, [0.5, 0.8])
        });
        run.row(&row("1-to-1-mt"), |row| {
            from_tasks(row, kind, 1, [0.5, 0.8])
        });
        run.row(&row("4-to-1-mt"), |row| {
            from_tasks(row, kind, 4, [0.5, 0.9])
        });
        run.row(&row("1-thread-to-task"), |row| {
            from_threads(row, kind, 1, [INFO, INFO])
        });
        run.row(&row("4-threads-to-task"), |row| {
            from_threads(row, kind, 4, [INFO, INFO])
        });
    }
    ping_pong(run);
    thread_to_thread(run);
    memory(run);
}

type Kind = fn(&Queue<u64>) -> QueueStream<'_, u64>;

/// A consumer that shares with others, and one that is the only one.
const KINDS: [(&str, Kind); 2] = [
    ("queue", |queue| queue.stream()),
    ("queue-greedy", |queue| queue.stream().greedy()),
];

fn queue() -> Queue<u64> {
    Queue::new(&Ctx::root_on("root", ()), "queue")
}

// ===== one task =====

/// One task puts `burst` items in, and takes them out again.
fn bursts(row: &mut Row, kind: Kind, burst: usize, [tokio, flume]: [f64; 2]) {
    row.items(ITEMS).rounds(31);
    row.ours(move |n| {
        let queue = queue();
        let mut stream = kind(&queue);
        in_bursts(n, burst, |waker, value| match value {
            Some(value) => queue.append(value),
            None => {
                black_box(drive(waker, stream.next()));
            }
        })
    });
    row.peer("tokio::mpsc", tokio, move |n| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        in_bursts(n, burst, |waker, value| match value {
            Some(value) => sender.send(value).expect("the receiver is here"),
            None => {
                black_box(drive(waker, receiver.recv()));
            }
        })
    });
    row.peer("flume", flume, move |n| {
        let (sender, receiver) = flume::unbounded();
        in_bursts(n, burst, |waker, value| match value {
            Some(value) => sender.send(value).expect("the receiver is here"),
            None => {
                let _ = black_box(drive(waker, receiver.recv_async()));
            }
        })
    });
    row.peer("bare-lock", INFO, move |n| {
        let queue = Bare::default();
        in_bursts(n, burst, |waker, value| match value {
            Some(value) => queue.append(value),
            None => {
                black_box(drive(waker, queue.next()));
            }
        })
    });
}

/// Calls `step` with values, and as often without.
fn in_bursts(
    n: usize,
    burst: usize,
    mut step: impl FnMut(&std::task::Waker, Option<u64>),
) -> Duration {
    let waker = counted_waker();
    time(|| {
        for start in (0..n).step_by(burst) {
            for value in start..start + burst {
                step(&waker, Some(black_box(value as u64)));
            }
            for _ in 0..burst {
                step(&waker, None);
            }
        }
    })
}

// ===== several tasks and threads =====

/// `producers` tasks on a runtime of four workers feed one task there.
fn from_tasks(row: &mut Row, kind: Kind, producers: usize, [tokio, flume]: [f64; 2]) {
    row.items(ITEMS).rounds(21);
    let rts = [(); 4].map(|()| multi_thread());
    let [ours, native, third, fourth] = rts;
    row.ours(move |n| {
        let queue = Arc::new(queue());
        let feed = |values: std::ops::Range<u64>| {
            let queue = Arc::clone(&queue);
            async move { values.for_each(|value| queue.append(value)) }
        };
        let taking = Arc::clone(&queue);
        let take = async move {
            let mut stream = kind(&taking);
            for _ in 0..n {
                black_box(stream.next().await);
            }
        };
        on_workers(&ours, n, producers, feed, take)
    });
    row.peer("tokio::mpsc", tokio, move |n| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let feed = |mut values: std::ops::Range<u64>| {
            let sender = sender.clone();
            async move {
                values.all(|value| sender.send(value).is_ok());
            }
        };
        let take = async move {
            for _ in 0..n {
                black_box(receiver.recv().await);
            }
        };
        on_workers(&native, n, producers, feed, take)
    });
    row.peer("flume", flume, move |n| {
        let (sender, receiver) = flume::unbounded();
        let feed = |mut values: std::ops::Range<u64>| {
            let sender = sender.clone();
            async move {
                values.all(|value| sender.send(value).is_ok());
            }
        };
        let take = async move {
            for _ in 0..n {
                black_box(receiver.recv_async().await.ok());
            }
        };
        on_workers(&third, n, producers, feed, take)
    });
    row.peer("bare-lock", INFO, move |n| {
        let queue = Arc::new(Bare::default());
        let feed = |values: std::ops::Range<u64>| {
            let queue = Arc::clone(&queue);
            async move { values.for_each(|value| queue.append(value)) }
        };
        let taking = Arc::clone(&queue);
        let take = async move {
            for _ in 0..n {
                black_box(taking.next().await);
            }
        };
        on_workers(&fourth, n, producers, feed, take)
    });
}

fn on_workers<F>(
    rt: &tokio::runtime::Runtime,
    n: usize,
    producers: usize,
    feed: impl Fn(std::ops::Range<u64>) -> F,
    take: impl Future<Output = ()> + Send + 'static,
) -> Duration
where
    F: Future<Output = ()> + Send + 'static,
{
    rt.block_on(async {
        let start = Instant::now();
        let taking = rt.spawn(take);
        for producer in 0..producers {
            rt.spawn(feed(share(n, producer, producers)));
        }
        taking.await.expect("it takes all there is");
        start.elapsed()
    })
}

/// `producers` threads feed one task of a current-thread runtime.
fn from_threads(row: &mut Row, kind: Kind, producers: usize, [tokio, flume]: [f64; 2]) {
    row.items(ITEMS).rounds(21);
    let [ours, native, third] = [(); 3].map(|()| current_thread());
    row.ours(move |n| {
        let queue = queue();
        let take = async {
            let mut stream = kind(&queue);
            for _ in 0..n {
                black_box(stream.next().await);
            }
        };
        with_threads(
            n,
            producers,
            |value| queue.append(value),
            || ours.block_on(take),
        )
    });
    row.peer("tokio::mpsc", tokio, move |n| {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let take = async {
            for _ in 0..n {
                black_box(receiver.recv().await);
            }
        };
        let send = |value| sender.send(value).expect("the receiver is here");
        with_threads(n, producers, send, || native.block_on(take))
    });
    row.peer("flume", flume, move |n| {
        let (sender, receiver) = flume::unbounded();
        let take = async {
            for _ in 0..n {
                black_box(receiver.recv_async().await.ok());
            }
        };
        let send = |value| sender.send(value).expect("the receiver is here");
        with_threads(n, producers, send, || third.block_on(take))
    });
}

/// From the moment when all threads are there until all has been taken.
fn with_threads(
    n: usize,
    producers: usize,
    put: impl Fn(u64) + Sync,
    take: impl FnOnce(),
) -> Duration {
    let barrier = Barrier::new(producers + 1);
    thread::scope(|scope| {
        for producer in 0..producers {
            let (barrier, put) = (&barrier, &put);
            scope.spawn(move || {
                barrier.wait();
                share(n, producer, producers).for_each(put);
            });
        }
        barrier.wait();
        time(take)
    })
}

/// What one of the producers puts in; together they put in exactly `n` items.
fn share(n: usize, producer: usize, producers: usize) -> std::ops::Range<u64> {
    let start = |producer: usize| (n * producer / producers) as u64;
    start(producer)..start(producer + 1)
}

/// Two tasks throw one item to and fro: a round trip an item.
fn ping_pong(run: &mut Runner) {
    run.row("queue-ping-pong", |row| {
        row.items(20_000).rounds(21);
        let [ours, native, third] = [(); 3].map(|()| current_thread());
        row.ours(move |n| {
            let (there, back) = (Arc::new(queue()), Arc::new(queue()));
            let (hears, answers) = (Arc::clone(&there), Arc::clone(&back));
            let echo = async move {
                let mut heard = hears.stream();
                while let Some(value) = heard.next().await {
                    answers.append(value);
                }
            };
            let play = async {
                let mut answers = back.stream();
                for value in 0..n as u64 {
                    there.append(value);
                    black_box(answers.next().await);
                }
                there.close();
            };
            two_tasks(&ours, echo, play)
        });
        row.peer("tokio::mpsc", 0.85, move |n| {
            let (there, mut hears) = mpsc::unbounded_channel::<u64>();
            let (answers, mut back) = mpsc::unbounded_channel::<u64>();
            let echo = async move {
                while let Some(value) = hears.recv().await {
                    let _ = answers.send(value);
                }
            };
            let play = async move {
                for value in 0..n as u64 {
                    let _ = there.send(value);
                    black_box(back.recv().await);
                }
            };
            two_tasks(&native, echo, play)
        });
        row.peer("bare-lock", INFO, move |n| {
            let (there, back) = (Arc::new(Bare::default()), Arc::new(Bare::default()));
            let (hears, answers) = (Arc::clone(&there), Arc::clone(&back));
            let echo = async move {
                while let Some(value) = hears.next().await {
                    answers.append(value);
                }
            };
            let play = async {
                for value in 0..n as u64 {
                    there.append(value);
                    black_box(back.next().await);
                }
                there.close();
            };
            two_tasks(&third, echo, play)
        });
    });
}

fn two_tasks(
    rt: &tokio::runtime::Runtime,
    echo: impl Future<Output = ()> + Send + 'static,
    play: impl Future<Output = ()>,
) -> Duration {
    rt.block_on(async {
        let echo = rt.spawn(echo);
        let start = Instant::now();
        play.await;
        let took = start.elapsed();
        echo.await.expect("it ends with the game");
        took
    })
}

fn thread_to_thread(run: &mut Runner) {
    run.row("sync-queue-thread-to-thread", |row| {
        row.items(ITEMS).rounds(31);
        row.ours(|n| {
            let queue = SyncQueue::new(&Ctx::root_on("root", ()), "queue");
            let take = || {
                black_box(queue.iter().take(n).fold(0, u64::wrapping_add));
            };
            with_threads(n, 1, |value| queue.append(value), take)
        });
        row.peer("std::mpsc", 1.0, |n| {
            let (sender, receiver) = std_mpsc::channel();
            let take = || {
                black_box(receiver.iter().take(n).fold(0, u64::wrapping_add));
            };
            with_threads(n, 1, |value| sender.send(value).expect("it is here"), take)
        });
    });
}

fn memory(run: &mut Runner) {
    run.memory("queue-empty", |memory| {
        let ctx = Ctx::root_on("root", ());
        memory.ours(200.0, 2.0, move |n, list| {
            list.extend((0..n).map(|_| Queue::<u64>::new(&ctx, "queue")));
        });
        memory.peer("tokio::mpsc", |n, list| {
            list.extend((0..n).map(|_| mpsc::unbounded_channel::<u64>()));
        });
        memory.peer("flume", |n, list| {
            list.extend((0..n).map(|_| flume::unbounded::<u64>()));
        });
    });
}
