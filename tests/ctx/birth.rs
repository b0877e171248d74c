//! Birth, names, values, guards.

use std::time::Duration;

use windlass::{
    Ctx, Failure, FutureStatus, State,
    testing::{SimRuntime, simulate},
};

use crate::{
    Broken,
    kit::{Log, secs},
    root,
};

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

#[test]
fn name_stands_as_it_is_given() {
    // CTX-04: what was a prefix there is a context of its own here, or a part of the name.
    let start = root();
    let prefixed = start.child("[prefix]").child("child");
    assert_eq!(prefixed.path(), "start-->[prefix]-->child");
    assert_eq!(start.child("child").path(), "start-->child");
    assert_eq!(start.child("").child("child").path(), "start-->-->child");
    assert_eq!(start.child("a-->b").name(), "a-->b");
}

#[test]
fn reporter_is_inherited_unless_a_context_has_its_own() {
    // CTX-05
    simulate(async |sim| {
        let log = Log::default();
        let to = |name: &'static str| {
            let log = log.clone();
            move |failure: &Failure<'_>| log.add(format!("{name}: {}", failure.path))
        };
        let outer = sim.ctx.build("outer").reporter(to("outer's")).start();
        let inner = outer
            .child("between")
            .build("inner")
            .reporter(to("inner's"));
        for ctx in [outer.child("heir"), inner.start().child("leaf")] {
            drop(
                ctx.task("fails")
                    .try_spawn(async { Err::<(), _>("unseen") }),
            );
            ctx.finish().await;
        }
        let expected = [
            "outer's: sim-->outer-->heir-->fails",
            "inner's: sim-->outer-->between-->inner-->leaf-->fails",
        ];
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn context_has_the_runtime_it_was_given() {
    // Q-13: the "current" loop was asked for, which may be another one, or none, as on this thread.
    let (one, two) = (SimRuntime::new(), SimRuntime::new());
    let ctx = Ctx::root("app", one.clone());
    let same = ctx.on(windlass::AnyRuntime::new(two.clone()));
    let (slept, other) = std::thread::spawn(move || {
        let inside = ctx.clone();
        let slept = ctx.try_spawn(async move { inside.sleep(secs(3)).await });
        (slept, same.spawn(async { "on the other" }))
    })
    .join()
    .unwrap();
    one.block_on(slept).unwrap();
    assert_eq!(two.block_on(other).unwrap(), "on the other");
    assert_eq!(one.clock().elapsed(), secs(3));
    assert_eq!(two.clock().elapsed(), Duration::ZERO);
}

#[test]
fn later_value_of_a_type_replaces_the_earlier() {
    let ctx = root().build("app").value(1).value("text").value(2).start();
    assert_eq!(ctx.value::<i32>().as_deref(), Some(&2));
    assert_eq!(ctx.value::<&str>().as_deref(), Some(&"text"));
}
