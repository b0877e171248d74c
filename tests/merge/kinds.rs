//! The kinds of sources, and in which order they give their items: FEED-14 to FEED-25.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{FutureExt, stream};
use windlass::{Fed, Feeder, Merge, Promise, Source, SourceKind, testing::simulate};

use crate::kit::{labelled, next, rest, rest_labelled, settle};

#[test]
fn feed_14_a_task_released_by_the_consumer_is_waited_for() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("").split();
        let go = Promise::new();
        let wait = go.wait();
        let task = sim.ctx.spawn(async move { wait.await.unwrap() });
        feeder.label("some_context").task(task);
        feeder.value("ready");
        feeder.finish_when_empty();
        let first = items.next().await.unwrap();
        assert_eq!(labelled(&first), ":ready");
        go.set("hi");
        assert_eq!(rest_labelled(&mut items).await, "some_context:hi stopped");
    });
}

#[test]
fn feed_15_a_future_released_by_the_consumer_is_waited_for() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("").split();
        let go = Promise::new();
        let wait = go.wait();
        feeder
            .label("some_context")
            .future(async move { wait.await.unwrap() });
        feeder.value("ready");
        feeder.finish_when_empty();
        let first = items.next().await.unwrap();
        assert_eq!(labelled(&first), ":ready");
        go.set("hi");
        assert_eq!(rest_labelled(&mut items).await, "some_context:hi stopped");
    });
}

#[test]
fn feed_16_a_task_that_has_finished_gives_its_result_in_the_next_turn() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let task = sim.ctx.spawn(async { 1 });
        settle(&sim.ctx).await;
        assert!(task.is_done());
        feeder.task(task);
        assert_eq!(next(&mut items).await, "1");
        assert!(items.next().now_or_never().is_none());
    });
}

#[test]
fn feed_17_what_runs_is_shown_in_the_tree_below_the_merge() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::<i32>::new(&sim.ctx, "inputs").split();
        feeder.future(std::future::pending());
        feeder.stream(stream::pending());
        settle(&sim.ctx).await;
        assert!(items.next().now_or_never().is_none());
        let tree = sim.ctx.snapshot().to_string();
        let below = tree.split("inputs").nth(1).expect("the merge is shown");
        assert_eq!(below.matches("(task, running)").count(), 2, "{tree}");
        // Where the program made it, not where the library does.
        assert!(below.lines().next().unwrap().contains(file!()), "{tree}");
    });
}

#[test]
fn feed_18_a_function_is_called_once_inside_the_call_that_feeds_it() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("").split();
        let calls = Arc::new(AtomicUsize::new(0));
        let count = calls.clone();
        feeder.label("some_context").value("hi");
        feeder.func(move || {
            count.fetch_add(1, Ordering::SeqCst);
            "some_value"
        });
        assert_eq!(calls.load(Ordering::SeqCst), 1);
        feeder.finish_when_empty();
        let first = items.next().await.unwrap();
        assert_eq!(labelled(&first), "some_context:hi");
        feeder.label("things").value("other");
        assert_eq!(
            rest_labelled(&mut items).await,
            ":some_value things:other stopped"
        );
        assert_eq!(calls.load(Ordering::SeqCst), 1);
    });
}

#[test]
fn feed_19_nothing_is_pulled_while_a_source_is_fed_and_then_they_take_turns() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        feeder.iter((1..=3).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        feeder.stream(stream::iter([10, 20, 30]));
        feeder.iter([100]);
        drop(feeder);
        assert_eq!(pulled.load(Ordering::SeqCst), 0);
        assert_eq!(
            rest(&mut items).await,
            "1 10 100 2 20 end 3 30 end end stopped"
        );
    });
}

/// Feeds a function that feeds the next one, and so on.
fn chain(feeder: Feeder<usize>, n: usize) -> usize {
    if n > 0 {
        let next = feeder.clone();
        feeder.func(move || chain(next, n - 1));
    }
    n
}

#[test]
fn functions_that_feed_functions_do_not_recurse() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        chain(feeder, 100_000);
        let mut seen = vec![0_u8; 100_000];
        while let Some(item) = items.next().await {
            item.value().into_iter().for_each(|n| seen[n] += 1);
        }
        assert!(seen.iter().all(|times| *times == 1));
    });
}

#[test]
fn a_function_is_not_called_when_everything_has_ended() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        sim.ctx.cancel();
        feeder.func(|| -> i32 { panic!("it was called") });
        assert_eq!(
            rest(&mut items).await,
            "failed(cancelled) stopped(cancelled)"
        );
    });
}

/// The words of a run with two sources of many, and one more that is fed in the middle.
macro_rules! interleaved {
    ($ctx:expr, $merge:ident, $many:ident, $of:expr) => {{
        let (feeder, mut items) = $merge.split();
        feeder.$many($of([1, 2, 3]));
        feeder.$many($of([4, 5]));
        let mut words = vec![next(&mut items).await, next(&mut items).await];
        feeder.$many($of([6, 7]));
        drop(feeder);
        words.push(rest(&mut items).await);
        words.join(" ")
    }};
}

#[test]
fn feed_21_streams_and_iterators_give_exactly_the_same_order() {
    let expected = "1 4 2 5 6 3 end 7 end end stopped";
    both!(|sim, merge| {
        assert_eq!(interleaved!(sim.ctx, merge, iter, |items| items), expected);
    });
    both!(|sim, merge| {
        assert_eq!(interleaved!(sim.ctx, merge, stream, stream::iter), expected);
    });
}

#[test]
fn feed_22_each_iterator_and_stream_that_ends_says_so_once_after_its_last_value() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let many = [
            feeder.iter([1, 2]),
            feeder.stream(stream::iter([3])),
            feeder.iter([]),
        ];
        drop(feeder);
        let (mut ended, mut gave) = (Vec::new(), Vec::new());
        while let Some(item) = items.next().await {
            match item {
                Fed::Success { sources, .. } => {
                    assert!(!ended.contains(&sources.id()));
                    gave.push(sources.id());
                }
                Fed::IterationStop {
                    error: None,
                    sources,
                    ..
                } => ended.push(sources.id()),
                other => assert!(matches!(other, Fed::Stopped { error: None })),
            }
        }
        assert_eq!(ended.len(), 3);
        assert!(many.iter().all(|id| ended.contains(id)));
        assert_eq!(gave.iter().filter(|id| **id == many[0]).count(), 2);
    });
}

#[test]
fn feed_23_values_functions_futures_and_tasks_have_no_end_of_their_own() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.func(|| 2);
        feeder.future(async { 3 });
        feeder.try_future(async { Ok::<_, &str>(4) });
        feeder.task(sim.ctx.spawn(async { 5 }));
        drop(feeder);
        let mut all: Vec<_> = Vec::new();
        while let Some(item) = items.next().await {
            all.push(crate::kit::word(&item));
        }
        assert_eq!(all.pop().unwrap(), "stopped");
        all.sort();
        assert_eq!(all, ["1", "2", "3", "4", "5"]);
    });
}

#[test]
fn feed_24_each_item_tells_the_kind_of_its_source() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let fed = [
            (feeder.value(0), SourceKind::Value),
            (feeder.func(|| 0), SourceKind::Func),
            (feeder.iter([0]), SourceKind::Iter),
            (feeder.future(async { 0 }), SourceKind::Future),
            (
                feeder.try_future(async { Err("broke") }),
                SourceKind::Future,
            ),
            (feeder.task(sim.ctx.spawn(async { 0 })), SourceKind::Task),
            (feeder.stream(stream::iter([0])), SourceKind::Stream),
            (
                feeder.try_stream(stream::iter([Err("broke")])),
                SourceKind::Stream,
            ),
        ];
        drop(feeder);
        let mut seen = Vec::new();
        while let Some(item) = items.next().await {
            match item {
                Fed::Success { sources, .. }
                | Fed::Failure { sources, .. }
                | Fed::IterationStop { sources, .. } => seen.extend(sources.iter()),
                _ => {}
            }
        }
        for source in fed {
            assert!(seen.contains(&source), "{source:?} not in {seen:?}");
        }
        assert_eq!(seen.len(), 8 + 2, "two of them have an end of their own");
    });
}

#[test]
fn feed_25_polled_in_place_nothing_advances_unless_the_streamer_is_polled() {
    simulate(async |sim| {
        let advanced = Arc::new(AtomicUsize::new(0));
        let count = |n: i32| {
            let advanced = advanced.clone();
            move || {
                advanced.fetch_add(1, Ordering::SeqCst);
                n
            }
        };
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        let (first, second) = (count(1), count(2));
        feeder.iter(std::iter::from_fn(move || Some(first())));
        feeder.future(async move { second() });
        settle(&sim.ctx).await;
        assert_eq!(advanced.load(Ordering::SeqCst), 0);
        assert_eq!(next(&mut items).await, "1");
        settle(&sim.ctx).await;
        assert_eq!(advanced.load(Ordering::SeqCst), 1);
        assert_eq!(next(&mut items).await, "2");
        assert_eq!(advanced.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn feed_25_tasks_advance_on_their_own_iterators_by_one_item() {
    simulate(async |sim| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.iter((0..).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        for read in 1..5 {
            settle(&sim.ctx).await;
            assert_eq!(pulled.load(Ordering::SeqCst), read);
            next(&mut items).await;
        }
    });
}

#[test]
fn sources_print_their_kind_and_chains_their_ids() {
    let source: Source<i32> = Source::stream(stream::empty());
    assert_eq!(format!("{source:?}"), "Source(Stream)");
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let id = feeder.value(1);
        let Some(Fed::Success { sources, .. }) = items.next().await else {
            panic!("no value");
        };
        assert_eq!(format!("{sources:?}"), format!("[({id:?}, Value)]"));
    });
}
