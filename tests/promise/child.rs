//! Children of promises, and texts.

use std::{
    sync::{Arc, Mutex},
    task::Poll,
};

use windlass::{
    ChildPromise, Ctx, FutureStatus, Promise, ResettablePromise, State, noncancelled_results,
    status_text,
};

use crate::{Log, Wakes, error, is_cancelled, poll, ready, value};

#[test]
fn fut_48_dropping_a_pending_child_cancels_it_and_leaves_the_parent_alone() {
    let parent = Promise::<u32>::new();
    let child = parent.child();
    let (log, wait) = (Log::default(), child.wait());
    child.on_done(log.callback("one"));
    assert!(!child.is_done() && !parent.is_done());
    drop(child);
    assert!(is_cancelled(&wait) && !parent.is_done());
    assert_eq!(log.take(), ["one cancelled"]);
}

#[test]
fn fut_49_to_51_a_childs_own_outcome_survives_its_handle() {
    let parent = Promise::new();
    let outcomes: [fn(&Promise<u32>) -> bool; 3] = [|p| p.set(1), |p| p.fail("no"), |p| p.cancel()];
    for (give, text) in outcomes.iter().zip(["done", "failed: no", "cancelled"]) {
        let child = parent.child();
        let wait = child.wait();
        assert!(give(&child));
        drop(child);
        assert_eq!(status_text(&wait).to_string(), text);
        assert!(!parent.is_done());
    }
}

#[test]
fn fut_52_53_57_and_59_the_end_of_the_parent_is_the_end_of_the_child() {
    let (log, parent) = (Log::default(), Promise::new());
    let child = parent.child();
    child.on_done(log.callback("ONE"));
    child.on_done(log.callback("TWO"));
    parent.fail("no");
    assert_eq!(log.take(), ["ONE no", "TWO no"]);
    let pair = [parent, child.wait()];
    assert_eq!(noncancelled_results(&pair).1.len(), 1, "the very error");

    let parent = Promise::named("parent");
    let child = parent.child();
    child.on_done(log.callback("ONE"));
    let (wakes, waker) = Wakes::new();
    let mut wait = child.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    parent.cancel();
    assert_eq!(wakes.count(), 1);
    assert_eq!(log.take(), ["ONE cancelled"]);
    assert_eq!(ready(wait).unwrap_err().to_string(), "cancelled at parent");
}

#[test]
fn fut_55_56_58_60_and_62_to_66_a_child_has_an_outcome_of_its_own() {
    let log = Log::default();
    let parent = Promise::new();
    let child = parent.child();
    child.on_done(log.callback("ONE"));
    assert!(child.set(1) && child.is_done());
    child.on_done(log.callback("TWO"));
    assert_eq!(log.take(), ["ONE 1", "TWO 1"]);
    assert_eq!(ready(child).unwrap(), 1);
    assert!(!parent.is_done());
}

#[test]
fn fut_63_65_and_67_a_child_of_a_finished_parent_is_born_finished() {
    let log = Log::default();
    let parent = Promise::new();
    parent.set(1);
    let child = parent.child_named("late");
    assert_eq!(child.try_set(2), Err(2));
    assert_eq!(
        error(&child).unwrap(),
        "cancelled at late by its parent having a value"
    );
    child.on_done(log.callback("ONE"));
    assert_eq!(log.take(), ["ONE cancelled"]);

    let parent = Promise::new();
    parent.fail("no");
    let child = parent.child();
    assert!(!child.fail("late") && !child.cancel());
    assert_eq!(error(&child).as_deref(), Some("no"));
    assert_eq!(ready(child).unwrap_err().to_string(), "no");
}

#[test]
fn fut_63_a_child_shows_its_parents_end_before_the_parents_callbacks_get_to_it() {
    let (log, parent) = (Log::default(), Promise::new());
    let late: Arc<Mutex<Option<ChildPromise<u32>>>> = Arc::default();
    let (seen, inner) = (Arc::clone(&late), log.clone());
    parent.on_done(move |_| {
        let child = seen.lock().unwrap();
        let child = child.as_ref().unwrap();
        assert!(child.is_done() && !child.set(5));
        inner.note("seen");
        child.on_done(inner.callback("child"));
    });
    *late.lock().unwrap() = Some(parent.child());
    parent.fail("no");
    assert_eq!(log.take(), ["seen", "child no"]);
}

/// Bug Q-26: looking at a child changed it, and lost the parent's error.
#[test]
fn q_26_looking_at_a_child_never_changes_what_it_shows() {
    let parent = Promise::new();
    let child = parent.child();
    assert!(!child.is_done() && !is_cancelled(&child) && error(&child).is_none());
    assert_eq!(child.state(), State::Pending);
    parent.fail("no");
    for _ in 0..3 {
        assert!(!is_cancelled(&child) && child.is_failed());
        assert_eq!(error(&child).as_deref(), Some("no"));
    }
}

/// Bug Q-27: a child with a value of its own counted as cancelled once the parent was.
#[test]
fn q_27_a_child_that_has_a_value_keeps_it() {
    let parent = Promise::new();
    let child = parent.child();
    child.set(1);
    parent.cancel();
    assert!(!is_cancelled(&child));
    assert_eq!(value(&child), Some(1));
}

#[test]
fn fut_68_cancel_parent_ends_the_outermost() {
    let outermost = Promise::<u32>::new();
    let middle = outermost.child();
    let inner = middle.child();
    assert!(inner.cancel_parent() && !inner.cancel_parent());
    assert!(is_cancelled(&outermost) && is_cancelled(&middle) && is_cancelled(&inner));
}

#[test]
fn an_awaited_child_ends_with_its_parent_and_with_its_parents_handles() {
    let (_, waker) = Wakes::new();
    let parent = Promise::<u32>::new();
    let mut child = parent.child();
    assert!(poll(&mut child, &waker).is_pending());
    drop(parent);
    assert!(matches!(poll(&mut child, &waker), Poll::Ready(Err(e)) if e.is_cancelled()));
}

#[test]
fn a_line_of_a_hundred_thousand_children_ends_and_goes_in_a_loop() {
    let first = Promise::<u32>::new();
    let mut line = vec![first.child()];
    for at in 0..100_000 {
        let child = line[at].child();
        line.push(child);
    }
    let last = line.last().unwrap().wait();
    first.fail("no");
    assert_eq!(error(&last).as_deref(), Some("no"));
    drop((line, first));
    drop(last);
}

#[test]
fn fut_41_and_45_the_text_of_a_status_says_where_it_stands_and_its_name() {
    let promise = Promise::<u32>::new();
    assert_eq!(format!("{promise:?}"), "Promise(pending)");
    let promise = ResettablePromise::<u32>::named("hello");
    assert_eq!(format!("{promise:?}"), "ResettablePromise(hello (pending))");
    promise.cancel();
    assert_eq!(status_text(&promise).to_string(), "hello (cancelled)");
    let parent = Promise::<u32>::named("final");
    let child = parent.child_named("FUTZ");
    child.fail("no");
    assert_eq!(format!("{child:?}"), "ChildPromise(FUTZ (failed: no))");

    let ctx = Ctx::root_on("app", ());
    assert_eq!(status_text(&ctx).to_string(), "app (pending)");
    ctx.stop();
    assert_eq!(status_text(&&ctx).to_string(), "app (stopping)");
    ctx.cancel();
    let status: &dyn FutureStatus = &ctx;
    assert_eq!(status_text(status).to_string(), "app (cancelled)");
}
