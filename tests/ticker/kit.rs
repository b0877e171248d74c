//! What the tests share: a simulation, a timer that keeps book, and a waker that counts.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use futures::Stream;
use windlass::{AnySleep, Ctx, Sleep, Tick, Ticker, Timer, testing::SimRuntime};

pub(crate) fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

pub(crate) fn millis(n: u64) -> Duration {
    Duration::from_millis(n)
}

// ===== a simulation =====

/// A simulation with a context, on a timer that keeps book.
pub(crate) struct Kit {
    pub(crate) rt: SimRuntime,
    pub(crate) ctx: Ctx<Books>,
    pub(crate) books: Books,
}

/// Runs `test` on the simulated runtime.
pub(crate) fn simulated(test: impl AsyncFnOnce(&Kit)) {
    let rt = SimRuntime::new();
    let books = Books::new(rt.clone());
    let kit = Kit {
        ctx: Ctx::root_on("test", books.clone()),
        rt: rt.clone(),
        books,
    };
    rt.block_on(test(&kit));
}

impl Kit {
    /// What the clock reads, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        u64::try_from(self.rt.clock().elapsed().as_millis()).unwrap()
    }

    pub(crate) async fn pass(&self, d: Duration) {
        self.rt.sleep(d).await;
    }

    /// Runs `act` in a task of its own, `d` from now.
    pub(crate) fn later(&self, d: Duration, act: impl FnOnce() + Send + 'static) {
        let sleep = self.rt.sleep(d);
        windlass::Spawner::spawn(&self.rt, async move {
            sleep.await;
            act();
        });
    }

    /// The next `n` ticks, as number, milliseconds to the next, and milliseconds on the clock; each
    /// followed by a body that takes `body` milliseconds.
    pub(crate) async fn ticks(
        &self,
        ticker: &mut Ticker,
        n: usize,
        body: impl Fn(u64) -> u64,
    ) -> Vec<(u64, u64, u64)> {
        let mut seen = Vec::new();
        while seen.len() < n {
            let Some(tick) = ticker.next().await else {
                break;
            };
            let until_next = u64::try_from(tick.until_next.as_millis()).unwrap_or(u64::MAX);
            seen.push((tick.iteration, until_next, self.now()));
            self.pass(millis(body(tick.iteration))).await;
        }
        seen
    }

    /// When the next `n` ticks come, in milliseconds; the bodies take no time.
    pub(crate) async fn instants(&self, ticker: &mut Ticker, n: usize) -> Vec<u64> {
        let ticks = self.ticks(ticker, n, |_| 0).await;
        ticks.into_iter().map(|tick| tick.2).collect()
    }
}

// ===== a timer that keeps book =====

/// A timer of the simulation that notes what it is asked for.
#[derive(Clone)]
pub(crate) struct Books {
    rt: SimRuntime,
    book: Arc<Book>,
}

struct Book {
    start: Instant,
    /// What sleeps were armed for, in milliseconds.
    armed: Mutex<Vec<u64>>,
    sleeps: AtomicUsize,
    most_sleeps: AtomicUsize,
    made: AtomicUsize,
    reads: AtomicUsize,
    early: Mutex<Duration>,
    is_orphaned: Mutex<bool>,
    on_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Books {
    fn new(rt: SimRuntime) -> Self {
        let start = rt.now();
        Books {
            rt,
            book: Arc::new(Book {
                start,
                armed: Mutex::default(),
                sleeps: AtomicUsize::new(0),
                most_sleeps: AtomicUsize::new(0),
                made: AtomicUsize::new(0),
                reads: AtomicUsize::new(0),
                early: Mutex::default(),
                is_orphaned: Mutex::new(false),
                on_read: Mutex::default(),
            }),
        }
    }

    /// What sleeps were armed for so far, in milliseconds on the clock.
    pub(crate) fn armed(&self) -> Vec<u64> {
        self.book.armed.lock().unwrap().clone()
    }

    /// How many sleeps exist.
    pub(crate) fn sleeps(&self) -> usize {
        self.book.sleeps.load(Ordering::Relaxed)
    }

    /// How many sleeps existed at the same time, at the most.
    pub(crate) fn most_sleeps(&self) -> usize {
        self.book.most_sleeps.load(Ordering::Relaxed)
    }

    /// How many sleeps were made; the others were the same ones, armed again.
    pub(crate) fn made(&self) -> usize {
        self.book.made.load(Ordering::Relaxed)
    }

    /// How often the clock was read.
    pub(crate) fn reads(&self) -> usize {
        self.book.reads.load(Ordering::Relaxed)
    }

    /// Lets sleeps end this much before they are due.
    pub(crate) fn fire_early(&self, by: Duration) {
        *self.book.early.lock().unwrap() = by;
    }

    /// Lets sleeps end at once and say that their clock has shut down.
    pub(crate) fn orphan(&self) {
        *self.book.is_orphaned.lock().unwrap() = true;
    }

    /// Runs `act` in the middle of the next poll: when the clock has been read.
    pub(crate) fn on_next_read(&self, act: impl FnOnce() + Send + 'static) {
        *self.book.on_read.lock().unwrap() = Some(Box::new(act));
    }

    fn note(&self, deadline: Instant) -> Instant {
        let due = deadline.saturating_duration_since(self.book.start);
        let due = u64::try_from(due.as_millis()).unwrap();
        self.book.armed.lock().unwrap().push(due);
        deadline - *self.book.early.lock().unwrap()
    }
}

impl Timer for Books {
    type Sleep = BookedSleep;

    fn now(&self) -> Instant {
        self.book.reads.fetch_add(1, Ordering::Relaxed);
        let now = self.rt.now();
        let act = self.book.on_read.lock().unwrap().take();
        if let Some(act) = act {
            act();
        }
        now
    }

    fn sleep_until(&self, deadline: Instant) -> BookedSleep {
        self.book.made.fetch_add(1, Ordering::Relaxed);
        let sleeps = self.book.sleeps.fetch_add(1, Ordering::Relaxed) + 1;
        self.book.most_sleeps.fetch_max(sleeps, Ordering::Relaxed);
        BookedSleep {
            sleep: self.rt.sleep_until(self.note(deadline)),
            has_ended: false,
            books: self.clone(),
        }
    }
}

pub(crate) struct BookedSleep {
    sleep: AnySleep,
    has_ended: bool,
    books: Books,
}

impl Future for BookedSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        assert!(!self.has_ended, "a sleep that has ended is polled again");
        let poll = if self.is_orphaned() {
            Poll::Ready(())
        } else {
            Pin::new(&mut self.sleep).poll(cx)
        };
        self.has_ended = poll.is_ready();
        poll
    }
}

impl Sleep for BookedSleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        let deadline = self.books.note(deadline);
        self.has_ended = false;
        Pin::new(&mut self.sleep).reset(deadline);
    }

    fn is_orphaned(&self) -> bool {
        *self.books.book.is_orphaned.lock().unwrap()
    }
}

impl Drop for BookedSleep {
    fn drop(&mut self) {
        self.books.book.sleeps.fetch_sub(1, Ordering::Relaxed);
    }
}

// ===== polling by hand =====

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    /// How often it was woken since this was last asked.
    pub(crate) fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

pub(crate) fn poll(ticker: &mut Ticker, waker: &Waker) -> Poll<Option<Tick>> {
    Pin::new(ticker).poll_next(&mut Context::from_waker(waker))
}

/// The number of the tick that is there.
pub(crate) fn tick(poll: Poll<Option<Tick>>) -> u64 {
    match poll {
        Poll::Ready(Some(tick)) => tick.iteration,
        other => panic!("no tick but {other:?}"),
    }
}
