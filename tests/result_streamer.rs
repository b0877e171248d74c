//! The result streamer: behaviours STREAM and the regressions Q-86 to Q-94.
#![cfg(feature = "test-util")]

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
    thread,
};

use futures::{FutureExt, StreamExt, executor::block_on, stream};
use windlass::{
    Ctx, Driver, Error, Merge, Promise, ResultStreamer, Source, StreamedResult,
    testing::{SimRuntime, assert_no_leaks, explore, simulate},
};

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use self::kit::Log;

/// Runs a script twice, each time in a simulation of its own: with sources that run as tasks, and
/// with sources that the streamer polls.
macro_rules! both {
    (|$sim:ident, $merge:ident| $script:block) => {{
        simulate(async |$sim| {
            let $merge = Merge::new(&$sim.ctx, "results");
            $script;
            $sim.rt.settle().await;
            assert_no_leaks(&$sim.ctx);
        });
        simulate(async |$sim| {
            let $merge = Merge::in_place(&$sim.ctx, "results");
            $script;
            $sim.rt.settle().await;
            assert_no_leaks(&$sim.ctx);
        });
    }};
}

fn word<T: ToString, L>(result: &StreamedResult<T, L>) -> String {
    match &result.value {
        Ok(value) => value.to_string(),
        Err(error) => format!("failed({})", text(error)),
    }
}

fn text(error: &Error) -> String {
    if error.is_cancelled() {
        "cancelled".into()
    } else {
        error.to_string()
    }
}

/// The words of all results until the end.
async fn rest<T: ToString, L: Clone, D: Driver>(results: &mut ResultStreamer<T, L, D>) -> String {
    let words: Vec<_> = results.map(|result| word(&result)).collect().await;
    words.join(" ")
}

/// A catcher that notes each error, with its label.
fn noting<L: fmt::Display>(log: &Log) -> impl FnMut(&Error, &L) + Send + 'static + use<L> {
    let log = log.clone();
    move |error, label| log.add(format!("{label}:{}", text(error)))
}

// ===== construction =====

#[test]
fn stream_01_a_new_one_is_empty_and_waits_for_work() {
    both!(|sim, merge| {
        let mut results: ResultStreamer<i32, _, _> = merge.results();
        assert!(results.next().now_or_never().is_none());
        results.value(1);
        assert_eq!(word(&results.next().await.unwrap()), "1");
        assert!(results.next().now_or_never().is_none());
    });
}

#[test]
fn stream_02_it_ends_with_its_context_and_not_the_other_way_round() {
    both!(|sim, merge| {
        let results = merge.results();
        results.future(std::future::pending::<i32>());
        results.finish().await;
        assert!(!sim.ctx.is_done());
    });
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        results.future(std::future::pending::<i32>());
        assert!(results.next().now_or_never().is_none());
        sim.ctx.fail("the power is off");
        // What was interrupted says why.
        assert_eq!(rest(&mut results).await, "failed(the power is off)");
        assert_eq!(log.take(), [":the power is off"]);
    });
    both!(|sim, merge| {
        let mut results = merge.results();
        results.value(1);
        sim.ctx.cancel();
        assert_eq!(rest(&mut results).await, "1");
    });
}

#[test]
fn stream_03_a_result_has_a_value_and_a_label_and_says_them() {
    both!(|sim, merge| {
        let mut results = merge.label("label").results();
        results.value(1);
        let result = results.next().await.unwrap();
        assert_eq!(result.label, "label");
        let copy = result.clone();
        assert_eq!(copy.value.unwrap(), 1);
        let text = format!("{result:?}");
        assert_eq!(text, r#"StreamedResult { value: Ok(1), label: "label" }"#);
    });
}

#[test]
fn stream_04_05_and_07_the_catcher_is_called_once_with_each_error() {
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        results.label("one").try_future(async { Err("first") });
        results.label("two").value(2);
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "2 failed(first)");
        assert_eq!(log.take(), ["one:first"]);
    });
    both!(|sim, merge| {
        let mut results = merge.results(); // none
        results.try_future(async { Err::<i32, _>("first") });
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "failed(first)");
    });
}

// ===== streams =====

#[test]
fn stream_08_a_stream_gives_its_values_in_order() {
    both!(|sim, merge| {
        let mut results = merge.results();
        results.stream(stream::iter([1, 2, 3]));
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "1 2 3");
    });
}

/// Notes how a source ended.
fn ended(log: &Log) -> impl FnOnce(windlass::Result<(), &Error>) + Send + 'static + use<> {
    let log = log.clone();
    move |how| match how {
        Ok(()) => log.add("done"),
        Err(error) => log.add(format!("done: {}", text(error))),
    }
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

// ===== futures, values, tasks =====

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

// ===== iterating and finishing =====

#[test]
fn stream_31_results_come_in_the_order_of_completion() {
    both!(|sim, merge| {
        let mut results = merge.results();
        let gates: Vec<_> = (0..3).map(|_| Promise::<i32>::new()).collect();
        for gate in &gates {
            let wait = gate.wait();
            results.try_future(async move { wait.await.map(|n| n * 10) });
        }
        results.no_more_work();
        for i in [1, 2, 0] {
            assert!(results.next().now_or_never().is_none());
            gates[i as usize].set(i);
            assert_eq!(word(&results.next().await.unwrap()), (i * 10).to_string());
        }
        assert!(results.next().await.is_none());
    });
}

#[test]
fn stream_32_it_ends_when_no_more_comes_and_everything_was_consumed() {
    both!(|sim, merge| {
        let mut results = merge.results();
        let go = Promise::new();
        let wait = go.wait();
        results.try_future(wait);
        results.no_more_work();
        assert!(results.next().now_or_never().is_none(), "one is pending");
        go.set(1);
        sim.rt.settle().await;
        results.value(2); // until it has ended more may come
        let mut left = [results.next().await, results.next().await].map(|r| word(&r.unwrap()));
        left.sort();
        assert_eq!(left, ["1", "2"]);
        assert!(results.next().await.is_none());
        assert!(results.next().await.is_none());
    });
}

#[test]
fn stream_33_without_any_work_it_ends_at_once() {
    both!(|sim, merge| {
        let mut results: ResultStreamer<i32, _, _> = merge.results();
        results.no_more_work();
        assert!(results.next().now_or_never().unwrap().is_none());
    });
}

/// Results with an endless future that holds `held`.
fn endless(ctx: &Ctx, held: &Arc<()>) -> ResultStreamer<i32> {
    let results = Merge::new(ctx, "results").results();
    let inside = held.clone();
    results.future(async move {
        let _inside = inside;
        std::future::pending().await
    });
    results
}

#[test]
fn stream_34_to_36_leaving_in_any_way_cancels_what_is_unfinished() {
    simulate(async |sim| {
        let held = Arc::new(());
        // Normally, through an error, and by a cancellation from outside.
        drop(endless(&sim.ctx, &held));
        let failed: Result<(), &str> = async {
            let _results = endless(&sim.ctx, &held);
            Err("it goes on")
        }
        .await;
        assert_eq!(failed, Err("it goes on"));
        let mut results = endless(&sim.ctx, &held);
        let task = sim.ctx.spawn(async move { results.next().await.is_some() });
        sim.rt.settle().await;
        assert_eq!(Arc::strong_count(&held), 2, "the first two are gone");
        assert!(task.cancel_and_wait().await.unwrap_err().is_cancelled());
        sim.rt.settle().await;
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

#[test]
fn stream_39_and_42_what_is_queued_at_the_stop_still_comes_and_each_failure_is_caught_in_order() {
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        results.label("value").value(1);
        results.label("first").func(|| panic!("meant: a function"));
        results.label("endless").future(std::future::pending());
        results.label("gen").stream(stream::pending());
        sim.ctx.cancel();
        let all = rest(&mut results).await;
        assert!(
            all.starts_with("1 failed(") && all.ends_with("failed(cancelled)"),
            "{all}"
        );
        let caught = log.take();
        assert_eq!(caught.len(), 2, "{caught:?}");
        assert!(caught[0].starts_with("first:"));
        assert_eq!(caught[1], "endless:cancelled");
    });
}

#[test]
fn stream_43_a_stream_that_fails_lets_the_work_live_on_that_it_added_before() {
    both!(|sim, merge| {
        let mut results = merge.results();
        let feeder = (*results).clone();
        let go = Promise::new();
        let wait = go.wait();
        results.try_stream(stream::once(async move {
            feeder.try_future(wait);
            Err("broke")
        }));
        results.no_more_work();
        assert_eq!(word(&results.next().await.unwrap()), "failed(broke)");
        go.set(7);
        assert_eq!(rest(&mut results).await, "7");
    });
}

#[test]
fn stream_44_finish_cancels_what_is_unfinished_and_waits_until_it_is_gone() {
    both!(|sim, merge| {
        let log = Log::default();
        let held = Arc::new(());
        let results = merge.label("").results().error_catcher(noting(&log));
        let inside = held.clone();
        results.label("future").future(async move {
            let _inside = inside;
            std::future::pending().await
        });
        results.label("iter").iter(0..);
        results.finish().await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert_eq!(log.take(), ["future:cancelled"]);
    });
}

#[test]
fn a_finish_that_is_dropped_cancels_everything() {
    both!(|sim, merge| {
        let held = Arc::new(());
        let inside = held.clone();
        let results = merge.results();
        results.future(async move {
            let _inside = inside;
            std::future::pending::<i32>().await
        });
        drop(results.finish());
        sim.rt.settle().await;
        assert_eq!(Arc::strong_count(&held), 1);
    });
}

// ===== bugs of the original =====

#[test]
fn q_86_no_more_work_wakes_a_consumer_that_waits() {
    // Called after everything was consumed it woke nobody: the consumer waited for ever.
    simulate(async |sim| {
        let mut results = Merge::<i32>::new(&sim.ctx, "results").results();
        let feeder = (*results).clone();
        let reader = sim.ctx.spawn(async move { results.next().await.is_none() });
        sim.rt.settle().await;
        feeder.finish_when_empty();
        assert!(reader.await.unwrap());
    });
}

#[test]
fn q_87_callbacks_that_panic_lose_no_result() {
    // A failing callback kept the marker of the end from being queued: the stream never ended.
    both!(|sim, merge| {
        let mut results = merge
            .results()
            .error_catcher(|_, _| panic!("meant: a catcher"));
        results.add(
            Source::try_stream(stream::iter([Ok(1), Err("broke")]))
                .on_each(|_: &i32| panic!("meant: on_each"))
                .on_done(|_| panic!("meant: on_done")),
        );
        results.try_future(async { Err("too") });
        results.no_more_work();
        let all = rest(&mut results).await;
        let mut words: Vec<_> = all.split(' ').collect();
        words.sort();
        assert_eq!(words, ["1", "failed(broke)", "failed(too)"]);
    });
}

#[test]
fn q_88_and_91_anything_that_can_be_called_catches_errors() {
    // An empty list counted as none; a deque was ignored.
    both!(|sim, merge| {
        let caught = Arc::new(Mutex::new(VecDeque::new()));
        let push = caught.clone();
        let mut results = merge
            .results()
            .error_catcher(move |error, ()| push.lock().unwrap().push_front(error.clone()));
        results.try_future(async { Err::<i32, _>("broke") });
        results.no_more_work();
        rest(&mut results).await;
        assert_eq!(caught.lock().unwrap().len(), 1);
    });
}

#[test]
fn q_89_a_callback_that_panics_is_no_error_of_its_source() {
    // The catcher was called for it, twice, once with an internal object.
    both!(|sim, merge| {
        let log = Log::default();
        let mut results = merge.label("").results().error_catcher(noting(&log));
        results.add(
            Source::stream(stream::iter([1, 2]))
                .on_each(|_: &i32| panic!("meant: on_each"))
                .on_done(ended(&log)),
        );
        results.no_more_work();
        assert_eq!(rest(&mut results).await, "1 2");
        assert_eq!(log.take(), ["done"]);
    });
}

#[test]
fn q_90_leaving_early_with_unread_results_leaves_nothing_at_the_context() {
    both!(|sim, merge| {
        let held = Arc::new(());
        let mut results = merge.results();
        for _ in 0..10 {
            results.value(held.clone());
        }
        assert!(results.next().await.is_some());
        drop(results);
        assert_eq!(Arc::strong_count(&held), 1);
        assert!(!sim.ctx.is_done());
    });
}

#[test]
fn q_92_adding_waits_for_nothing_and_works_from_any_thread() {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let mut results = Merge::new(&ctx, "results").results();
    let feeder = (*results).clone();
    thread::spawn(move || {
        feeder.value(1);
        feeder.iter([2, 3]);
        feeder.finish_when_empty();
    })
    .join()
    .unwrap();
    assert_eq!(rt.block_on(rest(&mut results)), "1 2 3");
    assert_no_leaks(&ctx);
}

#[derive(Debug)]
struct Broke;

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broke")
    }
}

impl std::error::Error for Broke {}

#[test]
fn q_94_errors_are_shared_and_not_changed() {
    // The original cleared their traces.
    both!(|sim, merge| {
        let seen = Arc::new(Mutex::new(0));
        let place = seen.clone();
        let mut results = merge.results().error_catcher(move |error, ()| {
            let here: *const Broke = error.downcast_ref().unwrap();
            *place.lock().unwrap() = here as usize;
        });
        let error = Error::failed(Broke);
        let here: *const Broke = error.downcast_ref().unwrap();
        let source = error.clone();
        results.try_future(async move { Err::<i32, _>(source) });
        results.no_more_work();
        let error = results.next().await.unwrap().value.unwrap_err();
        let its: *const Broke = error.downcast_ref().unwrap();
        assert_eq!((its, *seen.lock().unwrap()), (here, here as usize));
        assert!(results.next().await.is_none());
    });
}

#[test]
fn results_are_accounted_for_in_any_interleaving() {
    explore(0..60, async |sim| {
        let log = Log::default();
        let merge = Merge::new(&sim.ctx, "results").label("").max_running(2);
        let mut results = merge.results().error_catcher(noting(&log));
        for i in 0..10_i32 {
            let feeder = results.label(if i % 2 == 0 { "even" } else { "odd" });
            feeder.try_future(async move {
                for _ in 0..i % 3 {
                    kit::yield_now().await;
                }
                if i % 4 == 0 { Err("broke") } else { Ok(i) }
            });
            feeder.iter([100 + i]);
        }
        results.no_more_work();
        let (mut values, mut errors) = (Vec::new(), 0);
        while let Some(result) = results.next().await {
            match result.value {
                Ok(value) => {
                    assert_eq!(result.label == "even", value % 2 == 0);
                    values.push(value);
                }
                Err(_) => errors += 1,
            }
        }
        values.sort();
        let expected = (0..10).filter(|i| i % 4 != 0).chain(100..110);
        assert_eq!(values, expected.collect::<Vec<_>>());
        assert_eq!((errors, log.take()), (3, vec!["even:broke".to_owned(); 3]));
        sim.rt.settle().await;
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn in_place_results_need_no_executor_at_all() {
    let ctx = Ctx::root_on("app", ());
    let mut results = Merge::in_place(&ctx, "results").results();
    results.iter([1, 2]);
    results.future(async { 3 });
    results.no_more_work();
    assert_eq!(block_on(rest(&mut results)), "1 3 2");
}
