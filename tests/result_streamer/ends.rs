//! The order of results, and every way to end.

use std::sync::Arc;

use futures::{FutureExt, executor::block_on, stream};
use windlass::{
    Ctx, Merge, Promise, ResultStreamer,
    testing::{assert_no_leaks, explore, simulate},
};

use super::{
    kit::{self, Log},
    noting, rest, word,
};

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
