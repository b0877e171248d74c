//! `SyncQueue`: threads that block on a queue.

use std::{
    sync::{Arc, Barrier, mpsc},
    thread,
    time::{Duration, Instant},
};

use futures::executor::block_on;
use windlass::{Closed, Ctx, Queue, SyncQueue};

/// No test waits so long, unless it hangs.
const WATCHDOG: Duration = Duration::from_secs(30);

fn root() -> Ctx<()> {
    Ctx::root_on("root", ())
}

fn queue_of<T>(items: impl IntoIterator<Item = T>) -> (Ctx<()>, SyncQueue<T>) {
    let ctx = root();
    let queue = SyncQueue::new(&ctx, "queue");
    items.into_iter().for_each(|item| queue.append(item));
    (ctx, queue)
}

/// What `work` returns on a thread of its own; fails if that takes for ever.
fn watched<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(work()));
    receiver
        .recv_timeout(WATCHDOG)
        .expect("it hangs, or it panicked")
}

#[test]
fn syncq_02_and_03_leaving_and_iterating_again_goes_on_until_the_context_ends() {
    let (ctx, queue) = queue_of([1, 2]);
    assert_eq!(Vec::from_iter(queue.iter().take(2)), [1, 2]);
    queue.append(3);
    let mut given = Vec::new();
    for item in &queue {
        given.push(item);
        ctx.cancel();
    }
    assert_eq!(given, [3]);
}

#[test]
fn syncq_04_what_remains_comes_without_blocking() {
    let (_ctx, queue) = queue_of([1, 2]);
    assert_eq!(queue.remaining(), [1, 2]);
    assert!(queue.is_empty());
}

#[test]
fn syncq_05_what_is_left_at_the_end_is_not_given() {
    let (ctx, queue) = queue_of(1..=7);
    let given: Vec<_> = queue
        .iter()
        .inspect(|item| assert!(*item != 5 || ctx.cancel()))
        .collect();
    assert_eq!(given, [1, 2, 3, 4, 5]);
    assert_eq!(queue.remaining(), [6, 7]);
}

#[test]
fn syncq_07_breaking_off_and_iterating_again_loses_nothing() {
    let (ctx, queue) = queue_of(0..=9);
    let mut given = Vec::from_iter(queue.iter().take(4));
    given.extend(
        queue
            .iter()
            .inspect(|item| assert!(*item != 9 || ctx.cancel())),
    );
    assert_eq!(given, Vec::from_iter(0..=9));
}

#[test]
fn syncq_08_and_10_a_draining_queue_gives_all_before_it_ends() {
    let ctx = root();
    let queue = SyncQueue::new(&ctx, "queue").empty_on_finished();
    (1..=7).for_each(|item| queue.append(item));
    assert_eq!(queue.iter().next(), Some(1));
    let given: Vec<_> = queue
        .iter()
        .inspect(|item| assert!(*item != 5 || ctx.cancel()))
        .collect();
    assert_eq!(given, Vec::from_iter(2..=7));
    assert_eq!(queue.remaining(), []);
}

#[test]
fn syncq_12_len_and_the_ensurer_are_those_of_the_other_queue() {
    let queue = SyncQueue::new(&root(), "queue").ensure(|item: i32| match item {
        0 => Err("zero".into()),
        item => Ok(item + 1),
    });
    queue.append(1);
    assert!(queue.append_ensured(0).unwrap_err().is_failed());
    assert_eq!(
        (queue.len(), queue.is_empty(), queue.name()),
        (1, false, "queue")
    );
    assert_eq!(queue.remaining(), [2]);
}

#[test]
fn syncq_13_closing_ends_the_iteration_and_not_the_context() {
    let (ctx, queue) = queue_of([1]);
    assert!(queue.close());
    assert!(queue.is_closed());
    assert_eq!(Vec::from_iter(&queue), [1]);
    assert_eq!(queue.try_append(2), Err(Closed(2)));
    assert!(!ctx.is_done());
}

/// the original looks every fifty milliseconds whether it is to stop.
#[test]
fn q_60_a_thread_that_waits_is_woken_by_items_and_by_each_kind_of_end() {
    type End = fn(&Ctx<()>, &SyncQueue<u32>);
    let ends: [End; 2] = [
        |ctx, _| assert!(ctx.cancel()),
        |_, queue| {
            assert!(queue.close());
        },
    ];
    for end in ends {
        let (ctx, queue) = queue_of([]);
        let queue = Arc::new(queue);
        let (sender, given) = mpsc::channel();
        let taken = Arc::clone(&queue);
        thread::spawn(move || {
            for item in taken.iter() {
                sender.send(Some(item)).unwrap();
            }
            sender.send(None).unwrap();
        });
        queue.append(1);
        assert_eq!(given.recv_timeout(WATCHDOG), Ok(Some(1)));
        queue.append(2);
        assert_eq!(given.recv_timeout(WATCHDOG), Ok(Some(2)));
        end(&ctx, &queue);
        assert_eq!(given.recv_timeout(WATCHDOG), Ok(None));
    }
}

/// the original throws away an item that it took just when the stop became visible.
#[test]
fn q_59_an_item_is_given_or_still_there() {
    for _ in 0..300 {
        let (ctx, queue) = queue_of(0..20);
        let queue = Arc::new(queue);
        let barrier = Arc::new(Barrier::new(2));
        let (taken, here) = (Arc::clone(&queue), Arc::clone(&barrier));
        let consumer = thread::spawn(move || {
            here.wait();
            Vec::from_iter(taken.iter())
        });
        barrier.wait();
        ctx.cancel();
        let mut all = consumer.join().unwrap();
        all.extend(queue.remaining());
        assert_eq!(all, Vec::from_iter(0..20));
    }
}

/// with two who empty it at the same time, the original's `remaining` can fail.
#[test]
fn q_61_several_may_take_what_remains() {
    let (_ctx, queue) = queue_of(0..10_000);
    let queue = Arc::new(queue);
    let take = || {
        let queue = Arc::clone(&queue);
        thread::spawn(move || queue.remaining())
    };
    let (one, other) = (take(), take());
    let mut all = [one.join().unwrap(), other.join().unwrap()].concat();
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter(0..10_000));
}

#[test]
fn a_timeout_ends_an_iteration_that_can_go_on() {
    let (_ctx, queue) = queue_of([1]);
    let mut items = queue.iter().timeout(Duration::ZERO);
    assert_eq!(items.next(), Some(1));
    assert!(!items.has_timed_out());
    assert_eq!(items.next(), None);
    assert!(items.has_timed_out());
    queue.append(2);
    assert_eq!(items.next(), Some(2));
    assert!(!items.has_timed_out());
    queue.close();
    assert_eq!(items.next(), None);
    assert!(!items.has_timed_out(), "closed, and not late");
}

#[test]
fn a_timeout_is_waited_for_and_a_huge_one_does_not_overflow() {
    let (_ctx, queue) = queue_of::<i32>([]);
    let start = Instant::now();
    assert_eq!(queue.iter().timeout(Duration::from_millis(20)).next(), None);
    assert!(start.elapsed() >= Duration::from_millis(20));
    let queue = Arc::new(queue);
    let taken = Arc::clone(&queue);
    let appends = thread::spawn(move || taken.iter().timeout(Duration::MAX).next());
    queue.append(7);
    assert_eq!(appends.join().unwrap(), Some(7));
}

#[test]
fn tasks_feed_threads_and_threads_feed_tasks() {
    let (_ctx, to_thread) = queue_of([]);
    let (_ctx, to_task) = queue_of([]);
    let (to_thread, to_task) = (Arc::new(to_thread), Arc::new(to_task));
    let (heard, answers) = (Arc::clone(&to_thread), Arc::clone(&to_task));
    let thread = thread::spawn(move || {
        for item in heard.iter() {
            answers.append(item * 2);
        }
        answers.close();
    });
    let answers = watched(move || {
        block_on(async {
            let (mut given, mut stream) = (Vec::new(), to_task.stream());
            for item in 0..100 {
                to_thread.append(item);
                given.extend(stream.next().await);
            }
            to_thread.close();
            assert_eq!(stream.next().await, None);
            given
        })
    });
    assert_eq!(answers, Vec::from_iter((0..100).map(|item| item * 2)));
    thread.join().unwrap();
}

#[test]
fn a_thread_can_take_from_the_other_queue_and_hears_of_its_breaker() {
    let ctx = root();
    let queue = Arc::new(Queue::new(&ctx, "queue"));
    queue.append(1);
    let taken = Arc::clone(&queue);
    let (sender, given) = mpsc::channel();
    thread::spawn(move || {
        let mut items = taken.iter_blocking();
        sender.send(items.next()).unwrap();
        sender.send(items.next()).unwrap();
    });
    assert_eq!(given.recv_timeout(WATCHDOG), Ok(Some(1)));
    queue.breaker().set();
    assert_eq!(given.recv_timeout(WATCHDOG), Ok(None));
}

#[test]
fn an_iterator_that_moves_to_another_thread_is_woken_there() {
    let (_ctx, queue) = queue_of([1]);
    let queue: &'static SyncQueue<i32> = Box::leak(Box::new(queue));
    let mut items = queue.iter().timeout(Duration::ZERO);
    assert_eq!(items.next(), Some(1));
    assert_eq!(items.next(), None);
    let mut items = items.timeout(WATCHDOG * 2);
    let moved = thread::spawn(move || items.next());
    queue.append(2);
    assert_eq!(watched(move || moved.join().unwrap()), Some(2));
}

#[test]
fn a_greedy_thread_gives_the_same() {
    let (_ctx, queue) = queue_of(0..1000);
    assert_eq!(queue.iter().greedy().nth(9), Some(9));
    assert_eq!(queue.len(), 990);
    queue.close();
    assert_eq!(
        Vec::from_iter(queue.iter().greedy()),
        Vec::from_iter(10..1000)
    );
}

#[test]
fn every_item_goes_to_exactly_one_of_several_threads() {
    let (_ctx, queue) = queue_of([]);
    let queue = Arc::new(queue);
    let consumers: Vec<_> = (0..3)
        .map(|_| {
            let queue = Arc::clone(&queue);
            thread::spawn(move || Vec::from_iter(queue.iter()))
        })
        .collect();
    for item in 0..20_000 {
        queue.append(item);
    }
    queue.close();
    let mut all: Vec<i32> = consumers
        .into_iter()
        .flat_map(|c| c.join().unwrap())
        .collect();
    all.sort_unstable();
    assert_eq!(all, Vec::from_iter(0..20_000));
}
