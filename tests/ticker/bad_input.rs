//! Zero, huge, and not a number.

use std::{task::Poll, time::Duration};

use windlass::MissedTicks;

use crate::kit::{Wakes, poll, secs, simulated, tick};

#[test]
fn the_longest_period_ticks_once_and_waits_for_a_change_without_a_timer() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(Duration::MAX);
        assert_eq!(ticker.next().await.unwrap().until_next, Duration::MAX);
        let (wakes, waker) = Wakes::new();
        assert!(poll(&mut ticker, &waker).is_pending());
        assert!(kit.books.armed().is_empty());
        ticker.control().change_after(secs(3));
        assert_eq!(wakes.take(), 1);
        assert_eq!(kit.instants(&mut ticker, 2).await, [3000, 6000]);
    });
}

#[test]
fn a_period_beyond_the_reach_of_timers_is_waited_for_in_parts() {
    const YEAR: u64 = 365 * 24 * 3600;
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(100 * YEAR));
        assert_eq!(kit.instants(&mut ticker, 2).await, [0, 100 * YEAR * 1000]);
        assert!(
            kit.books.armed().len() > 1,
            "no timer reaches that far at once"
        );
    });
}

#[test]
fn zero_everywhere_is_no_panic_and_no_tick() {
    simulated(async |kit| {
        let ticker = kit
            .ctx
            .ticker(Duration::ZERO)
            .no_min_wait()
            .max_time(Duration::ZERO);
        let mut ticker = ticker.max_iterations(0).jitter(0.0);
        assert_eq!(ticker.next().await, None);
    });
}

#[test]
fn the_largest_of_everything_is_no_panic() {
    simulated(async |kit| {
        for policy in [MissedTicks::Skip, MissedTicks::Delay, MissedTicks::Burst] {
            let ticker = kit.ctx.ticker(Duration::MAX).min_wait(Duration::MAX);
            let ticker = ticker.max_time(Duration::MAX).max_iterations(u64::MAX);
            let mut ticker = ticker.jitter(f64::MAX).missed_ticks(policy);
            let (_, waker) = Wakes::new();
            assert_eq!(tick(poll(&mut ticker, &waker)), 1);
            ticker.control().change_once(Duration::MAX);
            assert!(poll(&mut ticker, &waker).is_pending());
            ticker.control().change_after(Duration::MAX);
            assert!(poll(&mut ticker, &waker).is_pending());
        }
    });
}

#[test]
fn a_minimum_wait_for_ever_allows_the_first_tick_only() {
    simulated(async |kit| {
        let mut ticker = kit
            .ctx
            .ticker(secs(1))
            .min_wait(Duration::MAX)
            .max_time(secs(50));
        assert_eq!(kit.instants(&mut ticker, 9).await, [0]);
        assert_eq!(kit.now(), 50_000);
    });
}

#[test]
fn limits_that_are_lowered_on_the_way_count_from_the_start() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        assert_eq!(kit.instants(&mut ticker, 3).await, [0, 3000, 6000]);
        let mut ticker = ticker.max_iterations(2);
        let (_, waker) = Wakes::new();
        assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
    });
}
