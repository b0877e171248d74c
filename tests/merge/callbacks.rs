//! `on_each` and `on_done`, and code of the user's that panics.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{FutureExt, Stream, StreamExt, stream};
use windlass::{Fed, Feeder, Merge, Source, testing::simulate};

use crate::kit::{Living, Log, next, rest, settle};

#[test]
fn each_value_is_told_as_it_is_produced_and_then_the_end_before_its_item() {
    both!(|sim, merge| {
        let log = Log::default();
        let (feeder, mut items) = merge.split();
        let (each, done, tail) = (log.clone(), log.clone(), log.clone());
        let values = stream::iter([1, 2]).chain(stream::once(async move {
            tail.add("tail");
            3
        }));
        feeder.add(
            Source::stream(values)
                .on_each(move |v: &i32| each.add(format!("each {v}")))
                .on_done(move |how| done.add(format!("done {}", how.is_ok()))),
        );
        drop(feeder);
        while let Some(item) = items.next().await {
            log.add(crate::kit::word(&item));
        }
        assert_eq!(
            log.take(),
            [
                "each 1",
                "1",
                "each 2",
                "2",
                "tail",
                "each 3",
                "3",
                "done true",
                "end",
                "stopped"
            ]
        );
    });
}

#[test]
fn on_done_is_told_how_it_ended_once_for_every_kind_and_end() {
    both!(|sim, merge| {
        let log = Log::default();
        let note = |name: &'static str| {
            let log = log.clone();
            move |how: Result<(), &windlass::Error>| match how {
                Ok(()) => log.add(format!("{name} ok")),
                Err(error) if error.is_cancelled() => log.add(format!("{name} cancelled")),
                Err(error) if error.is_panic() => log.add(format!("{name} panicked")),
                Err(error) => log.add(format!("{name} {error}")),
            }
        };
        let (feeder, mut items) = merge.split();
        feeder.add(Source::value(1).on_done(note("value")));
        feeder.add(Source::func(|| 2).on_done(note("func")));
        feeder.add(Source::iter([3]).on_done(note("iter")));
        feeder.add(Source::future(async { panic!("meant: a future") }).on_done(note("future")));
        feeder.add(Source::try_future(async { Err("broke") }).on_done(note("try")));
        feeder.add(Source::task(sim.ctx.spawn(async { 4 })).on_done(note("task")));
        feeder.add(Source::stream(stream::pending()).on_done(note("stream")));
        feeder.add(Source::future_of(async { Source::value(5) }).on_done(note("of")));
        while items.next().now_or_never().is_some() || settled(&sim.ctx, &mut items).await {}
        sim.ctx.cancel();
        while items.next().await.is_some() {}
        let mut told = log.take();
        told.sort();
        assert_eq!(
            told,
            [
                "func ok",
                "future panicked",
                "iter ok",
                "of ok",
                "stream cancelled",
                "task ok",
                "try broke",
                "value ok"
            ]
        );
    });
}

/// Whether there is one more item, when all has had its turn.
async fn settled<S: Stream + Unpin>(ctx: &windlass::Ctx, items: &mut S) -> bool {
    settle(ctx).await;
    items.next().now_or_never().is_some()
}

#[test]
fn what_a_source_makes_has_its_own_callbacks() {
    both!(|sim, merge| {
        let log = Log::default();
        let (feeder, mut items) = merge.split();
        let note = |name: &'static str| {
            let (each, done) = (log.clone(), log.clone());
            let each = move |v: &i32| each.add(format!("{name} {v}"));
            (each, move |_: Result<(), &windlass::Error>| {
                done.add(format!("{name} done"))
            })
        };
        let ((outer, outer_done), (value, value_done)) = (note("outer"), note("value"));
        let (iter, iter_done) = note("iter");
        let made = [
            Source::value(1).on_each(value).on_done(value_done),
            Source::iter([2]).on_each(iter).on_done(iter_done),
        ];
        feeder.add(Source::iter_of(made).on_each(outer).on_done(outer_done));
        drop(feeder);
        rest(&mut items).await;
        let mut told = log.take();
        told.sort();
        let expected = ["iter 2", "iter done", "outer done", "value 1", "value done"];
        assert_eq!(told, expected);
    });
}

#[test]
fn callbacks_that_panic_lose_no_item_and_end_no_source() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.add(
            Source::stream(stream::iter([1, 2]))
                .on_each(|_: &i32| panic!("meant: on_each"))
                .on_done(|_| panic!("meant: on_done")),
        );
        feeder.add(Source::value(3).on_done(|_| panic!("meant: on_done")));
        drop(feeder);
        assert_eq!(rest(&mut items).await, "3 1 2 end stopped");
    });
}

#[test]
fn callbacks_may_feed() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let (each, done) = (feeder.clone(), feeder.clone());
        feeder.add(
            Source::iter([1, 2])
                .on_each(move |v: &i32| {
                    each.value(v * 10);
                })
                .on_done(move |_| {
                    done.value(100);
                }),
        );
        drop(feeder);
        assert_eq!(rest(&mut items).await, "10 1 20 2 100 end stopped");
    });
}

#[test]
fn callbacks_are_dropped_with_their_source() {
    both!(|sim, merge| {
        let living = Living::default();
        let (each, done, unused) = (living.one(), living.one(), living.one());
        let (feeder, mut items) = merge.split();
        feeder.add(
            Source::iter([1])
                .on_each(move |_: &i32| each.touch())
                .on_done(move |_| drop(done)),
        );
        assert_eq!(next(&mut items).await, "1");
        assert_eq!(next(&mut items).await, "end");
        assert_eq!(living.count(), 1);
        drop(Source::<i32>::iter([1]).on_done(move |_| drop(unused)));
        assert_eq!(living.count(), 0, "a source that was never fed");
    });
}

/// A supervisor: feeds the same again whenever it has ended.
fn restart(feeder: Feeder<i32>, starts: Arc<AtomicUsize>) {
    assert!(starts.fetch_add(1, Ordering::SeqCst) < 1000, "without end");
    let again = feeder.clone();
    let source = Source::future(std::future::pending());
    feeder.add(source.on_done(move |_| restart(again, starts)));
}

#[test]
fn a_source_that_is_fed_again_whenever_it_ends_does_not_keep_the_end_from_coming() {
    // Its `on_done` was called for the cancelled one too: it was fed again, cancelled, fed again,
    // until the stack was used up. STREAM-15 and STREAM-29: what is fed after the end has no
    // callbacks.
    simulate(async |sim| {
        let starts = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        restart(feeder, starts.clone());
        settle(&sim.ctx).await;
        items.breaker().set();
        let all = rest(&mut items).await;
        assert!(all.starts_with("failed(cancelled)"), "{all}");
        assert!(all.ends_with(" stopped(cancelled)"), "{all}");
        assert!(starts.load(Ordering::SeqCst) <= 3);
    });
    simulate(async |sim| {
        let starts = Arc::new(AtomicUsize::new(0));
        let (feeder, items) = Merge::new(&sim.ctx, "merge").split();
        restart(feeder, starts.clone());
        settle(&sim.ctx).await;
        drop(items);
        settle(&sim.ctx).await;
        assert!(starts.load(Ordering::SeqCst) <= 3);
    });
}

/// A value whose destructor panics.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("meant: a destructor");
        }
    }
}

#[test]
fn values_whose_destructors_panic_do_not_keep_the_rest_from_being_dropped() {
    both!(|sim, merge| {
        let living = Living::default();
        let (feeder, mut items) = merge.max_running(1).split();
        for _ in 0..3 {
            feeder.value(Some(Bomb));
        }
        for _ in 0..3 {
            let (held, inner) = (living.one(), feeder.clone());
            feeder.future(async move {
                let _held = (held, inner);
                std::future::pending().await
            });
        }
        let first = items.next().await.unwrap().value();
        std::mem::forget(first);
        drop(feeder);
        let dropped = catch_unwind(AssertUnwindSafe(move || drop(items)));
        assert!(dropped.is_ok(), "a panic of the user's came out of `drop`");
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 0);
    });
}

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("meant: a waker");
    }
}

#[test]
fn a_consumer_whose_waker_panics_hurts_no_source_and_no_feeder() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let waker = Waker::from(Arc::new(Panics));
        let mut poll = || {
            items
                .poll_next_unpin(&mut Context::from_waker(&waker))
                .is_pending()
        };
        assert!(poll());
        feeder.value(1);
        assert!(!poll());
        assert!(poll());
        feeder.iter([2, 3]);
        settle(&sim.ctx).await;
        feeder.finish_when_empty();
        assert_eq!(rest(&mut items).await, "2 3 end stopped");
    });
}

/// A label whose `clone` panics when it is told to.
struct Label(Arc<AtomicUsize>);

impl Clone for Label {
    fn clone(&self) -> Self {
        if self.0.load(Ordering::SeqCst) > 0 {
            self.0.fetch_sub(1, Ordering::SeqCst);
            panic!("meant: a clone");
        }
        Label(self.0.clone())
    }
}

/// Reads everything, the first label panicking: the item it was for is lost, and no other.
macro_rules! read_with_a_panic {
    ($merge:expr) => {{
        let panics = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = $merge.label(Label(panics.clone())).max_running(1).split();
        let labelled = feeder.label(Label(panics.clone()));
        feeder.value(0);
        labelled.iter([1, 2, 3]);
        feeder.future(async { 4 });
        labelled.future(async { 5 });
        drop((feeder, labelled));
        panics.store(1, Ordering::SeqCst);
        let mut words = Vec::new();
        loop {
            match AssertUnwindSafe(items.next()).catch_unwind().await {
                Err(_) => words.push("panicked".into()),
                Ok(None) => break words,
                Ok(Some(item)) => words.push(crate::kit::word(&item)),
            }
        }
    }};
}

#[test]
fn a_label_whose_clone_panics_stops_no_source() {
    both!(|sim, merge| {
        let mut words: Vec<String> = read_with_a_panic!(merge);
        words.sort();
        let expected = ["1", "2", "3", "4", "5", "end", "panicked", "stopped"];
        assert_eq!(words, expected);
    });
    both!(|sim, merge| {
        let words: Vec<String> = read_with_a_panic!(merge.ordered());
        let expected = ["panicked", "1", "2", "3", "end", "4", "5", "stopped"];
        assert_eq!(words, expected);
    });
}

#[test]
fn a_poll_that_panics_leaves_the_other_sources_of_the_streamer_as_they_were() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        feeder.stream(stream::poll_fn(|_| -> Poll<Option<i32>> {
            panic!("meant: a poll")
        }));
        feeder.iter([1]);
        drop(feeder);
        assert!(matches!(items.next().await, Some(Fed::Failure { .. })));
        assert_eq!(rest(&mut items).await, "1 end stopped");
    });
}
