//! Snapshots.

use std::{fmt::Display, panic::Location, time::Instant};

use windlass::{Entry, Error, Snapshot};

use super::{is_clone, is_debug, is_send, shapes};

fn snapshot() {
    fn is_text<T: Display>() {}
    is_text::<Snapshot>();
    shapes! {
        Snapshot::to_dot => fn(&Snapshot) -> String;
        Snapshot::entries => fn(&Snapshot) -> &[Entry];
    }
    fn is_written<T: serde::Serialize>() {}
    is_written::<Snapshot>();
}

fn entry(entry: Entry) -> (String, &'static str, String) {
    let place: (&'static Location<'static>, Option<Instant>) = (entry.spawned_at, entry.deadline);
    let why: Option<Error> = entry.error;
    drop((place, why));
    (entry.path, entry.kind, entry.state)
}

#[test]
fn snapshots_and_entries() {
    let _ = entry;
    snapshot();
    is_clone::<Snapshot>();
    is_debug::<Snapshot>();
    is_send::<Snapshot>();
    is_clone::<Entry>();
    is_debug::<Entry>();
}
