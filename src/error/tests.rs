//! What only this crate can make or ask: the four kinds, and whether two errors are one.

use std::{
    cell::Cell,
    error::Error as StdError,
    fmt, io,
    panic::{AssertUnwindSafe, Location, catch_unwind, panic_any, resume_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{BoxError, Cancelled, Error, Failed, Panicked, TimedOut};
use crate::NestedRun;

// ===== the four kinds =====

fn cancelled() -> Error {
    cancelled_because(None)
}

fn cancelled_because(cause: Option<Error>) -> Error {
    let reason = Some("shutdown requested".into());
    let here = Location::caller();
    Error::Cancelled(Cancelled::new(
        "app-->server".to_owned(),
        reason,
        here,
        cause,
    ))
}

fn timed_out() -> Error {
    let after = Duration::from_millis(1500);
    Error::TimedOut(TimedOut::new(
        "app-->request".to_owned(),
        after,
        Instant::now(),
    ))
}

fn panicked() -> Error {
    Error::Panicked(Panicked::new(Box::new("boom")))
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

fn failed() -> Error {
    Error::failed(DiskFull)
}

fn each_kind() -> [Error; 4] {
    [cancelled(), timed_out(), panicked(), failed()]
}

// ===== travelling =====

/// What applications do with errors: each takes one of ours and gives back a box.
type Carrier = (&'static str, fn(Error) -> BoxError);

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("while serving")]
    Serving(#[source] Error),
    #[error(transparent)]
    Transparent(Error),
    #[error("deeper")]
    Deeper(#[source] Box<AppError>),
}

const CARRIERS: &[Carrier] = &[
    ("a box", |e| e.into()),
    ("two boxes", |e| Box::new(e) as BoxError),
    ("a box of a box", |e| Box::new(Box::new(e))),
    ("an Arc", |e| Box::new(Arc::new(e))),
    ("an Arc of an Arc<dyn Error>", |e| {
        Box::new(Arc::new(Arc::new(e) as Arc<dyn StdError + Send + Sync>))
    }),
    ("io::Error::other", |e| io::Error::other(e).into()),
    ("io::Error::other twice", |e| {
        io::Error::other(io::Error::other(e)).into()
    }),
    ("io::Error::from", |e| io::Error::from(e).into()),
    ("anyhow", |e| anyhow::Error::from(e).into()),
    ("anyhow with context", |e| {
        anyhow::Error::from(e).context("while serving").into()
    }),
    ("anyhow with two contexts", |e| {
        anyhow::Error::from(e)
            .context("while serving")
            .context(7)
            .into()
    }),
    ("anyhow in io in anyhow", |e| {
        anyhow::Error::from(io::Error::other(anyhow::Error::from(e))).into()
    }),
    ("eyre", |e| eyre::Report::from(e).into()),
    ("eyre with context", |e| {
        eyre::Report::from(e).wrap_err("while serving").into()
    }),
    ("thiserror source", |e| AppError::Serving(e).into()),
    ("thiserror transparent", |e| AppError::Transparent(e).into()),
    ("thiserror, deep", |e| {
        AppError::Deeper(Box::new(AppError::Serving(e))).into()
    }),
    ("thiserror, deep and transparent", |e| {
        AppError::Deeper(Box::new(AppError::Transparent(e))).into()
    }),
    ("thiserror in anyhow in eyre", |e| {
        let report = anyhow::Error::from(AppError::Transparent(e)).context("while serving");
        eyre::Report::from(io::Error::other(report))
            .wrap_err("again")
            .into()
    }),
];

#[test]
fn each_kind_survives_each_error_type_of_an_application_as_the_same_error() {
    for (name, carry) in CARRIERS {
        for error in each_kind() {
            let back = Error::from(carry(error.clone()));
            assert_eq!(
                std::mem::discriminant(&back),
                std::mem::discriminant(&error),
                "{error} through {name}"
            );
            assert!(
                back.is_same(&error) && error.is_same(&back),
                "{error} through {name}"
            );
        }
    }
}

#[test]
fn what_is_not_failed_comes_back_without_what_was_wrapped_around_it() {
    for (name, carry) in CARRIERS {
        let back = Error::from(carry(cancelled()));
        assert_eq!(back.to_string(), cancelled().to_string(), "through {name}");
        assert!(!back.is::<AppError>(), "through {name}");
    }
}

#[test]
fn a_failure_keeps_all_that_is_wrapped_around_it() {
    for (name, carry) in CARRIERS {
        let text = carry(failed()).to_string();
        let back = Error::from(carry(failed()));
        assert_eq!(back.to_string(), text, "through {name}");
    }
    let back = Error::failed(AppError::Serving(failed()));
    assert!(matches!(back.downcast_ref(), Some(AppError::Serving(_))));
    let back = Error::failed(AppError::Transparent(failed()));
    assert!(matches!(
        back.downcast_ref(),
        Some(AppError::Transparent(_))
    ));
}

/// The parts are errors of their own: `match` hands them out, and they travel too.
#[test]
fn the_parts_of_an_error_survive_on_their_own() {
    fn part(error: Error) -> BoxError {
        match error {
            Error::Cancelled(part) => part.into(),
            Error::TimedOut(part) => part.into(),
            Error::Panicked(part) => part.into(),
            Error::Failed(part) => part.into(),
        }
    }
    fn report(error: Error) -> [BoxError; 4] {
        let anyhow = |error: Error| match error {
            Error::Cancelled(part) => anyhow::Error::from(part),
            Error::TimedOut(part) => part.into(),
            Error::Panicked(part) => part.into(),
            Error::Failed(part) => part.into(),
        };
        let eyre = |error: Error| match error {
            Error::Cancelled(part) => eyre::Report::from(part),
            Error::TimedOut(part) => part.into(),
            Error::Panicked(part) => part.into(),
            Error::Failed(part) => part.into(),
        };
        [
            anyhow(error.clone()).into(),
            anyhow(error.clone()).context("while serving").into(),
            eyre(error.clone()).into(),
            eyre(error).wrap_err("while serving").into(),
        ]
    }
    for error in each_kind() {
        assert!(
            Error::from(part(error.clone())).is_same(&error),
            "{error} in a box"
        );
        assert!(
            Error::from(io::Error::other(part(error.clone()))).is_same(&error),
            "{error} in io"
        );
        for (at, carried) in report(error.clone()).into_iter().enumerate() {
            assert!(
                Error::from(carried).is_same(&error),
                "{error} in report {at}"
            );
        }
    }
}

#[test]
fn an_error_that_never_was_ours_is_a_failure() {
    let far_off: BoxError = anyhow::anyhow!("timed out").context("cancelled").into();
    assert!(Error::from(far_off).is_failed());
    assert!(Error::from(io::Error::from(io::ErrorKind::TimedOut)).is_failed());
    assert!(!Error::failed(DiskFull).is_same(&Error::failed(DiskFull)));
}

/// Q-25: an error that was raised again and again grew with each time.
#[test]
fn an_error_that_comes_back_many_times_does_not_grow() {
    for first in each_kind() {
        let mut error = first.clone();
        for _ in 0..10_000 {
            error = Error::from(BoxError::from(error));
            error = Error::from(io::Error::from(error));
            error = Error::from_user(error);
        }
        assert!(error.is_same(&first));
        assert_eq!(
            super::chain::ours(&error).count(),
            super::chain::ours(&first).count()
        );
    }
}

#[test]
fn conversions_to_io_name_the_kind_that_a_caller_can_act_on() {
    assert_eq!(io::Error::from(timed_out()).kind(), io::ErrorKind::TimedOut);
    assert_eq!(io::Error::from(panicked()).kind(), io::ErrorKind::Other);
    assert_eq!(io::Error::from(failed()).kind(), io::ErrorKind::Other);
    let denied = Error::from(io::Error::from(io::ErrorKind::PermissionDenied));
    assert_eq!(
        io::Error::from(denied).kind(),
        io::ErrorKind::PermissionDenied
    );
}

/// `Interrupted` would say "try again", and the loops of `std` do, for ever.
#[test]
fn a_cancelled_read_is_not_tried_again() {
    struct Cut(Cell<u32>);
    impl io::Read for Cut {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            self.0.set(self.0.get() + 1);
            assert!(self.0.get() < 10, "tried again and again");
            Err(cancelled().into())
        }
    }
    let mut cut = Cut(Cell::new(0));
    let error = Error::from(io::Read::read_exact(&mut cut, &mut [0]).unwrap_err());
    assert!(error.is_cancelled());
    assert_eq!(cut.0.get(), 1);
}

#[test]
fn a_refused_run_is_a_failure_that_can_be_told_apart() {
    let error = Error::from(NestedRun::new("await the future instead"));
    assert!(error.is_failed() && error.is::<NestedRun>());
    assert_eq!(
        error.to_string(),
        "this thread must not block: await the future instead"
    );
}

// ===== chains =====

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
    assert!(super::cancelled::Cancelled::clone(cancelled).reason() == Some("shutdown requested"));
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
    assert_eq!(super::text_with_causes(&error), "round");
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
    let with_causes = |error: Error| super::text_with_causes(&error);
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

// ===== what they read like =====

#[test]
fn errors_read_as_sentences() {
    let texts = each_kind().map(|error| error.to_string());
    assert_eq!(
        texts,
        [
            "cancelled at app-->server by shutdown requested",
            "timed out at app-->request after 1.5s",
            "panicked: boom",
            "the disk is full",
        ]
    );
    let here = Location::caller();
    let plain = Cancelled::new("app".to_owned(), None, here, None);
    assert_eq!(plain.to_string(), "cancelled at app");
    let nameless = Cancelled::new(String::new(), Some("".into()), here, None);
    assert_eq!(nameless.to_string(), "cancelled");
    assert_eq!(
        TimedOut::new(String::new(), Duration::ZERO, Instant::now()).to_string(),
        "timed out after 0ns"
    );
}

#[test]
fn debug_says_all_there_is_to_know_in_one_layer() {
    let text = format!("{:?}", cancelled_because(Some(failed())));
    assert!(
        text.starts_with(
            r#"Cancelled { path: "app-->server", reason: Some("shutdown requested"), location: "#
        ),
        "{text}"
    );
    assert!(text.ends_with(", cause: the disk is full }"), "{text}");
    assert_eq!(format!("{:?}", failed()), "Failed(DiskFull)");
    assert_eq!(
        format!("{:?}", panicked()),
        r#"Panicked { message: "boom", .. }"#
    );
    assert_eq!(
        format!("{:?}", timed_out()),
        r#"TimedOut { path: "app-->request", after: 1.5s, .. }"#
    );
}

// ===== panics =====

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

// ===== anyhow, kept whole =====

#[cfg(feature = "anyhow")]
mod whole {
    use super::*;

    fn kept(error: &Error) -> &anyhow::Error {
        match error {
            Error::Failed(failed) => failed.as_anyhow().expect("kept whole"),
            _ => panic!("not a failure: {error}"),
        }
    }

    #[test]
    fn what_user_code_returns_keeps_its_type_and_contexts() {
        let from = [Error::from, Error::from_user::<anyhow::Error>];
        for from in from {
            let error = from(anyhow::Error::from(DiskFull).context("while saving"));
            assert!(error.is::<DiskFull>());
            assert_eq!(kept(&error).downcast_ref::<&str>(), Some(&"while saving"));
            assert_eq!(error.to_string(), "while saving");
            assert_eq!(format!("{error:#}"), "while saving: the disk is full");
            let error = from(DiskFull.into());
            assert!(kept(&error).is::<DiskFull>() && error.is::<DiskFull>());
        }
    }

    #[test]
    fn a_backtrace_is_still_there() {
        let source = anyhow::anyhow!("disk full");
        let before = source.backtrace().to_string();
        assert_eq!(kept(&Error::from(source)).backtrace().to_string(), before);
    }

    #[test]
    fn our_own_come_back_as_themselves() {
        for error in each_kind() {
            let back = Error::from(anyhow::Error::from(error.clone()));
            assert!(back.is_same(&error));
            let back = Error::from_user(anyhow::Error::from(error.clone()).context("around"));
            assert!(back.is_same(&error));
        }
        // Without a context nothing is wrapped around a failure.
        let back = Error::from(anyhow::Error::from(failed()));
        assert!(matches!(back, Error::Failed(failed) if failed.as_anyhow().is_none()));
    }
}

// ===== shape =====

#[test]
fn an_error_is_two_words_and_crosses_threads() {
    fn crosses<T: Send + Sync + Clone + Unpin + 'static>() {}
    crosses::<Error>();
    crosses::<Cancelled>();
    crosses::<TimedOut>();
    crosses::<Panicked>();
    crosses::<Failed>();
    assert_eq!(size_of::<Error>(), 16);
    assert_eq!(size_of::<Option<Error>>(), 16);
    assert_eq!(size_of::<Cancelled>(), 8);
}
