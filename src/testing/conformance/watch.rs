//! Waiting for what a clause promises, but not for ever.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc::{RecvTimeoutError, Sender, channel},
    },
    task::{Poll, Waker},
    thread,
    time::Duration,
};

use crate::{BlockOn, sync::lock};

/// How long a clause may wait before it counts as hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `future` to its end on `driver`, for half a minute at the most.
pub(super) fn ends<B: BlockOn, F: Future>(driver: &B, clause: &str, future: F) -> F::Output {
    match driver.block_on(watched(future)) {
        Ok(Some(output)) => output,
        Ok(None) => panic!("{clause}: nothing happened for {PATIENCE:?}"),
        Err(refusal) => panic!("{clause}: the driver gave up: {refusal}"),
    }
}

/// `future`, or nothing when it takes longer than [`PATIENCE`].
async fn watched<F: Future>(future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let watchdog = Watchdog::start();
    poll_fn(|cx| {
        watchdog.shared.remember(cx.waker());
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if watchdog.shared.woken() => Poll::Ready(None),
            // What the future waits for wakes us, or the watchdog.
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// A thread that wakes a task when [`PATIENCE`] is over; dropping this ends it.
struct Watchdog {
    shared: Arc<Bark>,
    _leash: Sender<()>,
}

#[derive(Default)]
struct Bark {
    waker: Mutex<Option<Waker>>,
    woken: AtomicUsize,
}

impl Watchdog {
    fn start() -> Self {
        let shared = Arc::new(Bark::default());
        let (leash, wait) = channel();
        let bark = Arc::clone(&shared);
        thread::spawn(move || {
            if wait.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                bark.wake();
            }
        });
        Watchdog {
            shared,
            _leash: leash,
        }
    }
}

impl Bark {
    fn remember(&self, waker: &Waker) {
        let former = lock(&self.waker).replace(waker.clone());
        drop(former);
    }

    fn woken(&self) -> bool {
        self.woken.load(Ordering::SeqCst) != 0
    }

    fn wake(&self) {
        self.woken.fetch_add(1, Ordering::SeqCst);
        // Taken out of the lock first: the waker is not ours.
        let waker = lock(&self.waker).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
