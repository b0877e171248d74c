//! Payloads of panics.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};

use super::cancelled;
use crate::error::{Error, Panicked};

#[test]
fn the_payload_of_a_panic_is_given_away_once() {
    let first = Panicked::new(Box::new(7_u32));
    let second = first.clone();
    assert_eq!(first.message(), "a payload that is not text");
    let payload = first
        .into_panic()
        .unwrap_or_else(|_| panic!("nobody took it"));
    assert_eq!(payload.downcast_ref(), Some(&7_u32));
    let second = second.into_panic().expect_err("it was taken");
    assert_eq!(second.message(), "a payload that is not text");
}

#[test]
fn resume_panic_goes_on_with_the_payload_and_then_with_the_text() {
    let error = Error::Panicked(Panicked::new(Box::new("boom".to_owned())));
    let again = error.clone();
    let payload = catch_unwind(AssertUnwindSafe(|| error.resume_panic())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"boom".to_owned()));
    let payload = catch_unwind(AssertUnwindSafe(|| again.resume_panic())).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&"boom".to_owned()));
    assert!(cancelled().resume_panic().is_cancelled());
}

#[test]
fn a_payload_that_panics_for_ever_when_dropped_is_dropped_quietly() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Bomb);
        }
    }
    drop(Panicked::new(Box::new(Bomb)));
    drop(Error::Panicked(Panicked::new(Box::new(Bomb))).clone());
}
