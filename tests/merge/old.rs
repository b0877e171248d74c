//! Merging: behaviours FEED and the regressions.
#![cfg(feature = "test-util")]

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures::{FutureExt, StreamExt, stream};
use windlass::{
    Fed, InPlace, Merge, Promise, Source, SourceKind, Streamer, Tasks,
    testing::{assert_no_leaks, explore, simulate},
};

/// One word per item, so that whole runs can be compared.
fn word<L: std::fmt::Debug>(fed: Fed<i32, L>) -> String {
    match fed {
        Fed::Success { value, .. } => format!("{value}"),
        Fed::Failure { error, .. } => format!("failed({})", kind(&error)),
        Fed::IterationStop { error: None, .. } => "end".into(),
        Fed::IterationStop { error: Some(e), .. } => format!("end({})", kind(&e)),
        Fed::Stopped { error: None } => "stopped".into(),
        Fed::Stopped { error: Some(e) } => format!("stopped({})", kind(&e)),
        _ => unreachable!(),
    }
}

fn kind(error: &windlass::Error) -> String {
    if error.is_cancelled() {
        "cancelled".into()
    } else if error.is_panic() {
        "panic".into()
    } else {
        error.to_string()
    }
}

macro_rules! words {
    ($items:expr) => {{
        let mut words = Vec::new();
        while let Some(fed) = $items.next().await {
            words.push(word(fed));
        }
        words.join(" ")
    }};
}

#[test]
fn feed_03_values_come_in_order_and_more_may_be_fed_meanwhile() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.value(1);
        feeder.value(2);
        feeder.finish_when_empty();
        assert_eq!(word(items.next().await.unwrap()), "1");
        feeder.value(3);
        assert_eq!(words!(items), "2 3 stopped");
        assert!(
            items.next().await.is_none(),
            "Q-76: iterating again ends at once"
        );
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn feed_19_iterators_and_streams_give_one_item_in_turn() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        feeder.iter([1, 2, 3]);
        feeder.stream(stream::iter([10, 20, 30]));
        drop(feeder);
        assert_eq!(words!(items), "1 10 2 20 3 30 end end stopped");
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn q_70_finishing_without_a_source_ends_at_once() {
    // The end was checked only after a yielded value: the stream waited for ever.
    simulate(async |sim| {
        let (feeder, mut items) = Merge::<i32>::new(&sim.ctx, "merge").split();
        feeder.finish_when_empty();
        assert_eq!(words!(items), "stopped");
    });
}

#[test]
fn q_70_finishing_wakes_a_consumer_that_waits() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.value(1);
        let reader = sim.ctx.spawn(async move { words!(items) });
        sim.ctx
            .spawn(async move { feeder.finish_when_empty() })
            .await
            .unwrap();
        assert_eq!(reader.await.unwrap(), "1 stopped");
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn q_71_a_failing_stream_as_last_source_ends_with_one_item() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.try_stream(stream::iter([Ok(1), Err("broke"), Ok(2)]));
        drop(feeder);
        assert_eq!(
            words!(items),
            "1 failed(broke) stopped",
            "Q-78: a failure ends its source"
        );
    });
}

#[test]
fn q_72_the_breaker_stops_an_endless_iterator() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.iter(1..);
        assert_eq!(word(items.next().await.unwrap()), "1");
        items.breaker().set();
        let rest = words!(items);
        // What was produced ahead is at most one item; Q-77: the break has a reason.
        assert!(
            [
                "2 end(cancelled) stopped(cancelled)",
                "end(cancelled) stopped(cancelled)"
            ]
            .contains(&&*rest),
            "{rest}"
        );
        assert!(!sim.ctx.is_done(), "FEED-54");
        drop(feeder);
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn q_73_leaving_early_cancels_what_is_unfinished() {
    simulate(async |sim| {
        let (feeder, items) = Merge::<i32>::new(&sim.ctx, "merge").split();
        let gone = Arc::new(());
        let held = gone.clone();
        feeder.future(async move {
            let _held = held;
            std::future::pending().await
        });
        let task = sim.ctx.spawn(std::future::pending::<i32>());
        let watch = task.watch();
        feeder.task(task);
        drop(items);
        windlass::wait_for_all((&watch,)).await;
        sim.ctx.spawn(async {}).await.unwrap();
        assert_eq!(Arc::strong_count(&gone), 1);
        feeder.value(1);
        drop(feeder);
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn feed_08_the_end_of_the_context_interrupts_each_source_and_comes_last() {
    simulate(async |sim| {
        let scope = sim.ctx.child("scope");
        let (feeder, mut items) = Merge::in_place(&scope, "merge").split();
        feeder.stream(stream::pending());
        feeder.future(std::future::pending());
        assert!(items.next().now_or_never().is_none());
        feeder.value(7);
        scope.fail("why");
        assert_eq!(words!(items), "7 end(why) failed(why) stopped(why)");
        feeder.value(8);
        assert!(
            items.next().await.is_none(),
            "Q-83: nothing follows Stopped"
        );
    });
}

#[test]
fn feed_55_a_merge_on_a_context_that_has_ended_gives_what_is_there_and_stops() {
    simulate(async |sim| {
        let scope = sim.ctx.child("scope");
        scope.cancel();
        let (feeder, mut items) = Merge::new(&scope, "merge").split();
        feeder.value(1);
        feeder.iter([2]);
        let all = words!(items);
        assert_eq!(all, "1 end(cancelled) stopped(cancelled)");
    });
}

#[test]
fn feed_32_failures_and_panics_end_their_source_and_no_other() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        feeder.try_future(async { Err::<i32, _>("future") });
        feeder.func(|| panic!("function"));
        feeder.iter(std::iter::from_fn(|| -> Option<i32> { panic!("iterator") }));
        feeder.value(1);
        drop(feeder);
        assert_eq!(
            words!(items),
            "1 failed(future) failed(panic) failed(panic) stopped"
        );
    });
}

#[test]
fn feed_39_the_chain_goes_innermost_first_and_keeps_the_label() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").label("none").split();
        let outer = feeder
            .label("generator")
            .add(Source::stream_of(stream::iter([Source::func_of(|| {
                Source::future(async { 5 })
            })])));
        drop(feeder);
        let Some(Fed::Success {
            value,
            sources,
            label,
        }) = items.next().await
        else {
            panic!("no value");
        };
        let kinds: Vec<_> = sources.iter().map(|(_, kind)| kind).collect();
        assert_eq!((value, label), (5, "generator"));
        assert_eq!(
            kinds,
            [SourceKind::Future, SourceKind::Func, SourceKind::Stream]
        );
        assert_eq!(sources.iter().last().unwrap().0, outer);
        let stop = items.next().await.unwrap();
        assert_eq!(stop.label(), Some(&"generator"));
        assert_eq!(word(stop), "end");
        assert_eq!(word(items.next().await.unwrap()), "stopped");
    });
}

/// Makes the next one of a chain when it is asked.
fn deeper(depth: usize) -> Source<i32, InPlace<'static>> {
    match depth {
        0 => Source::value(1),
        _ => Source::func_of(move || deeper(depth - 1)),
    }
}

#[test]
fn sources_nest_to_any_depth_without_recursion() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        feeder.add(deeper(100_000));
        drop(feeder);
        let Some(Fed::Success { sources, .. }) = items.next().await else {
            panic!("no value");
        };
        assert_eq!(sources.iter().count(), 100_001);
        drop(sources);
        assert_eq!(words!(items), "stopped");
    });
}

#[test]
fn a_slow_consumer_holds_iterators_back_but_not_futures() {
    simulate(async |sim| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let run = Arc::new(AtomicUsize::new(0));
        let (feeder, items) = Merge::new(&sim.ctx, "merge").split();
        for _ in 0..3 {
            let pulled = pulled.clone();
            feeder.iter((0..).inspect(move |_| {
                let _ = pulled.fetch_add(1, Ordering::Relaxed);
            }));
        }
        for _ in 0..50 {
            let run = run.clone();
            feeder.future(async move { run.fetch_add(1, Ordering::Relaxed) as i32 });
        }
        for _ in 0..20 {
            sim.ctx.spawn(async {}).await.unwrap();
        }
        assert_eq!(pulled.load(Ordering::Relaxed), 3);
        assert_eq!(run.load(Ordering::Relaxed), 50);
        drop(items);
    });
}

#[test]
fn max_running_bounds_the_futures_and_can_be_raised() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").max_running(0).split();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for i in 0..20 {
            let (now, most, ctx) = (now.clone(), most.clone(), sim.ctx.clone());
            feeder.future(async move {
                let n = now.fetch_add(1, Ordering::Relaxed) + 1;
                most.fetch_max(n, Ordering::Relaxed);
                ctx.spawn(async {}).await.unwrap();
                now.fetch_sub(1, Ordering::Relaxed);
                i
            });
        }
        sim.ctx.spawn(async {}).await.unwrap();
        assert_eq!(most.load(Ordering::Relaxed), 0);
        feeder.set_max_running(3);
        drop(feeder);
        let mut values: Vec<i32> = Vec::new();
        while let Some(fed) = items.next().await {
            values.extend(fed.value());
        }
        values.sort();
        assert_eq!(values, (0..20).collect::<Vec<_>>());
        assert_eq!(most.load(Ordering::Relaxed), 3);
    });
}

#[test]
fn ordered_results_come_in_the_order_of_insertion_with_bounded_look_ahead() {
    explore(0..20, async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge")
            .ordered()
            .max_running(4)
            .split();
        let started = Arc::new(AtomicUsize::new(0));
        for i in 0..30 {
            let (ctx, started) = (sim.ctx.clone(), started.clone());
            feeder.future(async move {
                started.fetch_add(1, Ordering::Relaxed);
                for _ in 0..(30 - i) % 7 {
                    ctx.spawn(async {}).await.unwrap();
                }
                i
            });
        }
        drop(feeder);
        for _ in 0..20 {
            sim.ctx.spawn(async {}).await.unwrap();
        }
        assert!(started.load(Ordering::Relaxed) <= 4);
        let mut values = Vec::new();
        while let Some(fed) = items.next().await {
            values.extend(fed.value());
        }
        assert_eq!(values, (0..30).collect::<Vec<i32>>());
    });
}

#[test]
fn in_place_sources_may_borrow_and_need_not_be_send() {
    simulate(async |sim| {
        let text = String::from("abc");
        let seen = RefCell::new(Vec::new());
        let ended = Rc::new(Cell::new(0));
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        let done = ended.clone();
        feeder.add(
            Source::iter(text.chars())
                .on_each(|c: &char| seen.borrow_mut().push(*c))
                .on_done(move |_| done.set(done.get() + 1)),
        );
        drop(feeder);
        while items.next().await.is_some() {}
        assert_eq!(*seen.borrow(), ['a', 'b', 'c']);
        assert_eq!(ended.get(), 1);
    });
}

#[test]
fn feed_14_a_task_released_by_the_consumer_is_waited_for() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        let go = Promise::new();
        let wait = go.wait();
        feeder.task(sim.ctx.spawn(async move { wait.await.unwrap_or(0) }));
        feeder.value(1);
        drop(feeder);
        assert_eq!(word(items.next().await.unwrap()), "1");
        go.set(2);
        assert_eq!(words!(items), "2 stopped");
    });
}

#[test]
fn each_source_ends_once_and_no_value_is_lost_or_doubled_in_any_interleaving() {
    explore(0..60, async |sim| {
        let (feeder, items) = Merge::new(&sim.ctx, "merge").max_running(3).split();
        let mut items: Streamer<i32, (), Tasks> = items;
        let mut roots = Vec::new();
        for part in 0..4 {
            roots.push(feeder.iter(part * 100..part * 100 + 10));
            let ctx = sim.ctx.clone();
            roots.push(feeder.future(async move {
                ctx.spawn(async {}).await.unwrap();
                part * 100 + 10
            }));
            let inner = (0..5).map(move |i| Source::value(part * 100 + 11 + i));
            roots.push(feeder.add(Source::iter_of(inner)));
        }
        drop(feeder);
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        while let Some(fed) = items.next().await {
            match fed {
                Fed::Success { value, sources, .. } => {
                    values.push(value);
                    let (id, kind) = sources.iter().next().unwrap();
                    let is_single = matches!(kind, SourceKind::Value | SourceKind::Future);
                    ends.extend(is_single.then_some(id));
                }
                Fed::IterationStop {
                    error: None,
                    sources,
                    ..
                } => ends.push(sources.id()),
                Fed::Stopped { error: None } => {}
                other => panic!("{other:?}"),
            }
        }
        values.sort();
        let expected: Vec<_> = (0..4).flat_map(|p| p * 100..p * 100 + 16).collect();
        assert_eq!(values, expected);
        assert_eq!(ends.len(), 12 + 20);
        for root in roots {
            assert_eq!(ends.iter().filter(|id| **id == root).count(), 1);
        }
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn cancelling_in_any_interleaving_ends_each_source_once() {
    explore(0..60, async |sim| {
        let scope = sim.ctx.child("scope");
        let (feeder, mut items) = Merge::new(&scope, "merge").max_running(2).split();
        for i in 0..5 {
            feeder.iter(i..);
            feeder.future(std::future::pending());
        }
        let canceller = sim.ctx.spawn(async move { assert!(scope.cancel()) });
        let (mut ends, mut stops) = (0, 0);
        while let Some(fed) = items.next().await {
            match fed {
                Fed::Success { .. } => {}
                Fed::Stopped { error: Some(_) } => stops += 1,
                Fed::IterationStop { error: Some(_), .. } | Fed::Failure { .. } => ends += 1,
                other => panic!("{other:?}"),
            }
        }
        canceller.await.unwrap();
        assert_eq!((ends, stops), (10, 1));
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn a_panicking_consumer_leaves_nothing_behind() {
    simulate(async |sim| {
        let (feeder, items) = Merge::new(&sim.ctx, "merge").split();
        feeder.iter(0..);
        let left = catch_unwind(AssertUnwindSafe(move || {
            let _items = items;
            panic!("consumer");
        }));
        assert!(left.is_err());
        drop(feeder);
        sim.ctx.spawn(async {}).await.unwrap();
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn four_streams_that_are_always_ready_get_a_quarter_each() {
    simulate(async |sim| {
        let (feeder, items) = Merge::in_place(&sim.ctx, "merge").split();
        for source in 0..4 {
            feeder.stream(stream::repeat(source));
        }
        let first: Vec<_> = items
            .take(4000)
            .filter_map(async |fed| fed.value())
            .collect()
            .await;
        for source in 0..4 {
            assert_eq!(first.iter().filter(|v| **v == source).count(), 1000);
        }
    });
}
