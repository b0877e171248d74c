//! Sources whose items are sources: FEED-38 to FEED-53.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::stream;
use windlass::{
    Fed, InPlace, Merge, Source, SourceId, SourceKind, Sources, Tasks, testing::simulate,
};

use crate::kit::{Counted, Living, labelled, next, rest, settle, word};

use SourceKind::{Func, Future, Iter, Stream, Task, Value};

fn kinds(sources: &Sources) -> Vec<SourceKind> {
    sources.iter().map(|(_, kind)| kind).collect()
}

/// Value, chain of kinds, and the outermost source.
fn success<T, L>(item: Option<Fed<T, L>>) -> (T, Vec<SourceKind>, SourceId) {
    match item {
        Some(Fed::Success { value, sources, .. }) => {
            let outer = sources.iter().last().unwrap().0;
            (value, kinds(&sources), outer)
        }
        Some(other) => panic!("{}", labelled_kind(&other)),
        None => panic!("it has ended"),
    }
}

fn labelled_kind<T, L>(fed: &Fed<T, L>) -> &'static str {
    match fed {
        Fed::Success { .. } => "a value",
        Fed::Failure { .. } => "a failure",
        Fed::IterationStop { .. } => "an end",
        _ => "stopped",
    }
}

#[test]
fn feed_38_what_is_made_is_a_source_by_its_form_and_lists_are_values() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(vec![1, 2]);
        feeder.add(Source::iter_of([
            Source::value(vec![3]),
            Source::iter([vec![4, 5]]),
        ]));
        drop(feeder);
        let mut values = Vec::new();
        while let Some(item) = items.next().await {
            values.extend(item.value());
        }
        assert_eq!(values, [vec![1, 2], vec![3], vec![4, 5]]);
    });
}

#[test]
fn feed_39_and_40_the_chain_goes_innermost_first() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let outer = feeder.add(Source::stream_of(stream::iter([
            Source::value(1),
            Source::func(|| 2),
        ])));
        let plain = feeder.stream(stream::iter([3]));
        drop(feeder);
        let mut seen = Vec::new();
        while let Some(item) = items.next().await {
            if let Fed::Success { value, sources, .. } = item {
                let last = sources.iter().last().unwrap().0;
                seen.push((value, kinds(&sources), last));
            }
        }
        seen.sort_by_key(|(value, ..)| *value);
        assert_eq!(
            seen,
            [
                (1, vec![Value, Stream], outer),
                (2, vec![Func, Stream], outer),
                (3, vec![Stream], plain)
            ]
        );
    });
}

#[test]
fn feed_41_and_42_whatever_makes_a_source_is_in_its_chain() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let task = sim.ctx.spawn(async { 4 });
        feeder.add(Source::stream_of(stream::iter([Source::func_of(|| {
            Source::future_of(async move { Source::task(task) })
        })])));
        // The stream may end before what it made, or after: FEED-51.
        let (first, second) = (items.next().await, items.next().await);
        let is_end = |item: &Option<Fed<_>>| matches!(item, Some(Fed::IterationStop { .. }));
        let (end, made) = if is_end(&first) {
            (first, second)
        } else {
            (second, first)
        };
        assert!(is_end(&end));
        let (value, kinds, _) = success(made);
        assert_eq!((value, kinds), (4, vec![Task, Future, Func, Stream]));
    });
}

#[test]
fn feed_43_the_end_of_an_inner_source_has_its_chain_too() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("").split();
        feeder
            .label("generator")
            .add(Source::stream_of(stream::iter([Source::iter([0, 1, 2])])));
        drop(feeder);
        let (mut words, mut chains) = (Vec::new(), Vec::new());
        while let Some(item) = items.next().await {
            words.push(labelled(&item));
            if let Fed::IterationStop { sources, .. } = &item {
                chains.push(kinds(sources));
            }
        }
        chains.sort_by_key(Vec::len);
        // FEED-44: everything below keeps the label.
        words.sort();
        assert_eq!(
            words,
            [
                "generator:0",
                "generator:1",
                "generator:2",
                "generator:end",
                "generator:end",
                "stopped"
            ]
        );
        assert_eq!(chains, [vec![Stream], vec![Iter, Stream]]);
    });
}

#[test]
fn feed_46_and_47_making_sources_repeats_and_what_is_a_value_stays_one() {
    // A function is a value unless it is fed as a source: nothing looks at its parameters.
    type Call = fn(i32) -> i32;
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let it = feeder.add(Source::iter_of([
            Source::func(|| i32::abs as Call),
            Source::func_of(|| Source::func_of(|| Source::func(|| i32::signum as Call))),
        ]));
        drop(feeder);
        let (abs, chain, outer) = success(items.next().await);
        assert_eq!((abs(-3), chain, outer), (3, vec![Func, Iter], it));
        let (signum, chain, outer) = success(items.next().await);
        assert_eq!(
            (signum(-3), chain, outer),
            (-1, vec![Func, Func, Func, Iter], it)
        );
        let end = items.next().await.unwrap();
        assert!(matches!(end, Fed::IterationStop { error: None, .. }));
    });
}

#[test]
fn feed_48_a_function_that_a_source_makes_is_called_when_it_is_reached() {
    both!(|sim, merge| {
        let calls = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = merge.split();
        let functions = std::iter::repeat_with({
            let calls = calls.clone();
            move || {
                let calls = calls.clone();
                Source::func(move || calls.fetch_add(1, Ordering::SeqCst))
            }
        });
        feeder.add(Source::iter_of(functions));
        assert_eq!(calls.load(Ordering::SeqCst), 0);
        for read in 0..5 {
            assert_eq!(next(&mut items).await, read.to_string());
            settle(&sim.ctx).await;
            assert!(
                calls.load(Ordering::SeqCst) <= read + 2,
                "one ahead at most"
            );
        }
    });
}

#[test]
fn feed_51_the_end_of_an_outer_source_may_come_before_values_of_inner_ones() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.add(Source::iter_of([
            Source::iter([1, 2, 3]),
            Source::iter([10, 20, 30]),
        ]));
        drop(feeder);
        let all = rest(&mut items).await;
        // The end of the outermost one is the first: both inner ones were made by then.
        assert!(all.find("end") < all.find("30"), "{all}");
        let order = |values: &[&str]| {
            let words: Vec<_> = all
                .split(' ')
                .filter(|word| values.contains(word))
                .collect();
            words == values
        };
        assert!(
            order(&["1", "2", "3"]) && order(&["10", "20", "30"]),
            "{all}"
        );
        assert!(all.ends_with(" stopped"), "{all}");
    });
}

#[test]
fn a_source_goes_on_when_the_one_it_made_has_to_wait() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let go = windlass::Promise::new();
        let wait = go.wait();
        feeder.add(Source::iter_of([
            Source::try_future(wait),
            Source::stream(stream::pending()),
            Source::value(2),
        ]));
        assert_eq!(next(&mut items).await, "2");
        go.set(1);
        let mut two = [next(&mut items).await, next(&mut items).await];
        two.sort();
        assert_eq!(two, ["1", "end"]);
    });
}

#[test]
fn feed_52_a_chain_begins_with_what_was_fed_whatever_its_kind() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let id = feeder.add(Source::future_of(async { Source::value(1) }));
        let (value, kinds, outer) = success(items.next().await);
        assert_eq!((value, kinds, outer), (1, vec![Value, Future], id));
    });
}

#[test]
fn feed_53_a_promise_that_is_not_fed_as_a_future_is_a_value() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let promise = windlass::Promise::<i32>::new();
        feeder.value(promise.clone());
        let value = items.next().await.unwrap().value().unwrap();
        promise.set(7);
        assert_eq!(value.await.unwrap(), 7);
    });
}

#[test]
fn a_source_that_hands_over_has_no_terminal_item_of_its_own() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.add(Source::future_of(async { Source::iter([1]) }));
        feeder.add(Source::func_of(|| {
            Source::try_future(async { Err::<i32, _>("broke") })
        }));
        drop(feeder);
        let all = rest(&mut items).await;
        let mut words: Vec<_> = all.split(' ').collect();
        assert_eq!(words.pop(), Some("stopped"));
        words.sort();
        assert_eq!(words, ["1", "end", "failed(broke)"]);
    });
}

/// Makes the next one of a chain when it is asked.
fn deeper(depth: usize) -> Source<i32, InPlace<'static>> {
    match depth {
        0 => Source::value(1),
        _ => Source::func_of(move || deeper(depth - 1)),
    }
}

/// The same in tasks, with a source of many at every other step.
fn deeper_in_tasks(depth: usize) -> Source<i32, Tasks> {
    match depth {
        0 => Source::value(1),
        _ if depth % 2 == 0 => Source::future_of(async move { deeper_in_tasks(depth - 1) }),
        _ => Source::iter_of(std::iter::once_with(move || deeper_in_tasks(depth - 1))),
    }
}

const DEEP: usize = 100_000;

#[test]
fn sources_nest_to_any_depth_without_recursion() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        feeder.add(deeper(DEEP));
        drop(feeder);
        let Some(Fed::Success { sources, .. }) = items.next().await else {
            panic!("no value");
        };
        assert_eq!(sources.iter().count(), DEEP + 1);
        drop(sources);
        assert_eq!(rest(&mut items).await, "stopped");
    });
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.add(deeper_in_tasks(DEEP));
        drop(feeder);
        let (mut deepest, mut ends) = (0, 0);
        while let Some(item) = items.next().await {
            match item {
                Fed::Success { sources, .. } => deepest = sources.iter().count(),
                Fed::IterationStop { error: None, .. } => ends += 1,
                other => assert_eq!(word(&other), "stopped"),
            }
        }
        assert_eq!((deepest, ends), (DEEP + 1, DEEP / 2));
    });
}

/// Endless: each one makes a source of many below it, and keeps `held`.
fn bottomless(held: Arc<Counted>) -> Source<i32, Tasks> {
    let below = move || {
        let held = held.clone();
        Source::iter_of([Source::value(0), bottomless(held)])
    };
    Source::func_of(below)
}

#[test]
fn a_nest_that_has_no_end_is_broken_off_at_any_depth() {
    simulate(async |sim| {
        let living = Living::default();
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.add(bottomless(Arc::new(living.one())));
        let mut zeros = 0;
        while zeros < 10_000 {
            zeros += usize::from(items.next().await.unwrap().value().is_some());
        }
        drop(items);
        drop(feeder);
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 0);
    });
}
