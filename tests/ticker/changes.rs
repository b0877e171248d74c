//! `change_after` and `change_once`, also while the tick is being awaited.

use std::time::Duration;

use crate::kit::{Wakes, millis, poll, secs, simulated, tick};

#[test]
fn tick_36_and_40_a_change_moves_the_one_timer_while_the_tick_is_awaited() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        assert_eq!(kit.instants(&mut ticker, 3).await, [0, 3000, 6000]);
        let control = ticker.control();
        kit.later(millis(1500), move || control.change_after(secs(5)));
        assert_eq!(kit.instants(&mut ticker, 3).await, [11_000, 16_000, 21_000]);
        assert_eq!(
            kit.books.armed(),
            [3000, 6000, 9000, 11_000, 16_000, 21_000]
        );
        assert_eq!(kit.books.most_sleeps(), 1);
    });
}

#[test]
fn tick_37_a_one_shot_change_shifts_the_schedule() {
    // the next tick but one came 1 s after the changed one instead of 3 s.
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        let control = ticker.control();
        assert_eq!(kit.instants(&mut ticker, 3).await, [0, 3000, 6000]);
        control.change_once(secs(5));
        assert_eq!(kit.instants(&mut ticker, 3).await, [11_000, 14_000, 17_000]);
        assert_eq!(kit.books.armed(), [3000, 6000, 11_000, 14_000, 17_000]);
    });
}

#[test]
fn tick_38_a_change_to_the_past_wakes_the_waiter_at_once() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3600));
        let control = ticker.control();
        assert_eq!(kit.instants(&mut ticker, 1).await, [0]);
        kit.later(millis(8500), move || control.change_after(secs(1)));
        assert_eq!(kit.instants(&mut ticker, 3).await, [8500, 9000, 10_000]);
    });
}

#[test]
fn a_timer_that_a_change_made_useless_is_disarmed() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3600));
        let control = ticker.control();
        assert_eq!(kit.instants(&mut ticker, 1).await, [0]);
        kit.later(secs(1), move || control.change_once(Duration::ZERO));
        assert_eq!(kit.instants(&mut ticker, 1).await, [1000]);
        assert_eq!(
            kit.books.sleeps(),
            0,
            "that for 3600 s is gone before the next is needed"
        );
        assert_eq!(kit.instants(&mut ticker, 1).await, [3_600_000]);
    });
}

#[test]
fn tick_39_changes_before_the_first_tick_are_remembered() {
    // a one-shot change before the first tick was lost.
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(3);
        ticker.control().change_once(secs(5));
        assert_eq!(kit.instants(&mut ticker, 3).await, [0, 5000, 8000]);
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(3);
        ticker.control().change_after(secs(4));
        assert_eq!(kit.instants(&mut ticker, 3).await, [8000, 12_000, 16_000]);
    });
}

#[test]
fn tick_41_one_long_interval_and_then_the_usual_ones() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(20));
        assert_eq!(kit.instants(&mut ticker, 5).await.last(), Some(&80_000));
        ticker.control().change_once(secs(40));
        assert_eq!(
            kit.instants(&mut ticker, 3).await,
            [120_000, 140_000, 160_000]
        );
    });
}

#[test]
fn of_several_changes_before_the_ticker_looks_the_latest_counts() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        let control = ticker.control();
        assert_eq!(kit.instants(&mut ticker, 1).await, [0]);
        control.change_once(secs(50));
        control.change_after(secs(4));
        assert_eq!(kit.instants(&mut ticker, 2).await, [4000, 8000]);
        control.change_after(secs(2));
        control.clone().change_once(secs(7));
        assert_eq!(kit.instants(&mut ticker, 3).await, [15_000, 17_000, 19_000]);
    });
}

#[test]
fn a_change_to_zero_ticks_at_the_minimum_wait() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        assert_eq!(kit.instants(&mut ticker, 1).await, [0]);
        ticker.control().change_after(Duration::ZERO);
        assert_eq!(kit.instants(&mut ticker, 3).await, [100, 200, 300]);
        ticker.control().change_after(Duration::MAX);
        ticker.control().change_once(secs(1));
        assert_eq!(kit.instants(&mut ticker, 1).await, [1300]);
    });
}

#[test]
fn each_change_wakes_the_waiter_once_and_nobody_else() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        let control = ticker.control();
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        control.change_after(secs(5));
        assert_eq!(wakes.take(), 0, "nobody waits");
        assert!(poll(&mut ticker, &waker).is_pending());
        control.change_after(secs(7));
        control.change_after(secs(9));
        assert_eq!(wakes.take(), 1, "woken already, and has not come yet");
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(wakes.take(), 0, "no turn is wasted");
        control.change_after(secs(11));
        assert_eq!(wakes.take(), 1);
    });
}

#[test]
fn a_control_may_outlive_its_ticker() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(1);
        let control = ticker.control();
        while ticker.next().await.is_some() {}
        control.change_once(Duration::ZERO);
        ticker.control().change_after(secs(1));
        assert_eq!(ticker.next().await, None);
        drop(ticker);
        control.change_after(secs(1));
        assert_eq!(kit.now(), 0);
    });
}
