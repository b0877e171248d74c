//! Chains of causes.

use std::{error::Error as StdError, fmt, io, panic::resume_unwind};

use super::{CARRIERS, DiskFull, cancelled, cancelled_because, failed, panicked, timed_out};
use crate::error::{Cancelled, Error};

#[test]
fn the_cause_of_a_cancellation_is_its_source_and_can_be_searched() {
    let error = cancelled_because(Some(failed()));
    let Error::Cancelled(cancelled) = &error else {
        unreachable!()
    };
    assert!(cancelled.cause().is_some_and(Error::is_failed));
    assert!(
        cancelled
            .source()
            .is_some_and(|source| source.is::<DiskFull>())
    );
    assert!(error.is::<DiskFull>() && !error.is_failed());
    assert!(Cancelled::clone(cancelled).reason() == Some("shutdown requested"));
}

/// The cause is not what the error is: the outermost kind counts.
#[test]
fn a_cancellation_with_a_failed_cause_comes_back_as_a_cancellation() {
    let error = cancelled_because(Some(timed_out()));
    for (name, carry) in CARRIERS {
        assert!(
            Error::from(carry(error.clone())).is_same(&error),
            "through {name}"
        );
    }
}

#[derive(Debug)]
struct Ring;

impl fmt::Display for Ring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("round")
    }
}

impl StdError for Ring {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&Ring)
    }
}

#[test]
fn a_chain_that_is_a_ring_is_searched_and_printed_all_the_same() {
    let error = Error::failed(Ring);
    assert!(error.is::<Ring>() && !error.is::<DiskFull>());
    assert!(!error.is_same(&failed()));
    assert_eq!(crate::error::text_with_causes(&error), "round");
}

#[test]
fn a_source_that_panics_is_the_end_of_the_chain() {
    #[derive(Debug, thiserror::Error)]
    #[error("trap")]
    struct Trap;
    #[derive(Debug)]
    struct Holder(Trap);
    impl fmt::Display for Holder {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fmt(f)
        }
    }
    impl StdError for Holder {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            resume_unwind(Box::new("no source"))
        }
    }
    let error = Error::failed(Holder(Trap));
    assert!(error.is_failed() && !error.is_same(&failed()));
    // And the next search hears right.
    assert!(Error::failed(eyre::Report::from(cancelled())).is_cancelled());
}

/// A user's `source` may itself convert errors; that search is not to speak into this one.
#[test]
fn a_search_inside_a_search_keeps_what_it_hears_to_itself() {
    #[derive(Debug)]
    struct Converting(Error);
    impl fmt::Display for Converting {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("converting")
        }
    }
    impl StdError for Converting {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            assert!(Error::failed(eyre::Report::from(panicked())).is_panic());
            self.0.source()
        }
    }
    let error = timed_out();
    assert!(Error::failed(Converting(error.clone())).is_same(&error));
}

#[test]
fn a_long_chain_of_causes_is_searched_printed_and_dropped_without_recursion() {
    let mut error = failed();
    for _ in 0..300_000 {
        error = cancelled_because(Some(error));
    }
    assert!(!error.is::<DiskFull>(), "farther than any walk goes");
    assert!(format!("{error:?}").len() < 1000);
    let shared = error.clone();
    drop(error);
    drop(shared);
}

#[test]
fn texts_of_causes_follow_and_are_not_repeated() {
    let with_causes = |error: Error| crate::error::text_with_causes(&error);
    assert_eq!(with_causes(failed()), "the disk is full");
    assert_eq!(
        with_causes(Error::failed(io::Error::other(DiskFull))),
        "the disk is full"
    );
    assert_eq!(
        with_causes(Error::failed(
            anyhow::Error::from(DiskFull).context("while saving")
        )),
        "while saving: the disk is full"
    );
    assert_eq!(
        with_causes(cancelled_because(Some(failed()))),
        "cancelled at app-->server by shutdown requested: the disk is full"
    );
    assert_eq!(
        with_causes(cancelled_because(Some(cancelled()))),
        "cancelled at app-->server by shutdown requested"
    );
}
