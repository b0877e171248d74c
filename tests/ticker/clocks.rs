//! Timers and clocks that misbehave.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use windlass::{Ctx, Sleep, Timer};

use crate::kit::{Wakes, millis, poll, secs, simulated, tick};

#[test]
fn q_41_a_timer_that_fires_early_gives_no_extra_tick() {
    // One that fired a little early gave a tick just before the slot, and another one in it.
    simulated(async |kit| {
        kit.books.fire_early(millis(2));
        let mut ticker = kit.ctx.ticker(secs(3)).no_min_wait();
        let books = kit.books.clone();
        kit.later(millis(7000), move || books.fire_early(Duration::ZERO));
        let (_, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        assert!(poll(&mut ticker, &waker).is_pending());
        kit.pass(millis(2998)).await;
        assert!(
            poll(&mut ticker, &waker).is_pending(),
            "2 ms before the slot"
        );
        kit.pass(millis(2)).await;
        assert_eq!(tick(poll(&mut ticker, &waker)), 2);
        assert!(
            poll(&mut ticker, &waker).is_pending(),
            "one tick for the slot"
        );
    });
}

#[test]
fn a_timer_that_is_always_early_does_not_hold_up_the_executor() {
    simulated(async |kit| {
        kit.books.fire_early(secs(3));
        let mut ticker = kit.ctx.ticker(secs(3));
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        for _ in 0..100 {
            assert!(
                poll(&mut ticker, &waker).is_pending(),
                "it comes back after each try"
            );
            assert_eq!(wakes.take(), 1);
        }
        kit.pass(secs(3)).await;
        assert_eq!(tick(poll(&mut ticker, &waker)), 2);
    });
}

#[test]
fn a_clock_that_does_not_move_gives_one_tick_and_ends_with_its_context() {
    simulated(async |kit| {
        kit.rt.clock().auto_jump(false);
        let ctx = kit.ctx.child("ticks");
        let mut ticker = ctx.ticker(secs(3));
        let (wakes, waker) = Wakes::new();
        assert_eq!(tick(poll(&mut ticker, &waker)), 1);
        for _ in 0..100 {
            assert!(poll(&mut ticker, &waker).is_pending());
        }
        assert_eq!(wakes.take(), 0, "it sleeps");
        ctx.cancel();
        assert_eq!(wakes.take(), 1);
        assert_eq!(poll(&mut ticker, &waker), Poll::Ready(None));
    });
}

#[test]
fn a_clock_that_shuts_down_ends_the_ticker() {
    simulated(async |kit| {
        let mut ticker = kit.ctx.ticker(secs(3));
        assert_eq!(kit.instants(&mut ticker, 2).await, [0, 3000]);
        kit.books.orphan();
        assert_eq!(ticker.next().await, None);
        assert_eq!(ticker.next().await, None);
    });
}

/// A clock whose readings go back by a second each time, and whose sleeps never end.
#[derive(Clone)]
struct Backwards(std::sync::Arc<std::sync::Mutex<Instant>>);

struct Never;

impl Timer for Backwards {
    type Sleep = Never;

    fn now(&self) -> Instant {
        let mut now = self.0.lock().unwrap();
        *now -= secs(1);
        *now
    }

    fn sleep_until(&self, _deadline: Instant) -> Never {
        Never
    }
}

impl Future for Never {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Never {
    fn reset(self: Pin<&mut Self>, _deadline: Instant) {}
}

#[test]
fn a_clock_that_goes_backwards_does_no_harm() {
    let clock = Backwards(std::sync::Arc::new(std::sync::Mutex::new(
        Instant::now() + secs(9999),
    )));
    let ctx = Ctx::root_on("test", clock);
    let mut ticker = ctx.ticker(secs(3)).max_time(secs(60));
    let (_, waker) = Wakes::new();
    assert_eq!(tick(poll(&mut ticker, &waker)), 1);
    for _ in 0..100 {
        assert!(poll(&mut ticker, &waker).is_pending());
    }
}

#[test]
fn the_paused_clock_of_tokio_is_as_good_as_a_virtual_one() {
    let rt = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    rt.block_on(async {
        let ctx = Ctx::root("test", windlass::adapters::Tokio::current());
        let start = tokio::time::Instant::now();
        let mut ticker = ctx.ticker(secs(10)).max_time(secs(3600));
        while let Some(tick) = ticker.next().await {
            assert_eq!(start.elapsed(), secs(10) * (tick.iteration - 1) as u32);
        }
        assert_eq!(start.elapsed(), secs(3600));
    });
}
