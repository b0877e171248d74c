//! A source that keeps its thread busy holds up nobody whom another thread could run.
//!
//! The executor here is one thread that plays several. Like tokio's, each keeps what it has spawned
//! or woken last for itself, until the poll that it is in returns.

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use windlass::{Ctx, Fed, Merge, Spawner};

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Shared>>);

#[derive(Default)]
struct Shared {
    queue: VecDeque<Arc<Work>>,
    /// What each thread keeps; the last one is that which runs, the others are busy in a poll.
    kept: Vec<Option<Arc<Work>>>,
    /// What is spawned is dropped; what was spawned before runs on.
    is_closed: bool,
    width: Option<usize>,
}

struct Work {
    threads: Threads,
    future: Mutex<Option<Boxed>>,
    is_polled: AtomicBool,
    is_woken: AtomicBool,
}

impl Spawner for Threads {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        if self.0.lock().unwrap().is_closed {
            return;
        }
        self.schedule(Arc::new(Work {
            threads: self.clone(),
            future: Mutex::new(Some(Box::pin(future))),
            is_polled: AtomicBool::new(false),
            is_woken: AtomicBool::new(false),
        }));
    }

    fn width(&self) -> usize {
        self.0.lock().unwrap().width.unwrap_or(2)
    }
}

impl Wake for Work {
    fn wake(self: Arc<Self>) {
        if self.is_polled.load(Ordering::SeqCst) {
            self.is_woken.store(true, Ordering::SeqCst);
        } else if !self.is_woken.swap(true, Ordering::SeqCst) {
            self.threads.clone().schedule(self);
        }
    }
}

impl Threads {
    fn schedule(&self, work: Arc<Work>) {
        let mut shared = self.0.lock().unwrap();
        let before = match shared.kept.last_mut() {
            Some(kept) => kept.replace(work),
            None => Some(work),
        };
        shared.queue.extend(before);
    }

    /// Has a thread run what it finds, until nothing is left for it. In a poll it is another thread,
    /// and what the one in that poll keeps is out of its reach.
    fn run(&self) {
        self.0.lock().unwrap().kept.push(None);
        for polls in 0.. {
            assert!(polls < 10_000, "it comes to no end");
            let Some(work) = self.next() else {
                break;
            };
            work.poll();
        }
        self.0.lock().unwrap().kept.pop();
    }

    fn next(&self) -> Option<Arc<Work>> {
        let mut shared = self.0.lock().unwrap();
        let kept = shared.kept.last_mut().and_then(Option::take);
        kept.or_else(|| shared.queue.pop_front())
    }
}

impl Work {
    fn poll(self: Arc<Self>) {
        let Some(mut future) = self.future.lock().unwrap().take() else {
            return;
        };
        self.is_woken.store(false, Ordering::SeqCst);
        self.is_polled.store(true, Ordering::SeqCst);
        let waker = Waker::from(self.clone());
        let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
        self.is_polled.store(false, Ordering::SeqCst);
        if polled.is_ready() {
            return;
        }
        *self.future.lock().unwrap() = Some(future);
        if self.is_woken.load(Ordering::SeqCst) {
            let threads = self.threads.clone();
            threads.0.lock().unwrap().queue.push_back(self); // it has given way
        }
    }
}

/// Feeds `n` futures, of which one keeps its thread busy; gives how many others ran meanwhile.
fn ran_beside_a_busy_one(n: usize, busy: usize) -> usize {
    let threads = Threads::default();
    let ctx = Ctx::root_on("app", threads.clone());
    let (feeder, items) = Merge::new(&ctx, "merge").split();
    let (ran, meanwhile) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for i in 0..n {
        let (ran, meanwhile, threads) = (ran.clone(), meanwhile.clone(), threads.clone());
        feeder.future(async move {
            if i == busy {
                threads.run();
                meanwhile.store(ran.load(Ordering::SeqCst), Ordering::SeqCst);
            }
            ran.fetch_add(1, Ordering::SeqCst);
        });
    }
    threads.run();
    assert_eq!(ran.load(Ordering::SeqCst), n);
    drop(items);
    meanwhile.load(Ordering::SeqCst)
}

#[test]
fn futures_run_beside_one_that_keeps_its_thread_busy() {
    // The task that was to take up the rest was kept by the thread that was busy.
    for busy in [0, 1, 2, 60, 100, 150, 299] {
        assert_eq!(ran_beside_a_busy_one(300, busy), 299, "busy: {busy}");
    }
}

#[test]
fn the_consumer_gets_its_item_while_the_next_future_keeps_its_thread_busy() {
    // The thread that had the first item went on with the next future, and kept the consumer.
    let threads = Threads::default();
    let ctx = Ctx::root_on("app", threads.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    let (got, meanwhile) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counts = got.clone();
    threads.spawn(async move {
        while let Some(item) = items.next().await {
            let count = usize::from(item.value() == Some(()));
            counts.fetch_add(count, Ordering::SeqCst);
        }
    });
    threads.run();
    feeder.future(async {});
    let (others, seen, ended) = (threads.clone(), meanwhile.clone(), got.clone());
    feeder.future(async move {
        others.run();
        seen.store(ended.load(Ordering::SeqCst), Ordering::SeqCst);
    });
    threads.run();
    drop(feeder);
    threads.run();
    let [got, meanwhile] = [got, meanwhile].map(|count| count.load(Ordering::SeqCst));
    assert_eq!((got, meanwhile), (2, 1));
}

#[test]
fn a_future_that_another_has_woken_runs_while_a_third_keeps_its_thread_busy() {
    let threads = Threads::default();
    let ctx = Ctx::root_on("app", threads.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    let (send, receive) = futures::channel::oneshot::channel();
    feeder.future(async move { receive.await.unwrap_or(0) });
    threads.run();
    feeder.future(async move { send.send(1).map_or(0, |()| 2) });
    let others = threads.clone();
    let meanwhile = Arc::new(Mutex::new(Vec::new()));
    let seen = meanwhile.clone();
    feeder.future(async move {
        others.run();
        let mut values: Vec<_> = items
            .remaining()
            .into_iter()
            .filter_map(Fed::value)
            .collect();
        values.sort();
        *seen.lock().unwrap() = values;
        3
    });
    threads.run();
    assert_eq!(*meanwhile.lock().unwrap(), [1, 2]);
}

#[test]
fn a_task_does_not_come_back_without_end_for_another_one_that_the_executor_refuses() {
    let threads = Threads::default();
    threads.0.lock().unwrap().width = Some(1);
    let ctx = Ctx::root_on("app", threads.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    (0..5).for_each(|n| _ = feeder.future(async move { n }));
    threads.0.lock().unwrap().is_closed = true;
    threads.run();
    let ended = items.remaining();
    assert_eq!(ended.len(), 5, "each with a value, or cancelled: {ended:?}");
    assert!(ended.iter().any(|item| matches!(item, Fed::Success { .. })));
}
