//! The outcome of a promise.

use std::{cell::Cell, rc::Rc};

use windlass::{ChildPromise, Error, FutureStatus, Promise, ResettablePromise, State, WaitSlot};

use crate::{ready, value};

#[test]
fn a_pending_promise_has_no_outcome_and_no_error() {
    let promise = Promise::<u32>::new();
    assert!(promise.outcome().is_none());
    assert!(!promise.is_done());
    assert_eq!(promise.state(), State::Pending);
    assert!(FutureStatus::error(&promise).is_none());
}

#[test]
fn the_first_outcome_wins_and_the_later_value_is_handed_back() {
    let promise = Promise::new();
    assert!(promise.set(1));
    assert!(!promise.set(2));
    assert_eq!(promise.try_set(3), Err(3));
    assert!(!promise.fail("late"));
    assert!(!promise.cancel());
    assert_eq!(value(&promise), Some(1));
    assert_eq!(ready(promise).unwrap(), 1);
}

#[test]
fn an_error_and_a_cancellation_reach_every_wait() {
    let promise = Promise::<u32>::new();
    let waits = [promise.wait(), promise.wait()];
    promise.fail("disk full");
    for wait in waits {
        let error = ready(wait).unwrap_err();
        assert!(error.is_failed());
        assert_eq!(error.to_string(), "disk full");
    }
    let promise = Promise::<u32>::named("upload");
    let line = line!() + 1;
    promise.cancel();
    let Err(Error::Cancelled(cancelled)) = ready(promise) else {
        panic!("not cancelled")
    };
    assert_eq!(cancelled.path(), "upload");
    assert_eq!(cancelled.location().line(), line);
    assert!(cancelled.location().file().ends_with("promise/outcome.rs"));
}

#[test]
fn values_need_not_be_clone_send_or_static() {
    struct Plain<'a>(&'a Cell<u32>);
    let cell = Cell::new(5);
    let promise = Promise::new();
    assert!(promise.set(Plain(&cell)));
    assert_eq!(promise.outcome().unwrap().ok().unwrap().0.get(), 5);
    assert!(ready(wait_after_yield(&promise)));

    let local = Promise::new();
    let wait = local.wait();
    local.set(Rc::new(7));
    assert_eq!(*ready(wait).unwrap(), 7);
}

/// `wait_for_all` yields once; so poll it twice.
async fn wait_after_yield(status: &impl FutureStatus) -> bool {
    let mut slot = WaitSlot::default();
    futures::future::poll_fn(|cx| status.poll_done(&mut slot, cx)).await;
    status.is_done()
}

#[test]
fn a_promise_is_send_and_sync_if_its_value_is() {
    fn both<T: Send + Sync + Unpin>() {}
    both::<Promise<u32>>();
    both::<ResettablePromise<u32>>();
    both::<ChildPromise<u32>>();
}

#[test]
fn fut_32_a_name_is_none_unless_it_is_given_and_the_place_of_birth_is_kept() {
    let unnamed = Promise::<u32>::new();
    assert_eq!((unnamed.name(), unnamed.label()), (None, None));
    let named = Promise::<u32>::named("one");
    assert_eq!((named.name(), named.label()), (Some("one"), Some("one")));
    assert_eq!(ResettablePromise::<u32>::named("two").label(), Some("two"));
    let born = line!() + 1;
    let wait = Promise::<u32>::named("gone").wait(); // the only one that could set it goes
    let Some(Error::Cancelled(cancelled)) = FutureStatus::error(&wait) else {
        panic!("not cancelled")
    };
    assert_eq!(
        (cancelled.path(), cancelled.location().line()),
        ("gone", born)
    );
}
