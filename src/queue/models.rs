//! Models of the queue: appending, waiting, breaking, and a backlog on its way to the front.

use std::{pin::Pin, task::Poll};

use futures::Stream;

use super::{Queue, QueueStream};
use crate::{
    Ctx,
    models::{Wakes, check, spawn as start},
    sync::Arc,
};

fn queue() -> (Ctx<()>, Arc<Queue<u32>>) {
    let ctx = Ctx::root_on("root", ());
    let queue = Arc::new(Queue::new(&ctx, "queue"));
    (ctx, queue)
}

fn poll(wakes: &Arc<Wakes>, stream: &mut QueueStream<'_, u32>) -> Poll<Option<u32>> {
    wakes.poll(|cx| Pin::new(stream).poll_next(cx))
}

/// An item comes while a consumer begins to wait: it is given, or the consumer is woken for it.
#[test]
fn append_while_a_consumer_begins_to_wait() {
    check(&["wait_without_looking", "append_without_waking"], || {
        let (_ctx, queue) = queue();
        let appends = Arc::clone(&queue);
        let producer = start(move || appends.append(1));
        let (wakes, mut stream) = (Wakes::new(), queue.stream());
        let given = poll(&wakes, &mut stream);
        producer.join().unwrap();
        if given.is_pending() {
            assert_eq!(wakes.count(), 1, "woken for the item");
            assert_eq!(poll(&wakes, &mut stream), Poll::Ready(Some(1)));
        }
    });
}

/// The context ends, or the breaker is set, while a consumer begins to wait.
#[test]
fn the_bell_rings_while_a_consumer_begins_to_wait() {
    check(&["listen_after_looking"], || {
        let (ctx, queue) = queue();
        let ender = start(move || assert!(ctx.cancel()));
        let (wakes, mut stream) = (Wakes::new(), queue.stream());
        let given = poll(&wakes, &mut stream);
        ender.join().unwrap();
        if given.is_pending() {
            assert!(wakes.count() > 0, "woken for the end");
        }
        assert_eq!(poll(&wakes, &mut stream), Poll::Ready(None));
    });
}

#[test]
fn break_while_a_consumer_begins_to_wait() {
    check(&["listen_after_looking"], || {
        let (_ctx, queue) = queue();
        queue.breaker(); // made before: that it is made once is the cell's business
        let breaks = Arc::clone(&queue);
        let breaker = start(move || breaks.breaker().set());
        let (wakes, mut stream) = (Wakes::new(), queue.stream());
        let given = poll(&wakes, &mut stream);
        breaker.join().unwrap();
        if given.is_pending() {
            assert!(wakes.count() > 0, "woken for the break");
        }
        assert_eq!(poll(&wakes, &mut stream), Poll::Ready(None));
        assert!(!queue.breaker().is_set(), "it is used up");
    });
}

/// One consumer uses the break up while another one begins to wait: it ends that one, too.
#[test]
fn one_consumer_notices_a_break_while_another_waits() {
    check(&["count_a_break_without_ringing"], || {
        let (_ctx, queue) = queue();
        queue.append(1);
        let (wakes, mut stream) = (Wakes::new(), queue.stream());
        assert_eq!(poll(&wakes, &mut stream), Poll::Ready(Some(1)));
        queue.breaker().set();
        let other = Arc::clone(&queue);
        let notices = start(move || {
            let mut stream = other.stream();
            let _ = poll(&Wakes::new(), &mut stream);
        });
        let given = poll(&wakes, &mut stream);
        notices.join().unwrap();
        if given.is_pending() {
            assert!(wakes.count() > 0, "woken for the break");
        }
        assert_eq!(poll(&wakes, &mut stream), Poll::Ready(None));
    });
}

/// A consumer goes while an item comes for it: another one that waits is woken, or the item was
/// never meant for the first.
#[test]
fn a_consumer_goes_while_an_item_comes() {
    check(&["leave_without_waking_the_next"], || {
        let (_ctx, queue) = queue();
        let (first, second) = (Wakes::new(), Wakes::new());
        let (mut goes, mut stays) = (queue.stream(), queue.stream());
        assert!(poll(&first, &mut goes).is_pending());
        assert!(poll(&second, &mut stays).is_pending());
        let appends = Arc::clone(&queue);
        let producer = start(move || appends.append(1));
        drop(goes);
        producer.join().unwrap();
        assert_eq!(second.count(), 1, "the item is there, and this one waits");
        assert_eq!(poll(&second, &mut stays), Poll::Ready(Some(1)));
    });
}

/// One consumer moves the backlog to the front while an item is put first and another one takes.
#[test]
fn a_backlog_moves_while_others_put_first_and_take() {
    check(&["forget_what_was_put_first", "take_past_a_hand"], || {
        let (_ctx, queue) = queue();
        (1..=6).for_each(|item| queue.append(item));
        let other = Arc::clone(&queue);
        let taker = start(move || {
            let (wakes, mut stream) = (Wakes::new(), other.stream());
            other.append(7);
            other.append_first(0);
            let mut taken = Vec::new();
            while let Poll::Ready(Some(item)) = poll(&wakes, &mut stream) {
                taken.push(item);
                if taken.len() == 3 {
                    break;
                }
            }
            taken
        });
        let (wakes, mut stream) = (Wakes::new(), queue.stream());
        let mut mine = Vec::new();
        if let Poll::Ready(Some(item)) = poll(&wakes, &mut stream) {
            mine.push(item);
        }
        drop(stream);
        let its = taker.join().unwrap();
        let rest = queue.remaining();
        let appended = |items: &[u32]| Vec::from_iter(items.iter().copied().filter(|n| *n > 0));
        for part in [&mine, &its, &rest] {
            assert!(
                appended(part).is_sorted(),
                "in order: {mine:?} {its:?} {rest:?}"
            );
        }
        let mut all = [mine, its, rest].concat();
        all.sort_unstable();
        assert_eq!(all, [0, 1, 2, 3, 4, 5, 6, 7]);
    });
}

/// A consumer takes the short way while another one moves the backlog to the front: it does not take
/// what came after that backlog.
#[test]
fn the_short_way_while_a_backlog_moves() {
    check(&["take_past_the_front"], || {
        let (_ctx, queue) = queue();
        (1..=6).for_each(|item| queue.append(item));
        let other = Arc::clone(&queue);
        let taker = start(move || {
            let (wakes, mut stream) = (Wakes::new(), other.stream());
            let first = poll(&wakes, &mut stream);
            other.append(7);
            [first, poll(&wakes, &mut stream)]
        });
        let (wakes, mut stream) = (Wakes::new(), queue.stream());
        let _ = poll(&wakes, &mut stream);
        for taken in taker.join().unwrap() {
            assert_ne!(taken, Poll::Ready(Some(7)), "no three were taken before");
        }
    });
}

/// Two senders wait for room for one; one goes, and room is made.
#[test]
fn a_sender_goes_while_room_is_made() {
    check(&["keep_what_was_set_aside"], || {
        let ctx = Ctx::root_on("root", ());
        let queue = Arc::new(Queue::bounded(&ctx, "queue", 1));
        queue.append(1);
        let (first, second) = (Wakes::new(), Wakes::new());
        let mut goes = Box::pin(queue.reserve());
        let mut stays = Box::pin(queue.reserve());
        assert!(first.poll(|cx| goes.as_mut().poll(cx)).is_pending());
        assert!(second.poll(|cx| stays.as_mut().poll(cx)).is_pending());
        let takes = Arc::clone(&queue);
        let consumer = start(move || assert_eq!(takes.remaining(), [1]));
        drop(goes);
        consumer.join().unwrap();
        assert_eq!(second.count(), 1, "there is room, and this one waits");
        assert!(second.poll(|cx| stays.as_mut().poll(cx)).is_ready());
    });
}
