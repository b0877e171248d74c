//! What a merge asks of the allocator, and what it keeps.
//!
//! Counted are the requests of one thread, on which everything runs.
#![cfg(feature = "test-util")]

use futures::stream;
use windlass::{Ctx, Driver, Fed, Feeder, InPlace, Merge, Streamer, Tasks, testing::SimRuntime};

#[path = "kit/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use self::kit::yield_now;

#[global_allocator]
static ALLOCATOR: densa_alloc::CountingAllocator = densa_alloc::CountingAllocator::system();

/// How many blocks were asked for, how many more live than before, and the bytes asked for.
fn count(work: impl FnOnce()) -> (u64, i64, u64) {
    assert!(densa_alloc::is_active(), "nothing is counted");
    let (_, stats) = densa_alloc::measure(work);
    let live = stats.allocs as i64 - stats.deallocs as i64;
    (stats.allocs + stats.reallocs, live, stats.bytes_allocated)
}

/// Takes `n` items that are ready, or become so as the executor runs.
fn take<D: Driver>(rt: &SimRuntime, items: &mut Streamer<u64, (), D>, n: usize) {
    rt.block_on(take_all(items, n));
}

async fn take_all<D: Driver>(items: &mut Streamer<u64, (), D>, n: usize) {
    for _ in 0..n {
        match items.next().await {
            Some(Fed::Success { .. } | Fed::IterationStop { error: None, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Runs a test with each driver.
fn with_both(
    in_place: impl FnOnce(&SimRuntime, Feeder<u64, (), InPlace<'_>>, Streamer<u64, (), InPlace<'_>>),
    tasks: impl FnOnce(&SimRuntime, Feeder<u64>, Streamer<u64>),
) {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let (feeder, items) = Merge::in_place(&ctx, "merge").split();
    in_place(&rt, feeder, items);
    let (feeder, items): (Feeder<u64, (), Tasks>, _) = Merge::new(&ctx, "merge").split();
    tasks(&rt, feeder, items);
}

macro_rules! both {
    (|$rt:ident, $feeder:ident, $items:ident| $test:block) => {
        with_both(
            |$rt, $feeder, mut $items| $test,
            |$rt, $feeder, mut $items| $test,
        )
    };
}

#[test]
fn an_item_of_a_stream_asks_the_allocator_for_nothing() {
    both!(|rt, feeder, items| {
        feeder.iter(0..);
        feeder.stream(stream::iter(0..));
        for _ in 0..10 {
            feeder.stream(stream::pending());
        }
        // The first thousand lets lists grow to what is needed.
        let counts = rt.block_on(async {
            take_all(&mut items, 1000).await;
            let before = densa_alloc::thread_stats();
            take_all(&mut items, 10_000).await;
            densa_alloc::thread_stats().since(before)
        });
        assert!(densa_alloc::is_active() && counts.is_zero(), "{counts:?}");
    });
}

#[test]
fn sources_that_have_ended_leave_nothing_behind() {
    both!(|rt, feeder, items| {
        let round = |items: &mut _| {
            for i in 0..100 {
                feeder.value(i);
                feeder.future(async move { i });
                feeder.iter([i]);
                feeder.label(()).stream(stream::iter([i]));
            }
            // Four values, and two ends.
            take(rt, items, 600);
        };
        round(&mut items);
        round(&mut items);
        let (asked, live, _) = count(|| (0..100).for_each(|_| round(&mut items)));
        assert!(asked > 0);
        assert!(live.abs() <= 2, "{live} blocks more after 40 000 sources");
    });
}

#[test]
fn the_places_of_labels_that_have_gone_are_used_again_although_one_lives_on() {
    both!(|rt, feeder, items| {
        let lives = feeder.label(());
        let carry = |items: &mut _, n: u64| {
            for i in 0..n {
                feeder.label(()).value(i);
                take(rt, items, 1);
            }
        };
        carry(&mut items, 1000);
        let (_, _, few) = count(|| carry(&mut items, 1000));
        let (_, _, many) = count(|| carry(&mut items, 100_000));
        assert!(many <= 100 * few, "{few} bytes a thousand, then {many}");
        drop(lives);
    });
}

/// The streamer's list of labels grew with each to the length it had shrunk from: what took a second
/// for so many took minutes.
#[test]
fn a_burst_of_labels_is_forgotten() {
    // Room that was kept shows in that it need not be asked for again.
    const MANY: u64 = 1 << 16;
    const FEW: u64 = 1 << 12;
    both!(|rt, feeder, items| {
        let burst = |items: &mut _, n: u64| {
            let (_, _, bytes) = count(|| {
                let labelled: Vec<_> = (0..n).map(|_| feeder.label(())).collect();
                labelled.iter().zip(0..n).for_each(|(feeder, i)| {
                    feeder.value(i);
                });
                take(rt, items, n as usize);
            });
            bytes
        };
        let fresh = burst(&mut items, FEW);
        burst(&mut items, MANY);
        for _ in 0..1000 {
            burst(&mut items, 1); // lists become small again bit by bit
        }
        let used = burst(&mut items, FEW);
        assert!(used + 8192 > fresh, "{used} bytes now, {fresh} at first");
    });
}

#[test]
fn a_feeder_that_has_carried_a_lot_is_as_small_as_a_fresh_one() {
    // Room that was kept shows in that it need not be asked for again.
    const MANY: usize = 1 << 18;
    const FEW: u64 = 1 << 12;
    both!(|rt, feeder, items| {
        let burst = |items: &mut _| {
            let (_, _, bytes) = count(|| {
                (0..FEW).for_each(|i| {
                    feeder.value(i);
                })
            });
            take(rt, items, FEW as usize);
            bytes
        };
        let fresh = burst(&mut items);
        for i in 0..MANY {
            feeder.value(i as u64);
        }
        take(rt, &mut items, MANY);
        for i in 0..1000 {
            feeder.value(i);
            take(rt, &mut items, 1); // it becomes small again bit by bit
        }
        let used = burst(&mut items);
        assert!(used * 10 > fresh * 9, "{used} bytes now, {fresh} at first");
    });
}

#[test]
fn a_burst_of_sources_is_forgotten_although_one_lives_on() {
    const MANY: u64 = 1 << 16;
    const FEW: u64 = 1 << 10;
    both!(|rt, feeder, items| {
        let feed = |n: u64| {
            for i in 0..n {
                feeder.future(async move {
                    yield_now().await;
                    i
                });
            }
        };
        let burst = |items: &mut _, n: u64| {
            let fed = || {
                feed(n);
                take(rt, items, n as usize);
            };
            count(fed).2
        };
        let fresh = burst(&mut items, FEW);
        feed(MANY);
        feeder.stream(stream::pending()); // behind all of them
        take(rt, &mut items, MANY as usize);
        for _ in 0..1000 {
            burst(&mut items, 1);
        }
        let used = burst(&mut items, FEW);
        assert!(used * 10 > fresh * 9, "{used} bytes now, {fresh} at first");
    });
}

/// Who waits for room gives back the place in which it was found to have none.
#[test]
fn in_place_futures_over_the_limit_ask_for_no_more_than_themselves() {
    const MANY: u64 = 2000;
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let (feeder, mut items) = Merge::in_place(&ctx, "merge").max_running(1).split();
    let (asked, _, _) = count(|| {
        for i in 0..MANY {
            feeder.future(async move {
                yield_now().await;
                i
            });
        }
        take(&rt, &mut items, MANY as usize);
    });
    assert!(asked < MANY + MANY / 4, "{asked} blocks for {MANY} futures");
}

#[test]
fn items_that_come_one_by_one_ask_for_no_more_room() {
    both!(|rt, feeder, items| {
        let carry = |items: &mut _, n: u64| {
            for i in 0..n {
                feeder.value(i);
                take(rt, items, 1);
            }
        };
        carry(&mut items, 1000);
        let (_, live, _) = count(|| carry(&mut items, 200_000));
        assert!(live.abs() <= 2, "{live}");
    });
}

#[test]
fn ordered_results_leave_nothing_behind_either() {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").ordered().split();
    let mut round = || {
        for i in 0..100 {
            feeder.value(i);
            feeder.future(async move { i });
            feeder.iter([i]);
        }
        take(&rt, &mut items, 400);
    };
    round();
    round();
    let (_, live, _) = count(|| (0..100).for_each(|_| round()));
    assert!(live.abs() <= 2, "{live}");
}
