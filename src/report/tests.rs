//! Who is told, when whoever should be told panics, and what reaches stderr.
//!
//! What is written to stderr is seen from outside: such a test runs itself once more, in a process
//! of its own.

use std::{
    env, fmt,
    panic::{Location, panic_any, resume_unwind},
    process::Command,
    sync::{Arc, Mutex},
};

use super::{Failure, Reporter, isolate, report};
use crate::Error;

fn disk_full() -> Error {
    Error::failed(anyhow::anyhow!("no space left").context("the disk is full"))
}

/// Tells of `error` at `app-->save`, spawned at the place that comes back.
#[track_caller]
fn tell_of(reporter: Option<&Reporter>, error: &Error) -> &'static Location<'static> {
    let here = Location::caller();
    report(reporter, "app-->save", here, error);
    here
}

/// What `f` writes to stderr, line by line; `test` is the name of the test that calls this.
fn stderr_of(test: &str, f: impl FnOnce()) -> Vec<String> {
    const INSIDE: &str = "WINDLASS_TEST_INSIDE";
    if env::var_os(INSIDE).is_some() {
        f();
        std::process::exit(0);
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", &format!("report::tests::{test}"), "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stderr).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// Shows a text that is more than a line.
#[derive(Debug, thiserror::Error)]
#[error("first\nsecond\u{1b}[2J")]
struct TwoLines;

#[test]
fn without_a_subscriber_a_failure_is_one_line_on_stderr() {
    let lines = stderr_of(
        "without_a_subscriber_a_failure_is_one_line_on_stderr",
        || {
            let here = tell_of(None, &disk_full());
            tell_of(None, &Error::failed(TwoLines));
            eprintln!("{here}");
        },
    );
    let [full, two, here] = &lines[..] else {
        panic!("{lines:?}")
    };
    assert_eq!(
        *full,
        format!("windlass: app-->save: the disk is full: no space left (spawned at {here})")
    );
    assert!(
        two.starts_with(r"windlass: app-->save: first\nsecond\u{1b}[2J (spawned at "),
        "{two}"
    );
}

#[test]
fn without_a_subscriber_a_panic_in_a_callback_is_one_line_on_stderr() {
    let name = "without_a_subscriber_a_panic_in_a_callback_is_one_line_on_stderr";
    let lines = stderr_of(name, || {
        isolate("a callback", || resume_unwind(Box::new("boom")));
    });
    assert_eq!(lines, ["windlass: a callback panicked: boom"]);
}

#[test]
fn isolate_hands_the_value_through() {
    assert_eq!(isolate("a callback", || 7), Some(7));
}

#[test]
fn a_payload_that_panics_when_dropped_stays_inside_too() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Bomb);
        }
    }
    assert_eq!(isolate("a callback", || panic_any(Bomb)), None::<()>);
}

#[test]
fn a_reporter_is_told_alone() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = told.clone();
    let reporter: Reporter = Arc::new(move |failure: &Failure<'_>| {
        seen.lock().unwrap().push(failure.to_string());
    });
    let mut here = None;
    let watched = watch(|| here = Some(tell_of(Some(&reporter), &disk_full())));
    let text = format!(
        "app-->save: the disk is full: no space left (spawned at {})",
        here.unwrap()
    );
    assert_eq!(*told.lock().unwrap(), [text]);
    assert_eq!(watched, [""; 0]);
}

#[test]
fn a_failure_without_a_path_does_not_begin_with_a_colon() {
    let error = disk_full();
    let spawned_at = Location::caller();
    let failure = Failure {
        path: "",
        spawned_at,
        error: &error,
    };
    assert_eq!(
        failure.to_string(),
        format!("the disk is full: no space left (spawned at {spawned_at})")
    );
}

/// Runs `f`; gives the events of this thread, none where there are no events at all.
fn watch(f: impl FnOnce()) -> Vec<String> {
    #[cfg(feature = "tracing")]
    let seen = super::recorder::Recorder::watch(f);
    #[cfg(not(feature = "tracing"))]
    let seen = {
        f();
        Vec::new()
    };
    seen
}

#[cfg(feature = "tracing")]
mod events {
    use tracing::{Event, Metadata, Subscriber, span};

    use super::*;

    /// CTX-60, TASK-13: one ERROR record whose message is the error's text, and the causes after it.
    #[test]
    fn a_failure_is_one_error_event_with_text_causes_path_and_place() {
        let mut here = None;
        let seen = watch(|| here = Some(tell_of(None, &disk_full())));
        let place = here.unwrap();
        assert_eq!(
            seen,
            [format!(
                "ERROR windlass: the disk is full: no space left \
                 path=\"app-->save\" spawned_at={place}"
            )]
        );
    }

    #[test]
    fn a_panic_in_a_callback_is_one_error_event() {
        let seen = watch(|| {
            isolate("a callback", || resume_unwind(Box::new("boom")));
        });
        assert_eq!(seen, ["ERROR windlass: a callback panicked: boom"]);
    }

    #[test]
    fn a_reporter_that_panics_hides_neither_its_panic_nor_the_failure() {
        let reporter: Reporter = Arc::new(|_: &Failure<'_>| resume_unwind(Box::new("no paper")));
        let seen = watch(|| {
            tell_of(Some(&reporter), &disk_full());
        });
        assert_eq!(seen.len(), 2, "{seen:?}");
        assert_eq!(seen[0], "ERROR windlass: a reporter panicked: no paper");
        assert!(seen[1].starts_with("ERROR windlass: the disk is full: no space left"));
    }

    #[test]
    fn an_error_whose_text_panics_is_told_all_the_same() {
        #[derive(Debug)]
        struct Mute;
        impl fmt::Display for Mute {
            fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
                resume_unwind(Box::new("no words"))
            }
        }
        impl std::error::Error for Mute {}
        let seen = watch(|| {
            tell_of(None, &Error::failed(Mute));
        });
        assert!(
            seen[0].starts_with(r#"ERROR windlass: an error whose text panics path="app-->save""#),
            "{seen:?}"
        );
    }

    /// A subscriber that is set for another thread does not see what happens on this one.
    #[test]
    fn a_subscriber_of_another_thread_does_not_swallow_failures() {
        let lines = stderr_of(
            "events::a_subscriber_of_another_thread_does_not_swallow_failures",
            || {
                let (told, told_rx) = std::sync::mpsc::channel::<()>();
                let (set, set_rx) = std::sync::mpsc::channel();
                let other = std::thread::spawn(move || {
                    watch(|| {
                        set.send(()).unwrap();
                        told_rx.recv().unwrap();
                    })
                });
                set_rx.recv().unwrap();
                tell_of(None, &disk_full());
                told.send(()).unwrap();
                assert_eq!(other.join().unwrap(), [""; 0]);
            },
        );
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("windlass: app-->save: the disk is full"));
    }

    struct Broken;

    impl Subscriber for Broken {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }
        fn event(&self, _: &Event<'_>) {
            resume_unwind(Box::new("the subscriber is broken"))
        }
        fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
            span::Id::from_u64(1)
        }
        fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
        fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
        fn enter(&self, _: &span::Id) {}
        fn exit(&self, _: &span::Id) {}
    }

    #[test]
    fn what_a_broken_subscriber_does_not_take_goes_to_stderr() {
        let lines = stderr_of(
            "events::what_a_broken_subscriber_does_not_take_goes_to_stderr",
            || {
                tracing::subscriber::with_default(Broken, || {
                    tell_of(None, &disk_full());
                });
            },
        );
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("windlass: app-->save: the disk is full: no space left"));
    }
}
