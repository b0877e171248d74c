//! Sources that fail: FEED-31 to FEED-37.

use std::{fmt, sync::Arc};

use futures::{FutureExt, stream};
use windlass::{Error, Fed, Source};

use crate::kit::{Living, next, rest, rest_labelled, settle};

#[test]
fn feed_31_a_failing_stream_gives_its_values_and_then_one_failure() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("").split();
        let items_of_it = [Ok("one"), Ok("two"), Err("E1"), Ok("three")];
        feeder.label("stream").try_stream(stream::iter(items_of_it));
        drop(feeder);
        // a failure ends its source, so it is the terminal item, and not followed by another.
        let expected = "stream:one stream:two stream:failed(E1) stopped";
        assert_eq!(rest_labelled(&mut items).await, expected);
    });
}

#[derive(Debug)]
struct Broke;

impl fmt::Display for Broke {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broke")
    }
}

impl std::error::Error for Broke {}

/// Where the failure is kept that an item carries.
fn place(item: Option<Fed<i32, &str>>, label: &str) -> *const Broke {
    match item {
        Some(Fed::Failure {
            error, label: its, ..
        }) => {
            assert_eq!(its, label);
            error.downcast_ref::<Broke>().expect("the user's error")
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn feed_32_the_error_of_an_item_is_the_very_one_its_source_failed_with() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("").split();
        let error = Error::failed(Broke);
        let here: *const Broke = error.downcast_ref().unwrap();
        let give = || {
            let error = error.clone();
            async move { Err::<i32, _>(error) }
        };
        feeder.label("future").try_future(give());
        assert_eq!(place(items.next().await, "future"), here);
        feeder.label("task").task(sim.ctx.try_spawn(give()));
        assert_eq!(place(items.next().await, "task"), here);
        let failing = stream::once(give());
        feeder.label("stream").try_stream(failing);
        assert_eq!(place(items.next().await, "stream"), here);
    });
}

#[test]
fn feed_33_a_source_that_panics_gives_what_it_had_and_then_one_failure() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let pulls = |n: i32| if n == 2 { panic!("E2") } else { n };
        feeder.iter((1..).map(pulls));
        drop(feeder);
        assert_eq!(next(&mut items).await, "1");
        let Some(Fed::Failure { error, .. }) = items.next().await else {
            panic!("no failure");
        };
        assert!(error.is_panic());
        assert!(error.to_string().contains("E2"), "{error}");
        assert_eq!(rest(&mut items).await, "stopped");
    });
}

#[test]
fn each_kind_contains_its_panics_and_no_other_source_notices() {
    both!(|sim, merge| {
        let living = Living::default();
        let boom = |what: &'static str| {
            let held = living.one();
            move || -> i32 {
                let _held = &held;
                panic!("{what}")
            }
        };
        let (feeder, mut items) = merge.split();
        let [a, b, c, d, e, f, g] = std::array::from_fn(|_| boom("meant"));
        feeder.func(a);
        feeder.iter(std::iter::repeat_with(b));
        feeder.future(async move { c() });
        feeder.stream(stream::repeat_with(d));
        feeder.task(sim.ctx.task("panics").silent().spawn(async move { e() }));
        feeder.add(Source::func_of(move || Source::value(f())));
        feeder.add(Source::stream_of(stream::repeat_with(move || {
            Source::value(g())
        })));
        feeder.value(1);
        drop(feeder);
        let all = rest(&mut items).await;
        assert_eq!(all.matches("failed(panic)").count(), 7, "{all}");
        assert_eq!(all.split(' ').filter(|word| *word == "1").count(), 1);
        assert!(all.ends_with(" stopped"));
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn feed_35_a_function_that_fails_inside_the_loop_is_reported_after_what_was_queued() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.try_stream(stream::iter([Err::<i32, _>("stream")]));
        assert_eq!(next(&mut items).await, "1");
        settle(&sim.ctx).await;
        feeder.value(2);
        feeder.func(|| panic!("function"));
        drop(feeder);
        let all = rest(&mut items).await;
        assert!(
            [
                "failed(stream) 2 failed(panic) stopped", // it ran on its own
                "2 failed(panic) failed(stream) stopped"  // it is polled when asked
            ]
            .contains(&&*all),
            "{all}"
        );
    });
}

#[test]
fn feed_36_a_failing_source_ends_neither_the_stream_nor_another() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.iter([1, 2, 3]);
        feeder.try_future(async { Err::<i32, _>("broke") });
        feeder.try_stream(stream::iter([Ok(10), Err("too"), Ok(20)]));
        assert_eq!(next(&mut items).await, "1");
        let mut left: Vec<_> = Vec::new();
        for _ in 0..6 {
            left.push(next(&mut items).await);
        }
        assert!(items.next().now_or_never().is_none(), "it goes on");
        assert_eq!(left.join(" "), "failed(broke) 10 2 failed(too) 3 end");
        feeder.value(4);
        assert_eq!(next(&mut items).await, "4");
    });
}

#[test]
fn feed_37_a_task_that_was_cancelled_fails_with_its_cancellation() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let task = sim.ctx.spawn(std::future::pending::<i32>());
        task.cancel();
        feeder.task(task);
        drop(feeder);
        assert_eq!(rest(&mut items).await, "failed(cancelled) stopped");
    });
}

#[test]
fn q_71_a_failing_source_as_the_last_one_ends_the_stream() {
    // A pull that was left over made the queue look full at the end: it waited for ever.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.finish_when_empty();
        feeder.iter(
            [1].into_iter()
                .chain(std::iter::repeat_with(|| panic!("broke"))),
        );
        assert_eq!(rest(&mut items).await, "1 failed(panic) stopped");
    });
}

#[test]
fn q_78_a_source_that_failed_is_never_pulled_again() {
    // An iterator was pulled again after its failure; one that always fails failed without end.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let held = Arc::new(());
        let in_it = held.clone();
        feeder.try_stream(stream::repeat_with(move || {
            let _held = &in_it;
            Err::<i32, _>("again")
        }));
        drop(feeder);
        assert_eq!(next(&mut items).await, "failed(again)");
        assert_eq!(Arc::strong_count(&held), 1, "it is dropped by then");
        assert_eq!(rest(&mut items).await, "stopped");
    });
}

#[test]
fn a_source_whose_destructor_panics_ends_like_any_other() {
    struct Bomb(i32);
    impl Iterator for Bomb {
        type Item = i32;
        fn next(&mut self) -> Option<i32> {
            self.0 += 1;
            (self.0 < 3).then_some(self.0)
        }
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("meant: a destructor");
        }
    }
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.iter(Bomb(0));
        feeder.value(9);
        drop(feeder);
        assert_eq!(rest(&mut items).await, "9 1 2 end stopped");
    });
}
