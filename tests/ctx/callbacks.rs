//! Done-callbacks, wakers that come back, and stopping.

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
};

use windlass::{Ctx, FutureStatus, State};

use crate::{Broken, Wakes, kit::Log, note, poll_with, root, three};

#[test]
fn callbacks_run_once_in_order_with_the_error() {
    // CTX-35, CTX-36, CTX-41, CTX-44
    let (c1, _c2, c3) = three();
    let log = Log::default();
    c3.on_done(note(&log, "one"));
    let seen = log.clone();
    c3.on_done(move |error| seen.add(error.to_string()));
    c1.fail(Broken("e1"));
    assert_eq!(log.take(), ["one", "e1"]);
    c3.cancel();
    drop((c1, c3));
    assert!(log.take().is_empty(), "called exactly once");
}

#[test]
fn late_callbacks_run_at_once_with_the_nearest_outcome() {
    // CTX-37, CTX-38, CTX-39, CTX-40; Q-09: a late listener could not be removed before its turn came;
    // here it has run when the registration returns.
    let (c1, _c2, c3) = three();
    c3.fail(Broken("e3"));
    c1.fail(Broken("e1"));
    let log = Log::default();
    let seen = log.clone();
    let id = c3.on_done(move |error| seen.add(error.to_string()));
    assert_eq!(log.take(), ["e3"]);
    assert!(!c3.has_on_done(id) && !c3.remove_on_done(id));
}

#[test]
fn removed_callbacks_are_not_called() {
    // CTX-45, CTX-47, CTX-48, CTX-49; Q-07: what a removal returned was not what was documented; here
    // it says whether there was something to remove.
    let (c1, c2, c3) = three();
    let log = Log::default();
    let (kept, removed) = (
        c2.on_done(note(&log, "kept")),
        c2.on_done(note(&log, "removed")),
    );
    assert!(c2.has_on_done(kept) && !c1.has_on_done(kept) && !c3.has_on_done(kept));
    assert!(!c1.remove_on_done(removed), "not a callback of that one");
    assert!(c2.remove_on_done(removed) && !c2.remove_on_done(removed));
    c1.cancel();
    assert_eq!(log.take(), ["kept"]);
    assert!(!c2.has_on_done(kept), "Q-04: what was called is forgotten");
}

#[test]
fn one_registration_has_one_id() {
    // registering the same function twice overwrote its entry.
    let (ctx, log) = (root(), Log::default());
    let (first, second) = (ctx.on_done(note(&log, "f")), ctx.on_done(note(&log, "f")));
    assert_ne!(first, second);
    assert!(ctx.remove_on_done(first) && ctx.has_on_done(second));
    ctx.cancel();
    assert_eq!(log.take(), ["f"]);
}

#[test]
fn panicking_callback_and_waker_stop_nobody() {
    // CTX-50
    struct Bomb;
    impl Wake for Bomb {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics");
        }
    }
    let (ctx, log) = (root(), Log::default());
    let child = ctx.child("child");
    ctx.on_done(|_| panic!("a callback that panics"));
    ctx.on_done(note(&log, "after"));
    let mut done = child.done();
    let bomb = Waker::from(Arc::new(Bomb));
    assert!(
        pin!(&mut done)
            .poll(&mut Context::from_waker(&bomb))
            .is_pending()
    );
    child.on_done(note(&log, "below"));
    assert!(ctx.cancel());
    assert_eq!(log.take(), ["after", "below"]);
}

#[test]
fn everything_is_marked_before_anything_is_called() {
    let (c1, c2, c3) = three();
    let log = Log::default();
    for (ctx, name) in [(&c3, "c3"), (&c1, "c1"), (&c2, "c2")] {
        let (log, all) = (
            log.clone(),
            [c1.downgrade(), c2.downgrade(), c3.downgrade()],
        );
        ctx.on_done(move |_| {
            let are_done = all
                .iter()
                .all(|weak| weak.upgrade().is_none_or(|ctx| ctx.is_done()));
            log.add(format!("{name} {are_done}"));
        });
    }
    c1.cancel();
    assert_eq!(
        log.take(),
        ["c1 true", "c2 true", "c3 true"],
        "parents before children"
    );
}

#[test]
fn ending_started_in_a_callback_marks_at_once_and_calls_later() {
    let (outer, inner, log) = (root(), root(), Log::default());
    let (ending, seen) = (inner.clone(), log.clone());
    inner.on_done(note(&log, "inner called"));
    outer.on_done(move |_| {
        assert!(ending.cancel() && ending.is_done());
        seen.add("first of outer");
    });
    outer.on_done(note(&log, "second of outer"));
    assert!(outer.cancel());
    assert_eq!(
        log.take(),
        ["first of outer", "second of outer", "inner called"]
    );
}

#[test]
fn chain_of_endings_in_callbacks_does_not_recurse() {
    let all: Vec<_> = (0..100_000).map(|_| root()).collect();
    for pair in all.windows(2) {
        let next = pair[1].clone();
        pair[0].on_done(move |_| assert!(next.cancel()));
    }
    assert!(all[0].cancel());
    assert!(all.iter().all(Ctx::is_done));
}

#[test]
fn waker_may_come_back_into_the_tree() {
    // A waker that re-enters: it ends, registers and drops on the very context that wakes it.
    // What panics in there is caught: the last line of the log says that nothing did.
    struct Reenter(Ctx<()>, Log);
    impl Wake for Reenter {
        fn wake(self: Arc<Self>) {
            assert!(self.0.is_done() && !self.0.cancel());
            self.0.on_done(note(&self.1, "late callback"));
            drop(self.0.child("more"));
            self.1.add("back out of the tree");
        }
    }
    let (ctx, log) = (root(), Log::default());
    let mut done = ctx.done();
    let waker = Waker::from(Arc::new(Reenter(ctx.clone(), log.clone())));
    assert!(
        pin!(&mut done)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(ctx.cancel());
    assert_eq!(log.take(), ["late callback", "back out of the tree"]);
}

#[test]
fn stop_asks_the_subtree_and_ends_nothing() {
    let (c1, c2, c3) = three();
    let (wakes, mut stopping) = (Arc::new(Wakes::default()), c3.stopping());
    assert!(poll_with(&wakes, &mut stopping).is_pending());
    assert!(c2.stop() && !c2.stop());
    assert!(!c1.is_stopping() && c2.is_stopping() && c3.is_stopping());
    assert!(poll_with(&wakes, &mut stopping).is_ready());
    assert!(!c3.is_done() && c3.check().is_ok());
    assert_eq!(
        (c3.state(), c2.child("late").state()),
        (State::Stopping, State::Stopping)
    );
    c1.cancel();
    assert!(!c3.stop(), "a done context is not asked");
}

#[test]
fn callback_registered_while_the_end_is_told_runs_at_once() {
    // Q-09, from inside: the context is done already, its callbacks are just being called.
    let (ctx, log) = (root(), Log::default());
    let (again, seen) = (ctx.clone(), log.clone());
    ctx.on_done(move |_| {
        let id = again.on_done(note(&seen, "late"));
        assert!(!again.has_on_done(id) && !again.remove_on_done(id));
        seen.add("first");
    });
    ctx.on_done(note(&log, "second"));
    ctx.cancel();
    assert_eq!(log.take(), ["late", "first", "second"]);
}

#[test]
fn callbacks_and_waits_below_a_done_context_hear_its_outcome() {
    // CTX-08, CTX-39: of a parent that was linked when it ended, and nobody has asked the child yet.
    let parent = root();
    let _linked = parent.done();
    parent.fail(Broken("e"));
    let log = Log::default();
    let (called, waits) = (parent.child("called"), parent.child("waits"));
    called.on_done(note(&log, "called"));
    assert_eq!(log.take(), ["called"]);
    let (wakes, mut done) = (Arc::new(Wakes::default()), waits.done());
    assert!(poll_with(&wakes, &mut done).is_pending(), "one turn");
    assert!(matches!(poll_with(&wakes, &mut done), Poll::Ready(e) if e.is::<Broken>()));
    let deep = parent.child("between").child("deep");
    assert!(!deep.stop() && deep.is_done());
}

#[test]
fn what_is_born_below_a_stopping_context_is_stopping() {
    let parent = root();
    let _linked = parent.done();
    assert!(parent.stop());
    let child = parent.child("late");
    let (wakes, mut stopping) = (Arc::new(Wakes::default()), child.stopping());
    assert!(poll_with(&wakes, &mut stopping).is_pending(), "one turn");
    assert!(poll_with(&wakes, &mut stopping).is_ready());
    assert!(child.is_stopping() && !child.is_done() && !child.stop());
}

#[test]
fn last_handle_ends_the_context_for_its_callbacks() {
    let (parent, log) = (root(), Log::default());
    let (child, seen) = (parent.child("child"), log.clone());
    let grandchild = child.child("below");
    child.on_done(move |error| seen.add(error.to_string()));
    drop(child);
    assert!(log.take().is_empty(), "a child holds it");
    drop(grandchild);
    assert_eq!(
        log.take(),
        ["cancelled at start-->child by every handle was dropped"]
    );
    assert!(!parent.is_done());
}
