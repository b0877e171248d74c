//! In which order items come out, and what is there.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use windlass::Queue;

use crate::{drain, queue_of, root};

#[test]
fn queue_02_what_remains_comes_without_waiting_and_leaves_the_queue_empty() {
    let (_ctx, queue) = queue_of([1, 2]);
    assert_eq!(queue.remaining(), [1, 2]);
    assert!(queue.is_empty());
    assert_eq!(queue.remaining(), []);
}

#[test]
fn queue_03_it_is_first_in_first_out_without_a_limit() {
    let (_ctx, queue) = queue_of(0..100_000);
    assert_eq!(queue.bound(), None);
    assert_eq!(drain(&mut queue.stream()).0, Vec::from_iter(0..100_000));
}

#[test]
fn queue_04_len_counts_what_was_not_taken_with_the_calls() {
    let (_ctx, queue) = queue_of([1, 2, 3]);
    queue.append_call(|| {});
    assert_eq!(queue.len(), 4);
    let mut stream = queue.stream();
    assert_eq!(block_on(stream.next()), Some(1));
    assert_eq!(queue.len(), 3, "also while a stream is half way through");
    assert!(!queue.is_empty());
    assert_eq!(drain(&mut stream).0, [2, 3]);
    assert_eq!(queue.len(), 0);
}

#[test]
fn what_remains_is_found_in_the_middle_of_an_iteration() {
    let (_ctx, queue) = queue_of(0..100);
    let mut stream = queue.stream();
    assert_eq!(block_on(stream.next()), Some(0));
    assert_eq!(block_on(stream.next()), Some(1));
    queue.append(100);
    assert_eq!(queue.len(), 99);
    assert_eq!(queue.remaining(), Vec::from_iter(2..=100));
    assert!(queue.is_empty());
}

#[test]
fn a_second_stream_goes_on_while_the_first_is_not_polled() {
    let (_ctx, queue) = queue_of(0..100);
    let (mut first, mut second) = (queue.stream(), queue.stream());
    assert_eq!(block_on(first.next()), Some(0));
    assert_eq!(block_on(second.next()), Some(1));
    assert_eq!(block_on(first.next()), Some(2));
    assert_eq!(drain(&mut second).0, Vec::from_iter(3..100));
}

#[test]
fn queue_22_what_is_put_first_comes_last_in_first_out_also_in_the_middle_of_a_backlog() {
    let (_ctx, queue) = queue_of(0..20);
    queue.append_first(100);
    queue.append_first(101);
    let mut stream = queue.stream();
    assert_eq!(block_on(stream.next()), Some(101));
    assert_eq!(block_on(stream.next()), Some(100));
    assert_eq!(block_on(stream.next()), Some(0));
    queue.append_first(200); // the backlog has moved to the front by now
    queue.append_first(201);
    queue.append(300);
    let mut expected = vec![201, 200];
    expected.extend(1..20);
    expected.push(300);
    assert_eq!(queue.len(), expected.len());
    assert_eq!(drain(&mut stream).0, expected);
}

#[test]
fn queue_28_a_call_runs_when_it_is_reached_and_gives_nothing() {
    let (_ctx, queue) = queue_of([]);
    let log = Arc::new(Mutex::new(Vec::new()));
    let call = |what: &'static str| {
        let log = log.clone();
        move || log.lock().unwrap().push(what)
    };
    queue.append(1);
    queue.append_call(call("after 1"));
    queue.append(2);
    queue.append_call_first(call("first"));
    let mut stream = queue.stream();
    assert!(log.lock().unwrap().is_empty(), "not when it is put in");
    assert_eq!(block_on(stream.next()), Some(1));
    assert_eq!(*log.lock().unwrap(), ["first"]);
    assert_eq!(block_on(stream.next()), Some(2));
    assert_eq!(*log.lock().unwrap(), ["first", "after 1"]);
}

#[test]
fn queue_29_what_remains_also_runs_the_calls() {
    let (_ctx, queue) = queue_of([1]);
    let ran = Arc::new(Mutex::new(0));
    let counts = ran.clone();
    queue.append_call(move || *counts.lock().unwrap() += 1);
    queue.append(2);
    assert_eq!(queue.remaining(), [1, 2]);
    assert_eq!(*ran.lock().unwrap(), 1);
}

#[test]
fn queue_30_a_call_that_panics_is_reported_and_the_iteration_goes_on() {
    let (_ctx, queue) = queue_of([1]);
    queue.append_call(|| panic!("on purpose"));
    queue.append(2);
    assert_eq!(drain(&mut queue.stream()).0, [1, 2]);
}

#[test]
fn a_call_may_append_and_take() {
    let ctx = root();
    let queue = Arc::new(Queue::new(&ctx, "queue"));
    let inside = Arc::downgrade(&queue);
    queue.append_call(move || {
        let queue = inside.upgrade().expect("it is iterated");
        queue.append(7);
        queue.append_first(6);
        assert_eq!(queue.len(), 2);
    });
    assert_eq!(drain(&mut queue.stream()).0, [6, 7]);
}

#[test]
fn queue_31_an_ensurer_changes_what_is_queued_and_the_appender_hears_what_it_refuses() {
    let ctx = root();
    let queue = Queue::new(&ctx, "queue").ensure(|item: i32| match item {
        13 => Err("unlucky".into()),
        item => Ok(item * 10),
    });
    queue.append(1);
    let error = queue.append_ensured(13).unwrap_err();
    assert_eq!(error.to_string(), "unlucky");
    assert!(error.is_failed());
    queue.append_ensured(2).unwrap();
    queue.try_append(3).unwrap();
    block_on(queue.send(4)).unwrap();
    queue.append_first(5);
    assert_eq!(queue.remaining(), [50, 10, 20, 30, 40]);
}

#[test]
fn what_the_ensurer_refuses_elsewhere_is_reported() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = told.clone();
    let ctx = root()
        .build("app")
        .reporter(move |failure| {
            let text = format!("{}: {}", failure.path, failure.error);
            list.lock().unwrap().push(text);
        })
        .start();
    let queue = Queue::new(&ctx, "jobs").ensure(|_: i32| Err("no".into()));
    queue.append(1);
    queue.append_first(2);
    queue.try_append(3).unwrap();
    block_on(queue.send(4)).unwrap();
    assert!(queue.is_empty());
    assert_eq!(*told.lock().unwrap(), ["root-->app-->jobs: no"; 4]);
}

#[test]
fn queue_33_calls_are_not_passed_through_the_ensurer() {
    let ctx = root();
    let queue = Queue::new(&ctx, "queue").ensure(|_: i32| Err("nothing gets in".into()));
    let ran = Arc::new(Mutex::new(false));
    let sets = ran.clone();
    queue.append_call(move || *sets.lock().unwrap() = true);
    assert_eq!(drain(&mut queue.stream()).0, []);
    assert!(*ran.lock().unwrap());
}

#[test]
fn items_need_no_traits_and_need_not_live_for_ever() {
    struct Plain<'a>(&'a str);
    let text = String::from("borrowed");
    let (_ctx, queue) = queue_of([Plain(&text)]);
    let debug = format!("{queue:?}");
    assert_eq!(
        debug,
        "Queue { name: \"queue\", len: 1, is_closed: false, bound: None, .. }"
    );
    assert_eq!(queue.remaining()[0].0, "borrowed");
}

#[test]
fn a_greedy_stream_gives_the_same_and_puts_back_what_it_does_not_give() {
    let (_ctx, queue) = queue_of(0..1000);
    let mut stream = queue.stream().greedy();
    for n in 0..10 {
        assert_eq!(block_on(stream.next()), Some(n));
    }
    assert_eq!(queue.len(), 0, "what it has in hand counts as taken");
    queue.append(1000);
    drop(stream);
    assert_eq!(queue.len(), 991);
    queue.append_first(7);
    let mut expected = vec![7];
    expected.extend(10..=1000);
    assert_eq!(drain(&mut queue.stream().greedy()).0, expected);
}

#[test]
fn a_greedy_stream_that_is_stopped_puts_back_what_it_has_in_hand() {
    let (ctx, queue) = queue_of(0..10);
    let mut stream = queue.stream().greedy();
    assert_eq!(block_on(stream.next()), Some(0));
    queue.breaker().set();
    assert_eq!(block_on(stream.next()), None);
    let mut stream = queue.stream().greedy();
    assert_eq!(block_on(stream.next()), Some(1));
    ctx.cancel();
    assert_eq!(block_on(stream.next()), None);
    assert_eq!(queue.remaining(), Vec::from_iter(2..10));
}

#[test]
fn what_a_greedy_stream_puts_back_comes_before_what_others_have_moved() {
    let (_ctx, queue) = queue_of(0..20);
    let mut greedy = queue.stream().greedy();
    assert_eq!(block_on(greedy.next()), Some(0));
    (20..40).for_each(|item| queue.append(item));
    assert_eq!(block_on(queue.stream().next()), Some(20));
    drop(greedy);
    assert_eq!(queue.remaining(), Vec::from_iter((1..20).chain(21..40)));
}
