//! Contexts: behaviours CTX-xx and the regressions of Q-01 … Q-18.

mod birth;
mod callbacks;
mod deadlines;
mod handed;
mod model;
mod outcomes;
mod shape;
mod texts;
mod waiting;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../kit/mod.rs"]
mod kit;

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use windlass::{Ctx, Error};

use self::kit::Log;

#[derive(Debug, PartialEq)]
struct Broken(&'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// A tree that needs no runtime.
fn root() -> Ctx<()> {
    Ctx::root_on("start", ())
}

fn three() -> (Ctx<()>, Ctx<()>, Ctx<()>) {
    let c1 = root();
    let c2 = c1.child("two");
    let c3 = c2.child("three");
    (c1, c2, c3)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll_with<F: Future + Unpin>(wakes: &Arc<Wakes>, future: &mut F) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    std::pin::Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// A callback that notes `entry`.
fn note(log: &Log, entry: &'static str) -> impl FnOnce(&Error) + Send + 'static + use<> {
    let log = log.clone();
    move |_| log.add(entry)
}
