//! Contexts: behaviours CTX-xx and the regressions of Q-01 … Q-18.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use std::{
    error::Error as _,
    future::{Future, pending},
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use windlass::{
    Cancelled, Ctx, Error, FutureStatus, State, TimedOut,
    testing::{Sim, simulate},
    wait_for_all,
};

use self::kit::{Log, secs};

#[derive(Debug, PartialEq)]
struct Broken(&'static str);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Broken {}

/// A tree that needs no runtime.
fn root() -> Ctx<()> {
    Ctx::root_on("start", ())
}

fn three() -> (Ctx<()>, Ctx<()>, Ctx<()>) {
    let c1 = root();
    let c2 = c1.child("two");
    let c3 = c2.child("three");
    (c1, c2, c3)
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn poll_with<F: Future + Unpin>(wakes: &Arc<Wakes>, future: &mut F) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(wakes));
    std::pin::Pin::new(future).poll(&mut Context::from_waker(&waker))
}

/// A callback that notes `entry`.
fn note(log: &Log, entry: &'static str) -> impl FnOnce(&Error) + Send + 'static + use<> {
    let log = log.clone();
    move |_| log.add(entry)
}

// ===== creation and names

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

// ===== guards

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

// ===== outcomes

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
    // Q-05: a context that its parent had cancelled could still be failed, and changed its outcome.
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
    // Q-11: a check for "cancelled" alone missed it. The kind is to be read from `error()`.
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

// ===== waiting

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

// ===== callbacks

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
    // CTX-37, CTX-38, CTX-39, CTX-40
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
    // CTX-45, CTX-47, CTX-48, CTX-49
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
    // Q-08: registering the same function twice overwrote its entry.
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
    struct Reenter(Ctx<()>);
    impl Wake for Reenter {
        fn wake(self: Arc<Self>) {
            assert!(self.0.is_done() && !self.0.cancel());
            self.0.on_done(|_| {});
            drop(self.0.child("more"));
        }
    }
    let ctx = root();
    let mut done = ctx.done();
    let waker = Waker::from(Arc::new(Reenter(ctx.clone())));
    assert!(
        pin!(&mut done)
            .poll(&mut Context::from_waker(&waker))
            .is_pending()
    );
    assert!(ctx.cancel());
}

// ===== stop

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

// ===== ends with another, deadlines, cleanup

#[test]
fn also_ends_with_another_and_forgets_it() {
    // Q-03: every short-lived context left a closure at the long-lived one.
    let (mine, other) = (root(), root());
    let both = mine.build("both").also_ends_with(&other).start();
    other.fail(Broken("elsewhere"));
    assert!(both.error().unwrap().is::<Broken>() && !mine.is_done());
    let other = root();
    let held = Arc::new(());
    for _ in 0..1000 {
        drop(
            mine.build("brief")
                .value(Arc::clone(&held))
                .also_ends_with(&other)
                .start(),
        );
    }
    assert_eq!(Arc::strong_count(&held), 1, "nothing is left behind");
    let done = mine.build("born done").also_ends_with(&both).start();
    assert!(done.error().unwrap().is::<Broken>());
}

#[test]
fn deadlines_end_with_timed_out_and_the_earliest_counts() {
    simulate(async |sim: &Sim| {
        let outer = sim.ctx.build("outer").timeout(secs(5)).start();
        let inner = outer.build("inner").timeout(secs(60)).start();
        assert_eq!(inner.deadline(), outer.deadline());
        assert_eq!(inner.remaining(), Some(secs(5)));
        let error = inner.done().await;
        assert_eq!(sim.clock.elapsed(), secs(5));
        let late = error
            .downcast_ref::<TimedOut>()
            .expect("it was the deadline")
            .clone();
        assert_eq!((late.path(), late.after()), ("sim-->outer", secs(5)));
        assert_eq!(inner.remaining(), Some(Duration::ZERO));
        let zero = sim.ctx.build("zero").timeout(Duration::ZERO).start();
        assert!(zero.error().unwrap().is_timed_out(), "done at once");
        let past = sim
            .ctx
            .build("past")
            .deadline(sim.ctx.now() - secs(1))
            .start();
        assert!(past.error().unwrap().is_timed_out());
        let huge = sim.ctx.build("huge").timeout(Duration::MAX).start();
        assert!(!huge.is_done() && huge.remaining().unwrap() > secs(900_000_000));
    });
}

#[test]
fn deadline_leaves_the_list_with_its_context_and_does_not_drag_the_clock() {
    // Q-98, for our own timers.
    simulate(async |sim: &Sim| {
        let short = sim.ctx.build("short").timeout(secs(10)).start();
        let gone = sim.ctx.build("gone").timeout(secs(20)).start();
        sim.ctx.sleep(secs(1)).await.unwrap();
        assert!(short.cancel());
        drop(gone);
        sim.ctx.sleep(secs(1)).await.unwrap();
        let again = sim.ctx.build("again").timeout(secs(3)).start();
        again.done().await;
        assert_eq!(sim.clock.elapsed(), secs(5));
    });
}

#[test]
fn many_deadlines_end_in_their_order() {
    simulate(async |sim: &Sim| {
        let log = Log::default();
        let mut all = Vec::new();
        for n in (1..=20_u64).rev() {
            let ctx = sim.ctx.build("n").timeout(secs(n)).start();
            let (log, clock) = (log.clone(), sim.clock.clone());
            ctx.on_done(move |_| log.add(format!("{n} at {}", clock.elapsed().as_secs())));
            all.push(ctx);
        }
        wait_for_all(&all).await;
        let expected: Vec<_> = (1..=20).map(|n| format!("{n} at {n}")).collect();
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn cleanup_is_live_below_the_nearest_live_ancestor_and_bounded() {
    simulate(async |sim: &Sim| {
        let server = sim.ctx.child("server");
        let conn = server.child("conn");
        server.cancel();
        let cleanup = conn.cleanup(secs(2));
        assert_eq!(cleanup.path(), "sim-->cleanup of conn");
        assert!(cleanup.done().await.is_timed_out());
        assert_eq!(sim.clock.elapsed(), secs(2));
        sim.ctx.cancel();
        let alone = conn.cleanup(secs(2));
        assert!(!alone.is_done(), "live, although all above have ended");
    });
}

// ===== waits on contexts in sets

#[test]
fn wait_for_all_counts_each_context_of_a_shared_ancestor() {
    // Q-01: two contexts with a common ancestor were counted as one, and the wait never ended.
    simulate(async |sim: &Sim| {
        let (x, y) = (sim.ctx.child("x"), sim.ctx.child("y"));
        let parent = sim.ctx.child("parent");
        let below = parent.child("below");
        let ending = sim.ctx.spawn({
            let (x, y, parent) = (x.clone(), y.clone(), parent.clone());
            async move { [x.cancel(), y.cancel(), parent.cancel()] }
        });
        wait_for_all((&x, &y, &parent, &below)).await;
        assert_eq!(ending.await.unwrap(), [true; 3]);
    });
}

// ===== size and shape

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
