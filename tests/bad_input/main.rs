//! Bad input to the core: durations, empty sets, done contexts, executors that have gone, panics, wakers that
//! come back. Whatever it is, it ends, and in a way that is written down.

mod done;
mod durations;
mod gone;
mod panics;
mod wakers;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../kit/mod.rs"]
mod kit;

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use windlass::{LocalSpawner, Spawner};

/// Drops what it is given inside the call: an executor that has shut down.
#[derive(Clone, Debug)]
struct Gone;

impl Spawner for Gone {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        drop(future);
    }
    fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
        drop(work);
    }
}

impl LocalSpawner for Gone {
    fn spawn_local<F: Future<Output = ()> + 'static>(&self, future: F) {
        drop(future);
    }
}

/// Takes futures and keeps them for the test.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Boxed>>>);

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Keeper {
    fn take(&self) -> Vec<Boxed> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Spawner for Keeper {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.lock().unwrap().push(Box::pin(future));
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// What `future` gives without anybody who would have to wake it: for those that only yield.
fn at_once<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    for _ in 0..3 {
        if let Poll::Ready(output) = poll_once(&mut future) {
            return output;
        }
    }
    panic!("it waits for something")
}
