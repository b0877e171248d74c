//! Several threads: every item is accounted for.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use futures::executor::block_on;
use windlass::{Ctx, Queue, QueueStream, SyncQueue};

fn root() -> Ctx<()> {
    Ctx::root_on("root", ())
}

fn assert_bounds<T: Send + Sync>() {}

#[test]
fn queues_of_what_can_be_sent_can_be_shared() {
    assert_bounds::<Queue<std::cell::Cell<u8>>>();
    assert_bounds::<SyncQueue<std::cell::Cell<u8>>>();
    fn is_send<T: Send>() {}
    is_send::<QueueStream<'_, std::cell::Cell<u8>>>();
    fn is_unpin<T: Unpin>() {}
    is_unpin::<QueueStream<'_, std::marker::PhantomPinned>>();
}

/// What each consumer got, each part in the order in which it came.
fn account(parts: &[Vec<(u64, u64)>], producers: u64, each: u64) {
    for part in parts {
        for producer in 0..producers {
            let own = part.iter().filter(|(from, _)| *from == producer);
            assert!(
                own.is_sorted(),
                "a consumer sees the items of a producer in order"
            );
        }
    }
    let mut all: Vec<_> = parts.iter().flatten().copied().collect();
    all.sort_unstable();
    let expected: Vec<_> = (0..producers)
        .flat_map(|p| (0..each).map(move |n| (p, n)))
        .collect();
    assert_eq!(all.len(), expected.len());
    assert!(all == expected, "none is lost, none comes twice");
}

const PRODUCERS: u64 = 4;
const EACH: u64 = 5_000;

/// Producers, consumers that are broken off and begin again, and one who takes what remains.
fn stress(queue: &Queue<(u64, u64)>, greedy: bool) {
    let is_closed = AtomicBool::new(false);
    let parts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let producers: Vec<_> = (0..PRODUCERS)
            .map(|producer| {
                scope.spawn(move || {
                    for n in 0..EACH {
                        match n % 8 {
                            0 => queue.try_append((producer, n)).expect("it is open"),
                            1 => block_on(queue.send((producer, n))).expect("it is open"),
                            _ => queue.append((producer, n)),
                        }
                        if n % 512 == 0 {
                            thread::yield_now();
                        }
                    }
                })
            })
            .collect();
        for _ in 0..3 {
            scope.spawn(|| {
                let mut part = Vec::new();
                block_on(async {
                    while !is_closed.load(Ordering::SeqCst) || !queue.is_empty() {
                        let mut stream = queue.stream();
                        if greedy {
                            stream = stream.greedy();
                        }
                        while let Some(item) = stream.next().await {
                            part.push(item);
                        }
                    }
                });
                parts.lock().unwrap().push(part);
            });
        }
        scope.spawn(|| {
            while !is_closed.load(Ordering::SeqCst) {
                queue.breaker().set();
                thread::yield_now();
            }
        });
        producers
            .into_iter()
            .for_each(|producer| producer.join().unwrap());
        is_closed.store(true, Ordering::SeqCst);
        queue.close();
    });
    let mut parts = parts.into_inner().unwrap();
    parts.push(queue.remaining());
    account(&parts, PRODUCERS, EACH);
}

#[test]
fn no_item_is_lost_or_doubled_between_producers_consumers_and_breaks() {
    stress(&Queue::new(&root(), "queue"), false);
}

#[test]
fn nor_with_a_bound() {
    let queue = Queue::bounded(&root(), "queue", 16);
    thread::scope(|scope| stress_bounded(&queue, scope));
}

fn stress_bounded<'s>(queue: &'s Queue<(u64, u64)>, scope: &'s thread::Scope<'s, '_>) {
    let producers: Vec<_> = (0..PRODUCERS)
        .map(|producer| {
            scope.spawn(move || {
                for n in 0..EACH {
                    block_on(queue.send((producer, n))).expect("it is open");
                }
            })
        })
        .collect();
    let consumers: Vec<_> = (0..3)
        .map(|_| {
            scope.spawn(move || {
                let mut part = Vec::new();
                block_on(async {
                    let mut stream = queue.stream();
                    while let Some(item) = stream.next().await {
                        assert!(queue.len() <= 16);
                        part.push(item);
                    }
                });
                part
            })
        })
        .collect();
    producers
        .into_iter()
        .for_each(|producer| producer.join().unwrap());
    queue.close();
    let parts: Vec<_> = consumers
        .into_iter()
        .map(|consumer| consumer.join().unwrap())
        .collect();
    account(&parts, PRODUCERS, EACH);
}

#[test]
fn the_end_of_the_context_in_the_middle_loses_nothing() {
    for _ in 0..50 {
        let ctx = root();
        let queue = Arc::new(Queue::new(&ctx, "queue"));
        let mut parts = thread::scope(|scope| {
            let consumers: Vec<_> = (0..2)
                .map(|_| {
                    let queue = Arc::clone(&queue);
                    scope.spawn(move || {
                        let mut part = Vec::new();
                        block_on(async {
                            let mut stream = queue.stream();
                            while let Some(item) = stream.next().await {
                                part.push(item);
                            }
                        });
                        part
                    })
                })
                .collect();
            for n in 0..1000 {
                queue.append((0, n));
                if n == 500 {
                    ctx.cancel();
                }
            }
            consumers
                .into_iter()
                .map(|consumer| consumer.join().unwrap())
                .collect::<Vec<_>>()
        });
        parts.push(queue.remaining());
        account(&parts, 1, 1000);
    }
}
