//! Items, labels, and how a stream comes to its end: FEED-01 to FEED-12.

use std::{fmt, sync::Arc, task::Poll};

use futures::{FutureExt, stream};
use windlass::{Error, Fed, Merge, testing::simulate};

use crate::kit::{Hand, Living, next, rest, rest_labelled, settle, word};

#[test]
fn feed_01_each_kind_of_item_says_what_it_is() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label("label").split();
        feeder.value(1);
        feeder.try_future(async { Err::<i32, _>("broke") });
        feeder.iter([]);
        feeder.finish_when_empty();

        let item = items.next().await.unwrap();
        assert_eq!(item.label(), Some(&"label"));
        assert_eq!(item.value(), Some(1));
        let item = items.next().await.unwrap();
        assert_eq!(item.label(), Some(&"label"));
        assert_eq!(item.result().unwrap().unwrap_err().to_string(), "broke");
        let item = items.next().await.unwrap();
        assert!(matches!(item, Fed::IterationStop { error: None, .. }));
        assert_eq!(item.label(), Some(&"label"));
        assert!(item.result().is_none());
        let item = items.next().await.unwrap();
        assert!(matches!(item, Fed::Stopped { error: None }));
        assert_eq!(item.label(), None);
        assert!(item.value().is_none());
    });
}

#[test]
fn feed_03_values_come_in_order_and_more_may_be_fed_meanwhile() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.value(2);
        feeder.finish_when_empty();
        assert_eq!(next(&mut items).await, "1");
        feeder.value(3);
        assert_eq!(rest(&mut items).await, "2 3 stopped");
    });
}

#[test]
fn feed_04_after_finishing_was_asked_for_sources_of_any_kind_may_be_fed_until_the_end() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.finish_when_empty();
        feeder.finish_when_empty();
        assert_eq!(next(&mut items).await, "1");
        feeder.iter([2, 3]);
        assert_eq!(next(&mut items).await, "2");
        feeder.future(async { 4 });
        let mut left = [
            next(&mut items).await,
            next(&mut items).await,
            next(&mut items).await,
        ];
        left.sort();
        assert_eq!(left, ["3", "4", "end"]);
        feeder.value(5);
        assert_eq!(rest(&mut items).await, "5 stopped");
    });
}

#[test]
fn feed_05_the_natural_end_is_stopped_without_an_error_and_the_stream_is_over() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.finish_when_empty();
        assert_eq!(rest(&mut items).await, "1 stopped");
        for _ in 0..3 {
            // iterating again waited for ever.
            assert!(items.next().now_or_never().unwrap().is_none());
        }
        feeder.value(2);
        assert!(items.next().now_or_never().unwrap().is_none());
        assert!(items.remaining().is_empty());
    });
}

#[test]
fn feed_06_without_being_asked_to_finish_it_waits_as_long_as_its_context_lives() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        assert_eq!(next(&mut items).await, "1");
        for _ in 0..3 {
            settle(&sim.ctx).await;
            assert!(items.next().now_or_never().is_none());
        }
        feeder.value(2);
        assert_eq!(next(&mut items).await, "2");
        assert!(items.next().now_or_never().is_none());
        sim.ctx.cancel();
        assert_eq!(rest(&mut items).await, "stopped(cancelled)");
    });
}

#[test]
fn feed_07_what_is_queued_when_the_context_ends_and_values_fed_then_come_before_stopped() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        for value in 1..=3 {
            feeder.value(value);
        }
        assert_eq!(next(&mut items).await, "1");
        assert_eq!(next(&mut items).await, "2");
        sim.ctx.cancel();
        feeder.value(4);
        // in the original, 3 and 4 came after `Stopped`.
        assert_eq!(rest(&mut items).await, "3 4 stopped(cancelled)");
    });
}

#[derive(Debug)]
struct Why(&'static str);

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Why {}

fn reason(fed: Option<Fed<i32>>) -> Error {
    match fed {
        Some(Fed::Stopped { error: Some(error) }) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn feed_08_stopped_carries_the_very_error_the_context_failed_with() {
    both!(|sim, merge| {
        let (_feeder, mut items) = merge.split();
        sim.ctx.fail(Why("no power"));
        let error = reason(items.next().await);
        let here: *const Why = error.downcast_ref().unwrap();
        assert_eq!(here, sim.ctx.error().unwrap().downcast_ref().unwrap() as _);
    });
    both!(|sim, merge| {
        let (_feeder, mut items) = merge.split();
        sim.ctx.cancel_with("shutdown");
        let text = reason(items.next().await).to_string();
        assert_eq!(text, "cancelled at sim by shutdown");
    });
}

#[test]
fn feed_09_stopped_comes_once_however_many_reasons_there_are() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.value(1);
        feeder.finish_when_empty();
        items.breaker().set();
        sim.ctx.cancel();
        drop(feeder);
        assert_eq!(rest(&mut items).await, "1 stopped(cancelled)");
        items.breaker().clear();
        assert!(items.next().await.is_none());
        items.breaker().set();
        assert!(items.next().await.is_none());
    });
}

#[test]
fn feed_10_the_breaker_ends_the_stream_after_what_is_queued() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        for value in 1..=3 {
            feeder.value(value);
        }
        assert_eq!(next(&mut items).await, "1");
        items.breaker().set();
        // a break gave no `Stopped`, the other ends did.
        assert_eq!(rest(&mut items).await, "2 3 stopped(cancelled)");
        assert!(!sim.ctx.is_done(), "FEED-54");
    });
}

/// It was seen by those only who waited when it was set.
#[test]
fn a_break_that_is_taken_back_counts_for_a_streamer_that_was_not_polled_or_is_busy() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.future(std::future::pending::<i32>());
        items.breaker().set();
        items.breaker().clear();
        assert_eq!(
            rest(&mut items).await,
            "failed(cancelled) stopped(cancelled)"
        );
    });
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        for i in 0..1000 {
            feeder.value(i);
        }
        feeder.iter(1000..);
        assert_eq!(next(&mut items).await, "0");
        items.breaker().set();
        items.breaker().clear();
        assert!(
            rest(&mut items)
                .await
                .ends_with("end(cancelled) stopped(cancelled)")
        );
    });
}

#[test]
fn the_breaker_wakes_a_consumer_that_waits_and_counts_if_it_is_cleared_before_it_is_seen() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let hand = Hand::default();
        let breaker = items.breaker().clone();
        assert!(hand.next(&mut items).is_pending());
        breaker.set();
        breaker.clear();
        assert_eq!(hand.woken(), 1);
        let Poll::Ready(last) = hand.next(&mut items) else {
            panic!("it was broken");
        };
        let error = reason(last);
        assert!(error.to_string().ends_with("by the breaker was set"));
        feeder.value(1);
    });
}

#[test]
fn a_break_before_the_first_item_ends_at_once() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        items.breaker().set();
        feeder.iter(0..);
        assert_eq!(rest(&mut items).await, "end(cancelled) stopped(cancelled)");
    });
}

#[test]
fn feed_11_remaining_drains_without_waiting() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        for value in 1..=3 {
            feeder.value(value);
        }
        feeder.future(std::future::pending());
        assert_eq!(next(&mut items).await, "1");
        let left: Vec<_> = items.remaining().iter().map(word).collect();
        assert_eq!(left, ["2", "3"]);
        assert!(items.remaining().is_empty());
        feeder.value(4);
        assert_eq!(next(&mut items).await, "4", "the stream goes on");
        items.breaker().set();
        assert_eq!(
            rest(&mut items).await,
            "failed(cancelled) stopped(cancelled)"
        );
        assert!(items.remaining().is_empty());
    });
}

#[test]
fn what_remaining_takes_holds_its_source_back_no_more() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.iter([1, 2, 3]);
        feeder.stream(stream::iter([10, 20, 30]));
        drop(feeder);
        let mut all = vec![next(&mut items).await];
        for _ in 0..3 {
            settle(&sim.ctx).await;
            all.extend(items.remaining().iter().map(word));
        }
        all.push(rest(&mut items).await);
        assert!(all.concat().ends_with("stopped"), "{all:?}");
        let text = all.join(" ");
        let mut all: Vec<_> = text.split(' ').collect();
        all.sort();
        let expected = ["1", "10", "2", "20", "3", "30", "end", "end", "stopped"];
        assert_eq!(all, expected);
    });
}

#[test]
fn feed_12_each_item_has_the_label_of_its_source_or_the_default() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label(String::from("none")).split();
        let loud = feeder.label("loud".into());
        loud.iter([1, 2]);
        feeder.value(3);
        loud.try_future(async { Err("broke") });
        feeder.label("other".into()).value(4);
        loud.clone().value(5);
        drop((feeder, loud));
        let all = rest_labelled(&mut items).await;
        assert_eq!(
            all,
            "none:3 other:4 loud:5 loud:1 loud:failed(broke) loud:2 loud:end stopped"
        );
    });
}

#[test]
fn q_82_no_label_is_told_from_a_label_that_is_none() {
    // `context=None` could not be told from no context.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.label(Some("default")).split();
        feeder.label(None).value(1);
        feeder.value(2);
        assert_eq!(items.next().await.unwrap().label(), Some(&None));
        assert_eq!(items.next().await.unwrap().label(), Some(&Some("default")));
    });
}

#[test]
fn a_label_goes_with_its_feeder_and_what_that_has_fed_while_the_merge_goes_on() {
    both!(|sim, merge| {
        let living = Living::default();
        let (feeder, mut items) = merge.label(None).split();
        drop(feeder.label(Some(Arc::new(living.one()))));
        assert_eq!(living.count(), 0, "nothing was fed");
        feeder.label(Some(Arc::new(living.one()))).iter([1]);
        assert_eq!(living.count(), 1);
        for _ in 0..2 {
            drop(items.next().await.unwrap());
        }
        assert_eq!(living.count(), 0);
        feeder.value(2);
        assert_eq!(next(&mut items).await, "2");
    });
}

#[test]
fn labels_are_dropped_with_what_they_label() {
    both!(|sim, merge| {
        let living = Living::default();
        let label = Arc::new(living.one());
        let (feeder, mut items) = merge.label(None).split();
        let labelled = feeder.label(Some(label));
        labelled.iter(0..3);
        labelled.value(9);
        drop(labelled);
        assert_eq!(living.count(), 1);
        feeder.finish_when_empty();
        while items.next().await.is_some() {}
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn q_70_finishing_without_a_source_ends_at_once() {
    // The end was checked only after a yielded value: the stream waited for ever.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.finish_when_empty();
        let only: Fed<i32> = items.next().now_or_never().unwrap().unwrap();
        assert_eq!(word(&only), "stopped");
    });
}

#[test]
fn q_70_finishing_or_dropping_the_last_feeder_wakes_a_consumer_that_waits() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let hand = Hand::default();
        feeder.value(1);
        assert!(hand.next(&mut items).is_ready());
        assert!(hand.next(&mut items).is_pending());
        feeder.finish_when_empty();
        assert_eq!(hand.woken(), 1);
        assert_eq!(rest(&mut items).await, "stopped");
    });
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let other = feeder.clone();
        let hand = Hand::default();
        feeder.value(1);
        assert!(hand.next(&mut items).is_ready());
        assert!(hand.next(&mut items).is_pending());
        drop(feeder);
        assert!(hand.next(&mut items).is_pending(), "there is another one");
        drop(other);
        assert!(hand.woken() >= 1);
        assert_eq!(rest(&mut items).await, "stopped");
    });
}

#[test]
fn the_reader_may_be_another_task_than_the_feeder() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        feeder.value(1);
        let reader = sim.ctx.spawn(async move { rest(&mut items).await });
        let ctx = sim.ctx.clone();
        let feeding = sim.ctx.spawn(async move {
            settle(&ctx).await;
            feeder.value(2);
            settle(&ctx).await;
            feeder.finish_when_empty();
        });
        assert_eq!(reader.await.unwrap(), "1 2 stopped");
        feeding.await.unwrap();
    });
}
