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
    type Kind = (&'static str, fn(usize) -> Future32, f64);
    let kinds: [Kind; 2] = [
        ("ready", Future32::ready, 0.8),
        ("yielding", Future32::yielding, 1.0),
    ];
    for (kind, future, target) in kinds {
        run.row(&format!("run-10-{kind}"), |row| {
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

fn each<T>(n: usize, work: impl Fn() -> T) -> Duration {
    time(|| {
        for _ in 0..n {
            black_box(work());
        }
    })
}
