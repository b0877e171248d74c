//! Rows on waiting for futures from synchronous code.

use std::{future::ready, hint::black_box, time::Duration};

use futures::{executor, future::join_all};
use windlass::{BlockOn, adapters::Embedded, run as run_set};

use super::{
    measure::{Future32, time},
    row::INFO,
    runner::Runner,
};

/// Runs in a pass.
const RUNS: usize = 20_000;

pub(crate) fn rows(run: &mut Runner) {
    ten(run, "run-10-ready", Future32::ready, 0.8);
    ten(run, "run-10-yielding", Future32::yielding, 1.0);
    run.row("block-on-ready", |row| {
        row.items(RUNS * 10).rounds(31);
        row.ours(|n| {
            let rt = Embedded::global();
            each(n, || rt.block_on(ready(black_box(1_u64))).ok())
        });
        row.peer("futures_lite", 1.0, |n| {
            each(n, || {
                futures_lite::future::block_on(ready(black_box(1_u64)))
            })
        });
    });
}

/// Ten futures. `future` is a type of its own, not a pointer: calls through one would make up most of
/// what is measured, on either side.
fn ten<F>(run: &mut Runner, name: &str, future: F, target: f64)
where
    F: Fn(usize) -> Future32 + Copy + 'static,
{
    run.row(name, |row| {
        row.items(RUNS).rounds(31);
        let ten = move || (0..10).map(future).collect::<Vec<_>>();
        row.ours(move |n| {
            let rt = Embedded::global();
            each(n, || run_set(&rt, ten()).ok())
        });
        row.peer("block_on(join_all)", target, move |n| {
            each(n, || executor::block_on(join_all(ten())))
        });
        row.peer("lite::block_on(join_all)", INFO, move |n| {
            each(n, || futures_lite::future::block_on(join_all(ten())))
        });
    });
}

fn each<T>(n: usize, work: impl Fn() -> T) -> Duration {
    time(|| {
        for _ in 0..n {
            black_box(work());
        }
    })
}
