//! The simulated runtime: its executor, its owner and handles, and what it says when it stalls.

mod local;
mod owner;
mod panics;
mod running;
mod threads;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::Poll,
    time::Duration,
};

use futures::future::poll_fn;
use windlass::{Spawner, testing::SimRuntime};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().unwrap().to_string(),
    }
}

#[derive(Clone, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
    fn token(&self) -> Token {
        Token(self.clone())
    }
}

/// Counts when it is dropped.
struct Token(Drops);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, SeqCst);
    }
}

/// The order in which `n` tasks that yield a few times are polled.
fn order(rt: &SimRuntime, n: usize) -> Vec<usize> {
    let order = Arc::new(Mutex::new(Vec::new()));
    for i in 0..n {
        let order = order.clone();
        rt.spawn(async move {
            for _ in 0..3 {
                order.lock().unwrap().push(i);
                yield_now().await;
            }
        });
    }
    rt.run_until_stalled();
    let order = order.lock().unwrap().clone();
    assert_eq!(order.len(), 3 * n);
    order
}
