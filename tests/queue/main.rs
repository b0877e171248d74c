//! Queues: the numbered behaviours, the bugs that the originals have, and bad input.

mod ends;
#[path = "../kit/hand.rs"]
mod hand;
mod hooks;
mod order;
mod room;
mod threads;
mod waiting;
mod wakes;

use std::task::Poll;

pub(crate) use hand::Hand;
use windlass::{Ctx, Queue, QueueStream};

pub(crate) fn root() -> Ctx<()> {
    Ctx::root_on("root", ())
}

pub(crate) fn queue_of<T>(items: impl IntoIterator<Item = T>) -> (Ctx<()>, Queue<T>) {
    let ctx = root();
    let queue = Queue::new(&ctx, "queue");
    items.into_iter().for_each(|item| queue.append(item));
    (ctx, queue)
}

/// All that a stream gives until it ends or has to wait, and whether it has ended.
pub(crate) fn drain<T>(stream: &mut QueueStream<'_, T>) -> (Vec<T>, bool) {
    let hand = Hand::default();
    let mut given = Vec::new();
    loop {
        let before = hand.woken();
        match hand.next(stream) {
            Poll::Ready(Some(item)) => given.push(item),
            Poll::Ready(None) => return (given, true),
            Poll::Pending if hand.woken() == before => return (given, false),
            Poll::Pending => {} // it only gave others a turn
        }
    }
}
