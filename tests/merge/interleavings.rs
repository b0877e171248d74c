//! Whatever the interleaving: one terminal item per source, nothing lost, nothing doubled.

use std::collections::HashMap;

use futures::stream;
use windlass::{
    Driver, Fed, Feeder, Merge, Source, SourceId, SourceKind, Streamer,
    testing::{assert_no_leaks, explore},
};

use crate::kit::{Living, yield_now};

/// What came of a run.
#[derive(Default)]
struct Account {
    values: Vec<i32>,
    /// How many terminal items each source had, and each that made one of many.
    ends: HashMap<SourceId, usize>,
    interrupted: usize,
    stopped: Vec<bool>,
}

impl Account {
    fn note(&mut self, item: Fed<i32>) {
        assert!(self.stopped.is_empty(), "after `Stopped`: {item:?}");
        match item {
            Fed::Success { value, sources, .. } => {
                self.values.push(value);
                let (id, kind) = sources.iter().next().unwrap();
                if !matches!(kind, SourceKind::Iter | SourceKind::Stream) {
                    self.end(id);
                } else {
                    assert!(!self.ends.contains_key(&id), "a value after the end");
                }
            }
            Fed::Failure { sources, .. } => {
                self.interrupted += 1;
                self.end(sources.id());
            }
            Fed::IterationStop { error, sources, .. } => {
                self.interrupted += usize::from(error.is_some());
                self.end(sources.id());
            }
            Fed::Stopped { error } => self.stopped.push(error.is_some()),
            _ => unreachable!(),
        }
    }

    fn end(&mut self, id: SourceId) {
        *self.ends.entry(id).or_default() += 1;
    }

    async fn of<D: Driver>(items: &mut Streamer<i32, (), D>) -> Account {
        let mut account = Account::default();
        while let Some(item) = items.next().await {
            account.note(item);
        }
        assert!(items.next().await.is_none());
        account
    }

    #[track_caller]
    fn check(&self, fed: &[SourceId]) {
        assert!(self.ends.values().all(|times| *times == 1));
        for id in fed {
            assert_eq!(self.ends.get(id), Some(&1), "{id:?}");
        }
    }
}

async fn turns(n: i32) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// Feeds sixteen values from each of four parts, in every way there is.
macro_rules! feed_all {
    ($sim:expr, $feeder:expr) => {{
        let mut roots = Vec::new();
        for part in 0..4 {
            let at = part * 100;
            roots.push($feeder.iter(at..at + 4));
            roots.push($feeder.future(async move {
                turns(part).await;
                at + 4
            }));
            let inner = (5..8).map(move |i| Source::value(at + i));
            roots.push($feeder.add(Source::iter_of(inner)));
            roots.push($feeder.stream(stream::unfold(at + 8, move |i| async move {
                turns(i % 3).await;
                (i < at + 12).then_some((i, i + 1))
            })));
            roots.push($feeder.task($sim.ctx.spawn(async move {
                turns(2).await;
                at + 12
            })));
            roots.push($feeder.func(move || at + 13));
            roots.push($feeder.value(at + 14));
            let made = Source::future_of(async move { Source::stream(stream::iter([at + 15])) });
            $feeder.add(made); // hands over: its end is that of the stream
        }
        roots
    }};
}

fn expected() -> Vec<i32> {
    (0..4)
        .flat_map(|part| part * 100..part * 100 + 16)
        .collect()
}

#[test]
fn nothing_is_lost_or_doubled_and_each_source_ends_once() {
    explore(0..60, async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "tasks").max_running(3).split();
        let fed = feed_all!(sim, feeder);
        drop(feeder);
        let mut account = Account::of(&mut items).await;
        account.values.sort();
        assert_eq!(account.values, expected());
        account.check(&fed);
        assert_eq!((account.interrupted, account.stopped), (0, vec![false]));
        // 7 fed in each part, the 3 values in one of them, and the stream that was made.
        assert_eq!(account.ends.len(), 4 * (7 + 3 + 1));
        sim.rt.settle().await;
        assert_no_leaks(&sim.ctx);
    });
    explore(0..20, async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "in place").max_running(3).split();
        let fed = feed_all!(sim, feeder);
        drop(feeder);
        let mut account = Account::of(&mut items).await;
        account.values.sort();
        assert_eq!(account.values, expected());
        account.check(&fed);
        assert_eq!((account.interrupted, account.stopped), (0, vec![false]));
        assert_eq!(account.ends.len(), 4 * (7 + 3 + 1));
    });
}

/// Feeds from several tasks while another one reads.
#[test]
fn feeders_in_many_tasks_lose_nothing() {
    explore(0..60, async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").max_running(2).split();
        let feeders: Vec<_> = (0..4)
            .map(|part| {
                let feeder = feeder.clone();
                sim.ctx
                    .spawn(async move { feed_slowly(&feeder, part * 10).await })
            })
            .collect();
        drop(feeder);
        let mut account = Account::of(&mut items).await;
        account.values.sort();
        let expected: Vec<_> = (0..4).flat_map(|part| part * 10..part * 10 + 9).collect();
        assert_eq!(account.values, expected);
        assert_eq!(account.stopped, [false]);
        for task in feeders {
            account.check(&task.await.unwrap());
        }
    });
}

async fn feed_slowly(feeder: &Feeder<i32>, at: i32) -> Vec<SourceId> {
    let mut fed = Vec::new();
    for i in (at..at + 9).step_by(3) {
        fed.push(feeder.value(i));
        turns(1).await;
        fed.push(feeder.future(async move { i + 1 }));
        fed.push(feeder.iter([i + 2]));
    }
    fed
}

#[test]
fn cancelling_at_any_moment_ends_each_source_once_and_drops_all_that_was_held() {
    explore(0..120, async |sim| {
        let living = Living::default();
        let scope = sim.ctx.child("scope");
        let (feeder, mut items) = Merge::new(&scope, "merge").max_running(2).split();
        let mut fed = feed_all!(sim, feeder);
        for i in 0..3 {
            let (iter, future) = (living.one(), living.one());
            let values = 1_000_000 * (i + 1)..;
            fed.push(feeder.iter(values.inspect(move |_| iter.touch())));
            fed.push(feeder.future(async move {
                let _held = future;
                std::future::pending().await
            }));
        }
        let canceller = sim.ctx.spawn(async move {
            turns(5).await;
            scope.cancel()
        });
        let account = Account::of(&mut items).await;
        assert!(canceller.await.unwrap());
        account.check(&fed);
        assert!(account.interrupted >= 6);
        assert_eq!(account.stopped, [true]);
        let (mut values, count) = (account.values.clone(), account.values.len());
        values.sort();
        values.dedup();
        assert_eq!(values.len(), count, "one was doubled");
        assert_eq!(living.count(), 0);
        sim.rt.settle().await;
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn breaking_at_any_moment_does_too_and_each_value_comes_at_most_once() {
    explore(0..120, async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").max_running(2).split();
        let fed = feed_all!(sim, feeder);
        let breaker = items.breaker().clone();
        let breaking = sim.ctx.spawn(async move {
            turns(4).await;
            breaker.set();
        });
        let mut account = Account::of(&mut items).await;
        breaking.await.unwrap();
        // Each that was fed ended once; one that hands over may have been interrupted before.
        account.check(&fed);
        assert_eq!(account.stopped, [true]);
        let count = account.values.len();
        account.values.sort();
        account.values.dedup();
        assert_eq!(account.values.len(), count, "one was doubled");
        drop(feeder);
        sim.rt.settle().await;
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn dropping_the_streamer_at_any_moment_leaves_nothing() {
    explore(0..120, async |sim| {
        let living = Living::default();
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").max_running(2).split();
        for i in 0..4 {
            let (iter, future) = (living.one(), living.one());
            feeder.iter((i..).inspect(move |_| iter.touch()));
            feeder.future(async move {
                let _held = future;
                turns(i % 3).await;
                i
            });
        }
        let feeding = sim.ctx.spawn(async move {
            for i in 0..5 {
                feeder.value(i);
                turns(1).await;
                feeder.future(async move { i });
            }
        });
        for _ in 0..6 {
            items.next().await;
        }
        drop(items);
        feeding.await.unwrap();
        sim.rt.settle().await;
        assert_eq!(living.count(), 0);
        sim.rt.settle().await;
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn limits_that_change_at_any_moment_lose_no_future() {
    explore(0..60, async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").max_running(1).split();
        for i in 0..30 {
            feeder.future(async move {
                turns(i % 4).await;
                i
            });
        }
        let changing = sim.ctx.spawn(async move {
            for n in [3, 0, 7, 1, 0, 2] {
                feeder.set_max_running(n);
                turns(2).await;
            }
        });
        let mut account = Account::of(&mut items).await;
        changing.await.unwrap();
        account.values.sort();
        assert_eq!(account.values, (0..30).collect::<Vec<_>>());
    });
}
