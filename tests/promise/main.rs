//! Promises: behaviours FUT-01 to FUT-70, quirks, and what the design adds.

mod callbacks;
mod child;
mod outcome;
mod recipes;
mod resettable;
mod waiting;

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::FutureExt as _;
use windlass::{Error, FutureStatus, Promise};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn new() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(waker))
}

/// The outcome of a future that must be ready now.
fn ready<F: Future>(future: F) -> F::Output {
    pin!(future).now_or_never().expect("ready")
}

/// Writes down what callbacks are called with.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn callback(&self, name: &'static str) -> impl FnOnce(Result<&u32, &Error>) + Send + 'static {
        let log = self.clone();
        move |outcome| {
            log.note(match outcome {
                Ok(value) => format!("{name} {value}"),
                Err(error) if error.is_cancelled() => format!("{name} cancelled"),
                Err(error) => format!("{name} {error}"),
            });
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn value(promise: &Promise<u32>) -> Option<u32> {
    promise.outcome().and_then(|outcome| outcome.ok().copied())
}

fn error(promise: &Promise<u32>) -> Option<String> {
    Some(promise.outcome()?.err()?.to_string())
}

fn is_cancelled(promise: &Promise<u32>) -> bool {
    FutureStatus::is_cancelled(promise)
}

fn four() -> [Promise<u32>; 4] {
    std::array::from_fn(|_| Promise::new())
}
