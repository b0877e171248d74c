//! The clock that jumps by itself, and the bugs of the originals.

use std::{pin::Pin, time::Duration};

use windlass::{Sleep, Spawner, Timer, testing::SimRuntime};

use crate::{Log, futures, ms, note_later};

#[test]
fn auto_jump_off_leaves_the_clock_to_the_test() {
    let rt = SimRuntime::new();
    rt.clock().auto_jump(false);
    let stalled = windlass::BlockOn::block_on(&rt, rt.sleep(ms(10))).unwrap_err();
    assert!(
        stalled.to_string().contains("auto-jump is off"),
        "{stalled}"
    );
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
    rt.block_on(async {
        rt.clock().advance(ms(10)).await;
    });
    rt.clock().auto_jump(true);
    rt.block_on(rt.sleep(ms(10)));
    assert_eq!(rt.clock().elapsed(), ms(20));
}

#[test]
fn auto_jump_after_a_threshold_lets_other_threads_come_first() {
    // real work elsewhere counted as idleness, so the clock ran away meanwhile.
    let rt = SimRuntime::new();
    rt.clock().auto_jump_after(Duration::from_secs(3600));
    let (send, receive) = ::futures::channel::oneshot::channel();
    let waits = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            waits.wait();
            send.send(()).unwrap();
        });
        rt.block_on(async {
            let mut sleep = rt.sleep(ms(1));
            assert!(futures::poll!(&mut sleep).is_pending());
            waits.wait();
            receive.await.unwrap();
        });
    });
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
    rt.clock().auto_jump_after(Duration::from_micros(50));
    rt.block_on(rt.sleep(ms(7)));
    assert_eq!(rt.clock().elapsed(), ms(7));
}

#[test]
fn q_95_advance_from_a_task_woken_by_a_timer_fires_nothing_twice() {
    // The driver was re-entered before the fired timer was removed, so it fired again.
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    clock.record_fired();
    let log = Log::new(&clock);
    let (handle, inner, at) = (rt.clone(), log.clone(), clock.clone());
    rt.spawn(async move {
        handle.sleep(ms(300)).await;
        inner.note("woken");
        at.advance(ms(1000)).await;
        inner.note("advanced");
    });
    note_later(&rt, &log, ms(700), "between");
    rt.block_on(rt.sleep(ms(2000)));
    assert_eq!(
        log.lines(),
        [("woken", 300), ("between", 700), ("advanced", 1300)]
    );
    assert_eq!(clock.fired(), [ms(300), ms(700), ms(2000)]);
}

#[test]
fn q_96_advance_from_a_woken_task_loses_no_timer() {
    // The outer pass overwrote the list of timers that the inner one had produced.
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    let log = Log::new(&clock);
    let (handle, inner) = (rt.clone(), log.clone());
    rt.spawn(async move {
        handle.sleep(ms(100)).await;
        note_later(&handle, &inner, ms(10), "armed inside, due inside");
        note_later(&handle, &inner, ms(300), "armed inside, due outside");
        handle.clock().advance(ms(50)).await;
        inner.note("inner");
    });
    note_later(&rt, &log, ms(120), "armed outside, due inside");
    note_later(&rt, &log, ms(450), "armed outside, due outside");
    rt.block_on(async {
        clock.advance(ms(500)).await;
        log.note("outer");
    });
    let all = [
        ("armed inside, due inside", 110),
        ("armed outside, due inside", 120),
        ("inner", 150),
        ("armed inside, due outside", 400),
        ("armed outside, due outside", 450),
        ("outer", 500),
    ];
    assert_eq!(log.lines(), all);
}

#[test]
fn q_97_timers_fire_in_due_order_at_their_own_times() {
    // Those due within one step of 0.1 s fired in the order of registration, at the step's time.
    // CLOCK-11 in our terms: there is no grid.
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    note_later(&rt, &log, ms(39), "c");
    note_later(&rt, &log, ms(11), "a");
    note_later(&rt, &log, ms(12), "b");
    rt.block_on(rt.clock().advance(ms(100)));
    assert_eq!(log.lines(), [("a", 11), ("b", 12), ("c", 39)]);
}

#[test]
fn q_98_a_cancelled_timer_does_not_drag_the_clock() {
    // The clock went to the times of cancelled timers as well.
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    rt.block_on(async {
        let mut cancelled = rt.sleep(ms(10));
        assert!(futures::poll!(&mut cancelled).is_pending());
        drop(cancelled);
        assert!(!clock.advance_to_next().await, "nothing to go to");
        assert_eq!(clock.elapsed(), Duration::ZERO);
        let mut reset = rt.sleep(ms(10));
        assert!(futures::poll!(&mut reset).is_pending());
        Pin::new(&mut reset).reset(clock.now() + ms(30));
        assert!(clock.advance_to_next().await);
        assert_eq!(clock.elapsed(), ms(30));
    });
}

#[test]
fn q_99_absolute_deadlines_are_on_the_same_clock() {
    // Timers given by absolute time stayed on the real clock.
    let rt = SimRuntime::new();
    let at = rt.now() + ms(40);
    rt.block_on(async {
        rt.sleep(ms(15)).await;
        rt.sleep_until(at).await;
    });
    assert_eq!(rt.clock().elapsed(), ms(40));
}
