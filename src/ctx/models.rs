//! Models of the tree.

use std::{
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::Ctx;
use crate::{
    Sleep, Spawner, Timer,
    models::{Wakes, check, spawn as start},
    sync::{Arc, AtomicUsize, Mutex, Ordering, lock},
    task::{harness::Always, models::spawn_as},
};

fn root() -> Ctx<()> {
    Ctx::root_on("root", ())
}

/// The path of the node at which the end began.
fn origin(ctx: &Ctx<()>) -> Option<String> {
    ctx.error().map(|error| error.to_string())
}

/// A child is linked while its parent ends: when the end has returned, the child is done.
#[test]
fn child_is_linked_while_its_parent_ends() {
    check(&["publish_before_adopting"], || {
        let parent = root();
        let child = parent.child("child");
        let (linking, ending) = (child.clone(), parent.clone());
        let linker = start(move || {
            let _ = linking.node().link();
        });
        let ender = start(move || {
            let is_first = ending.cancel();
            assert!(is_first, "nobody else ends it");
            assert!(
                child.is_done(),
                "the end has returned, so the child is done"
            );
        });
        linker.join().unwrap();
        ender.join().unwrap();
    });
}

/// A wait that begins while the context ends is woken, or sees the end.
#[test]
fn wait_begins_while_the_context_ends() {
    check(&["wait_without_looking"], || {
        let parent = root();
        let child = parent.child("child");
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let waiter = start(move || {
            let mut done = Box::pin(child.done());
            let is_ready = woken.poll(|cx| done.as_mut().poll(cx)).is_ready();
            (is_ready, done, child)
        });
        parent.cancel();
        let (is_ready, _done, child) = waiter.join().unwrap();
        assert!(is_ready || wakes.count() > 0, "the wait hangs");
        assert!(child.is_done());
    });
}

/// The last handle goes while the parent ends: an observer hears of one end, once.
#[test]
fn node_is_dropped_while_its_parent_ends() {
    check(&["go_without_ending"], || {
        let parent = root();
        let child = parent.child("child");
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        child.on_done(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let done = child.done();
        let dropper = start(move || drop(child));
        parent.cancel();
        dropper.join().unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
        let mut done = pin!(done);
        let wakes = Wakes::new();
        let polls = [(); 2].map(|()| wakes.poll(|cx| done.as_mut().poll(cx)).is_ready());
        assert!(polls[1], "the observer sees the end");
    });
}

/// Two endings at different depths: each that returned true left everything below done, and no
/// outcome changes.
#[test]
fn two_endings_at_different_depths() {
    check(&["stop_at_done_nodes"], || {
        let top = root();
        let middle = top.child("middle");
        let leaf = middle.child("leaf");
        let _ = leaf.node().link();
        let (ending, below) = (middle.clone(), leaf.clone());
        let inner = start(move || {
            let is_first = ending.cancel_with("inner");
            (is_first, below.is_done(), origin(&below))
        });
        let is_first = top.cancel_with("outer");
        assert!(is_first, "nothing above ends it");
        assert!(
            leaf.is_done() && middle.is_done(),
            "the outer end has returned"
        );
        let seen = origin(&leaf);
        let (inner_was_first, was_done, seen_inside) = inner.join().unwrap();
        assert!(
            was_done || !inner_was_first,
            "the inner end has returned true"
        );
        assert_eq!(seen, origin(&leaf), "an outcome changes");
        assert!(
            seen_inside.is_none() || seen_inside == seen,
            "an outcome changes"
        );
    });
}

/// An end is observed through an unlinked node whose own end is on its way: what was seen stays.
#[test]
fn observer_through_an_unlinked_node_against_a_failing_child() {
    check(&["report_without_settling"], || {
        let parent = root();
        let child = parent.child("child");
        let (failing, observed) = (child.clone(), child.clone());
        let failer = start(move || failing.fail("own failure"));
        let observer = start(move || {
            let first = origin(&observed);
            (first.is_some(), first, origin(&observed))
        });
        parent.cancel();
        let has_failed = failer.join().unwrap();
        let (was_seen, first, second) = observer.join().unwrap();
        assert!(
            !was_seen || first == second,
            "an outcome changes: {first:?}, {second:?}"
        );
        let last = origin(&child);
        assert!(
            !was_seen || first == last,
            "an outcome changes: {first:?}, {last:?}"
        );
        assert_eq!(has_failed, last.is_some_and(|text| text == "own failure"));
    });
}

/// A callback is registered while the context ends: it is called exactly once.
#[test]
fn callback_is_registered_while_the_context_ends() {
    check(&["list_callback_of_done_node"], || {
        let ctx = root();
        let calls = Arc::new(AtomicUsize::new(0));
        let (registering, counter) = (ctx.clone(), Arc::clone(&calls));
        let registrar = start(move || {
            registering.on_done(move |_| {
                counter.fetch_add(1, Ordering::SeqCst);
            });
        });
        ctx.cancel();
        registrar.join().unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
    });
}

/// A runtime that keeps what is spawned and polls nothing; its clock stands still.
#[derive(Clone)]
struct Keeps {
    tasks: Arc<Mutex<Vec<Pin<Box<dyn Future<Output = ()> + Send>>>>>,
    now: Instant,
}

struct Still;

impl Future for Still {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Still {
    fn reset(self: Pin<&mut Self>, _deadline: Instant) {}
}

impl Timer for Keeps {
    type Sleep = Still;

    fn now(&self) -> Instant {
        self.now
    }

    fn sleep_until(&self, _deadline: Instant) -> Still {
        Still
    }
}

impl Spawner for Keeps {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        lock(&self.tasks).push(Box::pin(future));
    }
}

/// A child gets a deadline while something above it ends: the entry does not stay behind.
#[test]
fn deadline_is_armed_while_an_ancestor_ends() {
    check(&["arm_without_looking", "end_without_pruning"], || {
        let rt = Keeps {
            tasks: Arc::new(Mutex::new(Vec::new())),
            now: Instant::now(),
        };
        let top = Ctx::root_on("top", rt.clone());
        let parent = top.child("parent");
        // The parent knows the deadlines, or learns of them from the child that is armed.
        let first = parent
            .build("first")
            .timeout(Duration::from_secs(2))
            .start();
        let deadlines = Arc::clone(parent.node().live().unwrap().deadlines().unwrap());
        let arming = parent.clone();
        let armer = start(move || {
            let wish = arming.build("child").timeout(Duration::from_secs(1));
            wish.start()
        });
        assert!(parent.cancel(), "nobody else ends it");
        let child = armer.join().unwrap();
        assert!(child.is_done() && first.is_done());
        assert!(deadlines.is_empty(), "an entry of a context that has ended");
        lock(&rt.tasks).clear();
    });
}

/// The same with the first deadline of the tree: its parent learns of the list meanwhile.
#[test]
fn first_deadline_is_armed_while_an_ancestor_ends() {
    check(&["learn_outside_the_lock"], || {
        let rt = Keeps {
            tasks: Arc::new(Mutex::new(Vec::new())),
            now: Instant::now(),
        };
        let top = Ctx::root_on("top", rt.clone());
        let parent = top.child("parent");
        let arming = parent.clone();
        let armer = start(move || {
            let wish = arming.build("child").timeout(Duration::from_secs(1));
            wish.start()
        });
        assert!(parent.cancel(), "nobody else ends it");
        let child = armer.join().unwrap();
        assert!(child.is_done());
        let deadlines = top.node().live().and_then(|live| live.deadlines().cloned());
        let is_empty = deadlines.is_none_or(|deadlines| deadlines.is_empty());
        assert!(is_empty, "an entry of a context that has ended");
        lock(&rt.tasks).clear();
    });
}

/// A child goes while what ran is counted: what ran in it is counted once.
#[test]
fn child_goes_while_it_is_counted() {
    check(&["fold_in_two_steps"], || {
        let root = root();
        let child = root.child("child");
        let (task, harness) = spawn_as::<Always, _, _>(&child, async {});
        let mut harness = harness.expect("the context is live");
        assert!(Wakes::new().poll(|cx| harness.as_mut().poll(cx)).is_ready());
        drop((task, harness));
        let dropper = start(move || drop(child));
        let completed = || root.finished(Duration::ZERO).completed;
        assert_eq!(completed(), 1);
        dropper.join().unwrap();
        assert_eq!(completed(), 1);
    });
}
