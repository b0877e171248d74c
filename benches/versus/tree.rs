//! Rows on contexts and their tree.

use std::{
    hint::black_box,
    time::{Duration, Instant},
};

use tokio_util::sync::CancellationToken;
use windlass::{Ctx, adapters::Embedded};

use super::{
    least::tree::BareLink,
    measure::{time, time_on_threads},
    row::{INFO, Row},
    runner::Runner,
};

pub(crate) fn rows(run: &mut Runner) {
    children(run);
    is_done(run);
    for shape in [Shape::Wide, Shape::Fan, Shape::Chain] {
        trees(run, shape);
    }
    run.memory("ctx-idle", |row| {
        let (root, token) = (Ctx::root_on("root", ()), CancellationToken::new());
        row.ours(96.0, 1.0, move |n, list| {
            list.extend((0..n).map(|_| root.child("idle")));
        });
        row.peer("child_token", move |n, list| {
            list.extend((0..n).map(|_| token.child_token()));
        });
    });
    run.memory("ctx-idle-erased", |row| {
        let root = Ctx::root("root", Embedded::global());
        row.ours(96.0, 1.0, move |n, list| {
            list.extend((0..n).map(|_| root.child("idle")));
        });
    });
}

// ===== one child, one look =====

fn children(run: &mut Runner) {
    run.row("child-1-thread", |row| {
        child(row, Ctx::root_on("root", ()), 1, 0.45);
    });
    run.row("child-4-threads", |row| {
        child(row, Ctx::root_on("root", ()), 4, 0.35);
    });
    run.row("child-erased-1-thread", |row| {
        child(row, Ctx::root("root", Embedded::global()), 1, 0.45);
    });
    run.row("child-erased-4-threads", |row| {
        child(row, Ctx::root("root", Embedded::global()), 4, 0.35);
    });
}

/// Creates and drops a child of one parent.
fn child<R>(row: &mut Row, root: Ctx<R>, threads: usize, target: f64)
where
    R: Clone + Send + Sync + 'static,
{
    let token = CancellationToken::new();
    row.items(50_000)
        .ours(move |n| repeat(threads, n, || root.child("child")))
        .peer("child_token", target, move |n| {
            repeat(threads, n, || token.child_token())
        });
}

fn is_done(run: &mut Runner) {
    for (name, threads, target) in [
        ("is-done-depth-3-1-thread", 1, 0.15),
        ("is-done-depth-3-4-threads", 4, 0.02),
    ] {
        run.row(name, |row| {
            let ctx = Ctx::root_on("root", ()).child("a").child("b").child("c");
            let token = CancellationToken::new().child_token();
            let token = token.child_token().child_token();
            row.items(200_000)
                .ours(move |n| repeat(threads, n, || ctx.is_done()))
                .peer("is_cancelled", target, move |n| {
                    repeat(threads, n, || token.is_cancelled())
                });
        });
    }
}

/// Times `n` calls of `op` as each of `threads` threads sees them.
fn repeat<T>(threads: usize, n: usize, op: impl Fn() -> T + Sync) -> Duration {
    let all = || {
        for _ in 0..n {
            black_box(op());
        }
    };
    match threads {
        1 => time(all),
        _ => time_on_threads(threads, all),
    }
}

// ===== whole trees =====

#[derive(Clone, Copy, Debug)]
enum Shape {
    /// All nodes below the root.
    Wide,
    /// Ten nodes below each.
    Fan,
    /// Each node below the one before it.
    Chain,
}

impl Shape {
    fn name(self) -> &'static str {
        match self {
            Shape::Wide => "wide",
            Shape::Fan => "fan",
            Shape::Chain => "chain",
        }
    }

    /// The place of the parent of the node at `place`, which is not the root.
    fn parent(self, place: usize) -> usize {
        match self {
            Shape::Wide => 0,
            Shape::Fan => (place - 1) / 10,
            Shape::Chain => place - 1,
        }
    }

    /// All `n` nodes, the root first.
    fn grow<N>(self, n: usize, root: N, child: impl Fn(&N) -> N) -> Vec<N> {
        let mut nodes = Vec::with_capacity(n);
        nodes.push(root);
        for place in 1..n {
            nodes.push(child(&nodes[self.parent(place)]));
        }
        nodes
    }
}

/// Trees of one shape, in three sizes: built, cancelled and dropped; built and dropped alive.
fn trees(run: &mut Runner, shape: Shape) {
    let shaped = |size: &str| format!("tree-{}-{size}", shape.name());
    for (size, nodes, repeats) in [
        ("1e3", 1000, 100),
        ("1e5", 100_000, 1),
        ("1e6", 1_000_000, 1),
    ] {
        run.row(&shaped(size), |row| {
            row.items(nodes)
                .repeats(repeats)
                .phases(["build", "cancel", "drop", "drop-alive"])
                .ours(move |n| {
                    life(
                        shape,
                        n,
                        || Ctx::root_on("root", ()),
                        child_of,
                        |ctx| {
                            ctx.cancel();
                        },
                    )
                })
                .peer("child_token", 0.6, move |n| {
                    let child = CancellationToken::child_token;
                    life(shape, n, CancellationToken::new, child, |token| {
                        token.cancel();
                    })
                })
                .peer("bare_chain", INFO, move |n| {
                    let (root, child) = (
                        || BareLink::new(None),
                        |above: &_| BareLink::new(Some(above)),
                    );
                    life(shape, n, root, child, |link| link.end())
                });
        });
    }
    for phase in ["build", "cancel", "drop", "drop-alive"] {
        let (small, large) = (shaped("1e3"), shaped("1e6"));
        run.growth(
            &format!("tree-{}/{phase}", shape.name()),
            &format!("{small}/{phase}"),
            &format!("{large}/{phase}"),
            1.5,
        );
    }
}

fn child_of<R: Clone>(ctx: &Ctx<R>) -> Ctx<R> {
    ctx.child("node")
}

/// Builds a tree, cancels its root, drops all handles, the root's first; builds another one and
/// drops it alive.
fn life<N>(
    shape: Shape,
    n: usize,
    root: impl Fn() -> N,
    child: impl Fn(&N) -> N,
    cancel: impl Fn(&N),
) -> [Duration; 4] {
    let start = Instant::now();
    let nodes = shape.grow(n, root(), &child);
    let build = start.elapsed();
    let cancel = time(|| cancel(&nodes[0]));
    let cancelled = time(|| drop(nodes));
    let nodes = shape.grow(n, root(), &child);
    let alive = time(|| drop(nodes));
    [build, cancel, cancelled, alive]
}
