//! What happens to sources that are interrupted: FEED-27 to FEED-30.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures::{FutureExt, Stream, stream};
use windlass::{Fed, Merge, testing::simulate};

use crate::kit::{Counted, Hand, Living, next, rest, settle};

/// What a run gives in which the context fails behind the first items of two endless sources.
macro_rules! interrupted {
    ($sim:ident, $merge:ident, $many:ident, $of:expr) => {{
        let (feeder, mut items) = $merge.split();
        feeder.$many($of(0));
        feeder.$many($of(10));
        let mut words = vec![next(&mut items).await, next(&mut items).await];
        $sim.ctx.fail("why");
        feeder.value(100);
        words.push(rest(&mut items).await);
        words.join(" ")
    }};
}

#[test]
fn feed_27_interrupted_iterators_and_streams_end_with_the_reason_and_nothing_more_is_pulled() {
    let expected = "0 10 100 end(why) end(why) stopped(why)";
    both!(|sim, merge| {
        assert_eq!(interrupted!(sim, merge, iter, |from| from..), expected);
    });
    both!(|sim, merge| {
        let of = |from: i32| stream::iter(from..);
        assert_eq!(interrupted!(sim, merge, stream, of), expected);
    });
}

#[test]
fn feed_28_what_was_pulled_already_is_delivered() {
    simulate(async |sim| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let count = pulled.clone();
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.iter((0..).inspect(move |_| {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        assert_eq!(next(&mut items).await, "0");
        settle(&sim.ctx).await; // it runs ahead, by one
        sim.ctx.fail("why");
        feeder.value(100);
        assert_eq!(rest(&mut items).await, "1 100 end(why) stopped(why)");
        assert_eq!(pulled.load(Ordering::SeqCst), 2);
    });
}

#[test]
fn feed_29_cancelled_says_so_in_each_item() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.stream(stream::pending::<i32>());
        feeder.future(std::future::pending());
        feeder.task(sim.ctx.spawn(std::future::pending()));
        assert!(items.next().now_or_never().is_none());
        sim.ctx.cancel_with("shutdown");
        let mut errors = Vec::new();
        while let Some(item) = items.next().await {
            match item {
                Fed::IterationStop { error: Some(e), .. } | Fed::Failure { error: e, .. } => {
                    errors.push(e.to_string());
                }
                Fed::Stopped { error: Some(e) } => errors.push(format!("stopped: {e}")),
                other => panic!("{other:?}"),
            }
        }
        errors.sort();
        let why = "cancelled at sim by shutdown";
        assert_eq!(errors, [why, why, why, &format!("stopped: {why}")]);
    });
}

/// Tells when it goes.
struct Closing(Arc<AtomicUsize>, #[allow(dead_code)] Counted);

impl Stream for Closing {
    type Item = i32;
    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<i32>> {
        Poll::Pending
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn feed_30_an_interrupted_stream_is_dropped_before_its_end_is_told() {
    both!(|sim, merge| {
        let (closed, living) = (Arc::new(AtomicUsize::new(0)), Living::default());
        let (feeder, mut items) = merge.split();
        feeder.stream(Closing(closed.clone(), living.one()));
        assert!(items.next().now_or_never().is_none());
        sim.ctx.cancel();
        assert_eq!(next(&mut items).await, "end(cancelled)");
        assert_eq!((closed.load(Ordering::SeqCst), living.count()), (1, 0));
        assert_eq!(rest(&mut items).await, "stopped(cancelled)");
    });
}

#[test]
fn q_72_the_breaker_stops_endless_sources() {
    // Draining pulled the next item each time: an endless iterator never ended.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.iter(1..);
        feeder.stream(stream::repeat(0));
        assert_eq!(next(&mut items).await, "1");
        items.breaker().set();
        let rest = rest(&mut items).await;
        // Of tasks, one item each has been produced ahead; in place, none.
        let ended = rest.strip_prefix("0 ").unwrap_or(&rest);
        assert_eq!(ended, "end(cancelled) end(cancelled) stopped(cancelled)");
        drop(feeder);
    });
}

#[test]
fn q_79_a_source_that_ends_the_context_while_it_is_polled_has_one_terminal_item() {
    // A generator that was interrupted while it ran reported nothing, and stayed in the list.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let ctx = sim.ctx.clone();
        feeder.iter((0..).inspect(move |n| {
            if *n == 1 {
                ctx.cancel();
            }
        }));
        let ctx = sim.ctx.clone();
        feeder.future(async move {
            ctx.cancel();
            std::future::pending().await
        });
        let all = rest(&mut items).await;
        let mut words: Vec<_> = all.split(' ').collect();
        assert_eq!(words.pop(), Some("stopped(cancelled)"));
        words.sort();
        words.retain(|word| *word != "1"); // whichever of them comes first
        assert_eq!(words, ["0", "end(cancelled)", "failed(cancelled)"], "{all}");
    });
}

#[test]
fn nothing_is_pulled_behind_a_source_that_ends_the_context() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let ctx = sim.ctx.clone();
        feeder.future(async move {
            ctx.cancel();
            std::future::pending::<i32>().await
        });
        feeder.iter(std::iter::repeat_with(|| panic!("it was pulled")));
        feeder.stream(stream::repeat_with(|| panic!("it was pulled")));
        let all = rest(&mut items).await;
        let ends = "failed(cancelled) end(cancelled) end(cancelled)";
        assert_eq!(all, format!("{ends} stopped(cancelled)"));
    });
}

#[test]
fn the_end_of_the_context_wakes_a_consumer_that_waits() {
    both!(|sim, merge| {
        let (_feeder, mut items) = merge.split();
        let hand = Hand::default();
        assert!(matches!(
            hand.next(&mut items),
            Poll::<Option<Fed<i32>>>::Pending
        ));
        sim.ctx.cancel();
        assert!(hand.woken() >= 1);
        assert_eq!(rest(&mut items).await, "stopped(cancelled)");
    });
}

#[test]
fn what_is_fed_between_the_end_of_the_context_and_stopped_does_not_run() {
    // Polled in place, it ran: one that never ended kept `Stopped` from coming.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.value(2);
        sim.ctx.cancel();
        assert_eq!(next(&mut items).await, "1");
        feeder.future(async { panic!("it ran") });
        feeder.future(std::future::pending());
        feeder.iter(std::iter::repeat_with(|| panic!("it was pulled")));
        let all = rest(&mut items).await;
        let ends = "failed(cancelled) failed(cancelled) end(cancelled)";
        assert_eq!(all, format!("2 {ends} stopped(cancelled)"));
    });
}

#[test]
fn what_would_wait_for_its_turn_when_everything_has_ended_does_not_keep_stopped_from_coming() {
    // What was over the limit then waited for a turn that could not come.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(0).split();
        feeder.value(1);
        feeder.value(2);
        sim.ctx.cancel();
        assert_eq!(next(&mut items).await, "1");
        feeder.future(async { 3 });
        assert_eq!(
            rest(&mut items).await,
            "2 failed(cancelled) stopped(cancelled)"
        );
    });
}

#[test]
fn what_a_task_has_done_is_given_also_if_the_end_comes_before_anybody_looked() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let [done, failed] = [1, 2].map(|n| {
            let give = async move { if n == 1 { Ok(n) } else { Err("broke") } };
            sim.ctx.try_spawn(give)
        });
        settle(&sim.ctx).await;
        feeder.task(done);
        feeder.task(failed);
        feeder.task(sim.ctx.spawn(std::future::pending()));
        items.breaker().set();
        assert_eq!(
            rest(&mut items).await,
            "1 failed(broke) failed(cancelled) stopped(cancelled)"
        );
    });
}

#[test]
fn asking_the_context_to_stop_ends_nothing() {
    both!(|sim, merge| {
        let scope = sim.ctx.child("scope");
        let (feeder, mut items) = merge.split();
        let ctx = scope.clone();
        feeder.future(async move {
            ctx.stopping().await;
            1
        });
        assert!(items.next().now_or_never().is_none());
        scope.stop();
        assert_eq!(next(&mut items).await, "1");
        assert!(items.next().now_or_never().is_none());
    });
}
