//! Ticks that are scattered within their slots.

use std::time::Duration;

use windlass::{Ctx, Ticker, testing::SimRuntime};

use crate::kit::{Kit, secs, simulated};

/// How far into their slots the first `n` ticks come, on a schedule of 10 s.
async fn offsets(kit: &Kit, mut ticker: Ticker, n: u32) -> Vec<Duration> {
    let start = kit.rt.clock().elapsed();
    let mut offsets = Vec::new();
    for slot in 0..n {
        ticker.next().await.unwrap();
        offsets.push(kit.rt.clock().elapsed() - start - secs(10) * slot);
    }
    offsets
}

#[test]
fn ticks_stay_in_their_part_of_the_slot_and_do_not_drift() {
    simulated(async |kit| {
        let offsets = offsets(kit, kit.ctx.ticker(secs(10)).jitter(0.25), 2000).await;
        assert_eq!(offsets[0], Duration::ZERO, "the first one comes at once");
        assert!(
            offsets
                .iter()
                .all(|offset| *offset < Duration::from_millis(2500))
        );
        assert!(
            offsets
                .iter()
                .any(|offset| *offset > Duration::from_millis(2400))
        );
        assert_eq!(kit.books.armed().len(), 1999, "one timer per tick");
    });
}

#[test]
fn the_whole_slot_may_be_used() {
    simulated(async |kit| {
        for part in [1.0, 7.0, f64::INFINITY] {
            let ticker = kit.ctx.ticker(secs(10)).no_min_wait().jitter(part);
            let offsets = offsets(kit, ticker, 500).await;
            assert!(offsets.iter().all(|offset| *offset < secs(10)));
            assert!(offsets.iter().any(|offset| *offset > secs(9)), "{part}");
        }
    });
}

#[test]
fn what_is_not_a_part_is_none() {
    simulated(async |kit| {
        for part in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY] {
            let offsets = offsets(kit, kit.ctx.ticker(secs(10)).jitter(part), 20).await;
            assert!(offsets.iter().all(|offset| offset.is_zero()), "{part}");
        }
    });
}

#[test]
fn a_seed_gives_the_same_ticks_again_and_tickers_differ_without() {
    simulated(async |kit| {
        let seeded = || kit.ctx.ticker(secs(10)).jitter_seed(0.5, 7);
        assert_eq!(
            offsets(kit, seeded(), 20).await,
            offsets(kit, seeded(), 20).await
        );
        let free = || kit.ctx.ticker(secs(10)).jitter(0.5);
        assert_ne!(
            offsets(kit, free(), 20).await,
            offsets(kit, free(), 20).await
        );
    });
}

#[test]
fn a_simulation_replays_its_jitter_and_another_seed_gives_another_one() {
    let run = |seed| {
        let rt = SimRuntime::seeded(seed);
        let ctx = Ctx::root_on("test", rt.clone());
        rt.block_on(async {
            let mut ticker = ctx.ticker(secs(10)).jitter(0.5).max_iterations(10);
            while ticker.next().await.is_some() {}
            rt.clock().elapsed()
        })
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}
