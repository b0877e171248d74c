//! Leaving: contexts, dropped ends, executors that go. FEED-54 to FEED-57.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::Arc,
};

use futures::{FutureExt, StreamExt, executor::block_on, stream};
use windlass::{
    Ctx, Fed, Merge, Source,
    testing::{SimRuntime, assert_no_leaks, simulate},
};

use crate::kit::{Counted, Living, next, rest, settle, word};

#[test]
fn feed_54_ending_a_merge_never_ends_the_context_it_was_made_in() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.future(std::future::pending::<i32>());
        items.breaker().set();
        assert_eq!(
            rest(&mut items).await,
            "failed(cancelled) stopped(cancelled)"
        );
        assert!(!sim.ctx.is_done() && !sim.ctx.is_stopping());
        sim.ctx.spawn(async {}).await.unwrap();
    });
}

#[test]
fn feed_55_a_merge_on_a_context_that_has_ended_gives_what_is_there_and_stops() {
    // FEED-55 has `Stopped` first; here it is last, and once.
    simulate(async |sim| {
        let scope = sim.ctx.child("scope");
        scope.fail("why");
        let (feeder, mut items) = Merge::new(&scope, "late").split();
        feeder.value(1);
        feeder.iter([2]);
        assert_eq!(rest(&mut items).await, "1 end(why) stopped(why)");
        let (feeder, mut items) = Merge::in_place(&scope, "late").split();
        feeder.iter([2]);
        feeder.value(1);
        assert_eq!(rest(&mut items).await, "end(why) 1 stopped(why)");
    });
}

#[test]
fn feed_57_and_q_73_leaving_early_cancels_what_is_unfinished() {
    // Leaving waited until tasks ended by themselves: for ever, for endless ones.
    both!(|sim, merge| {
        let living = Living::default();
        let held: [_; 4] = std::array::from_fn(|_| living.one());
        let [a, b, c, d] = held;
        let (feeder, items) = merge.split();
        feeder.future(async move {
            let _held = a;
            std::future::pending().await
        });
        let task = sim.ctx.spawn(async move {
            let _held = b;
            std::future::pending::<i32>().await
        });
        let watch = task.watch();
        feeder.task(task);
        feeder.stream(stream::pending().inspect(move |_| c.touch()));
        feeder.iter((0..).inspect(move |_| d.touch()));
        settle(&sim.ctx).await;
        drop(items);
        windlass::wait_for_all((&watch,)).await;
        assert!(watch.error().unwrap().is_cancelled());
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn q_74_leaving_through_an_error_does_not_wait_for_unfinished_work() {
    // The task holder of the original waited for tasks that waited for it.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let left: Result<(), windlass::Error> = async {
            feeder.future(std::future::pending());
            feeder.value(1);
            let item = items.next().await;
            drop((items, feeder));
            Err(windlass::Error::failed(word(&item.unwrap())))
        }
        .await;
        assert_eq!(left.unwrap_err().to_string(), "1");
    });
}

#[test]
fn a_panicking_consumer_leaves_nothing_behind() {
    both!(|sim, merge| {
        let living = Living::default();
        let held = living.one();
        let (feeder, items) = merge.split();
        feeder.iter((0..).inspect(move |_| held.touch()));
        settle(&sim.ctx).await;
        let left = catch_unwind(AssertUnwindSafe(move || {
            let _items = items;
            panic!("meant: a consumer");
        }));
        assert!(left.is_err());
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 0);
        feeder.value(1);
    });
}

#[test]
fn what_is_fed_after_the_consumer_has_gone_is_dropped_and_not_run() {
    both!(|sim, merge| {
        let living = Living::default();
        let (feeder, items) = merge.label(Arc::new(living.one())).split();
        drop(items);
        let held: [_; 6] = std::array::from_fn(|_| Some(living.one()));
        let [a, b, c, d, e, f] = held;
        feeder.func(move || a);
        feeder.future(async move { b });
        feeder.iter([c]);
        feeder.stream(stream::iter([d]));
        feeder.task(sim.ctx.spawn(async move { e }));
        feeder.value(f);
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 1, "only the label of the feeder");
        drop(feeder);
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn a_task_that_is_fed_after_the_end_is_cancelled() {
    both!(|sim, merge| {
        let (feeder, items) = merge.split();
        drop(items);
        let task = sim.ctx.spawn(std::future::pending::<i32>());
        let watch = task.watch();
        feeder.task(task);
        windlass::wait_for_all((&watch,)).await;
        assert!(watch.error().unwrap().is_cancelled());
    });
}

#[test]
fn feeders_in_sources_feed_the_merge_they_are_in_and_keep_it_open() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let inner = feeder.clone();
        let ctx = sim.ctx.clone();
        feeder.future(async move {
            inner.value(1);
            settle(&ctx).await;
            inner.iter([2, 3]);
            4
        });
        drop(feeder);
        let all = rest(&mut items).await;
        let mut words: Vec<_> = all.split(' ').collect();
        assert_eq!(words.pop(), Some("stopped"));
        words.sort();
        assert_eq!(words, ["1", "2", "3", "4", "end"]);
    });
}

#[test]
fn a_feeder_that_its_own_sources_hold_is_no_cycle_once_the_streamer_is_gone() {
    both!(|sim, merge| {
        let living = Living::default();
        let (feeder, mut items) = merge.max_running(1).split();
        for _ in 0..3 {
            let (held, inner) = (living.one(), feeder.clone());
            feeder.future(async move {
                let _held = (held, inner);
                std::future::pending().await
            });
        }
        feeder.value(living.one());
        feeder.value(living.one());
        assert!(items.next().await.unwrap().value().is_some());
        drop(feeder);
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 4);
        drop(items);
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn dropping_both_ends_or_a_merge_that_was_never_split_leaves_nothing() {
    both!(|sim, merge| {
        let living = Living::default();
        let unsplit: Merge<Counted, _, _> = merge.label(Arc::new(living.one())).ordered();
        drop(unsplit);
        assert_eq!(living.count(), 0);
    });
    both!(|sim, merge| {
        let living = Living::default();
        let (feeder, items) = merge.label(Arc::new(living.one())).split();
        feeder.value(living.one());
        drop((feeder, items));
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn an_executor_that_goes_ends_each_source_and_the_stream() {
    // Nothing polls the tasks any more: each is dropped, and says so.
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let living = Living::default();
    let (a, b, c) = (living.one(), living.one(), living.one());
    let (feeder, mut items) = Merge::new(&ctx, "merge").max_running(1).split();
    feeder.future(async move {
        let _held = a;
        std::future::pending().await
    });
    feeder.future(async move {
        let _held = b;
        2
    });
    feeder.stream(stream::pending().inspect(move |_| c.touch()));
    feeder.value(1);
    rt.run_until_stalled();
    drop(rt);
    assert_eq!(living.count(), 0, "also what waited for its turn");
    drop(feeder);
    let all = block_on(rest(&mut items));
    let mut words: Vec<_> = all.split(' ').collect();
    words.sort();
    let ends = [
        "1",
        "end(cancelled)",
        "failed(cancelled)",
        "failed(cancelled)",
        "stopped",
    ];
    assert_eq!(words, ends);
    assert_no_leaks(&ctx);
}

#[test]
fn what_is_fed_when_the_executor_has_gone_ends_at_once() {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    drop(rt);
    let (feeder, mut items) = Merge::new(&ctx, "merge").max_running(1).split();
    for _ in 0..100_000 {
        feeder.future(async { 1 });
    }
    feeder.iter([2]);
    feeder.value(3);
    drop(feeder);
    let mut counts = [0; 4];
    while let Some(item) = block_on(items.next()) {
        match item {
            Fed::Failure { error, .. } => {
                assert!(error.to_string().contains("shut down"), "{error}");
                counts[0] += 1;
            }
            Fed::IterationStop { error: Some(_), .. } => counts[1] += 1,
            Fed::Success { value: 3, .. } => counts[2] += 1,
            Fed::Stopped { error: None } => counts[3] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(counts, [100_000, 1, 1, 1]);
}

#[test]
fn a_streamer_moves_between_tasks_and_loses_nothing() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.iter(0..10);
        feeder.future(async { 10 });
        drop(feeder);
        let mut values = Vec::new();
        loop {
            let reader = sim.ctx.spawn(async move {
                let item = items.next().await;
                (item, items)
            });
            let (item, back) = reader.await.unwrap();
            items = back;
            match item {
                Some(item) => values.extend(item.value()),
                None => break,
            }
        }
        values.sort();
        assert_eq!(values, (0..=10).collect::<Vec<i32>>());
    });
}

#[test]
fn dropping_a_future_of_next_loses_no_item_and_no_wake() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.iter(0..50);
        feeder.future(async { 50 });
        drop(feeder);
        let mut values = Vec::new();
        loop {
            drop(items.next()); // never polled
            if let Some(item) = items.next().now_or_never() {
                match item {
                    Some(item) => values.extend(item.value()),
                    None => break,
                }
            } else {
                settle(&sim.ctx).await;
            }
        }
        values.sort();
        assert_eq!(values, (0..=50).collect::<Vec<i32>>());
    });
}

#[test]
fn in_place_sources_may_borrow_and_need_not_be_send() {
    simulate(async |sim| {
        let text = String::from("abc");
        let log = std::cell::RefCell::new(String::new());
        let shared = Rc::new(());
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        let held = shared.clone();
        feeder.add(
            Source::iter(text.chars())
                .on_each(|c: &char| log.borrow_mut().push(*c))
                .on_done(|how| log.borrow_mut().push(if how.is_ok() { '.' } else { '!' })),
        );
        let last = &text;
        feeder.future(async move {
            let _held = held;
            last.chars().next_back().unwrap_or('-')
        });
        drop(feeder);
        assert_eq!(next(&mut items).await, "a");
        assert_eq!(rest(&mut items).await, "c b c end stopped");
        assert_eq!(*log.borrow(), "abc.");
        assert_eq!(Rc::strong_count(&shared), 1);
    });
}

/// A labelled feeder outlives the merge: what the merge had kept of its label goes all the same.
#[test]
fn labels_are_let_go_when_the_merge_is_over_whoever_keeps_a_feeder() {
    both!(|sim, merge| {
        let label = Arc::new(());
        let (feeder, mut items) = merge.label(Arc::new(())).split();
        let labelled = feeder.label(label.clone());
        labelled.value(1);
        feeder.finish_when_empty();
        while items.next().await.is_some() {}
        assert_eq!(Arc::strong_count(&label), 2, "ours, and that of the feeder");
    });
    both!(|sim, merge| {
        let label = Arc::new(());
        let (feeder, items) = merge.label(Arc::new(())).split();
        let labelled = feeder.label(label.clone());
        labelled.future(std::future::pending::<i32>());
        drop(items);
        settle(&sim.ctx).await;
        let late = feeder.label(label.clone());
        assert_eq!(
            Arc::strong_count(&label),
            3,
            "ours, and those of the feeders"
        );
        drop(late);
    });
}
