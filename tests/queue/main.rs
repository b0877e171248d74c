//! Queues: the numbered behaviours, the bugs that the originals have, and bad input.

mod ends;
mod hooks;
mod order;
mod room;
mod threads;
mod waiting;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::Stream;
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

/// A task that is polled by hand, and counts how often it was woken.
#[derive(Clone, Default)]
pub(crate) struct Hand(Arc<Wakes>);

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

impl Hand {
    pub(crate) fn woken(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    pub(crate) fn poll<F: Future>(&self, future: Pin<&mut F>) -> Poll<F::Output> {
        let waker = Waker::from(self.0.clone());
        future.poll(&mut Context::from_waker(&waker))
    }

    pub(crate) fn next<T>(&self, stream: &mut QueueStream<'_, T>) -> Poll<Option<T>> {
        let waker = Waker::from(self.0.clone());
        Pin::new(stream).poll_next(&mut Context::from_waker(&waker))
    }
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
