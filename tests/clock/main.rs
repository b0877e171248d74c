//! The virtual clock: CLOCK-01 to CLOCK-19 and the quirks.

mod advancing;
mod jumps;
mod model;
mod sleeps;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use proptest::prelude::*;
use windlass::{
    AnySleep, Spawner, Timer,
    testing::{SimRuntime, VirtualClock},
};

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What happened when, on one clock.
#[derive(Clone)]
struct Log {
    clock: VirtualClock,
    lines: Arc<Mutex<Vec<(&'static str, u64)>>>,
}

impl Log {
    fn new(clock: &VirtualClock) -> Self {
        Log {
            clock: clock.clone(),
            lines: Arc::default(),
        }
    }

    fn note(&self, what: &'static str) {
        let now = self.clock.elapsed().as_millis() as u64;
        self.lines.lock().unwrap().push((what, now));
    }

    fn lines(&self) -> Vec<(&'static str, u64)> {
        self.lines.lock().unwrap().clone()
    }
}

/// Notes `what` when `after` has passed, as a task of `rt`.
fn note_later(rt: &SimRuntime, log: &Log, after: Duration, what: &'static str) {
    let (sleep, log) = (rt.sleep(after), log.clone());
    rt.spawn(async move {
        sleep.await;
        log.note(what);
    });
}

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

/// Polls until ready; on an executor of its own, so that it nests.
fn spin(f: impl Future<Output = ()>) {
    let mut f = std::pin::pin!(f);
    while f
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
    {}
}

fn poll(sleep: &mut AnySleep, waker: &Waker) -> Poll<()> {
    Pin::new(sleep).poll(&mut Context::from_waker(waker))
}

mod futures {
    //! The crate, and a yield of our own beside it.
    pub(crate) use ::futures::*;

    pub(crate) async fn pending_once() {
        let mut yielded = false;
        future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40u64).prop_map(Step::Arm),
        2 => any::<usize>().prop_map(Step::Drop),
        2 => (any::<usize>(), 0..40u64).prop_map(|(i, d)| Step::Reset(i, d)),
        2 => (0..25u64).prop_map(Step::Advance),
        1 => Just(Step::AdvanceToNext),
    ]
}

/// A step of the model test; sleeps are named by their index.
#[derive(Clone, Debug)]
enum Step {
    Arm(u64),
    Drop(usize),
    Reset(usize, u64),
    Advance(u64),
    AdvanceToNext,
}
