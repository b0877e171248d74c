//! Auto traits, `Debug`, and traits of the crate `futures`.

use std::{fmt::Debug, panic::UnwindSafe};

use futures::{Stream, StreamExt};
use windlass::{
    Fed, Feeder, InPlace, Merge, ResultStreamer, Source, SourceId, SourceKind, Sources,
    StreamedResult, Streamer, Tasks, testing::simulate,
};

use crate::kit::word;

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn stream<S: Stream>(_: &S) {}

/// `Send` and not `Sync`.
type OnlySend = std::cell::Cell<u8>;

#[test]
fn what_runs_as_tasks_may_be_used_from_any_thread() {
    send::<Merge<OnlySend, u8>>();
    send::<Source<OnlySend>>();
    send::<Feeder<OnlySend, u8>>();
    sync::<Feeder<OnlySend, u8>>();
    send::<Streamer<OnlySend, u8>>();
    send::<ResultStreamer<OnlySend, u8>>();
    send::<Fed<OnlySend, u8>>();
    sync::<Fed<u8, u8>>();
    send::<StreamedResult<OnlySend, u8>>();
    send::<Sources>();
    sync::<Sources>();
    send::<SourceId>();
    sync::<SourceKind>();
}

/// Neither `Send` nor `Unpin`.
type Bound = (std::rc::Rc<u8>, std::marker::PhantomPinned);

#[test]
fn both_ends_are_unpin_whatever_the_items_are() {
    unpin::<Feeder<Bound, u8, InPlace<'_>>>();
    unpin::<Streamer<Bound, Bound, InPlace<'_>>>();
    unpin::<ResultStreamer<Bound, Bound, InPlace<'_>>>();
    unpin::<Streamer<Bound, Bound, Tasks>>();
}

#[test]
fn ids_and_chains_may_cross_a_caught_panic() {
    fn safe<T: UnwindSafe>() {}
    safe::<SourceId>();
    safe::<SourceKind>();
}

/// Has no `Debug`.
#[derive(Clone)]
struct Silent;

fn text(value: &impl Debug) -> String {
    format!("{value:?}")
}

#[test]
fn everything_has_debug_whatever_the_items_and_labels_are() {
    simulate(async |sim| {
        let merge = Merge::<Silent>::new(&sim.ctx, "merge").label(Silent);
        assert!(text(&merge).starts_with("Merge"));
        let (feeder, items) = merge.split();
        assert!(text(&feeder).starts_with("Feeder"));
        assert!(text(&items).starts_with("Streamer"));
        drop((feeder, items));
        let results = Merge::<Silent, _, _>::in_place(&sim.ctx, "merge").results();
        assert!(text(&results).starts_with("ResultStreamer"));
        assert_eq!(text(&Source::<Silent>::value(Silent)), "Source(Value)");
    });
    let stopped: Fed<i32> = Fed::Stopped { error: None };
    assert_eq!(text(&stopped), "Stopped { error: None }");
}

#[test]
fn debug_never_blocks() {
    // Printed from inside a callback, while the merge is at work.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let printed = feeder.clone();
        feeder.add(Source::iter([1, 2]).on_each(move |_: &i32| {
            assert!(text(&printed).starts_with("Feeder"));
        }));
        drop(feeder);
        while let Some(item) = items.next().await {
            assert!(!text(&items).is_empty() && !word(&item).is_empty());
        }
    });
}

#[test]
fn both_streamers_are_streams() {
    both!(|sim, merge| {
        let (feeder, items) = merge.split();
        stream(&items);
        feeder.iter([1, 2, 3]);
        drop(feeder);
        let values: Vec<_> = items.filter_map(async |item| item.value()).collect().await;
        assert_eq!(values, [1, 2, 3]);
    });
    both!(|sim, merge| {
        let results = merge.results();
        stream(&results);
        results.iter([1, 2, 3]);
        results.no_more_work();
        let values: Vec<_> = results.map(|result| result.value.unwrap()).collect().await;
        assert_eq!(values, [1, 2, 3]);
    });
}
