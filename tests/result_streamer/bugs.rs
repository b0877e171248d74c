//! Bugs of the original, Q-86 to Q-94.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex},
    thread,
};

use futures::stream;
use windlass::{
    Ctx, Error, Merge, Source,
    testing::{SimRuntime, assert_no_leaks, simulate},
};

use super::{ended, kit::Log, noting, rest};

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
