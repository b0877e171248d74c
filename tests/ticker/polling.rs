//! Turns, wakes, cancelled waits, auto traits.

use std::{task::Poll, time::Duration};

use futures::{FutureExt, StreamExt, stream::FusedStream};
use windlass::{Pauser, Ticker, TickerControl};

use crate::kit::{Wakes, millis, poll, secs, simulated, tick};

#[test]
fn tick_03_and_q_35_a_zero_period_without_minimum_wait_gives_each_tick_a_turn() {
    // With "follow the schedule" it ran for ever without giving up control.
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(Duration::ZERO).no_min_wait();
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        for n in 2..100 {
            assert!(poll(&mut ticker, &waker).is_pending());
            assert_eq!(wakes.take(), 1);
            assert_eq!(tick(poll(&mut ticker, &waker)), n);
        }
        assert!(kit.books.armed().is_empty());
    });
}

#[test]
fn tick_03_a_zero_period_lets_others_run_and_time_pass() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(Duration::ZERO).no_min_wait();
        assert_eq!(
            kit.ticks(&mut ticker, 5, |i| if i == 3 { 2000 } else { 0 })
                .await,
            [(1, 0, 0), (2, 0, 0), (3, 0, 0), (4, 0, 2000), (5, 0, 2000)]
        );
        kit.later(Duration::ZERO, move || assert!(ctx.cancel()));
        while ticker.next().await.is_some() {}
    });
}

#[test]
fn after_128_ticks_in_a_row_it_gives_way() {
    simulated(async |kit| {
        let mut ticker = kit
            .ctx
            .ticker(millis(1))
            .no_min_wait()
            .missed_ticks(windlass::MissedTicks::Burst);
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        kit.pass(secs(1)).await;
        for n in 2..=128 {
            assert_eq!(tick(poll(&mut ticker, &waker)), n);
        }
        for round in 1..4 {
            assert!(poll(&mut ticker, &waker).is_pending());
            assert_eq!(wakes.take(), 1);
            for n in 1..=128 {
                assert_eq!(tick(poll(&mut ticker, &waker)), round * 128 + n);
            }
        }
    });
}

#[test]
fn polled_after_its_end_it_gives_none_and_gives_way() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(1);
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        for _ in 2..=128 {
            assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
            assert!(ticker.is_terminated());
        }
        // A loop that ignores the end is dropped here, with its task.
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(wakes.take(), 1);
        assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
    });
}

#[test]
fn the_end_after_a_zero_period_needs_no_turn_of_its_own() {
    simulated(async |kit| {
        let ticker = kit.ctx.ticker(Duration::ZERO).no_min_wait();
        let mut ticker = ticker.max_iterations(1);
        let (_, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
    });
}

#[test]
fn a_tick_that_was_slept_for_takes_one_wake_and_one_turn() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        for n in 2..10 {
            assert!(poll(&mut ticker, &waker).is_pending());
            assert!(
                poll(&mut ticker, &waker).is_pending(),
                "polled for no reason"
            );
            assert_eq!(wakes.take(), 0);
            kit.pass(secs(3)).await;
            assert_eq!(wakes.take(), 1);
            assert_eq!(tick(poll(&mut ticker, &waker)), n);
        }
        assert_eq!(
            kit.books.armed().len(),
            8,
            "polled for no reason, it arms nothing again"
        );
    });
}

#[test]
fn the_waker_of_the_latest_poll_is_the_one_that_is_woken() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3)).pauser(&pauser);
        let (old, old_waker) = Wakes::new();
        let (new, new_waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &old_waker)), 1);

        for wake in 0..3 {
            let _ = poll(&mut ticker, &old_waker);
            assert!(poll(&mut ticker, &new_waker).is_pending());
            old.take();
            new.take();
            match wake {
                0 => ticker.control().change_after(secs(9)),
                1 => kit.pass(secs(9)).await,
                _ => assert!(ctx.cancel()),
            }
            assert_eq!((old.take(), new.take()), (0, 1), "{wake}");
            if wake == 1 {
                assert_eq!(tick(poll(&mut ticker, &new_waker)), 2);
            }
        }
    });
}

#[test]
fn dropping_the_future_of_next_loses_no_tick() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        let mut seen = Vec::new();
        while seen.len() < 4 {
            let given_up = kit.pass(millis(700));
            futures::select_biased! {
                tick = ticker.next().fuse() => seen.push((tick.unwrap().iteration, kit.now())),
                () = given_up.fuse() => {}
            }
        }
        assert_eq!(seen, [(1, 0), (2, 3000), (3, 6000), (4, 9000)]);
        assert_eq!(
            kit.books.armed(),
            [3000, 6000, 9000],
            "the sleep stays armed"
        );
    });
}

#[test]
fn it_is_a_stream_like_others() {
    simulated(async |kit| {
        let ticks = kit.ctx.ticker(secs(3)).max_iterations(3);
        let numbers: Vec<u64> = ticks.map(|tick| tick.iteration).collect().await;
        assert_eq!(numbers, [1, 2, 3]);
    });
}

#[test]
fn a_ticker_moves_between_threads_and_its_handles_are_shared() {
    fn is_send<T: Send + Unpin>() {}
    fn is_shared<T: Send + Sync + Unpin>() {}
    is_send::<Ticker>();
    is_shared::<TickerControl>();
    is_shared::<Pauser>();
}

#[test]
fn everything_has_a_debug_form() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3)).max_iterations(1);
        ticker.next().await;
        assert_eq!(
            format!("{ticker:?}"),
            "Ticker { iteration: 1, every: 3s, is_terminated: true, .. }"
        );
        assert_eq!(format!("{:?}", ticker.control()), "TickerControl { .. }");
        assert_eq!(
            format!("{:?}", Pauser::new()),
            "Pauser { is_paused: false }"
        );
    });
}

// ===== what happens between looking and going to sleep =====

#[test]
fn a_change_in_the_middle_of_a_poll_is_not_missed() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(Duration::MAX).no_min_wait();
        let control = ticker.control();
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        kit.books
            .on_next_read(move || control.change_once(Duration::ZERO));
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(wakes.take(), 1);
        assert_eq!(tick(poll(&mut ticker, &waker)), 2);
    });
}

#[test]
fn a_pauser_that_resumes_in_the_middle_of_a_poll_is_not_missed() {
    simulated(async |kit| {
        let pauser = Pauser::new();
        pauser.pause();
        let mut ticker = kit.ctx.ticker(secs(3)).pauser(&pauser);
        let (wakes, waker) = Wakes::new();
        kit.books.on_next_read(move || assert!(pauser.resume()));
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(wakes.take(), 1);
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
    });
}

#[test]
fn the_end_of_the_context_in_the_middle_of_a_poll_is_not_missed() {
    simulated(async |kit| {
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3));
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        kit.books.on_next_read(move || assert!(ctx.cancel()));
        assert!(poll(&mut ticker, &waker).is_pending());
        assert_eq!(wakes.take(), 1);
        assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
    });
}
