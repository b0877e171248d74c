//! Pausers.

use std::{sync::Arc, task::Poll};

use windlass::Pauser;

use crate::kit::{Wakes, poll, secs, simulated, tick};

#[test]
fn tick_43_no_ticks_while_paused_one_at_the_release_then_on_with_the_schedule() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        assert_eq!(kit.instants(&mut ticker, 2).await, [0, 3000]);
        pauser.pause();
        kit.later(secs(7), move || assert!(pauser.resume()));
        assert_eq!(kit.instants(&mut ticker, 3).await, [10_000, 12_000, 15_000]);
    });
}

#[test]
fn q_45_pausing_holds_back_a_tick_that_is_already_being_awaited() {
    // The lock was looked at only when a wait began (TICK-47), so that tick came through.
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        assert_eq!(kit.instants(&mut ticker, 1).await, [0]);
        let pausing = pauser.clone();
        kit.later(secs(1), move || assert!(pausing.pause()));
        kit.later(secs(8), move || assert!(pauser.resume()));
        assert_eq!(kit.instants(&mut ticker, 2).await, [8000, 9000]);
    });
}

#[test]
fn paused_and_resumed_within_one_wait_nothing_is_lost() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        assert_eq!(kit.instants(&mut ticker, 1).await, [0]);
        pauser.pause();
        let resuming = pauser.clone();
        kit.later(secs(1), move || assert!(resuming.resume()));
        assert_eq!(kit.instants(&mut ticker, 2).await, [3000, 6000]);
    });
}

#[test]
fn tick_45_the_body_runs_while_the_pauser_is_free() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        ticker.next().await;
        assert!(!pauser.is_paused());
        assert!(pauser.pause(), "the ticker holds nothing");
    });
}

#[test]
fn a_paused_ticker_ends_at_once_with_its_context() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        pauser.pause();
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3)).pauser(&pauser);
        kit.later(secs(2), move || assert!(ctx.cancel()));
        assert_eq!(ticker.next().await, None);
        assert_eq!(kit.now(), 2000);
    });
}

#[test]
fn q_36_a_paused_ticker_ends_at_its_max_time() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).max_time(secs(20)).pauser(&pauser);
        assert_eq!(kit.instants(&mut ticker, 2).await, [0, 3000]);
        pauser.pause();
        assert_eq!(ticker.next().await, None);
        assert_eq!(kit.now(), 20_000);
    });
}

#[test]
fn q_48_however_often_it_is_paused_it_waits_in_one_place() {
    // Each paused wait left a listener behind, until the ticker ended.
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        let mut places = Vec::new();
        for _ in 0..100 {
            pauser.pause();
            assert!(poll(&mut ticker, &waker).is_pending());
            places.push(Arc::strong_count(&wakes));
            wakes.take();
            pauser.resume();
            assert_eq!(wakes.take(), 1, "resuming wakes, once");
            assert!(poll(&mut ticker, &waker).is_pending());
            assert_eq!(wakes.take(), 0, "no turn is wasted");
        }
        assert!(places.iter().all(|&n| n == places[0]), "{places:?}");
    });
}

#[test]
fn a_paused_ticker_sleeps_for_nothing() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        let (_, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(kit.books.sleeps(), 1);
        pauser.pause();
        kit.pass(secs(3)).await;
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(kit.books.armed(), [3000]);
    });
}

#[test]
fn paused_again_before_the_ticker_has_looked_it_goes_on_waiting() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        pauser.pause();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        let (wakes, waker) = Wakes::new();
        assert!(poll(&mut ticker, &waker).is_pending());
        pauser.resume();
        pauser.pause();
        assert_eq!(wakes.take(), 1);
        assert!(poll(&mut ticker, &waker).is_pending());
        while wakes.take() > 0 {
            assert!(poll(&mut ticker, &waker).is_pending());
        }
        pauser.resume();
        assert_eq!(wakes.take(), 1);
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
    });
}

#[test]
fn one_pauser_holds_back_many_tickers() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        pauser.pause();
        let mut tickers: Vec<_> = (0..10)
            .map(|_| kit.ctx.ticker(secs(3)).pauser(&pauser))
            .collect();
        kit.later(secs(5), move || assert!(pauser.resume()));
        for ticker in &mut tickers {
            assert_eq!(ticker.next().await.map(|tick| tick.iteration), Some(1));
            assert_eq!(kit.now(), 5000);
        }
    });
}

#[test]
fn a_pauser_that_is_dropped_while_paused_resumes() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        pauser.pause();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        let other = pauser.clone();
        kit.later(secs(1), move || drop(pauser));
        kit.later(secs(4), move || drop(other));
        assert_eq!(
            kit.instants(&mut ticker, 2).await,
            [4000, 6000],
            "with the last clone"
        );
    });
}

#[test]
fn the_pauser_given_last_counts() {
    simulated(async |kit| {
        let (first, second) = (Pauser::new(), Pauser::new());
        first.pause();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&first).pauser(&second);
        let (_, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        assert!(matches!(poll(&mut ticker, &waker), Poll::Pending));
    });
}

#[test]
fn a_pauser_that_takes_the_place_of_one_waited_for_is_waited_for_itself() {
    simulated(async |kit| {
        let (first, second) = (Pauser::new(), Pauser::new());
        first.pause();
        second.pause();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&first);
        let (wakes, waker) = Wakes::new();
        assert!(poll(&mut ticker, &waker).is_pending());
        let mut ticker = ticker.pauser(&second);
        assert!(poll(&mut ticker, &waker).is_pending());
        first.resume();
        assert_eq!(wakes.take(), 0);
        second.resume();
        assert_eq!(wakes.take(), 1);
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
    });
}

#[test]
fn tick_46_the_pauser_in_use_can_be_asked_for() {
    simulated(async |kit| {
        let (first, second) = (Pauser::new(), Pauser::new());
        let ticker = kit.ctx.ticker(secs(3)).max_iterations(1);
        assert!(!ticker.is_held_by(&first), "there is none");
        let ticker = ticker.pauser(&first);
        assert!(ticker.is_held_by(&first.clone()) && !ticker.is_held_by(&second));
        let mut ticker = ticker.pauser(&second);
        assert!(!ticker.is_held_by(&first) && ticker.is_held_by(&second));
        let (_, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        assert!(!ticker.is_held_by(&second), "it has ended");
    });
}
