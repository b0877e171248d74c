//! What a new one does, and its results.

use futures::FutureExt;
use windlass::ResultStreamer;

use super::{kit::Log, noting, rest, word};

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
