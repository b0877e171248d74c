//! Outcomes: which one, whose, and that it stays.

use windlass::{
    Error, FutureStatus, State, TaskHolder,
    testing::{Sim, simulate},
};

use crate::{Broken, root, three};

#[test]
fn ending_a_child_leaves_its_ancestors_alone() {
    // CTX-17, CTX-18, CTX-19
    let (c1, c2, c3) = three();
    assert!(c3.cancel() && !c3.cancel());
    assert!(c3.is_cancelled() && c3.error().is_some());
    for above in [&c1, &c2] {
        assert!(!above.is_done() && !above.is_cancelled() && above.error().is_none());
    }
}

#[test]
fn end_is_visible_in_descendants_at_once() {
    // CTX-20, CTX-21, CTX-22, CTX-27
    let (c1, c2, c3) = three();
    assert!(c1.cancel_with("no more"));
    for ctx in [&c1, &c2, &c3] {
        assert!(ctx.is_done() && ctx.is_cancelled());
        assert_eq!(
            ctx.error().unwrap().to_string(),
            "cancelled at start by no more"
        );
    }
}

#[test]
fn each_context_keeps_its_own_outcome() {
    // CTX-24, CTX-26: the error is the identical object.
    let (c1, c2, c3) = three();
    assert!(c3.fail(Broken("e3")) && c2.fail(Broken("e2")));
    assert_eq!(
        c3.error().unwrap().downcast_ref::<Broken>(),
        Some(&Broken("e3"))
    );
    assert_eq!(
        c2.error().unwrap().downcast_ref::<Broken>(),
        Some(&Broken("e2"))
    );
    assert!(!c3.is_cancelled() && !c1.is_done());
}

#[test]
fn first_outcome_wins_also_between_a_node_and_its_ancestors() {
    // a context that its parent had cancelled could still be failed, and changed its outcome.
    let (c1, _c2, c3) = three();
    assert!(c1.cancel());
    assert!(!c3.fail(Broken("late")), "it is done already");
    assert!(c3.error().unwrap().is_cancelled());
    // CTX-23 in our terms: a second outcome changes nothing and says so.
    let own = root();
    assert!(own.fail(Broken("first")) && !own.fail(Broken("second")) && !own.cancel());
    assert_eq!(
        own.error().unwrap().downcast_ref::<Broken>(),
        Some(&Broken("first"))
    );
}

#[test]
fn outcome_seen_through_an_unlinked_node_stays() {
    // Q-05, the other way round: what was seen is the node's own from then on.
    let (c1, c2, c3) = three();
    c1.fail(Broken("far"));
    assert!(c3.error().unwrap().is::<Broken>());
    assert!(!c2.cancel() && !c3.cancel());
    assert!(c3.error().unwrap().is::<Broken>());
}

#[test]
fn children_of_a_failed_context_say_so() {
    // a check for "cancelled" alone missed it. The kind is to be read from `error()`.
    let parent = root();
    let child = parent.child("child");
    parent.fail(Broken("e"));
    assert!(!child.is_cancelled() && FutureStatus::is_failed(&child));
    assert!(child.check().unwrap_err().is_failed());
}

#[test]
fn cancellation_names_its_place_and_reason() {
    let ctx = root().child("server");
    let line = line!() + 1;
    ctx.cancel_with("shutdown requested");
    let Some(Error::Cancelled(cancelled)) = ctx.error() else {
        panic!("{ctx:?}")
    };
    assert_eq!(cancelled.path(), "start-->server");
    assert_eq!(cancelled.reason(), Some("shutdown requested"));
    assert_eq!(
        (cancelled.location().file(), cancelled.location().line()),
        (file!(), line)
    );
}

#[test]
fn done_context_has_an_error_however_it_ended() {
    // CTX-29: there is no way to succeed.
    let (dropped, failed) = (root().child("guarded").guard(), root());
    let guarded = dropped.ctx().clone();
    drop(dropped);
    failed.fail(Broken("e"));
    let (c1, _c2, c3) = three();
    c1.cancel();
    for ctx in [&guarded, &failed, &c3] {
        assert!(ctx.is_done() && ctx.error().is_some() && ctx.check().is_err());
        assert_eq!(
            ctx.state() == State::Done,
            FutureStatus::error(ctx).is_some()
        );
    }
}

#[test]
fn of_several_ended_ancestors_the_nearest_decides() {
    // the docs said the oldest, the code took the nearest. Where the farther one ended first,
    // the nearer one has ended with it, so both are the same.
    let (c1, c2, c3) = three();
    let below = c3.child("below");
    assert!(c2.fail(Broken("e2")) && c1.fail(Broken("e1")));
    for ctx in [&c3, &below] {
        assert!(ctx.error().unwrap().to_string() == "e2");
    }
    let (c1, c2, c3) = three();
    assert!(c1.fail(Broken("e1")) && !c2.fail(Broken("e2")));
    assert_eq!(c3.error().unwrap().downcast_ref(), Some(&Broken("e1")));
    assert_eq!(c2.error().unwrap().downcast_ref(), Some(&Broken("e1")));
}

#[test]
fn error_that_leaves_a_scope_is_kept() {
    // leaving the scope through an error cancelled the context, and the error was not recorded.
    simulate(async |sim: &Sim| {
        let holder = TaskHolder::new(&sim.ctx, "scope");
        let ctx = holder.handle();
        let left = holder.scope(async |_| Err::<(), _>(Broken("e"))).await;
        assert!(left.unwrap_err().is::<Broken>());
        let error = ctx.error().unwrap();
        assert!(error.is_cancelled() && error.is::<Broken>(), "{error}");
    });
}
