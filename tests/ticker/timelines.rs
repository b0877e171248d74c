//! The regular schedule on a timer.

use futures::StreamExt;

use crate::kit::{millis, secs, simulated};

#[test]
fn tick_01_the_timer_is_armed_once_for_each_tick_that_lies_ahead() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        assert_eq!(
            kit.ticks(&mut ticker, 5, |_| 0).await,
            [
                (1, 3000, 0),
                (2, 3000, 3000),
                (3, 3000, 6000),
                (4, 3000, 9000),
                (5, 3000, 12000)
            ]
        );
        assert_eq!(kit.books.armed(), [3000, 6000, 9000, 12000]);
        assert_eq!(kit.books.made(), 1, "one sleep, armed again and again");
    });
}

#[test]
fn tick_02_the_first_tick_comes_at_once_and_touches_no_timer() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        kit.pass(secs(7)).await;
        let first = ticker.next().await.unwrap();
        assert_eq!((first.iteration, first.until_next), (1, secs(3)));
        assert_eq!(
            kit.now(),
            7000,
            "the schedule starts when the first tick is asked for"
        );
        assert!(kit.books.armed().is_empty());
        assert_eq!(kit.instants(&mut ticker, 2).await, [10_000, 13_000]);
    });
}

#[test]
fn tick_05_the_time_of_the_body_is_absorbed() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(10));
        let ticks = kit.ticks(&mut ticker, 5, |_| 8000).await;
        let instants: Vec<u64> = ticks.iter().map(|tick| tick.2).collect();
        assert_eq!(instants, [0, 10_000, 20_000, 30_000, 40_000]);
    });
}

#[test]
fn tick_07_and_14_late_ticks_come_at_once_and_touch_no_timer() {
    // a late tick cost a turn with a timer of zero.
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        assert_eq!(
            kit.ticks(&mut ticker, 5, |_| 4000).await,
            [
                (1, 3000, 0),
                (2, 2000, 4000),
                (3, 1000, 8000),
                (4, 3000, 12000),
                (5, 2000, 16000)
            ]
        );
        assert!(kit.books.armed().is_empty());
        assert_eq!(kit.books.reads(), 5, "the clock is read once per tick");
    });
}

#[test]
fn tick_11_a_slot_that_is_too_close_is_skipped() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        let ticks = kit
            .ticks(&mut ticker, 3, |i| if i == 1 { 5950 } else { 0 })
            .await;
        assert_eq!(ticks, [(1, 3000, 0), (2, 3050, 5950), (3, 3000, 9000)]);
        assert_eq!(kit.books.armed(), [9000]);
    });
}

#[test]
fn tick_31_a_second_loop_goes_on_with_the_same_stream() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(5);
        assert_eq!(kit.instants(&mut ticker, 2).await, [0, 3000]);
        kit.pass(secs(1)).await;
        let rest: Vec<u64> = (&mut ticker).map(|tick| tick.iteration).collect().await;
        assert_eq!(rest, [3, 4, 5]);
        assert_eq!(kit.now(), 12_000);
        assert_eq!(ticker.next().await, None);
    });
}

#[test]
fn the_policies_for_missed_ticks_work_on_a_timer() {
    use windlass::MissedTicks::{Burst, Delay, Skip};
    simulated(async |kit| {
        for (policy, expected) in [
            (Skip, [0, 7000, 9000, 12_000]),
            (Delay, [0, 7000, 10_000, 13_000]),
            (Burst, [0, 7000, 7000, 9000]),
        ] {
            let mut ticker = kit.ctx.ticker(secs(3)).missed_ticks(policy).no_min_wait();
            let start = kit.now();
            let ticks = kit
                .ticks(&mut ticker, 4, |i| if i == 1 { 7000 } else { 0 })
                .await;
            let instants: Vec<u64> = ticks.iter().map(|tick| tick.2 - start).collect();
            assert_eq!(instants, expected, "{policy:?}");
        }
    });
}

#[test]
fn many_ticks_do_not_drift() {
    simulated(async |kit| {
        let mut ticker = kit
            .ctx
            .ticker(millis(1))
            .no_min_wait()
            .max_iterations(100_001);
        while let Some(tick) = ticker.next().await {
            assert_eq!(tick.until_next, millis(1));
        }
        assert_eq!(kit.now(), 100_000);
    });
}

#[test]
fn a_ticker_of_an_erased_context_is_the_same() {
    let rt = windlass::testing::SimRuntime::new();
    let ctx = windlass::Ctx::root("test", rt.clone());
    rt.block_on(async {
        let mut ticker = ctx.ticker(secs(3)).max_iterations(3);
        while ticker.next().await.is_some() {}
        assert_eq!(rt.clock().elapsed(), secs(6));
    });
}
