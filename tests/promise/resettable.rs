//! Promises that can be reset.

use windlass::{FutureStatus, ResettablePromise, wait_for_all};

use crate::{Log, Wakes, is_cancelled, poll, ready};

#[test]
fn fut_34_to_37_it_can_be_given_an_outcome_again_after_each_reset() {
    let promise = ResettablePromise::new();
    assert!(!promise.is_done());
    assert!(promise.set(1) && !promise.set(2) && promise.is_done());
    assert_eq!(ready(promise.wait()).unwrap(), 1);
    assert!(promise.reset() && !promise.is_done());

    assert!(promise.fail("one") && !promise.fail("two"));
    assert_eq!(ready(promise.wait()).unwrap_err().to_string(), "one");
    assert!(promise.reset());
    assert!(promise.fail(std::io::Error::from(std::io::ErrorKind::NotFound)));
    assert!(ready(promise.wait()).unwrap_err().is::<std::io::Error>());
    assert!(promise.reset());

    for _ in 0..2 {
        assert!(promise.cancel() && !promise.cancel());
        assert!(FutureStatus::is_cancelled(&promise));
        assert!(ready(promise.wait()).unwrap_err().is_cancelled());
        assert!(promise.reset());
    }
    assert!(promise.set(5));
}

#[test]
fn fut_39_and_44_callbacks_belong_to_one_round() {
    let (log, promise) = (Log::default(), ResettablePromise::new());
    let old = promise.on_done(log.callback("OLD"));
    promise.set(1);
    assert!(promise.reset());
    assert_eq!(log.take(), ["OLD 1"]);
    assert!(!promise.has_on_done(old) && !promise.remove_on_done(old));

    promise.on_done(log.callback("ONE"));
    let two = promise.on_done(log.callback("TWO"));
    promise.on_done(log.callback("THREE"));
    assert!(promise.remove_on_done(two));
    promise.cancel();
    assert_eq!(log.take(), ["ONE cancelled", "THREE cancelled"]);
}

#[test]
fn fut_42_a_reset_while_pending_does_nothing() {
    let (log, promise) = (Log::default(), ResettablePromise::new());
    let id = promise.on_done(log.callback("one"));
    let wait = promise.wait();
    assert!(!promise.reset());
    assert!(promise.has_on_done(id) && log.take().is_empty());
    promise.set(1);
    assert_eq!(log.take(), ["one 1"]);
    assert_eq!(ready(wait).unwrap(), 1);
}

/// Bug Q-28: after a reset a removal looked at the new round, and those whom a forced reset
/// released saw a cancellation like any other.
#[test]
fn q_28_fut_43_a_forced_reset_releases_those_who_wait_and_says_why() {
    let (log, promise) = (Log::default(), ResettablePromise::named("ready"));
    let old = promise.on_done(log.callback("old"));
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    promise.force_reset();
    assert_eq!(
        (wakes.count(), log.take()),
        (1, vec!["old cancelled".to_owned()])
    );
    assert_eq!(
        ready(wait).unwrap_err().to_string(),
        "cancelled at ready by reset"
    );

    let new = promise.on_done(log.callback("new"));
    assert!(!promise.remove_on_done(old) && promise.has_on_done(new));
    assert!(!promise.is_done() && promise.set(2));
    assert_eq!(log.take(), ["new 2"]);
    promise.force_reset();
    assert!(!promise.is_done(), "also one that is done");
}

#[test]
fn a_callback_of_a_forced_reset_finds_the_next_round_begun() {
    let promise = ResettablePromise::new();
    let again = promise.clone();
    promise.on_done(move |_| assert!(again.set(2)));
    promise.force_reset();
    assert_eq!(ready(promise.wait()).unwrap(), 2);
}

/// Behaviour WAIT-26: the notice counts, not what holds when it is looked at.
#[test]
fn wait_26_an_end_that_was_reset_still_counts_for_those_who_waited() {
    let promise = ResettablePromise::new();
    let (wakes, waker) = Wakes::new();
    let mut all = Box::pin(wait_for_all([&promise]));
    assert!(poll(&mut all, &waker).is_pending());
    promise.set(1);
    assert!(promise.reset() && !promise.is_done());
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut all, &waker).is_ready());
}

#[test]
fn waits_end_when_the_last_handle_of_a_resettable_promise_goes() {
    let promise = ResettablePromise::<u32>::new();
    let (clone, wait) = (promise.clone(), promise.wait());
    drop(promise);
    assert!(!wait.is_done());
    drop(clone);
    assert!(is_cancelled(&wait));
}
