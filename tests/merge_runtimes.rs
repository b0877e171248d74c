//! Merging on each real runtime: nothing is lost, doubled or left behind under load.
#![cfg(all(
    feature = "test-util",
    feature = "embedded",
    feature = "tokio",
    feature = "smol",
    feature = "async-std"
))]

use std::{
    future::poll_fn,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    thread,
    time::{Duration, Instant},
};

use futures::stream;
use windlass::{
    BlockOn, Ctx, Fed, Merge, Queue, Runtime, Source,
    adapters::{AsyncStd, Embedded, Smol, Tokio},
    testing::assert_no_leaks,
};

const SOURCES: u64 = 300;
const ITEMS: u64 = 50;

/// Feeds streams, futures and sources of sources from several tasks while it reads.
async fn everything_arrives_once(ctx: &Ctx) {
    let (feeder, mut items) = Merge::new(ctx, "merge").max_running(16).split();
    for part in 0..4 {
        let feeder = feeder.clone();
        let _feeds = ctx.spawn(async move {
            for i in (part * SOURCES..).take(SOURCES as usize) {
                let base = i * (ITEMS + 1);
                let values = stream::iter(base..base + ITEMS);
                match i % 2 {
                    0 => feeder.stream(values),
                    _ => feeder.add(Source::future_of(async move { Source::stream(values) })),
                };
                feeder.future(async move { base + ITEMS });
            }
        });
    }
    drop(feeder);
    let (mut seen, mut ends, mut stops) = (vec![0_u8; (4 * SOURCES * (ITEMS + 1)) as usize], 0, 0);
    while let Some(fed) = items.next().await {
        match fed {
            Fed::Success { value, .. } => seen[value as usize] += 1,
            Fed::IterationStop { error: None, .. } => ends += 1,
            Fed::Stopped { error: None } => stops += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.iter().all(|times| *times == 1));
    assert_eq!((ends, stops), (4 * SOURCES, 1));
}

/// Breaks off in the middle; each source ends once, and all that they held is dropped.
async fn breaking_off_ends_every_source(ctx: &Ctx) {
    let held = Arc::new(AtomicUsize::new(0));
    let (feeder, mut items) = Merge::new(ctx, "broken").split();
    for i in 0..SOURCES {
        let (each, future) = (Counted::new(&held), Counted::new(&held));
        feeder.iter((0..).inspect(move |_| each.touch()));
        feeder.future(async move {
            future.touch();
            std::future::pending().await
        });
        feeder.value(i);
    }
    let mut ends = 0;
    let mut taken = 0;
    while let Some(fed) = items.next().await {
        taken += 1;
        if taken == 1000 {
            items.breaker().set();
        }
        match fed {
            Fed::Success { .. } => {}
            Fed::IterationStop { error: Some(_), .. } | Fed::Failure { .. } => ends += 1,
            Fed::Stopped { error: Some(_) } => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(ends, 2 * SOURCES);
    assert_eq!(held.load(Ordering::SeqCst), 0);
}

/// In order, with hardly any look-ahead, fed by many at once: a slot that a later source takes before
/// an earlier one that was fed at the same time would never come back.
async fn in_order_from_many_feeders(ctx: &Ctx) {
    const EACH: u64 = 500;
    for round in 0..8 {
        let (feeder, mut items) = Merge::new(ctx, "ordered")
            .ordered()
            .max_running(1 + round % 2)
            .split();
        for part in 0..4 {
            let feeder = feeder.clone();
            let _feeds = ctx.spawn(async move {
                for i in 0..EACH {
                    feeder.future(async move { part * EACH + i });
                }
            });
        }
        drop(feeder);
        let (mut next, mut all) = ([0; 4], 0);
        while let Some(item) = items.next().await {
            let Some(value) = item.value() else { continue };
            let (part, i) = ((value / EACH) as usize, value % EACH);
            assert_eq!(i, next[part], "each feeder's own come in its order");
            next[part] += 1;
            all += 1;
        }
        assert_eq!(all, 4 * EACH);
    }
}

/// The limit goes up and down, to nothing and back, while futures come and go.
async fn limits_that_change_lose_no_future(ctx: &Ctx) {
    let (feeder, mut items) = Merge::new(ctx, "limited").max_running(1).split();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for i in 0..2000_u64 {
        let (now, most) = (now.clone(), most.clone());
        feeder.future(async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            yield_now().await;
            now.fetch_sub(1, Ordering::SeqCst);
            i
        });
    }
    let changing = ctx.spawn(async move {
        for n in [3, 0, 7, 1, 8, 0, 2].repeat(20) {
            feeder.set_max_running(n);
            yield_now().await;
        }
        feeder.set_max_running(8);
    });
    let mut seen = vec![0_u8; 2000];
    while let Some(item) = items.next().await {
        item.value().into_iter().for_each(|i| seen[i as usize] += 1);
    }
    changing.await.unwrap();
    assert!(seen.iter().all(|times| *times == 1));
    assert!(most.load(Ordering::SeqCst) <= 8);
}

/// The streamer goes in the middle of it all, while feeders go on.
async fn leaving_drops_everything(ctx: &Ctx) {
    for _ in 0..20 {
        let living = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = Merge::new(ctx, "left").max_running(4).split();
        let feeding: Vec<_> = (0..4_u64)
            .map(|_| {
                let (feeder, living) = (feeder.clone(), living.clone());
                ctx.spawn(async move {
                    for i in 0..100 {
                        let (each, future) = (Counted::new(&living), Counted::new(&living));
                        feeder.iter((0..).inspect(move |_| each.touch()));
                        feeder.future(async move {
                            future.touch();
                            yield_now().await;
                            i
                        });
                    }
                })
            })
            .collect();
        drop(feeder);
        for _ in 0..200 {
            items.next().await;
        }
        drop(items);
        for task in feeding {
            task.await.unwrap();
        }
        // What was being polled when its context ended goes after that poll.
        while living.load(Ordering::SeqCst) > 0 {
            yield_now().await;
        }
    }
}

/// Polled in place, and woken from everywhere.
async fn in_place_wakes_are_not_lost(ctx: &Ctx) {
    const STREAMS: u64 = 50;
    let (feeder, mut items) = Merge::in_place(ctx, "in place").split();
    for source in 0..STREAMS {
        let queue = Arc::new(Queue::new(ctx, "channel"));
        let full = queue.clone();
        let _fills = ctx.spawn(async move {
            for i in 0..ITEMS {
                full.append(source * ITEMS + i);
                yield_now().await;
            }
            full.close();
        });
        feeder.stream(stream::unfold(queue, async |queue| {
            let item = queue.stream().next().await?;
            Some((item, queue))
        }));
    }
    drop(feeder);
    let mut next = vec![0; STREAMS as usize];
    while let Some(item) = items.next().await {
        if let Fed::Success { value, .. } = item {
            let source = &mut next[(value / ITEMS) as usize];
            assert_eq!(value % ITEMS, *source, "in its order, none lost");
            *source += 1;
        }
    }
    assert!(next.iter().all(|count| *count == ITEMS));
}

/// The same work through results: each value, each error, and the catcher for each error.
async fn results_account_for_everything(ctx: &Ctx) {
    let caught = Arc::new(AtomicUsize::new(0));
    let count = caught.clone();
    let mut results =
        Merge::new(ctx, "results")
            .label(0)
            .results()
            .error_catcher(move |_, label| {
                count.fetch_add(*label, Ordering::SeqCst);
            });
    for i in 0..SOURCES {
        let label = results.label(1);
        label.try_future(async move {
            match i % 3 {
                0 => Err("broke"),
                _ => Ok(i),
            }
        });
        label.stream(stream::iter([SOURCES + i]));
    }
    results.no_more_work();
    let (mut values, mut errors) = (Vec::new(), 0);
    while let Some(result) = results.next().await {
        match result.value {
            Ok(value) => values.push(value),
            Err(_) => errors += 1,
        }
    }
    values.sort();
    let expected = (0..2 * SOURCES).filter(|i| *i >= SOURCES || i % 3 != 0);
    assert_eq!(values, expected.collect::<Vec<_>>());
    assert_eq!((errors, caught.load(Ordering::SeqCst)), (100, 100));
}

async fn yield_now() {
    let mut has_yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut has_yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Counts itself while it lives.
struct Counted(Arc<AtomicUsize>);

impl Counted {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count.clone())
    }

    fn touch(&self) {
        assert!(self.0.load(Ordering::SeqCst) > 0);
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A hang fails the test, and names the part.
async fn in_time(ctx: &Ctx, what: &str, part: impl Future<Output = ()>) {
    let long = Duration::from_secs(60);
    let Ok(()) = ctx.timeout(long, part).await else {
        panic!("{what} hangs:\n{}", ctx.snapshot());
    };
}

fn stress<R: Runtime>(rt: R, driver: &impl BlockOn) {
    let ctx = Ctx::root("stress", rt);
    driver
        .block_on(async {
            in_time(
                &ctx,
                "everything_arrives_once",
                everything_arrives_once(&ctx),
            )
            .await;
            in_time(
                &ctx,
                "breaking_off_ends_every_source",
                breaking_off_ends_every_source(&ctx),
            )
            .await;
            in_time(
                &ctx,
                "in_order_from_many_feeders",
                in_order_from_many_feeders(&ctx),
            )
            .await;
            in_time(
                &ctx,
                "limits_that_change_lose_no_future",
                limits_that_change_lose_no_future(&ctx),
            )
            .await;
            in_time(
                &ctx,
                "leaving_drops_everything",
                leaving_drops_everything(&ctx),
            )
            .await;
            in_time(
                &ctx,
                "in_place_wakes_are_not_lost",
                in_place_wakes_are_not_lost(&ctx),
            )
            .await;
            in_time(
                &ctx,
                "results_account_for_everything",
                results_account_for_everything(&ctx),
            )
            .await;
            ctx.finish().await;
        })
        .unwrap();
    assert_no_leaks(&ctx);
}

#[test]
fn on_the_embedded_pool() {
    stress(Embedded::global(), &Embedded::global());
}

#[test]
fn on_smol() {
    stress(Smol::global(), &Smol::global());
}

#[test]
fn on_async_std() {
    stress(AsyncStd, &AsyncStd);
}

#[test]
fn on_tokio_with_many_threads() {
    let rt = tokio::runtime::Runtime::new().unwrap();
    stress(Tokio::from(rt.handle().clone()), &rt);
}

#[test]
fn on_tokio_with_one_thread() {
    let rt = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    stress(Tokio::from(rt.handle().clone()), &rt);
}

/// Whether `count` comes to `n`, while this thread is kept busy.
fn meets(count: &AtomicUsize, n: usize) -> bool {
    count.fetch_add(1, Ordering::SeqCst);
    let start = Instant::now();
    while count.load(Ordering::SeqCst) < n {
        if start.elapsed() > Duration::from_secs(5) {
            return false;
        }
        thread::yield_now();
    }
    true
}

/// Futures share tasks; but each that keeps its thread busy must leave the others to other threads,
/// also those that wait where only that thread would look for them.
#[test]
fn futures_that_keep_their_threads_busy_run_in_parallel() {
    let rt = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(4)
        .build()
        .unwrap();
    let ctx = Ctx::root_on("busy", Tokio::from(rt.handle().clone()));
    rt.block_on(async {
        let (feeder, mut items) = Merge::new(&ctx, "merge").split();
        for _ in 0..50 {
            let count = Arc::new(AtomicUsize::new(0));
            for _ in 0..4 {
                let count = count.clone();
                feeder.future(async move { meets(&count, 4) });
            }
            for _ in 0..4 {
                let met = items.next().await.and_then(Fed::value);
                assert_eq!(met, Some(true), "all four ran at the same time");
            }
        }
    });
}

#[test]
fn on_tokio_futures_that_block_in_place_run_side_by_side_however_many() {
    // Each waits for all the others; a task that is busy with one of them takes up no other.
    const MANY: usize = 12;
    let owner = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let ctx = Ctx::root_on("app", Tokio::from(owner.handle().clone()));
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    let met = Arc::new((Mutex::new(0), Condvar::new()));
    for _ in 0..MANY {
        let met = met.clone();
        feeder.future(async move {
            tokio::task::block_in_place(|| {
                let (count, changed) = &*met;
                let mut count = count.lock().unwrap();
                *count += 1;
                changed.notify_all();
                let wait = Duration::from_secs(20); // none of it passes unless it fails
                let waited = changed.wait_timeout_while(count, wait, |count| *count < MANY);
                !waited.unwrap().1.timed_out()
            })
        });
    }
    drop(feeder);
    let met = owner.block_on(async {
        let mut met = 0;
        while let Some(item) = items.next().await {
            met += usize::from(item.value() == Some(true));
        }
        met
    });
    assert_eq!(met, MANY);
}
