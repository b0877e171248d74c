//! Large trees, and what they leave behind.

use std::{error::Error as _, future::pending, sync::Arc};

use windlass::{
    Cancelled,
    testing::{Sim, simulate},
};

use crate::{Broken, Wakes, poll_with, root};

#[test]
fn chain_and_fan_of_a_million_end_and_drop_without_recursion() {
    let top = root();
    let mut chain = vec![top.child("0")];
    for _ in 1..1_000_000 {
        let next = chain[chain.len() - 1].child("n");
        chain.push(next);
    }
    let leaf = chain.pop().unwrap();
    drop(chain);
    assert_eq!(leaf.depth(), 1_000_000);
    assert!(top.cancel() && leaf.is_done());
    drop(leaf);
    let linked: Vec<_> = (0..100_000).map(|_| root().child("deep")).collect();
    assert!(linked.iter().all(|ctx| !ctx.is_done()));
}

#[test]
fn linked_chain_ends_and_drops_without_recursion() {
    let top = root();
    let mut at = top.clone();
    for _ in 0..100_000 {
        at = at.child("n");
    }
    let (wakes, mut done) = (Arc::new(Wakes::default()), at.done());
    assert!(poll_with(&wakes, &mut done).is_pending());
    assert!(top.cancel());
    assert!(poll_with(&wakes, &mut done).is_ready());
    drop(at);
}

#[test]
fn children_that_come_and_go_leave_no_trace() {
    let (top, held) = (root(), Arc::new(()));
    for _ in 0..10_000 {
        let child = top.build("child").value(Arc::clone(&held)).start();
        let keep = Arc::clone(&held);
        child.on_done(move |_| drop(keep));
        drop(child.done());
    }
    assert_eq!(Arc::strong_count(&held), 1);
}

#[test]
fn task_stopped_by_a_failed_context_is_cancelled_with_that_cause() {
    simulate(async |sim: &Sim| {
        let ctx = sim.ctx.child("failing");
        let task = ctx.spawn(pending::<()>());
        ctx.fail(Broken("cause"));
        let error = task.await.unwrap_err();
        assert!(
            error.is_cancelled() && error.is::<Broken>(),
            "one failure stays one"
        );
        let cancelled = error.downcast_ref::<Cancelled>().unwrap();
        assert!(cancelled.source().is_some());
        assert_eq!(cancelled.path(), "sim-->failing", "where it started");
    });
}

#[test]
fn handles_and_futures_are_send_and_static() {
    fn is_send<T: Send + Sync + 'static>(_: &T) {}
    let ctx = root();
    is_send(&ctx);
    is_send(&ctx.done());
    is_send(&ctx.stopping());
    is_send(&ctx.run_until_done(std::future::ready(())));
    is_send(&ctx.downgrade());
}
