//! The result streamer: behaviours STREAM and the regressions.
#![cfg(feature = "test-util")]

use std::sync::{Arc, Mutex};

use futures::stream;
use windlass::{
    Merge, Source,
    testing::{assert_no_leaks, simulate},
};

#[test]
fn stream_09_a_failing_stream_gives_its_values_and_then_the_error() {
    simulate(async |sim| {
        let caught = Arc::new(Mutex::new(Vec::new()));
        let catch = caught.clone();
        let mut results = Merge::new(&sim.ctx, "results")
            .label("none")
            .results()
            .error_catcher(move |error, label| {
                catch.lock().unwrap().push((error.to_string(), *label))
            });
        results
            .label("numbers")
            .try_stream(stream::iter([Ok(4), Ok(5), Err("broke")]));
        results.no_more_work();
        let mut seen = Vec::new();
        while let Some(result) = results.next().await {
            assert_eq!(result.label, "numbers");
            seen.push(result.value.ok());
        }
        assert_eq!(seen, [Some(4), Some(5), None]);
        assert_eq!(
            *caught.lock().unwrap(),
            [("broke".to_owned(), "numbers")],
            "STREAM-10"
        );
        drop(results);
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn q_86_no_more_work_wakes_a_consumer_that_waits() {
    // Called after everything was consumed it woke nobody: the consumer waited for ever.
    simulate(async |sim| {
        let mut results = Merge::<i32>::new(&sim.ctx, "results").results();
        let feeder = (*results).clone();
        let reader = sim.ctx.spawn(async move { results.next().await.is_none() });
        sim.ctx
            .spawn(async move { feeder.finish_when_empty() })
            .await
            .unwrap();
        assert!(reader.await.unwrap());
        assert_no_leaks(&sim.ctx);
    });
}

#[test]
fn q_87_callbacks_that_panic_lose_no_result() {
    // A failing callback kept the marker of the end from being queued: the stream never ended.
    simulate(async |sim| {
        let mut results = Merge::new(&sim.ctx, "results")
            .results()
            .error_catcher(|_, _| panic!("catcher"));
        results.add(
            Source::try_stream(stream::iter([Ok(1), Err("broke")]))
                .on_each(|_: &i32| panic!("on_each"))
                .on_done(|_| panic!("on_done")),
        );
        results.no_more_work();
        assert_eq!(results.next().await.unwrap().value.unwrap(), 1);
        assert_eq!(
            results.next().await.unwrap().value.unwrap_err().to_string(),
            "broke"
        );
        assert!(results.next().await.is_none());
    });
}

#[test]
fn stream_12_callbacks_come_in_order() {
    simulate(async |sim| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let (each, done) = (log.clone(), log.clone());
        let mut results = Merge::new(&sim.ctx, "results").results();
        results.add(
            Source::stream(stream::iter([1, 2, 3]))
                .on_each(move |v: &i32| each.lock().unwrap().push(v.to_string()))
                .on_done(move |how| done.lock().unwrap().push(format!("done {}", how.is_ok()))),
        );
        results.no_more_work();
        while results.next().await.is_some() {}
        assert_eq!(*log.lock().unwrap(), ["1", "2", "3", "done true"]);
    });
}

#[test]
fn stream_21_a_cancelled_task_gives_one_failed_result() {
    simulate(async |sim| {
        let mut results = Merge::new(&sim.ctx, "results").results();
        let task = sim.ctx.spawn(std::future::pending::<i32>());
        task.cancel();
        results.task(task);
        results.no_more_work();
        assert!(
            results
                .next()
                .await
                .unwrap()
                .value
                .unwrap_err()
                .is_cancelled()
        );
        assert!(results.next().await.is_none());
    });
}

#[test]
fn finish_cancels_what_is_unfinished_and_waits_until_it_is_gone() {
    simulate(async |sim| {
        let results = Merge::<i32>::new(&sim.ctx, "results").results();
        let held = Arc::new(());
        let inside = held.clone();
        results.future(async move {
            let _inside = inside;
            std::future::pending().await
        });
        results.iter(0..);
        results.finish().await;
        assert_eq!(Arc::strong_count(&held), 1);
        assert_no_leaks(&sim.ctx);
    });
}
