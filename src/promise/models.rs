//! Models of a promise: giving the outcome against waiting, listening, looking and going.

use std::{future::Future, pin::Pin, task::Poll};

use super::Promise;
use crate::{
    FutureStatus, Result, WaitSlot,
    models::{Wakes, check, spawn},
    sync::{Arc, AtomicUsize, Ordering},
};

/// A wait and what it has seen so far.
struct Waiter {
    wait: Promise<u32>,
    wakes: Arc<Wakes>,
    first: Poll<Result<u32>>,
}

impl Waiter {
    /// Polls once.
    fn new(mut wait: Promise<u32>) -> Waiter {
        let wakes = Wakes::new();
        let first = wakes.poll(|cx| Pin::new(&mut wait).poll(cx));
        Waiter { wait, wakes, first }
    }

    /// What it gives, now that the outcome is there: at once, or after a wake.
    fn outcome(mut self) -> Result<u32> {
        if let Poll::Ready(outcome) = self.first {
            return outcome;
        }
        assert_eq!(self.wakes.count(), 1, "it is woken once");
        match self.wakes.poll(|cx| Pin::new(&mut self.wait).poll(cx)) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("woken without an outcome"),
        }
    }
}

/// A callback that counts its calls.
fn counter() -> (
    Arc<AtomicUsize>,
    impl FnOnce(Result<&u32, &crate::Error>) + Send,
) {
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    (calls, move |_: Result<&u32, &crate::Error>| {
        counted.fetch_add(1, Ordering::SeqCst);
    })
}

/// The wait gets the value, now or after one wake.
#[test]
fn set_while_somebody_begins_to_wait() {
    let mutants = [
        "tell_without_ending",
        "tell_before_the_outcome",
        "look_for_listeners_before_the_write",
    ];
    check(&mutants, || {
        let promise = Promise::new();
        let wait = promise.wait();
        let setter = spawn(move || assert!(promise.set(7)));
        let waiter = Waiter::new(wait);
        setter.join().unwrap();
        assert_eq!(waiter.outcome().unwrap(), 7);
    });
}

/// The wait in a slot is ready, now or after one wake.
#[test]
fn set_while_somebody_begins_to_wait_in_a_slot() {
    check(&["share_when_it_is_over"], || {
        let promise = Promise::new();
        let wait = promise.wait();
        let setter = spawn(move || assert!(promise.set(7)));
        let (mut slot, wakes) = (WaitSlot::default(), Wakes::new());
        let first = wakes.poll(|cx| wait.poll_done(&mut slot, cx));
        setter.join().unwrap();
        assert_eq!(wakes.count(), usize::from(first.is_pending()), "woken once");
        assert!(wakes.poll(|cx| wait.poll_done(&mut slot, cx)).is_ready());
        assert_eq!(wait.outcome().map(|outcome| *outcome.unwrap()), Some(7));
    });
}

/// One outcome wins, and both the callback and the wait see that one.
#[test]
fn set_against_cancel_while_somebody_listens() {
    check(&["register_when_it_is_over"], || {
        let promise = Promise::new();
        let (a, b) = (promise.clone(), promise.wait());
        let setter = spawn(move || a.set(7));
        let (calls, callback) = counter();
        promise.on_done(callback);
        let is_cancelled = promise.cancel();
        let is_set = setter.join().unwrap();
        assert!(is_set != is_cancelled, "one of both wins");
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
        assert_eq!(Waiter::new(b).outcome().is_ok(), is_set);
    });
}

/// The last handle that can set goes while somebody begins to wait: the wait ends.
#[test]
fn last_setter_goes_while_somebody_begins_to_wait() {
    check(&["count_in_two_steps"], || {
        let promise = Promise::<u32>::new();
        let (other, wait) = (promise.clone(), promise.wait());
        let dropper = spawn(move || drop(other));
        let waiter = Waiter::new(wait);
        drop(promise);
        dropper.join().unwrap();
        assert!(waiter.outcome().unwrap_err().is_cancelled());
    });
}

/// A handle becomes one that only waits while the other goes: the wait ends.
#[test]
fn last_setter_goes_while_the_other_is_awaited() {
    check(&["tell_without_ending"], || {
        let promise = Promise::<u32>::new();
        let other = promise.clone();
        let dropper = spawn(move || drop(other));
        let waiter = Waiter::new(promise);
        dropper.join().unwrap();
        assert!(waiter.outcome().unwrap_err().is_cancelled());
    });
}

/// One wait leaves while the outcome is given: the other one gets it.
#[test]
fn one_wait_leaves_while_the_outcome_is_given() {
    check(&["tell_before_the_outcome"], || {
        let promise = Promise::new();
        let (leaves, stays) = (Waiter::new(promise.wait()), Waiter::new(promise.wait()));
        let setter = spawn(move || promise.set(7));
        drop(leaves);
        // A poll in between may find the outcome before the wake.
        let mut stays = stays;
        let again = stays.wakes.poll(|cx| Pin::new(&mut stays.wait).poll(cx));
        setter.join().unwrap();
        match again {
            Poll::Ready(outcome) => assert_eq!(outcome.unwrap(), 7),
            Poll::Pending => assert_eq!(stays.outcome().unwrap(), 7),
        }
    });
}

/// The parent ends while the child is looked at: its outcome shows, stays, and is told once.
#[test]
fn parent_ends_while_the_child_is_looked_at() {
    check(&["tell_only_what_is_new"], || {
        let parent = Promise::<u32>::new();
        let child = parent.child();
        let (calls, callback) = counter();
        child.on_done(callback);
        let ender = spawn(move || assert!(parent.fail("no")));
        let seen = FutureStatus::error(&*child);
        ender.join().unwrap();
        let end = FutureStatus::error(&*child).expect("the parent has ended");
        assert!(end.is_failed());
        assert!(seen.is_none_or(|seen| seen.is_same(&end)));
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
    });
}

/// The parent ends while the child is set: one of both wins and stays.
#[test]
fn parent_ends_while_the_child_is_set() {
    check(&["tell_without_ending"], || {
        let parent = Promise::<u32>::new();
        let child = parent.child();
        let ender = spawn(move || assert!(parent.fail("no")));
        let waiter = Waiter::new(child.wait());
        let is_set = child.set(7);
        ender.join().unwrap();
        assert_eq!(waiter.outcome().is_ok(), is_set);
        assert_eq!(
            child.outcome().is_some_and(|outcome| outcome.is_ok()),
            is_set
        );
    });
}
