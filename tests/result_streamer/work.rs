//! Each kind of work: its results, and what its callbacks and the catcher see.

use std::sync::Arc;

use futures::{StreamExt, stream};
use windlass::{Merge, Source, testing::simulate};

use super::{ended, kit::Log, noting, rest, word};

#[test]
fn stream_08_a_stream_gives_its_values_in_order() {
    both!(|sim, merge| {
        let mut results = merge.results();
        results.stream(stream::iter([1, 2, 3]));
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "1 2 3");
    });
}

#[test]
fn stream_09_and_10_a_failing_stream_gives_its_values_and_then_the_error_once_to_each() {
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("none").results().error_catcher(noting(&log));
        let numbers = Source::try_stream(stream::iter([Ok(4), Ok(5), Err("broke")]));
        results.label("numbers").add(numbers.on_done(ended(&log)));
        results.no_more_work();
        let mut words = Vec::new();
        while let Some(result) = results.next().await {
            assert_eq!(result.label, "numbers");
            words.push(word(&result));
        }
        assert_eq!(words, ["4", "5", "failed(broke)"]);
        assert_eq!(log.take(), ["done: broke", "numbers:broke"]);
    });
}

#[test]
fn stream_11_and_12_callbacks_come_in_order_and_an_end_is_no_result() {
    both!(|sim, merge| {
        let log = Log::default();
        let (each, tail) = (log.clone(), log.clone());
        let mut results = merge.label("").results().error_catcher(noting(&log));
        let values = stream::iter([1, 2, 3])
            .chain(stream::once(async move { tail.add("tail") }).filter_map(async |()| None));
        results.add(
            Source::stream(Box::pin(values))
                .on_each(move |v: &i32| each.add(format!("each {v}")))
                .on_done(ended(&log)),
        );
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "1 2 3");
        let expected = ["each 1", "each 2", "each 3", "tail", "done"];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn stream_13_on_each_runs_when_the_value_is_produced() {
    simulate(async |sim| {
        let log = Log::default();
        let each = log.clone();
        let results = Merge::new(&sim.ctx, "results").results();
        results.add(Source::iter([1, 2]).on_each(move |v: &i32| each.add(v.to_string())));
        sim.rt.settle().await;
        assert_eq!(log.take(), ["1"], "and nothing was consumed");
    });
}

#[test]
fn stream_14_a_stream_is_dropped_when_it_ends() {
    both!(|sim, merge| {
        let held = Arc::new(());
        let inside = held.clone();
        let mut results = merge.results();
        results.stream(stream::iter([1]).inspect(move |_| {
            let _inside = &inside;
        }));
        results.value(2);
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "2 1");
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn stream_15_and_29_what_is_added_after_the_stop_is_dropped_and_tells_nothing() {
    both!(|sim, merge| {
        let log = Log::default();
        let held = Arc::new(());
        let mut results = merge.label("").results().error_catcher(noting(&log));
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "");
        let inside = held.clone();
        let values = stream::repeat_with(move || Arc::strong_count(&inside));
        results.add(Source::stream(values).on_done(ended(&log)));
        let inside = held.clone();
        let task = sim.ctx.spawn(async move {
            let _inside = inside;
            std::future::pending().await
        });
        let watch = task.watch();
        results.add(Source::task(task).on_done(ended(&log)));
        windlass::wait_for_all((&watch,)).await;
        assert!(watch.error().unwrap().is_cancelled());
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(results.next().await.is_none());
        assert_eq!(log.take(), [""; 0]);
    });
}

#[test]
fn stream_17_and_19_labels_and_callbacks_are_optional() {
    both!(|sim, merge| {
        let mut results = merge.label(None::<&str>).results();
        results.future(async { 20 });
        results.value(40);
        results.no_more_work();
        let mut seen = Vec::new();
        while let Some(result) = results.next().await {
            assert_eq!(result.label, None);
            seen.push(result.value.unwrap());
        }
        assert_eq!(seen, [40, 20]);
    });
}

#[test]
fn stream_21_and_22_a_cancelled_task_gives_one_failed_result() {
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        let task = sim.ctx.spawn(std::future::pending::<i32>());
        task.cancel();
        results.add(Source::task(task).on_done(ended(&log)));
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "failed(cancelled)");
        assert_eq!(log.take(), ["done: cancelled", ":cancelled"]);
    });
}

#[test]
fn stream_23_and_25_a_failing_task_is_told_once_to_each_in_order() {
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        let task = sim.ctx.try_spawn(async { Err::<i32, _>("first") });
        let watch = task.watch();
        windlass::wait_for_all((&watch,)).await;
        results
            .label("a")
            .add(Source::task(task).on_done(ended(&log)));
        assert_eq!(word(&results.next().await.unwrap()), "failed(first)");
        assert!(!watch.cancel(), "it has failed: cancelling changes nothing");
        results.label("b").try_future(async { Err("second") });
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "failed(second)");
        assert_eq!(log.take(), ["done: first", "a:first", "b:second"]);
    });
}

#[test]
fn stream_26_to_28_a_task_that_succeeds_does_not_call_the_catcher() {
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        let task = sim.ctx.spawn(async { 42 });
        results.add(Source::task(task).on_done(ended(&log)));
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "42");
        assert_eq!(log.take(), ["done"]);
    });
}

#[test]
fn stream_30_without_a_catcher_each_error_is_still_a_result_and_told_to_nobody_else() {
    // It is logged in the original; here whoever reads the results sees it.
    let log = Log::default();
    let told = log.clone();
    simulate(async |sim| {
        let told = told.clone();
        let ctx = sim.ctx.build("app");
        let ctx = ctx
            .reporter(move |failure| told.add(failure.to_string()))
            .start();
        let mut results = Merge::new(&ctx, "results").results();
        results.try_future(async { Err::<i32, _>("broke") });
        results.task(ctx.try_spawn(async { Err("too") }));
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "failed(broke) failed(too)");
    });
    assert_eq!(log.take(), [""; 0]);
}
