//! Rows on trees in which tasks wait: built, ended at the root, joined and dropped.

use std::{
    future::{Future, pending},
    time::{Duration, Instant},
};

use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use windlass::{Ctx, adapters::Tokio};

use super::{
    least::tree::BareNode,
    measure::time,
    row::{INFO, Row},
    runner::Runner,
    tasks::current_thread,
    waits::{TASKS, join_all},
};

/// Each task waits in a node of its own; the root is cancelled.
pub(crate) fn rows(run: &mut Runner) {
    run.row("tree-waited-raw-1e5", |row| {
        let ours = current_thread();
        row.items(TASKS).phases(WAITED).ours(move |n| {
            let root = Ctx::root_on("root", ());
            let node = || {
                let node = root.child("node");
                let wait = node.done();
                (node, tokio::spawn(wait))
            };
            node_each(&ours, n, node, || root.cancel())
        });
        token_nodes(row, 1.0);
        let rt = current_thread();
        row.peer("bare_tree", INFO, move |n| {
            let root = BareNode::new(None);
            let node = || {
                let node = BareNode::new(Some(&root));
                let wait = tokio::spawn(node.listed(pending::<()>()));
                (node, wait)
            };
            node_each(&rt, n, node, || root.end())
        });
    });
    run.row("tree-waited-own-1e5", |row| {
        let ours = current_thread();
        row.items(TASKS).phases(WAITED).ours(move |n| {
            let root = Ctx::root_on("root", Tokio::from(ours.handle().clone()));
            let node = || {
                let node = root.child("node");
                let task = node.spawn(pending::<()>());
                (node, task)
            };
            node_each(&ours, n, node, || root.cancel())
        });
        token_nodes(row, 1.3);
        let rt = current_thread();
        row.peer("bare_listed", INFO, move |n| {
            let root = BareNode::new(None);
            let node = || {
                let node = BareNode::new(Some(&root));
                let task = node.spawn(pending::<()>());
                (node, task)
            };
            node_each(&rt, n, node, || root.end())
        });
    });
}

const WAITED: [&str; 3] = ["build", "cancel", "finish"];

fn token_nodes(row: &mut Row, target: f64) {
    let rt = current_thread();
    row.peer("child_token", target, move |n| {
        let root = CancellationToken::new();
        let node = || {
            let node = root.child_token();
            let wait = node.clone().cancelled_owned();
            (node, tokio::spawn(wait))
        };
        node_each(&rt, n, node, || root.cancel())
    });
}

/// Makes `n` nodes in which a task waits, ends them all with `fire`, joins the tasks and drops all.
fn node_each<N, J: Future, T>(
    rt: &Runtime,
    n: usize,
    node: impl Fn() -> (N, J),
    fire: impl FnOnce() -> T,
) -> [Duration; 3] {
    rt.block_on(async {
        let (mut nodes, mut tasks) = (Vec::with_capacity(n), Vec::with_capacity(n));
        let start = Instant::now();
        for _ in 0..n {
            let (node, task) = node();
            nodes.push(node);
            tasks.push(task);
        }
        // The queue is in order: this one comes last.
        tokio::spawn(async {}).await.expect("an empty task ends");
        let build = start.elapsed();
        let cancel = time(fire);
        let start = Instant::now();
        join_all(tasks).await;
        drop(nodes);
        [build, cancel, start.elapsed()]
    })
}
