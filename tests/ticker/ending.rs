//! How tickers end, and what they leave behind: nothing.

use std::task::Poll;

use futures::stream::FusedStream;

use crate::kit::{Wakes, millis, poll, secs, simulated, tick};

#[test]
fn tick_18_it_ends_right_after_its_last_tick() {
    // a ticker with a period of a day and one iteration stayed open for a day.
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(24 * 3600)).max_iterations(1);
        assert!(!ticker.is_terminated());
        assert!(ticker.next().await.is_some());
        assert!(ticker.is_terminated());
        assert_eq!(ticker.next().await, None);
        assert_eq!(kit.now(), 0);
        assert!(kit.books.armed().is_empty());
    });
}

#[test]
fn tick_20_max_time_ends_it_between_two_slots() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_time(secs(20));
        let ticks = kit.instants(&mut ticker, 99).await;
        assert_eq!(ticks, [0, 3000, 6000, 9000, 12_000, 15_000, 18_000]);
        assert_eq!(kit.now(), 20_000);
        assert!(ticker.is_terminated());
        assert_eq!(kit.books.sleeps(), 0);
    });
}

#[test]
fn max_time_starts_with_the_first_tick_asked_for() {
    // one limit had two start points, and they disagreed when iteration started late.
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(5)).max_time(secs(10));
        kit.pass(secs(100)).await;
        assert_eq!(kit.instants(&mut ticker, 99).await, [100_000, 105_000]);
        assert_eq!(kit.now(), 110_000);
    });
}

#[test]
fn tick_25_limits_of_zero_allow_no_tick() {
    simulated(async |kit| {
        assert_eq!(kit.ctx.ticker(secs(3)).max_iterations(0).next().await, None);
        assert_eq!(kit.ctx.ticker(secs(3)).max_time(secs(0)).next().await, None);
        assert_eq!(kit.now(), 0);
    });
}

#[test]
fn tick_26_it_ends_at_once_when_its_context_ends_in_the_body() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3));
        assert_eq!(kit.instants(&mut ticker, 5).await.last(), Some(&12_000));
        ctx.cancel();
        assert_eq!(ticker.next().await, None);
        assert!(ticker.is_terminated());
        assert_eq!(kit.now(), 12_000);
        assert_eq!(kit.books.armed(), [3000, 6000, 9000, 12_000]);
    });
}

#[test]
fn tick_26_it_ends_at_once_when_its_context_ends_while_a_tick_is_awaited() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3600));
        kit.later(secs(13), move || assert!(ctx.cancel()));
        assert!(ticker.next().await.is_some());
        assert_eq!(ticker.next().await, None);
        assert_eq!(kit.now(), 13_000);
        assert_eq!(kit.books.sleeps(), 0, "the timer is disarmed (Q-38)");
    });
}

#[test]
fn tick_27_whatever_ends_the_context_ends_the_ticker() {
    simulated(async |kit| {
        let failing = kit.ctx.child("failing");
        let mut ticker = failing.ticker(secs(3600));
        ticker.next().await;
        failing.fail("no more");
        assert_eq!(ticker.next().await, None);

        let parent = kit.ctx.child("parent");
        let mut ticker = parent.child("child").ticker(secs(3600));
        ticker.next().await;
        kit.later(secs(1), move || assert!(parent.cancel()));
        assert_eq!(ticker.next().await, None);
        assert_eq!(kit.now(), 1000);
    });
}

#[test]
fn tick_28_the_end_of_a_ticker_leaves_its_context_alone() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(1);
        while ticker.next().await.is_some() {}
        drop(ticker);
        assert!(!kit.ctx.is_done());
        assert!(!kit.ctx.is_stopping());
    });
}

#[test]
fn stopping_a_context_only_asks_and_its_tickers_go_on() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3));
        ctx.stop();
        assert_eq!(kit.instants(&mut ticker, 2).await, [0, 3000]);
    });
}

#[test]
fn tick_30_and_q_38_dropped_at_any_time_it_leaves_no_timer_and_no_waker_behind() {
    simulated(async |kit| {
        drop(kit.ctx.ticker(secs(3)));
        assert!(kit.books.armed().is_empty());

        let mut ticker = kit.ctx.ticker(secs(3)).max_time(secs(20));
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(kit.books.sleeps(), 1);
        drop(ticker);
        assert_eq!(kit.books.sleeps(), 0);
        drop(waker);
        assert_eq!(std::sync::Arc::strong_count(&wakes), 1);
    });
}

#[test]
fn once_ended_it_keeps_no_timer_waker_or_context() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let weak = ctx.downgrade();
        let mut ticker = ctx.ticker(secs(3)).max_time(secs(4));
        drop(ctx);
        assert_eq!(kit.instants(&mut ticker, 99).await, [0, 3000]);
        assert!(ticker.is_terminated());
        assert_eq!(kit.books.sleeps(), 0);
        assert!(weak.upgrade().is_none(), "the last handle has gone");
    });
}

#[test]
fn with_its_last_tick_it_lets_go_of_its_context() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let weak = ctx.downgrade();
        let mut ticker = ctx.ticker(secs(3)).max_iterations(1);
        drop(ctx);
        assert!(weak.upgrade().is_some());
        ticker.next().await;
        assert!(weak.upgrade().is_none());
    });
}

#[test]
fn it_keeps_a_context_that_nobody_else_holds() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.child("temporary").ticker(secs(3));
        assert_eq!(kit.instants(&mut ticker, 3).await, [0, 3000, 6000]);
    });
}

#[test]
fn on_an_ended_context_it_yields_once_and_gives_no_tick() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ended");
        ctx.cancel();
        let mut ticker = ctx.ticker(secs(3));
        let (wakes, waker) = Wakes::new();
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(wakes.take(), 1);
        assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
        assert_eq!(kit.books.reads(), 0);
    });
}

#[test]
fn the_end_of_the_context_comes_before_a_tick_that_is_due() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3));
        ticker.next().await;
        kit.pass(secs(5)).await;
        ctx.cancel();
        assert_eq!(ticker.next().await, None);
    });
}

#[test]
fn a_deadline_ends_a_ticker_on_time() {
    let rt = windlass::testing::SimRuntime::new();
    let ctx = windlass::Ctx::root("test", rt.clone());
    rt.block_on(async {
        let ctx = ctx.build("ticks").timeout(millis(10_500)).start();
        let mut ticker = ctx.ticker(secs(3));
        let mut last = 0;
        while let Some(tick) = ticker.next().await {
            last = tick.iteration;
        }
        assert_eq!(last, 4);
        assert_eq!(rt.clock().elapsed(), millis(10_500));
        assert!(ctx.error().is_some_and(|error| error.is_timed_out()));
    });
}
