//! Rows on promises: a value given once, to one who waits and to many.

use std::{
    future::Future,
    hint::black_box,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::channel::oneshot as futures_oneshot;
use tokio::sync::{SetOnce, oneshot};
use windlass::Promise;

use super::{
    least::BareOnce,
    measure::{counted_waker, drive, time},
    row::INFO,
    runner::Runner,
    tasks::current_thread,
    waits::raw_tasks,
};

/// Promises in a pass.
const PROMISES: usize = 10_000;

/// Tasks that wait for one promise.
const WAITERS: usize = 10_000;

pub(crate) fn rows(run: &mut Runner) {
    set_then_await(run);
    await_then_set(run);
    many_waiters(run);
    memory(run);
}

/// The value is there when it is asked for.
fn set_then_await(run: &mut Runner) {
    run.row("promise-set-await", |row| {
        row.items(PROMISES).repeats(20).rounds(21);
        row.ours(|n| {
            each(n, |waker, value| {
                let promise = Promise::new();
                let wait = promise.wait();
                promise.set(value);
                drive(waker, wait).ok()
            })
        });
        row.peer("tokio::oneshot", 1.0, |n| {
            each(n, |waker, value| {
                let (sender, receiver) = oneshot::channel();
                let _ = sender.send(value);
                drive(waker, receiver).ok()
            })
        });
        row.peer("futures::oneshot", INFO, |n| {
            each(n, |waker, value| {
                let (sender, receiver) = futures_oneshot::channel();
                let _ = sender.send(value);
                drive(waker, receiver).ok()
            })
        });
        row.peer("bare_once", INFO, |n| {
            each(n, |waker, value| {
                let once = BareOnce::new();
                let wait = once.wait();
                once.set(value);
                drive(waker, wait)
            })
        });
        row.peer("SetOnce", INFO, |n| {
            each(n, |waker, value| {
                let setter = Arc::new(SetOnce::new());
                let wait = setter.clone();
                let _ = setter.set(value);
                drive(waker, async move { *wait.wait().await })
            })
        });
    });
}

/// Somebody waits already when the value is given.
fn await_then_set(run: &mut Runner) {
    run.row("promise-await-set", |row| {
        row.items(PROMISES).repeats(20).rounds(21);
        row.ours(|n| {
            each(n, |waker, value| {
                let promise = Promise::new();
                let mut wait = promise.wait();
                assert!(poll(waker, &mut wait).is_pending());
                promise.set(value);
                drive(waker, wait).ok()
            })
        });
        row.peer("tokio::oneshot", INFO, |n| {
            each(n, |waker, value| {
                let (sender, mut receiver) = oneshot::channel();
                assert!(poll(waker, &mut receiver).is_pending());
                let _ = sender.send(value);
                drive(waker, receiver).ok()
            })
        });
        row.peer("futures::oneshot", INFO, |n| {
            each(n, |waker, value| {
                let (sender, mut receiver) = futures_oneshot::channel();
                assert!(poll(waker, &mut receiver).is_pending());
                let _ = sender.send(value);
                drive(waker, receiver).ok()
            })
        });
        row.peer("bare_once", INFO, |n| {
            each(n, |waker, value| {
                let once = BareOnce::new();
                let mut wait = once.wait();
                assert!(poll(waker, &mut wait).is_pending());
                once.set(value);
                drive(waker, wait)
            })
        });
    });
}

/// From the value until as many tasks as wait for it are joined.
fn many_waiters(run: &mut Runner) {
    run.row("promise-1e4-waiters", |row| {
        let ours = current_thread();
        row.items(WAITERS).rounds(31).ours(move |n| {
            let promise = Promise::new();
            let wait = || {
                let wait = promise.wait();
                async move { wait.await.ok() }
            };
            raw_tasks(&ours, n, wait, || promise.set(7_u64))
        });
        let rt = current_thread();
        row.peer("SetOnce", 1.1, move |n| {
            let setter = Arc::new(SetOnce::new());
            let wait = || {
                let wait = setter.clone();
                async move { *wait.wait().await }
            };
            raw_tasks(&rt, n, wait, || setter.set(7_u64).is_ok())
        });
    });
}

fn memory(run: &mut Runner) {
    run.memory("promise-pending", |memory| {
        memory.ours(160.0, 1.0, |n, list| {
            list.extend((0..n).map(|_| Promise::<u64>::new()));
        });
        memory.peer("tokio::oneshot", |n, list| {
            list.extend((0..n).map(|_| oneshot::channel::<u64>()));
        });
    });
}

/// How long `n` rounds of `work` take.
fn each<T>(n: usize, work: impl Fn(&Waker, u64) -> T) -> Duration {
    let waker = counted_waker();
    time(|| {
        for value in 0..n as u64 {
            black_box(work(&waker, black_box(value)));
        }
    })
}

fn poll<F: Future + Unpin>(waker: &Waker, future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}
