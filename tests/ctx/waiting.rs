//! Waiting for a context.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use futures::FutureExt;
use windlass::{Ctx, Until, testing::SimRuntime, wait_for_first};

use crate::{Broken, Wakes, poll_with, root, three};

#[test]
fn waits_wake_on_any_ancestors_end() {
    // CTX-30, CTX-31, CTX-32
    for ended in 0..3 {
        let (c1, c2, c3) = three();
        let (wakes, mut done) = (Arc::new(Wakes::default()), c3.done());
        assert!(poll_with(&wakes, &mut done).is_pending());
        [&c1, &c2, &c3][ended].fail(Broken("e"));
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "woken once");
        assert!(matches!(poll_with(&wakes, &mut done), Poll::Ready(e) if e.is::<Broken>()));
    }
}

#[test]
fn wait_on_a_done_context_yields_once_and_may_be_repeated() {
    // CTX-33
    let ctx = root();
    ctx.cancel();
    for _ in 0..3 {
        let (wakes, mut done) = (Arc::new(Wakes::default()), ctx.done());
        assert!(poll_with(&wakes, &mut done).is_pending());
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1, "it has woken itself");
        assert!(poll_with(&wakes, &mut done).is_ready());
    }
}

#[test]
fn dropping_a_wait_leaves_the_context_alone_and_no_trace() {
    // CTX-34
    let ctx = root();
    let (wakes, mut done) = (Arc::new(Wakes::default()), ctx.done());
    assert!(poll_with(&wakes, &mut done).is_pending());
    assert_eq!(Arc::strong_count(&wakes), 2, "registered");
    drop(done);
    assert_eq!(Arc::strong_count(&wakes), 1, "and no longer");
    assert!(!ctx.is_done());
}

#[test]
fn new_waker_replaces_the_old_one() {
    let ctx = root();
    let (first, second, mut done) = (
        Arc::new(Wakes::default()),
        Arc::new(Wakes::default()),
        ctx.done(),
    );
    assert!(poll_with(&first, &mut done).is_pending());
    assert!(poll_with(&second, &mut done).is_pending());
    assert_eq!(Arc::strong_count(&first), 1, "the old waker is let go");
    ctx.cancel();
    assert_eq!(
        (
            first.0.load(Ordering::SeqCst),
            second.0.load(Ordering::SeqCst)
        ),
        (0, 1)
    );
}

#[test]
fn last_handle_ends_the_context_for_those_who_observe() {
    let (wakes, parent) = (Arc::new(Wakes::default()), root());
    let child = parent.child("child");
    let mut done = child.done();
    assert!(poll_with(&wakes, &mut done).is_pending());
    drop(child);
    let Poll::Ready(error) = poll_with(&wakes, &mut done) else {
        panic!("the wait hangs")
    };
    assert_eq!(
        error.to_string(),
        "cancelled at start-->child by every handle was dropped"
    );
    assert!(!parent.is_done());
}

#[test]
fn weak_handle_does_not_hold_the_context() {
    let ctx = root().child("child");
    let weak = ctx.downgrade();
    assert_eq!(weak.upgrade().unwrap().name(), "child");
    drop(ctx);
    assert!(weak.upgrade().is_none());
}

#[test]
fn run_until_done_prefers_the_value_and_polls_nothing_on_a_done_context() {
    let ctx = root();
    let wakes = Arc::new(Wakes::default());
    let mut run = ctx.run_until_done(std::future::ready(3));
    assert!(matches!(poll_with(&wakes, &mut run), Poll::Ready(Ok(3))));
    // Both in the same poll: the value.
    let ready = Arc::new(Mutex::new(false));
    let flag = Arc::clone(&ready);
    let mut run = ctx.run_until_done(std::future::poll_fn(move |_| {
        if *flag.lock().unwrap() {
            Poll::Ready(4)
        } else {
            Poll::Pending
        }
    }));
    assert!(poll_with(&wakes, &mut run).is_pending());
    *ready.lock().unwrap() = true;
    ctx.cancel();
    assert!(matches!(poll_with(&wakes, &mut run), Poll::Ready(Ok(4))));
    // Done before: not polled.
    let polls = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&polls);
    let mut run = ctx.run_until_done(std::future::poll_fn(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        Poll::Ready(5)
    }));
    assert!(poll_with(&wakes, &mut run).is_pending(), "it yields once");
    assert!(matches!(poll_with(&wakes, &mut run), Poll::Ready(Err(e)) if e.is_cancelled()));
    assert_eq!(polls.load(Ordering::SeqCst), 0);
}

#[test]
fn last_handle_ends_the_context_for_waits_that_were_not_polled_yet() {
    for polls_before in [0, 1] {
        let child = root().child("child");
        let wakes = Arc::new(Wakes::default());
        let (mut done, mut stopping) = (child.done(), child.stopping());
        for _ in 0..polls_before {
            assert!(poll_with(&wakes, &mut done).is_pending());
            assert!(poll_with(&wakes, &mut stopping).is_pending());
        }
        drop(child);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 2 * polls_before);
        for _ in polls_before..1 {
            assert!(poll_with(&wakes, &mut done).is_pending(), "one turn");
            assert!(poll_with(&wakes, &mut stopping).is_pending(), "one turn");
        }
        assert!(poll_with(&wakes, &mut done).is_ready());
        assert!(poll_with(&wakes, &mut stopping).is_ready());
    }
}

#[test]
fn each_kind_of_wait_that_is_dropped_leaves_no_trace() {
    // CTX-34, WAIT-07, WAIT-17
    let sim = SimRuntime::new();
    let (ctx, wakes) = (Ctx::root("app", sim.clone()), Arc::new(Wakes::default()));
    let task = ctx.spawn(std::future::pending::<()>());
    let hour = Duration::from_secs(3600);
    let waits: [std::pin::Pin<Box<dyn Future<Output = ()>>>; 9] = [
        Box::pin(ctx.done().map(drop)),
        Box::pin(ctx.stopping()),
        Box::pin(ctx.run_until_done(std::future::pending::<()>()).map(drop)),
        Box::pin(ctx.sleep(hour).map(drop)),
        Box::pin(ctx.timeout(hour, std::future::pending::<()>()).map(drop)),
        Box::pin(ctx.wait([task.watch()], Until::All).timeout(hour).map(drop)),
        Box::pin(ctx.clone().into_finish()),
        Box::pin(task.watch().wait().map(drop)),
        Box::pin(wait_for_first([task.watch()]).map(drop)),
    ];
    for (n, mut wait) in waits.into_iter().enumerate() {
        for _ in 0..2 {
            assert!(poll_with(&wakes, &mut wait).is_pending(), "wait {n}");
        }
        assert!(Arc::strong_count(&wakes) > 1, "wait {n} is registered");
        drop(wait);
        assert_eq!(
            Arc::strong_count(&wakes),
            1,
            "wait {n} has left a waker behind"
        );
    }
    assert_eq!(wakes.0.load(Ordering::SeqCst), 0);
    assert!(!ctx.is_done() && !task.is_done());
    task.cancel();
    sim.run_until_stalled();
}

trait IntoFinish {
    async fn into_finish(self);
}

impl IntoFinish for Ctx {
    async fn into_finish(self) {
        self.finish().await;
    }
}
