//! Calls, soon and later.

use std::time::Duration;

use windlass::testing::simulate;

use crate::{
    OnDrop,
    kit::{Log, secs, yield_now},
};

#[test]
fn calls_come_soon_later_and_at_their_time_in_order() {
    // LOOP-06 … LOOP-11, CLOCK-03, CLOCK-08
    simulate(async |sim| {
        let log = Log::default();
        let call = |name: &'static str| {
            let (log, clock) = (log.clone(), sim.clock.clone());
            move || log.add(format!("{name} at {}", clock.elapsed().as_secs()))
        };
        let ctx = &sim.ctx;
        let late = ctx.call_later(secs(3), call("later"));
        let at = ctx.call_at(ctx.now() + secs(2), call("at"));
        let past = ctx.call_at(ctx.now() - secs(2), call("past"));
        let (first, second) = (ctx.call_soon(call("soon")), ctx.call_soon(call("sooner")));
        let taken_back = ctx.call_later(secs(1), call("never"));
        assert!(log.take().is_empty(), "not inside the call");
        assert!(taken_back.cancel() && !taken_back.cancel());
        yield_now().await;
        assert!(first.has_run() && second.has_run() && past.has_run() && !late.has_run());
        assert_eq!(log.take(), ["past at 0", "soon at 0", "sooner at 0"]);
        ctx.sleep(secs(5)).await.unwrap();
        assert_eq!(log.take(), ["at at 2", "later at 3"]);
        assert!(!at.cancel() && !taken_back.has_run());
        assert_eq!(late.when() - at.when(), secs(1));
    });
}

#[test]
fn calls_of_a_context_that_ends_are_dropped() {
    simulate(async |sim| {
        let (ctx, log) = (sim.ctx.child("ends"), Log::default());
        let mark = OnDrop(log.clone(), "dropped");
        let call = ctx.call_later(secs(3), move || drop(mark));
        yield_now().await;
        ctx.cancel();
        ctx.finish().await;
        assert!(!call.has_run());
        assert_eq!(
            (log.take(), sim.clock.elapsed()),
            (vec!["dropped".to_owned()], Duration::ZERO)
        );
    });
}

#[test]
fn call_that_was_taken_back_does_not_drag_the_clock() {
    // CLOCK-03, Q-98, for our own timers.
    simulate(async |sim| {
        sim.clock.record_fired();
        let taken_back = sim.ctx.call_later(secs(1), || unreachable!());
        yield_now().await;
        assert!(taken_back.cancel());
        sim.ctx.sleep(secs(5)).await.unwrap();
        assert_eq!(sim.clock.fired(), [secs(5)]);
    });
}
