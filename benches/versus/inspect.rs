//! Rows on looking at what runs. Nobody else has that: they are held to a time of their own.

use std::{future::pending, time::Duration};

use windlass::{Ctx, testing::SimRuntime};

use super::{measure::time, runner::Runner};

/// Contexts in a snapshot; a task runs in each.
const NODES: usize = 100_000;

pub(crate) fn rows(run: &mut Runner) {
    run.row("snapshot", |row| {
        let mut tree = None;
        row.items(NODES)
            .ours(move |n| {
                let (_, ctx) = tree.get_or_insert_with(|| grown(n));
                time(|| ctx.snapshot())
            })
            .limit(Duration::from_micros(1)); // 100 ms for all
    });
    run.memory("snapshot", |row| {
        let mut tree = None;
        // A context and its task: two entries, with a path and a state each.
        row.ours(1600.0, 6.5, move |n, list| {
            let (_, ctx) = tree.get_or_insert_with(|| grown(n)); // the first time does not count
            let snapshot = ctx.snapshot();
            assert_eq!(snapshot.entries().len(), 1 + n / FAN + 2 * n);
            list.resize(n, ());
        });
    });
}

/// Contexts below each of those in between.
const FAN: usize = 50;

/// A tree of `n` contexts with a task in each, in groups.
fn grown(n: usize) -> (SimRuntime, Ctx<SimRuntime>) {
    let rt = SimRuntime::new();
    let root = Ctx::root_on("root", rt.clone());
    for _ in 0..n / FAN {
        let group = root.child("group");
        for _ in 0..FAN {
            drop(group.child("node").spawn(pending::<()>()));
        }
    }
    for _ in 0..n % FAN {
        drop(root.child("node").spawn(pending::<()>()));
    }
    rt.run_until_stalled(); // a task is listed once it was polled
    (rt, root)
}
