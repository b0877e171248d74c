//! Rows on tickers and clocks.

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use windlass::{Ctx, MissedTicks, Ticker, adapters::Tokio, testing::SimRuntime};

use super::{
    measure::{counted_waker, drive, median, time},
    memory::Memory,
    runner::Runner,
    tasks::{current_thread, multi_thread},
};

/// A period that is always over.
const OVERDUE: Duration = Duration::from_nanos(1);

/// The period of the rows that sleep.
const SLEPT: Duration = Duration::from_millis(1);

pub(crate) fn rows(run: &mut Runner) {
    for (flavour, rt) in [
        ("ct", current_thread as fn() -> Runtime),
        ("mt", multi_thread),
    ] {
        overdue(run, flavour, rt);
    }
    slept(run);
    run.row("ticker-virtual", |row| {
        row.items(1_000_000)
            .ours(|n| time(|| virtual_ticks(n)))
            .limit(Duration::from_micros(1));
    });
    run.memory("ticker-overdue-tick", overdue_memory);
    run.memory("ticker-virtual-tick", virtual_memory);
}

fn ticker(rt: &Runtime, every: Duration) -> Ticker {
    let ctx = Ctx::root_on("bench", Tokio::from(rt.handle().clone()));
    ctx.ticker(every).no_min_wait()
}

// ===== ticks that are overdue =====

fn overdue(run: &mut Runner, flavour: &str, rt: fn() -> Runtime) {
    run.row(&format!("ticker-overdue-{flavour}"), |row| {
        let (ours, peer) = (rt(), rt());
        let erased = rt();
        row.items(200_000).ours(move |n| {
            let mut ticker = ticker(&ours, OVERDUE);
            ours.block_on(async {
                let start = Instant::now();
                for _ in 0..n {
                    black_box(ticker.next().await);
                }
                start.elapsed()
            })
        });
        row.peer("Interval", 0.4, move |n| {
            peer.block_on(async {
                let mut interval = tokio::time::interval(OVERDUE);
                let start = Instant::now();
                for _ in 0..n {
                    black_box(interval.tick().await);
                }
                start.elapsed()
            })
        });
        row.peer("ours-erased", super::row::INFO, move |n| {
            let rt = Tokio::from(erased.handle().clone());
            let mut ticker = Ctx::root("bench", rt).ticker(OVERDUE).no_min_wait();
            erased.block_on(async {
                let start = Instant::now();
                for _ in 0..n {
                    black_box(ticker.next().await);
                }
                start.elapsed()
            })
        });
    });
}

fn overdue_memory(memory: &mut Memory) {
    let rt = current_thread();
    let waker = counted_waker();
    let mut ticker = ticker(&rt, OVERDUE);
    memory.ours(0.0, 0.0, move |n, list| {
        for _ in 0..n {
            list.push(drive(&waker, ticker.next()));
        }
    });
}

// ===== ticks that are slept for =====

/// Two seconds of ticks: what they cost the processor, how late they are, and how far they have
/// drifted by the end (what adds up per tick would be some 130 ms or more).
///
/// Tokio's timer fires at whole milliseconds of its own, so how late a tick is depends on where
/// between two of these the schedule began. Both sides begin right after one of them, and both are
/// held against the schedule: an interval's first tick waits for the timer as well, and what is
/// held against that tick looks punctual.
fn slept(run: &mut Runner) {
    run.row("ticker-1ms", |row| {
        let (ours, peer) = (current_thread(), current_thread());
        row.items(2000).phases(["cpu", "late", "drift"]);
        row.ours(move |n| {
            ours.block_on(async {
                tokio::time::sleep(SLEPT).await;
                let start = Instant::now();
                let mut ticker = ticker(&ours, SLEPT).missed_ticks(MissedTicks::Burst);
                watch(n, start, async || black_box(ticker.next().await).is_some()).await
            })
        });
        row.peer("Interval", [1.1, 1.1, 1.1], move |n| {
            peer.block_on(async {
                tokio::time::sleep(SLEPT).await;
                let start = Instant::now();
                let mut interval = tokio::time::interval(SLEPT);
                watch(n, start, async || {
                    black_box(interval.tick().await) >= start.into()
                })
                .await
            })
        });
    });
}

/// CPU time of all ticks; the median lateness, and the least of the last quarter, each as if every
/// tick had it. No slot is skipped, so tick `k` belongs `k` periods after the start.
async fn watch(n: usize, start: Instant, mut tick: impl AsyncFnMut() -> bool) -> [Duration; 3] {
    assert!(tick().await);
    let cpu = cpu_time();
    let mut late = Vec::with_capacity(n);
    for k in 1..=n {
        assert!(tick().await);
        late.push(start.elapsed().saturating_sub(SLEPT * k as u32));
    }
    let cpu = cpu_time().saturating_sub(cpu);
    let drift = late[n - n / 4 - 1..].iter().min().copied();
    let late: Vec<f64> = late.iter().map(|late| late.as_nanos() as f64).collect();
    let late = Duration::from_nanos(median(&late) as u64);
    [cpu, late * n as u32, drift.unwrap_or_default() * n as u32]
}

/// What this thread has had of a processor; zero where nobody knows.
fn cpu_time() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = stat.split(' ').next().and_then(|n| n.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}

// ===== ticks of a virtual clock =====

fn virtual_ticks(n: usize) {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("bench", rt.clone());
    rt.block_on(async {
        let mut ticker = ctx.ticker(Duration::from_secs(1));
        for _ in 0..n {
            black_box(ticker.next().await);
        }
    });
    assert_eq!(rt.clock().elapsed().as_secs(), n as u64 - 1);
}

fn virtual_memory(memory: &mut Memory) {
    let rt = SimRuntime::new();
    let mut ticker = Ctx::root("bench", rt.clone()).ticker(Duration::from_secs(1));
    memory.ours(0.0, 0.0, move |n, list| {
        rt.block_on(async {
            for _ in 0..n {
                list.push(ticker.next().await);
            }
        });
    });
}
