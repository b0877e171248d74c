//! How streams end, and what is left then.

use std::sync::Arc;

use futures::{StreamExt, executor::block_on, stream::FusedStream};
use windlass::{Closed, Queue};

use crate::{drain, queue_of, root};

#[test]
fn queue_05_appending_is_accepted_after_the_end_and_after_a_break() {
    let (ctx, queue) = queue_of([1]);
    queue.breaker().set();
    queue.append(2);
    ctx.cancel();
    queue.append(3);
    assert_eq!(queue.remaining(), [1, 2, 3]);
}

#[test]
fn queue_08_closing_ends_the_iteration_and_not_the_context() {
    let (ctx, queue) = queue_of([1, 2]);
    assert!(queue.close());
    assert!(!queue.close());
    assert_eq!(drain(&mut queue.stream()), (vec![1, 2], true));
    assert!(!ctx.is_done());
}

#[test]
fn queue_10_what_is_left_when_the_context_ends_is_not_given() {
    let (ctx, queue) = queue_of(1..=7);
    let given: Vec<_> = block_on(
        queue
            .stream()
            .inspect(|item| {
                if *item == 5 {
                    ctx.cancel();
                }
            })
            .collect(),
    );
    assert_eq!(given, [1, 2, 3, 4, 5]);
    assert_eq!(queue.remaining(), [6, 7]);
}

#[test]
fn queue_12_leaving_the_loop_and_iterating_again_goes_on_where_it_was() {
    let (_ctx, queue) = queue_of(0..=9);
    let mut given = Vec::new();
    block_on(async {
        let mut first = queue.stream();
        while let Some(item) = first.next().await {
            given.push(item);
            if item == 3 {
                break;
            }
        }
        drop(first);
        let mut second = queue.stream();
        while let Some(item) = second.next().await {
            given.push(item);
            if item == 9 {
                queue.breaker().set();
            }
        }
    });
    assert_eq!(given, Vec::from_iter(0..=9));
}

#[test]
fn queue_14_a_stop_is_looked_for_before_an_item_is_taken() {
    let (ctx, queue) = queue_of([1]);
    let mut stream = queue.stream();
    ctx.cancel();
    assert_eq!(drain(&mut stream), (vec![], true));
    assert_eq!(queue.remaining(), [1]);
}

#[test]
fn queue_15_on_a_done_context_nothing_is_given_or_all_of_it() {
    let ctx = root();
    ctx.cancel();
    let plain = Queue::new(&ctx, "plain");
    let draining = Queue::new(&ctx, "draining").empty_on_finished();
    for item in [1, 2] {
        plain.append(item);
        draining.append(item);
    }
    assert_eq!(drain(&mut plain.stream()), (vec![], true));
    assert_eq!(plain.remaining(), [1, 2]);
    assert_eq!(drain(&mut draining.stream()), (vec![1, 2], true));
}

#[test]
fn queue_17_and_63_draining_gives_all_that_is_there_with_what_comes_meanwhile() {
    let ctx = root();
    let queue = Queue::new(&ctx, "queue").empty_on_finished();
    (1..=7).for_each(|item| queue.append(item));
    let given: Vec<_> = block_on(
        queue
            .stream()
            .inspect(|item| match item {
                5 => assert!(ctx.cancel()),
                7 => queue.append(8),
                _ => {}
            })
            .collect(),
    );
    assert_eq!(given, Vec::from_iter(1..=8));
    assert_eq!(queue.remaining(), []);
}

#[test]
fn queue_19_and_20_a_draining_queue_that_is_broken_off_is_emptied_first() {
    let ctx = root();
    let queue = Queue::new(&ctx, "queue").empty_on_finished();
    (0..=9).for_each(|item| queue.append(item));
    let mut stream = queue.stream();
    let first: Vec<_> = block_on(stream.by_ref().take(4).collect());
    assert_eq!(first, [0, 1, 2, 3]);
    drop(stream);
    queue.breaker().set();
    assert_eq!(drain(&mut queue.stream()), (Vec::from_iter(4..=9), true));
}

/// the originals clear the breaker when an iteration starts, so a break set before is lost.
#[test]
fn q_62_a_break_set_before_ends_the_next_iteration_and_is_used_up_by_it() {
    let (_ctx, queue) = queue_of([1, 2]);
    queue.breaker().set();
    assert_eq!(drain(&mut queue.stream()), (vec![], true));
    assert!(!queue.breaker().is_set());
    assert_eq!(drain(&mut queue.stream()), (vec![1, 2], false));
}

/// what concurrent iterations mean is said nowhere in the originals.
#[test]
fn q_65_a_break_ends_every_stream_that_has_begun_and_none_that_begins_later() {
    let (_ctx, queue) = queue_of(0..10);
    let (mut a, mut b, mut late) = (queue.stream(), queue.stream(), queue.stream());
    assert_eq!(block_on(a.next()), Some(0));
    assert_eq!(block_on(b.next()), Some(1));
    queue.breaker().set();
    assert_eq!(block_on(a.next()), None);
    assert_eq!(block_on(b.next()), None);
    assert_eq!(
        block_on(late.next()),
        Some(2),
        "it begins after the break was used up"
    );
    assert_eq!(block_on(a.next()), None, "it has ended for good");
}

/// the end marker of the originals is given out as an item by `remaining`.
#[test]
fn q_67_closing_leaves_no_item_behind_and_refuses_with_the_item() {
    let (_ctx, queue) = queue_of([String::from("a")]);
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(queue.try_append("b".into()), Err(Closed("b".into())));
    let refused = block_on(queue.send("c".into()));
    assert_eq!(refused, Err(Closed("c".into())));
    queue.append("kept".into());
    assert_eq!(queue.remaining(), ["a", "kept"]);
}

#[test]
fn after_the_end_of_the_context_items_are_handed_back() {
    let (ctx, queue) = queue_of([]);
    ctx.cancel();
    assert_eq!(queue.try_append(1), Err(Closed(1)));
    assert_eq!(block_on(queue.send(2)), Err(Closed(2)));
    assert!(queue.try_reserve().is_none());
    let error: windlass::Error = Closed(3).into();
    assert!(error.is_failed());
    assert!(
        error.is::<Closed<()>>(),
        "without the item, which need not be `Send`"
    );
    assert_eq!(error.to_string(), Closed(3).to_string());
}

#[test]
fn a_stream_that_has_ended_stays_so() {
    let (_ctx, queue) = queue_of([1]);
    let mut stream = queue.stream();
    assert!(!stream.is_terminated());
    queue.breaker().set();
    assert_eq!(block_on(stream.next()), None);
    assert!(stream.is_terminated());
    assert_eq!(block_on(stream.next()), None);
    assert_eq!(queue.len(), 1);
}

#[test]
fn stopping_the_context_ends_nothing() {
    let (ctx, queue) = queue_of([1]);
    ctx.stop();
    assert_eq!(drain(&mut queue.stream()), (vec![1], false));
}

#[test]
fn the_queue_holds_its_context_and_ends_with_an_ancestor() {
    let root = root();
    let queue = Queue::new(&root.child("gone at once"), "queue");
    queue.append(1);
    assert_eq!(drain(&mut queue.stream()), (vec![1], false));
    root.cancel();
    assert_eq!(drain(&mut queue.stream()), (vec![], true));
}

#[test]
fn dropping_the_queue_drops_its_items_and_leaves_the_context() {
    let counted = Arc::new(());
    let ctx = root();
    let queue = Queue::new(&ctx, "queue");
    for _ in 0..100 {
        queue.append(counted.clone());
    }
    assert!(block_on(queue.stream().next()).is_some());
    drop(queue);
    assert_eq!(Arc::strong_count(&counted), 1);
    assert!(ctx.cancel(), "nothing rings any more");
}

#[test]
fn an_item_whose_destructor_panics_takes_none_of_the_others_along() {
    struct Bomb(bool, #[expect(dead_code, reason = "it is counted")] Arc<()>);
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.0, "on purpose");
        }
    }
    let counted = Arc::new(());
    let (_ctx, queue) = queue_of([false, true, false].map(|bomb| Bomb(bomb, counted.clone())));
    drop(queue);
    assert_eq!(Arc::strong_count(&counted), 1);
}
