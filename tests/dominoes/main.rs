//! Dominoes: DOMINO-02 to DOMINO-14 and the quirks.

mod ends;
mod falling;
mod unused;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
};

use futures::future::poll_fn;
use windlass::{Ctx, testing::Dominoes};

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn yield_times(n: usize) {
    let mut left = n;
    poll_fn(|cx| {
        if left == 0 {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// Starts a task that waits for domino `i`, works on for `rounds`, and notes both.
fn follow<R: windlass::Spawner>(
    ctx: &Ctx<R>,
    dominoes: &Dominoes,
    i: usize,
    rounds: usize,
    log: &Log,
) {
    let (domino, log) = (dominoes.get(i), log.clone());
    drop(ctx.spawn(async move {
        match domino.await {
            Ok(()) => log.note(format!("{i} fell")),
            Err(error) => return log.note(format!("{i}: {error}")),
        }
        yield_times(rounds).await;
        log.note(format!("{i} rests"));
    }));
}

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    *payload.downcast::<String>().unwrap()
}

fn in_order(n: usize) -> Vec<String> {
    (1..=n)
        .flat_map(|i| [format!("{i} fell"), format!("{i} rests")])
        .collect()
}
