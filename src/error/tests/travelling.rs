//! Through the errors that applications use, and back.

use std::{cell::Cell, io};

use super::{AppError, CARRIERS, DiskFull, cancelled, each_kind, failed, panicked, timed_out};
use crate::NestedRun;
use crate::error::{BoxError, Error};

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

/// an error that was raised again and again grew with each time.
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
            crate::error::chain::ours(&error).count(),
            crate::error::chain::ours(&first).count()
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
