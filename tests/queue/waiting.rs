//! Who waits, who is woken.

use std::{pin::pin, task::Poll};

use futures::FutureExt;
use windlass::{Queue, testing::simulate};

use crate::{Hand, queue_of, root};

#[test]
fn queue_01_a_waiting_stream_is_woken_by_one_item() {
    let (_ctx, queue) = queue_of([]);
    let (hand, mut stream) = (Hand::default(), queue.stream());
    assert_eq!(hand.next(&mut stream), Poll::Pending);
    assert_eq!(hand.woken(), 0);
    queue.append(1);
    queue.append(2);
    assert_eq!(hand.woken(), 1, "the second item finds nobody who waits");
    assert_eq!(hand.next(&mut stream), Poll::Ready(Some(1)));
    assert_eq!(hand.next(&mut stream), Poll::Ready(Some(2)));
    assert_eq!(hand.next(&mut stream), Poll::Pending);
}

#[test]
fn queue_07_the_end_of_the_context_wakes_everybody_who_waits() {
    let (ctx, queue) = queue_of::<i32>([]);
    let hands = [Hand::default(), Hand::default()];
    let mut streams = [queue.stream(), queue.stream()];
    for (hand, stream) in hands.iter().zip(&mut streams) {
        assert_eq!(hand.next(stream), Poll::Pending);
    }
    ctx.cancel();
    for (hand, stream) in hands.iter().zip(&mut streams) {
        assert_eq!(hand.woken(), 1);
        assert_eq!(hand.next(stream), Poll::Ready(None));
    }
}

/// One that was not woken, and is polled all the same, may take the item of another. It must not be
/// left in the row then: it would be woken for the next item in place of one that waits.
#[test]
fn a_stream_that_takes_out_of_turn_waits_no_longer() {
    let (_ctx, queue) = queue_of([]);
    let hands = [Hand::default(), Hand::default()];
    let [mut first, mut second] = [queue.stream(), queue.stream()];
    assert_eq!(hands[0].next(&mut first), Poll::Pending);
    assert_eq!(hands[1].next(&mut second), Poll::Pending);
    queue.append(1); // wakes the first
    assert_eq!(hands[1].next(&mut second), Poll::Ready(Some(1)));
    assert_eq!(hands[0].next(&mut first), Poll::Pending);
    queue.append(2);
    assert_eq!(hands.map(|hand| hand.woken()), [2, 0]);
}

#[test]
fn a_stream_that_takes_out_of_turn_from_a_backlog_waits_no_longer() {
    let (_ctx, queue) = queue_of([]);
    let hands: [Hand; 8] = Default::default();
    let mut streams = [(); 8].map(|()| queue.stream());
    for (hand, stream) in hands.iter().zip(&mut streams) {
        assert_eq!(hand.next(stream), Poll::Pending);
    }
    (1..=6).for_each(|item| queue.append(item)); // wakes as many
    assert_eq!(hands[0].next(&mut streams[0]), Poll::Ready(Some(1)));
    assert_eq!(hands[6].woken(), 1, "for the backlog that was found");
    assert_eq!(hands[7].woken(), 0);
    assert_eq!(hands[7].next(&mut streams[7]), Poll::Ready(Some(2)));
    assert_eq!(queue.remaining(), [3, 4, 5, 6]);
    assert_eq!(hands[6].next(&mut streams[6]), Poll::Pending);
    queue.append(7);
    assert_eq!((hands[6].woken(), hands[7].woken()), (2, 0));
}

#[test]
fn closing_and_breaking_wake_everybody_who_waits() {
    for end in [
        |queue: &Queue<i32>| assert!(queue.close()),
        |queue: &Queue<i32>| queue.breaker().set(),
    ] {
        let (_ctx, queue) = queue_of([]);
        let hands = [Hand::default(), Hand::default()];
        let mut streams = [queue.stream(), queue.stream()];
        for (hand, stream) in hands.iter().zip(&mut streams) {
            assert_eq!(hand.next(stream), Poll::Pending);
        }
        end(&queue);
        for (hand, stream) in hands.iter().zip(&mut streams) {
            assert!(hand.woken() >= 1);
            assert_eq!(hand.next(stream), Poll::Ready(None));
        }
    }
}

#[test]
fn a_stream_hears_of_the_second_end_after_an_item_and_of_later_breaks() {
    let (_ctx, queue) = queue_of([]);
    let hand = Hand::default();
    let mut first = queue.stream();
    assert_eq!(hand.next(&mut first), Poll::Pending);
    queue.breaker().set();
    assert_eq!(hand.next(&mut first), Poll::Ready(None));
    let mut second = queue.stream();
    for item in 0..3 {
        assert_eq!(hand.next(&mut second), Poll::Pending);
        queue.append(item);
        assert_eq!(hand.next(&mut second), Poll::Ready(Some(item)));
    }
    assert_eq!(hand.next(&mut second), Poll::Pending);
    let before = hand.woken();
    queue.breaker().set();
    assert!(hand.woken() > before);
    assert_eq!(hand.next(&mut second), Poll::Ready(None));
}

/// woken with nothing there, the original spins.
#[test]
fn q_64_a_consumer_that_was_woken_for_nothing_waits_again() {
    let (_ctx, queue) = queue_of([]);
    let (hand, mut stream) = (Hand::default(), queue.stream());
    assert_eq!(hand.next(&mut stream), Poll::Pending);
    queue.append(1);
    assert_eq!(queue.remaining(), [1]);
    assert_eq!(hand.next(&mut stream), Poll::Pending);
    assert_eq!(hand.woken(), 1, "it has not woken itself");
    queue.append(2);
    assert_eq!(hand.woken(), 2);
    assert_eq!(hand.next(&mut stream), Poll::Ready(Some(2)));
}

#[test]
fn consumers_are_woken_in_the_order_in_which_they_began_to_wait() {
    let (_ctx, queue) = queue_of([]);
    let hands = [Hand::default(), Hand::default(), Hand::default()];
    let mut streams = [queue.stream(), queue.stream(), queue.stream()];
    for (hand, stream) in hands.iter().zip(&mut streams) {
        assert_eq!(hand.next(stream), Poll::Pending);
    }
    queue.append(1);
    assert_eq!(hands.each_ref().map(Hand::woken), [1, 0, 0]);
    queue.append(2);
    assert_eq!(hands.each_ref().map(Hand::woken), [1, 1, 0]);
    assert_eq!(hands[0].next(&mut streams[0]), Poll::Ready(Some(1)));
    assert_eq!(
        hands[0].next(&mut streams[0]),
        Poll::Ready(Some(2)),
        "it was asked for first"
    );
    assert_eq!(hands[1].next(&mut streams[1]), Poll::Pending);
    queue.append(3);
    assert_eq!(hands.each_ref().map(Hand::woken), [1, 1, 1]);
}

#[test]
fn a_consumer_that_was_woken_and_goes_wakes_the_next() {
    let (_ctx, queue) = queue_of([]);
    let (first, second) = (Hand::default(), Hand::default());
    let (mut goes, mut stays) = (queue.stream(), queue.stream());
    assert_eq!(first.next(&mut goes), Poll::Pending);
    assert_eq!(second.next(&mut stays), Poll::Pending);
    queue.append(1);
    assert_eq!((first.woken(), second.woken()), (1, 0));
    drop(goes);
    assert_eq!(second.woken(), 1);
    assert_eq!(second.next(&mut stays), Poll::Ready(Some(1)));
}

#[test]
fn a_dropped_next_loses_no_item_and_wakes_the_next_consumer() {
    let (_ctx, queue) = queue_of([]);
    let (first, second) = (Hand::default(), Hand::default());
    let (mut a, mut b) = (queue.stream(), queue.stream());
    {
        let mut next = pin!(a.next());
        assert_eq!(first.poll(next.as_mut()), Poll::Pending);
        assert_eq!(second.next(&mut b), Poll::Pending);
        queue.append(1);
        assert_eq!((first.woken(), second.woken()), (1, 0));
    } // dropped here
    assert_eq!(second.woken(), 1);
    assert_eq!(second.next(&mut b), Poll::Ready(Some(1)));
    assert_eq!(a.next().now_or_never(), None);
}

#[test]
fn queue_16_a_stream_that_never_has_to_wait_gives_others_a_turn() {
    let (_ctx, queue) = queue_of(0..1000);
    let (hand, mut stream) = (Hand::default(), queue.stream());
    let turns = (0..).map_while(|_| match hand.next(&mut stream) {
        Poll::Ready(Some(_)) => Some(0),
        Poll::Ready(None) => None,
        Poll::Pending if queue.is_empty() => None,
        Poll::Pending => Some(1),
    });
    assert_eq!(turns.sum::<usize>(), 1000 / 128);
    assert_eq!(hand.woken(), 1000 / 128);
}

#[test]
fn calls_without_end_leave_others_a_turn_too() {
    let (_ctx, queue) = queue_of::<i32>([]);
    (0..1000).for_each(|_| queue.append_call(|| {}));
    let (hand, mut stream) = (Hand::default(), queue.stream());
    assert_eq!(hand.next(&mut stream), Poll::Pending);
    assert_eq!(hand.woken(), 1);
    assert_eq!(queue.len(), 1000 - 128);
}

#[test]
fn queue_09_items_come_as_they_arrive() {
    simulate(async |sim| {
        let queue = std::sync::Arc::new(Queue::new(&sim.ctx, "queue"));
        let (feeds, ctx) = (queue.clone(), sim.ctx.clone());
        let feeder = sim.ctx.try_spawn(async move {
            for item in 0..3 {
                ctx.sleep(std::time::Duration::from_secs(1)).await?;
                feeds.append(item);
            }
            feeds.close();
            windlass::ok(())
        });
        let (start, mut seen) = (sim.ctx.now(), Vec::new());
        let mut stream = queue.stream();
        while let Some(item) = stream.next().await {
            seen.push((item, (sim.ctx.now() - start).as_secs()));
        }
        assert_eq!(seen, [(0, 1), (1, 2), (2, 3)]);
        feeder.await.unwrap();
    });
}

#[test]
fn a_queue_on_a_context_that_is_done_does_not_wait() {
    let ctx = root();
    ctx.cancel();
    let queue = Queue::<i32>::new(&ctx, "queue");
    assert_eq!(Hand::default().next(&mut queue.stream()), Poll::Ready(None));
}

/// What a greedy stream puts back was known to nobody but one of those who wait: the others waited
/// on, beside items, if that one took a single item and went.
#[test]
fn what_is_put_back_is_told_to_all_who_wait_if_there_is_enough_for_them() {
    let (_ctx, queue) = queue_of([1, 2, 3]);
    let mut greedy = queue.stream().greedy();
    assert_eq!(Hand::default().next(&mut greedy), Poll::Ready(Some(1)));
    let hands: [Hand; 3] = Default::default();
    let mut streams = [(); 3].map(|()| queue.stream());
    for (hand, stream) in hands.iter().zip(&mut streams) {
        assert_eq!(hand.next(stream), Poll::Pending);
    }
    drop(greedy);
    let [first, second, _third] = &mut streams;
    assert_eq!(hands[0].next(first), Poll::Ready(Some(2)));
    assert_eq!(hands.each_ref().map(Hand::woken), [1, 1, 0]);
    assert_eq!(hands[1].next(second), Poll::Ready(Some(3)));
    assert_eq!(hands[2].woken(), 0, "nothing is left for it");
}
