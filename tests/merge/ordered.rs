//! Results in the order of insertion, with bounded look-ahead.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{FutureExt, stream};
use windlass::{Fed, Merge, Promise, Source, testing::explore};

use crate::kit::{Hand, next, rest, rest_labelled, settle, word};

#[test]
fn items_come_in_the_order_in_which_their_outermost_sources_were_fed() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.ordered().split();
        let go = Promise::new();
        let wait = go.wait();
        feeder.future(async move { wait.await.unwrap() });
        feeder.value(2);
        feeder.iter([3, 4]);
        feeder.try_future(async { Err("broke") });
        feeder.add(Source::iter_of([
            Source::value(5),
            Source::future(async { 6 }),
        ]));
        feeder.func(|| 7);
        drop(feeder);
        let hand = Hand::default();
        for _ in 0..3 {
            assert!(hand.next(&mut items).is_pending(), "the first is not done");
            settle(&sim.ctx).await;
        }
        go.set(1);
        let all = rest(&mut items).await;
        assert!(
            [
                "1 2 3 4 end failed(broke) 5 6 end 7 stopped",
                "1 2 3 4 end failed(broke) 5 end 6 7 stopped"
            ]
            .contains(&&*all),
            "{all}"
        );
    });
}

#[test]
fn the_order_holds_in_any_interleaving_and_the_look_ahead_is_bounded() {
    explore(0..40, async |sim| {
        let merge = Merge::new(&sim.ctx, "merge").ordered().max_running(4);
        let (feeder, mut items) = merge.split();
        let started = Arc::new(AtomicUsize::new(0));
        for i in 0..30_usize {
            let (ctx, started) = (sim.ctx.clone(), started.clone());
            feeder.future(async move {
                started.fetch_add(1, Ordering::SeqCst);
                for _ in 0..(30 - i) % 7 {
                    ctx.spawn(async {}).await.unwrap();
                }
                i
            });
        }
        drop(feeder);
        settle(&sim.ctx).await;
        for expected in 0..30 {
            assert!(started.load(Ordering::SeqCst) <= expected + 4);
            let value = items.next().await.and_then(Fed::value);
            assert_eq!(value, Some(expected));
            settle(&sim.ctx).await;
        }
        assert_eq!(rest(&mut items).await, "stopped");
    });
}

#[test]
fn without_a_limit_the_look_ahead_is_64() {
    both!(|sim, merge| {
        let started = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = merge.ordered().split();
        feeder.future(std::future::pending::<usize>());
        for i in 0..1000 {
            let started = started.clone();
            feeder.future(async move {
                started.fetch_add(1, Ordering::SeqCst);
                i
            });
        }
        for _ in 0..5 {
            assert!(items.next().now_or_never().is_none());
            settle(&sim.ctx).await;
        }
        assert_eq!(started.load(Ordering::SeqCst), 63);
    });
}

#[test]
fn a_source_that_comes_later_waits_with_one_item() {
    both!(|sim, merge| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let (feeder, mut items) = merge.ordered().split();
        feeder.iter(0..100);
        feeder.iter((100..200).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        drop(feeder);
        for expected in 0..100 {
            assert_eq!(next(&mut items).await, expected.to_string());
            assert!(pulled.load(Ordering::SeqCst) <= 1);
        }
        assert_eq!(next(&mut items).await, "end");
        for expected in 100..200 {
            assert_eq!(next(&mut items).await, expected.to_string());
        }
        assert_eq!(rest(&mut items).await, "end stopped");
    });
}

#[test]
fn breaking_off_keeps_the_order_and_ends_each_source_once() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.ordered().max_running(2).split();
        let ids: Vec<_> = (0..6)
            .map(|i| match i % 2 {
                0 => feeder.future(std::future::pending::<i32>()),
                _ => feeder.stream(stream::iter(0..)),
            })
            .collect();
        assert!(items.next().now_or_never().is_none());
        settle(&sim.ctx).await;
        items.breaker().set();
        let mut ended = Vec::new();
        let mut words = Vec::new();
        while let Some(item) = items.next().await {
            match &item {
                Fed::Failure { sources, .. } | Fed::IterationStop { sources, .. } => {
                    ended.push(sources.id());
                }
                Fed::Success { .. } => {}
                _ => words.push(word(&item)),
            }
        }
        assert_eq!(ended, ids);
        assert_eq!(words, ["stopped(cancelled)"]);
    });
}

#[test]
fn remaining_gives_what_is_there_in_order_and_the_rest_follows() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.ordered().split();
        let go = Promise::new();
        let wait = go.wait();
        feeder.future(async move { wait.await.unwrap() });
        feeder.value(2);
        feeder.future(async { 3 });
        assert!(items.next().now_or_never().is_none());
        settle(&sim.ctx).await;
        let there: Vec<_> = items.remaining().iter().map(word).collect();
        assert_eq!(there, ["2", "3"]);
        feeder.value(4);
        drop(feeder);
        go.set(1);
        assert_eq!(rest(&mut items).await, "1 4 stopped");
    });
}

#[test]
fn futures_that_sources_make_take_no_place_of_the_look_ahead() {
    // Otherwise one that is done, and waits for its turn, could hold the place they need.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.ordered().max_running(1).split();
        let made = |n| Source::future(async move { n });
        feeder.add(Source::iter_of([made(1), made(2)]));
        feeder.future(async { 3 });
        drop(feeder);
        let all = rest(&mut items).await;
        let words: Vec<_> = all.split(' ').filter(|word| *word != "end").collect();
        assert_eq!(words, ["1", "2", "3", "stopped"], "{all}");
    });
}

#[test]
fn raising_the_limit_lets_more_run_ahead() {
    both!(|sim, merge| {
        let started = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = merge.ordered().max_running(1).split();
        let go = Promise::new();
        let wait = go.wait();
        feeder.future(async move { wait.await.unwrap() });
        for i in 1..10 {
            let started = started.clone();
            feeder.future(async move {
                started.fetch_add(1, Ordering::SeqCst);
                i
            });
        }
        assert!(items.next().now_or_never().is_none());
        settle(&sim.ctx).await;
        assert_eq!(started.load(Ordering::SeqCst), 0);
        feeder.set_max_running(4);
        assert!(items.next().now_or_never().is_none());
        settle(&sim.ctx).await;
        assert_eq!(started.load(Ordering::SeqCst), 3);
        go.set(0);
        drop(feeder);
        assert_eq!(rest(&mut items).await, "0 1 2 3 4 5 6 7 8 9 stopped");
    });
}

#[test]
fn in_order_each_item_has_the_label_of_its_outermost_source() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("default").ordered().split();
        feeder.label("one").iter([1, 2]);
        feeder.value(3);
        let made = Source::future_of(async { Source::iter([4]) });
        feeder.label("two").add(made);
        drop(feeder);
        let all = "one:1 one:2 one:end default:3 two:4 two:end stopped";
        assert_eq!(rest_labelled(&mut items).await, all);
    });
}
