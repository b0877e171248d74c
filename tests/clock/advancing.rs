//! Reading the clock, and moving it.

use std::{future::Future, pin::Pin, sync::atomic::Ordering::SeqCst, task::Poll, time::Duration};

use futures::{
    FutureExt,
    executor::block_on,
    future::{join, poll_fn},
};
use windlass::{
    Spawner, Timer, WithTimer,
    testing::{SimRuntime, VirtualClock},
};

use crate::{Log, counter, futures, ms, note_later, poll};

#[test]
fn clock_01_a_clock_starts_at_zero_and_a_timer_fires_at_its_exact_time() {
    let rt = SimRuntime::new();
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
    let before = rt.now();
    rt.block_on(rt.sleep(Duration::from_secs(5)));
    assert_eq!(rt.clock().elapsed(), Duration::from_secs(5));
    assert_eq!(rt.now() - before, Duration::from_secs(5));
}

#[test]
fn clock_01_a_clock_may_start_at_a_given_time() {
    let clock = VirtualClock::starting_at(ms(700));
    assert_eq!(clock.elapsed(), ms(700));
    block_on(clock.advance(ms(300)));
    assert_eq!(clock.elapsed(), ms(1000));
    let far = VirtualClock::starting_at(Duration::MAX);
    assert!(far.elapsed() > Duration::from_secs(1 << 29));
    assert!(far.elapsed() < Duration::from_secs(1 << 30));
}

#[test]
fn clock_03_and_04_a_cancelled_timer_never_fires() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let clock = rt.clock().clone();
    rt.block_on(async {
        let mut cancelled = rt.sleep(ms(1000));
        let (wakes, waker) = counter();
        assert!(poll(&mut cancelled, &waker).is_pending());
        drop(cancelled);
        rt.sleep(ms(300)).await;
        log.note("released");
        // in the original the 0.3 s timer fired a second time during this.
        clock.advance(ms(1000)).await;
        log.note("advanced");
        assert_eq!(wakes.0.load(SeqCst), 0);
    });
    assert_eq!(log.lines(), [("released", 300), ("advanced", 1300)]);
}

#[test]
fn clock_07_advance_passes_the_timers_on_its_way() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let clock = rt.clock().clone();
    rt.block_on(async {
        clock.advance(ms(4300)).await;
        note_later(&rt, &log, ms(300), "fired");
        clock.advance(ms(400)).await;
        log.note("advanced");
    });
    assert_eq!(log.lines(), [("fired", 4600), ("advanced", 4700)]);
}

#[test]
fn clock_08_dropping_a_sleep_that_fired_is_harmless() {
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &waker).is_pending());
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 1);
    drop(sleep);
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 1);
}

#[test]
fn clock_09_the_clock_jumps_when_nothing_is_ready() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    note_later(&rt, &log, ms(20), "second");
    note_later(&rt, &log, ms(10), "first");
    rt.block_on(async {
        rt.sleep(ms(30)).await;
        log.note("third");
    });
    assert_eq!(log.lines(), [("first", 10), ("second", 20), ("third", 30)]);
}

#[test]
fn clock_09_the_clock_stands_still_while_something_is_ready() {
    let rt = SimRuntime::new();
    let mut rounds = 0;
    rt.block_on(async {
        let mut sleep = rt.sleep(ms(1));
        poll_fn(|cx| {
            rounds += 1;
            let _ = Pin::new(&mut sleep).poll(cx);
            cx.waker().wake_by_ref();
            if rounds < 100 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    });
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
}

#[test]
fn clock_10_woken_work_runs_before_time_goes_on() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let clock = rt.clock().clone();
    let (handle, inner) = (rt.clone(), log.clone());
    rt.spawn(async move {
        handle.sleep(ms(100)).await;
        inner.note("a");
        for _ in 0..50 {
            // Not a matter of one or two turns of the executor.
            futures::pending_once().await;
        }
        inner.note("b");
        handle.sleep(ms(100)).await; // armed on the way
        inner.note("c");
    });
    note_later(&rt, &log, ms(500), "at the end");
    rt.block_on(async {
        clock.advance(ms(500)).await;
        log.note("advanced");
    });
    let all = [
        ("a", 100),
        ("b", 100),
        ("c", 200),
        ("at the end", 500),
        ("advanced", 500),
    ];
    assert_eq!(log.lines(), all);
}

#[test]
fn clock_12_the_times_at_which_timers_fired_are_recorded_on_request() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    rt.block_on(rt.sleep(ms(1)));
    assert_eq!(clock.fired(), []);
    clock.record_fired();
    rt.block_on(async {
        let mut cancelled = rt.sleep(ms(2));
        assert!(futures::poll!(&mut cancelled).is_pending());
        drop(cancelled);
        rt.sleep(ms(5)).await;
        rt.sleep(ms(5)).await;
    });
    assert_eq!(clock.fired(), [ms(6), ms(11)]);
}

#[test]
fn clock_13_zero_and_past_deadlines_are_ready_at_once_and_are_not_registered() {
    let clock = VirtualClock::starting_at(ms(50));
    clock.record_fired();
    let now = clock.now();
    for mut sleep in [
        clock.sleep(Duration::ZERO),
        clock.sleep_until(now),
        clock.sleep_until(now - ms(20)),
        clock.sleep_until(now - ms(50_000)), // before the clock was made
    ] {
        assert_eq!((&mut sleep).now_or_never(), Some(()));
        assert_eq!((&mut sleep).now_or_never(), Some(()), "and stays so");
    }
    assert_eq!(clock.elapsed(), ms(50));
    assert_eq!(clock.fired(), []);
}

#[test]
fn clock_14_a_sleep_of_eleven_seconds_at_two_ends_at_thirteen() {
    let rt = SimRuntime::new();
    rt.block_on(async {
        rt.sleep(ms(2000)).await;
        rt.sleep(ms(11_000)).await;
    });
    assert_eq!(rt.clock().elapsed(), ms(13_000));
}

#[test]
fn clock_15_the_clock_is_a_timer_for_any_spawner() {
    #[derive(Clone)]
    struct Pool(::futures::executor::ThreadPool);
    impl Spawner for Pool {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.spawn_ok(future);
        }
    }
    let pool = ::futures::executor::ThreadPool::builder()
        .pool_size(1)
        .create()
        .unwrap();
    let clock = VirtualClock::new();
    let rt = WithTimer::new(Pool(pool), clock.clone());
    let (send, receive) = ::futures::channel::oneshot::channel();
    let (sleep, inner) = (rt.sleep(ms(250)), clock.clone());
    let (armed, is_armed) = ::futures::channel::oneshot::channel();
    rt.spawn(async move {
        let mut sleep = sleep;
        assert!(futures::poll!(&mut sleep).is_pending());
        armed.send(()).unwrap();
        sleep.await;
        send.send(inner.elapsed()).unwrap();
    });
    block_on(async {
        is_armed.await.unwrap();
        clock.advance(ms(250)).await;
        assert_eq!(receive.await, Ok(ms(250)));
    });
}

#[test]
fn clock_17_dropping_the_runtime_drops_what_waits_for_the_clock() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    let log = Log::new(&clock);
    note_later(&rt, &log, ms(10), "never");
    rt.run_until_stalled();
    assert!(format!("{clock:?}").contains("timers: 1"), "{clock:?}");
    drop(rt);
    assert!(format!("{clock:?}").contains("timers: 0"), "{clock:?}");
    block_on(clock.advance(ms(20)));
    assert_eq!(log.lines(), []);
}

#[test]
fn clock_19_advance_resumes_after_that_much_virtual_time() {
    let rt = SimRuntime::new();
    rt.block_on(rt.clock().advance(ms(1500)));
    assert_eq!(rt.clock().elapsed(), ms(1500));
}

#[test]
fn advance_by_zero_lets_everything_ready_run() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let inner = log.clone();
    rt.spawn(async move {
        futures::pending_once().await;
        inner.note("ran");
    });
    rt.block_on(rt.clock().advance(Duration::ZERO));
    assert_eq!(log.lines(), [("ran", 0)]);
}

#[test]
fn advance_takes_part_in_timers_of_tasks_that_were_not_polled_yet() {
    // With tokio's paused clock, a task spawned right before `advance` arms its timer after it.
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let (handle, inner) = (rt.clone(), log.clone());
    rt.spawn(async move {
        handle.sleep(ms(10)).await;
        inner.note("fired");
    });
    rt.block_on(rt.clock().advance(ms(10)));
    assert_eq!(log.lines(), [("fired", 10)]);
}

#[test]
fn advance_by_a_huge_duration_saturates_at_about_thirty_years() {
    let clock = VirtualClock::new();
    for _ in 0..3 {
        let before = clock.elapsed();
        block_on(clock.advance(Duration::MAX));
        let moved = clock.elapsed() - before;
        assert!(
            moved > Duration::from_secs(29 * 365 * 24 * 3600),
            "{moved:?}"
        );
        assert!(
            moved < Duration::from_secs(31 * 365 * 24 * 3600),
            "{moved:?}"
        );
    }
}

#[test]
fn a_huge_sleep_stays_pending_until_its_saturated_time() {
    let clock = VirtualClock::new();
    let mut sleep = clock.sleep(Duration::MAX);
    assert!((&mut sleep).now_or_never().is_none());
    block_on(clock.advance(Duration::from_secs(3600)));
    assert!((&mut sleep).now_or_never().is_none());
    block_on(clock.advance(Duration::MAX));
    assert!((&mut sleep).now_or_never().is_some());
}

#[test]
fn advance_to_next_goes_to_the_next_timer_and_lets_its_work_run() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    note_later(&rt, &log, ms(70), "b");
    note_later(&rt, &log, ms(30), "a");
    let clock = rt.clock().clone();
    rt.block_on(async {
        assert!(clock.advance_to_next().await);
        assert_eq!(log.lines(), [("a", 30)]);
        assert!(clock.advance_to_next().await);
        assert_eq!(log.lines(), [("a", 30), ("b", 70)]);
        assert!(!clock.advance_to_next().await);
        assert_eq!(clock.elapsed(), ms(70));
    });
}

#[test]
fn an_advance_that_is_dropped_leaves_the_clock_where_it_has_come_to() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    rt.block_on(async {
        let first = rt.sleep(ms(10));
        // In one task: the sleep ends while the advance is under way, which is then dropped.
        ::futures::future::select(first, Box::pin(clock.advance(ms(100)))).await;
        assert_eq!(clock.elapsed(), ms(10));
        rt.sleep(ms(5)).await;
        assert_eq!(clock.elapsed(), ms(15), "auto-jump goes on as before");
    });
}

#[test]
fn two_may_advance_at_the_same_time() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    let log = Log::new(&clock);
    note_later(&rt, &log, ms(20), "timer");
    rt.block_on(join(
        async {
            clock.advance(ms(50)).await;
            log.note("long");
        },
        async {
            clock.advance(ms(30)).await;
            log.note("short");
        },
    ));
    assert_eq!(log.lines(), [("timer", 20), ("short", 30), ("long", 50)]);
}
