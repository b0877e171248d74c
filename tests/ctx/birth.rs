//! Birth, names, values, guards.

use windlass::{FutureStatus, State};

use crate::{Broken, root};

#[test]
fn root_and_child_start_live_with_names_and_values() {
    // CTX-01, CTX-02, CTX-03; Q-14: names neither double up nor lose their parents.
    let root = root().build("app").value(7_u32).start();
    let child = root.child("child");
    assert_eq!(
        (child.name(), child.path().as_str()),
        ("child", "start-->app-->child")
    );
    assert_eq!((root.depth(), child.depth()), (1, 2));
    for ctx in [&root, &child] {
        assert!(!ctx.is_done() && !ctx.is_cancelled() && ctx.error().is_none());
        assert!(ctx.check().is_ok());
        assert_eq!(ctx.state(), State::Pending);
        assert_eq!(ctx.value::<u32>().as_deref(), Some(&7));
        assert_eq!(ctx.value::<u64>(), None);
    }
}

#[test]
fn nearest_value_wins() {
    let outer = root().build("outer").value("far").start();
    let inner = outer.build("inner").value("near").start();
    assert_eq!(
        inner.child("leaf").value::<&str>().as_deref(),
        Some(&"near")
    );
    assert_eq!(outer.value::<&str>().as_deref(), Some(&"far"));
}

#[test]
fn child_of_a_done_context_is_born_done() {
    // CTX-08
    let parent = root();
    parent.fail(Broken("e1"));
    let child = parent.child("child");
    assert!(child.is_done());
    assert!(child.error().unwrap().is::<Broken>());
    assert!(!child.cancel(), "nothing changes any more");
}

#[test]
fn debug_form_shows_path_and_state() {
    // CTX-13
    let child = root().child("child");
    assert_eq!(
        format!("{child:?}"),
        r#"Ctx { path: "start-->child", state: Pending }"#
    );
    child.cancel();
    assert_eq!(
        format!("{child:?}"),
        r#"Ctx { path: "start-->child", state: Done }"#
    );
}

#[test]
fn guard_ends_its_context_and_keeps_an_outcome_that_is_there() {
    // CTX-10, CTX-11, CTX-12
    let guard = root().child("scope").guard();
    let ctx = guard.ctx().clone();
    drop(guard);
    assert!(ctx.is_done() && ctx.is_cancelled());
    let guard = root().child("scope").guard();
    let ctx = guard.ctx().clone();
    assert!(ctx.fail(Broken("inside")));
    drop(guard);
    assert!(
        ctx.error().unwrap().is::<Broken>(),
        "leaving the scope does not overwrite it"
    );
}

#[test]
fn disarmed_guard_ends_nothing() {
    let ctx = root().child("scope").guard().disarm();
    assert!(!ctx.is_done());
}

#[test]
fn guard_ends_its_context_on_a_panic() {
    // CTX-10
    let guard = root().child("scope").guard();
    let ctx = guard.ctx().clone();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
        let _guard = guard;
        panic!("out of the scope");
    }));
    assert!(outcome.is_err() && ctx.is_cancelled());
}
