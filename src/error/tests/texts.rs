//! What errors read like, and their shape.

use std::{
    panic::Location,
    time::{Duration, Instant},
};

use super::{cancelled_because, each_kind, failed, panicked, timed_out};
use crate::error::{Cancelled, Error, Failed, Panicked, TimedOut};

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
