//! Merging on each real runtime: nothing is lost, doubled or left behind under load.
#![cfg(all(
    feature = "test-util",
    feature = "embedded",
    feature = "tokio",
    feature = "smol",
    feature = "async-std"
))]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::stream;
use windlass::{
    BlockOn, Ctx, Fed, Merge, Runtime, Source,
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

fn stress<R: Runtime>(rt: R, driver: &impl BlockOn) {
    let ctx = Ctx::root("stress", rt);
    driver
        .block_on(async {
            everything_arrives_once(&ctx).await;
            breaking_off_ends_every_source(&ctx).await;
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
