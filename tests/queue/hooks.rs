//! What is called after each item.

use std::sync::{Arc, Mutex};

use futures::executor::block_on;
use windlass::{Queue, QueueView};

use crate::{drain, queue_of, root};

type Log = Arc<Mutex<Vec<String>>>;

#[test]
fn queue_23_a_hook_runs_when_the_consumer_asks_for_the_next_item() {
    let (_ctx, queue) = queue_of(0..10);
    let log = Log::default();
    let notes = log.clone();
    queue.after_each(move |view| {
        let stops = view.len() == 3;
        notes
            .lock()
            .unwrap()
            .push(if stops { "stop" } else { "-" }.into());
        if stops {
            view.breaker().set();
        }
    });
    block_on(async {
        let mut stream = queue.stream();
        while let Some(item) = stream.next().await {
            log.lock().unwrap().push(item.to_string());
        }
    });
    let expected = "0 - 1 - 2 - 3 - 4 - 5 - 6 stop";
    assert_eq!(log.lock().unwrap().join(" "), expected);
    assert_eq!(queue.remaining(), [7, 8, 9]);
}

#[test]
fn queue_25_a_hook_sees_the_queue_and_adds_to_it() {
    let (_ctx, queue) = queue_of([1]);
    let is_first = Mutex::new(true);
    queue.after_each(move |view: &QueueView<'_, i32>| {
        if std::mem::replace(&mut *is_first.lock().unwrap(), false) {
            view.append(3);
            view.append_first(2);
            view.append_call(|| {});
            assert_eq!(view.len(), 3);
        }
    });
    assert_eq!(drain(&mut queue.stream()).0, [1, 2, 3]);
}

#[test]
fn queue_26_hooks_run_in_order_after_items_and_not_after_calls() {
    let (_ctx, queue) = queue_of([1]);
    let log = Log::default();
    for name in ["a", "b"] {
        let log = log.clone();
        queue.after_each(move |_| log.lock().unwrap().push(name.into()));
    }
    queue.append_call(|| {});
    queue.append_call(|| {});
    assert_eq!(drain(&mut queue.stream()).0, [1]);
    assert_eq!(*log.lock().unwrap(), ["a", "b"]);
}

/// in the originals hooks miss the last item of a loop that is left (QUEUE-27), one that is
/// added by a hook runs in the same pass, and none can be removed.
#[test]
fn q_66_the_last_item_counts_too_and_hooks_come_and_go() {
    let (_ctx, queue) = queue_of([1, 2, 3]);
    let log = Log::default();
    let queue = Arc::new(queue);
    let (notes, weak) = (log.clone(), Arc::downgrade(&queue));
    let adder = queue.after_each(move |_| {
        notes.lock().unwrap().push("adds".into());
        let (notes, queue) = (notes.clone(), weak.upgrade().unwrap());
        queue.after_each(move |_| notes.lock().unwrap().push("added".into()));
    });
    let mut stream = queue.stream();
    assert_eq!(block_on(stream.next()), Some(1));
    drop(stream);
    assert_eq!(
        *log.lock().unwrap(),
        ["adds"],
        "for the item that was given; not the new hook"
    );
    assert!(queue.remove_after_each(adder));
    assert!(!queue.remove_after_each(adder));
    assert_eq!(drain(&mut queue.stream()).0, [2, 3]);
    assert_eq!(*log.lock().unwrap(), ["adds", "added", "added"]);
}

#[test]
fn a_hook_that_removes_another_or_itself_is_obeyed_at_once() {
    let (_ctx, queue) = queue_of([1, 2]);
    let queue = Arc::new(queue);
    let log = Log::default();
    let ids = Arc::new(Mutex::new(Vec::new()));
    let (notes, weak, known) = (log.clone(), Arc::downgrade(&queue), ids.clone());
    let first = queue.after_each(move |_| {
        notes.lock().unwrap().push("first".into());
        for id in known.lock().unwrap().drain(..) {
            assert!(weak.upgrade().unwrap().remove_after_each(id));
        }
    });
    let notes = log.clone();
    let second = queue.after_each(move |_| notes.lock().unwrap().push("second".into()));
    ids.lock().unwrap().extend([first, second]);
    assert_eq!(drain(&mut queue.stream()).0, [1, 2]);
    assert_eq!(*log.lock().unwrap(), ["first"]);
}

#[test]
fn a_hook_that_panics_is_reported_and_the_others_run() {
    let (_ctx, queue) = queue_of([1, 2]);
    queue.after_each(|_| panic!("on purpose"));
    let log = Log::default();
    let notes = log.clone();
    queue.after_each(move |_| notes.lock().unwrap().push("runs".into()));
    assert_eq!(drain(&mut queue.stream()).0, [1, 2]);
    assert_eq!(log.lock().unwrap().len(), 2);
}

#[test]
fn a_hook_that_iterates_the_queue_is_not_called_inside_itself() {
    let ctx = root();
    let queue = Arc::new(Queue::new(&ctx, "queue"));
    (0..4).for_each(|item| queue.append(item));
    let log = Log::default();
    let (notes, weak) = (log.clone(), Arc::downgrade(&queue));
    queue.after_each(move |_| {
        notes.lock().unwrap().push("begin".into());
        let queue = weak.upgrade().unwrap();
        let (taken, _) = drain(&mut queue.stream());
        let texts = taken.iter().map(i32::to_string);
        notes.lock().unwrap().extend(texts);
        notes.lock().unwrap().push("end".into());
    });
    assert_eq!(block_on(queue.stream().next()), Some(0));
    let expected = "begin 1 2 3 end begin end begin end begin end";
    assert_eq!(log.lock().unwrap().join(" "), expected);
}
