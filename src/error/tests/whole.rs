//! `anyhow`, kept whole.

use super::{DiskFull, each_kind, failed};
use crate::error::Error;

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
