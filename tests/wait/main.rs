//! Waits and timeouts: behaviours WAIT-xx, TIME-xx, LOOP-18 … LOOP-27, regressions … Q-25.

mod all;
mod first;
mod timeouts;
mod within;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../kit/mod.rs"]
mod kit;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use windlass::Ctx;

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Wakes {
    fn poll<F: Future>(self: &Arc<Self>, future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Contexts stand in for signals: they end by hand.
fn contexts<const N: usize>() -> [Ctx<()>; N] {
    std::array::from_fn(|_| Ctx::root_on("signal", ()))
}
