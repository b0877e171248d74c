//! Rows on the virtual clock: what many timers cost.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Waker},
    time::{Duration, Instant},
};

use tokio::runtime::{Builder, Runtime};
use windlass::{Timer, testing::SimRuntime};

use super::{
    measure::{counted_waker, time},
    row::INFO,
    runner::Runner,
};

/// Timers at a time, few and many.
const SIZES: [(&str, usize); 2] = [("1e4", 10_000), ("1e6", 1_000_000)];

/// When the clock has fired half of them.
const HALF: Duration = Duration::from_secs(500);

pub(crate) fn rows(run: &mut Runner) {
    for (size, n) in SIZES {
        run.row(&format!("virtual-timers-{size}"), |row| {
            row.items(n).phases(["arm", "fire", "drop"]).ours(ours);
            // Its wheel rounds to milliseconds and fires what is due in one without an order.
            let paused = paused();
            row.peer("tokio-paused", INFO, move |n| native(&paused, n));
        });
    }
    for phase in ["arm", "fire", "drop"] {
        run.growth(
            &format!("virtual-timers/{phase}"),
            &format!("virtual-timers-1e4/{phase}"),
            &format!("virtual-timers-1e6/{phase}"),
            6.0, // the logarithm grows by 1.5, and the caches run out
        );
    }
}

/// Arms `n` timers in no order, fires the earlier half, and drops all.
fn ours(n: usize) -> [Duration; 3] {
    let rt = SimRuntime::new();
    let clock = rt.clock();
    let start = clock.now();
    let sleeps = (0..n).map(|i| clock.sleep_until(start + due(i, n)));
    rt.block_on(phases(sleeps, clock.advance(HALF)))
}

fn native(rt: &Runtime, n: usize) -> [Duration; 3] {
    rt.block_on(async {
        let start = tokio::time::Instant::now();
        let sleeps = (0..n).map(|i| Box::pin(tokio::time::sleep_until(start + due(i, n))));
        phases(sleeps, tokio::time::advance(HALF)).await
    })
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime of one thread needs nothing but a clock")
}

async fn phases<S>(sleeps: impl Iterator<Item = S>, fire: impl Future<Output = ()>) -> [Duration; 3]
where
    S: Future<Output = ()> + Unpin,
{
    let waker = counted_waker();
    let mut sleeps: Vec<S> = sleeps.collect();
    let armed = time(|| sleeps.iter_mut().for_each(|sleep| arm(sleep, &waker)));
    let start = Instant::now();
    fire.await;
    let fired = start.elapsed();
    [armed, fired, time(|| drop(sleeps))]
}

fn arm<S: Future<Output = ()> + Unpin>(sleep: &mut S, waker: &Waker) {
    let _ = Pin::new(sleep).poll(&mut Context::from_waker(waker));
}

/// When timer `i` of `n` is due: all over a thousand seconds, each at a time of its own.
fn due(i: usize, n: usize) -> Duration {
    let shuffled = (i as u64).wrapping_mul(7_919_117) % n as u64;
    Duration::from_micros(1 + shuffled * (1_000_000_000 / n as u64))
}
