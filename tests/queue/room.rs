//! Bounded queues: room, permits, policies, the sink.

use std::{pin::pin, task::Poll};

use futures::{FutureExt, SinkExt, executor::block_on};
use windlass::{Closed, Overflow, Queue};

use crate::{Hand, drain, root};

fn bounded(n: usize) -> (windlass::Ctx<()>, Queue<i32>) {
    let ctx = root();
    let queue = Queue::bounded(&ctx, "queue", n);
    (ctx, queue)
}

/// the originals have no back-pressure.
#[test]
fn q_68_send_waits_for_room_and_gets_it_in_order() {
    let (_ctx, queue) = bounded(1);
    block_on(queue.send(1)).unwrap();
    let (first, second) = (Hand::default(), Hand::default());
    let (mut two, mut three) = (pin!(queue.send(2)), pin!(queue.send(3)));
    assert!(first.poll(two.as_mut()).is_pending());
    assert!(second.poll(three.as_mut()).is_pending());
    let mut stream = queue.stream();
    assert_eq!(block_on(stream.next()), Some(1));
    assert_eq!((first.woken(), second.woken()), (1, 0));
    assert_eq!(queue.try_append(9), Err(Closed(9)), "the room is set aside");
    assert!(queue.try_reserve().is_none());
    assert!(first.poll(two.as_mut()).is_ready());
    assert_eq!(block_on(stream.next()), Some(2));
    assert_eq!(second.woken(), 1);
    assert!(second.poll(three.as_mut()).is_ready());
    assert_eq!(block_on(stream.next()), Some(3));
}

#[test]
fn capacity_zero_counts_as_one() {
    let (_ctx, queue) = bounded(0);
    assert_eq!(queue.bound(), Some(1));
    assert!(block_on(queue.send(1)).is_ok());
    assert!(queue.send(2).now_or_never().is_none());
}

#[test]
fn a_dropped_send_leaves_its_place_and_the_room_that_was_set_aside_for_it() {
    let (_ctx, queue) = bounded(1);
    queue.append(1);
    let (first, second) = (Hand::default(), Hand::default());
    let mut three = pin!(queue.send(3));
    {
        let mut two = pin!(queue.send(2));
        assert!(first.poll(two.as_mut()).is_pending());
        assert!(second.poll(three.as_mut()).is_pending());
        assert_eq!(queue.remaining(), [1]);
        assert_eq!((first.woken(), second.woken()), (1, 0));
    } // dropped, with room set aside for it
    assert_eq!(second.woken(), 1);
    assert!(second.poll(three.as_mut()).is_ready());
    assert_eq!(queue.remaining(), [3]);
}

#[test]
fn a_dropped_send_that_still_waited_leaves_no_trace() {
    let (_ctx, queue) = bounded(1);
    queue.append(1);
    assert!(queue.send(2).now_or_never().is_none());
    assert_eq!(queue.remaining(), [1]);
    assert!(queue.try_append(3).is_ok());
}

#[test]
fn a_permit_keeps_room_until_it_is_used_or_dropped() {
    let (_ctx, queue) = bounded(2);
    let permit = block_on(queue.reserve()).unwrap();
    let other = queue.try_reserve().expect("there is room for two");
    assert!(queue.try_reserve().is_none());
    assert_eq!(queue.try_append(9), Err(Closed(9)));
    permit.send(1).unwrap();
    assert_eq!(queue.len(), 1);
    let hand = Hand::default();
    let mut waits = pin!(queue.reserve());
    assert!(hand.poll(waits.as_mut()).is_pending());
    drop(other);
    assert_eq!(hand.woken(), 1);
    assert!(hand.poll(waits.as_mut()).is_ready());
}

#[test]
fn a_permit_on_a_queue_that_has_ended_hands_the_item_back() {
    let (ctx, queue) = bounded(2);
    let (closed, ended) = (queue.try_reserve().unwrap(), queue.try_reserve().unwrap());
    queue.close();
    assert_eq!(closed.send(1), Err(Closed(1)));
    ctx.cancel();
    assert_eq!(ended.send(2), Err(Closed(2)));
}

#[test]
fn those_who_wait_for_room_get_their_items_back_at_the_end() {
    for end in [
        |_: &windlass::Ctx<()>, queue: &Queue<i32>| queue.close(),
        |ctx: &windlass::Ctx<()>, _: &Queue<i32>| ctx.cancel(),
    ] {
        let (ctx, queue) = bounded(1);
        queue.append(1);
        let (first, second) = (Hand::default(), Hand::default());
        let (mut two, mut three) = (pin!(queue.send(2)), pin!(queue.send(3)));
        assert!(first.poll(two.as_mut()).is_pending());
        assert!(second.poll(three.as_mut()).is_pending());
        assert!(end(&ctx, &queue));
        assert_eq!((first.woken(), second.woken()), (1, 1));
        assert_eq!(first.poll(two.as_mut()), Poll::Ready(Err(Closed(2))));
        assert_eq!(second.poll(three.as_mut()), Poll::Ready(Err(Closed(3))));
    }
}

#[test]
fn with_the_policy_to_wait_append_goes_beyond_the_bound() {
    let (_ctx, queue) = bounded(1);
    (0..3).for_each(|item| queue.append(item));
    assert_eq!(queue.len(), 3);
    assert_eq!(queue.dropped(), 0);
    assert_eq!(queue.try_append(9), Err(Closed(9)));
}

#[test]
fn dropping_the_oldest_makes_room_for_the_newest() {
    let ctx = root();
    let queue = Queue::bounded(&ctx, "queue", 2).overflow(Overflow::DropOldest);
    queue.append(0);
    queue.append_call(|| {});
    (1..4).for_each(|item| queue.append(item));
    queue.try_append(4).unwrap();
    block_on(queue.send(5)).unwrap();
    assert_eq!(
        queue.dropped(),
        5,
        "the call was never dropped, and took one place"
    );
    assert_eq!(queue.remaining(), [5]);
}

#[test]
fn dropping_the_newest_keeps_what_is_there() {
    let ctx = root();
    let queue = Queue::bounded(&ctx, "queue", 2).overflow(Overflow::DropNewest);
    (0..4).for_each(|item| queue.append(item));
    assert_eq!(queue.try_append(4), Err(Closed(4)));
    assert_eq!(queue.dropped(), 3);
    assert_eq!(drain(&mut queue.stream()).0, [0, 1]);
}

#[test]
fn the_sink_waits_for_room_and_leaves_the_queue_open() {
    let (_ctx, queue) = bounded(1);
    let mut sink = queue.sink();
    block_on(sink.send(1)).unwrap();
    assert!(sink.send(2).now_or_never().is_none());
    assert_eq!(queue.remaining(), [1]);
    block_on(sink.send(3)).unwrap();
    block_on(sink.close()).unwrap();
    assert!(!queue.is_closed());
    assert_eq!(queue.remaining(), [3]);
    queue.close();
    assert!(block_on(queue.sink().send(4)).unwrap_err().is_failed());
}

#[test]
fn a_queue_without_a_bound_has_room_for_all() {
    let ctx = root();
    let queue = Queue::new(&ctx, "queue");
    for item in 0..100 {
        block_on(queue.send(item)).unwrap();
    }
    queue.try_reserve().unwrap().send(100).unwrap();
    assert_eq!(queue.len(), 101);
}
