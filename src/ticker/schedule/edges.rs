//! Pausing, missed ticks, and timers and clocks that misbehave.

use super::{
    played::{Run, instant, ms, s},
    *,
};

// ===== pausing =====

#[test]
fn tick_43_one_tick_at_the_release_and_then_on_with_the_schedule() {
    for missed in [MissedTicks::Skip, MissedTicks::Burst] {
        let mut run = Run::every(s(3)).with(|it| it.set_missed(missed));
        assert_eq!(run.instants(2, instant), [0, s(3)]);
        run.is_paused = true;
        for now in [s(3), s(6), s(10)] {
            run.now = now;
            assert_eq!(run.step(), Step::Wait(None));
        }
        run.is_paused = false;
        assert_eq!(
            run.ticks(3, instant),
            [(3, s(2), s(10)), (4, s(3), s(12)), (5, s(3), s(15))]
        );
    }
}

#[test]
fn paused_between_two_slots_nothing_is_lost() {
    let mut run = Run::every(s(3));
    assert_eq!(run.instants(1, instant), [0]);
    run.is_paused = true;
    run.now = s(1);
    assert_eq!(run.step(), Step::Wait(None));
    run.is_paused = false;
    run.now = s(2);
    assert_eq!(run.instants(2, instant), [s(3), s(6)]);
}

#[test]
fn the_first_tick_is_held_back_as_well() {
    let mut run = Run::every(s(3));
    run.is_paused = true;
    assert_eq!(run.step(), Step::Wait(None));
    run.now = s(7);
    run.is_paused = false;
    assert_eq!(run.instants(3, instant), [s(7), s(9), s(12)]);
}

#[test]
fn max_time_ends_a_paused_ticker() {
    // while paused, max_time was ignored.
    let mut run = Run::every(s(3)).with(|it| it.set_max_time(ms(s(20))));
    run.is_paused = true;
    assert_eq!(run.next(), None);
    assert_eq!(run.now, s(20));
}

// ===== missed ticks =====

#[test]
fn the_three_policies_after_one_long_body() {
    let after = |missed| {
        let mut run = Run::every(s(3)).with(|it| {
            it.set_missed(missed);
            it.set_min_wait(Duration::ZERO);
        });
        run.instants(5, |i| if i == 1 { s(7) } else { 0 })
    };
    assert_eq!(after(MissedTicks::Skip), [0, s(7), s(9), s(12), s(15)]);
    assert_eq!(after(MissedTicks::Delay), [0, s(7), s(10), s(13), s(16)]);
    assert_eq!(after(MissedTicks::Burst), [0, s(7), s(7), s(9), s(12)]);
}

#[test]
fn a_burst_keeps_the_minimum_wait() {
    let mut run = Run::every(s(3)).with(|it| it.set_missed(MissedTicks::Burst));
    assert_eq!(
        run.instants(5, |i| if i == 1 { s(7) } else { 0 }),
        [0, s(7), 7100, s(9), s(12)]
    );
}

#[test]
fn the_lateness_of_a_timer_delays_nothing() {
    let mut run = Run::every(s(3)).with(|it| it.set_missed(MissedTicks::Delay));
    run.instants(1, instant);
    run.now = 3005;
    assert_eq!(run.ticks(1, instant), [(2, 2995, 3005)]);
    run.now = 6006;
    assert_eq!(run.ticks(1, instant), [(3, s(3), 6006)]);
}

#[test]
fn no_policy_makes_a_zero_period_pile_up_slots() {
    for missed in [MissedTicks::Skip, MissedTicks::Delay, MissedTicks::Burst] {
        let mut run = Run::every(0).with(|it| {
            it.set_missed(missed);
            it.set_min_wait(Duration::ZERO);
        });
        assert_eq!(run.instants(3, |_| s(50)), [0, s(50), s(100)]);
        run.now = s(100);
        run.schedule.change_after(ms(s(3)));
        assert_eq!(run.instants(2, instant), [s(103), s(106)], "{missed:?}");
    }
}

// ===== timers and clocks that misbehave =====

#[test]
fn a_timer_that_fires_early_gives_no_extra_tick() {
    // one that fired a little early gave a tick just before the slot, and one in it.
    let mut run = Run::every(s(3)).with(|it| it.set_min_wait(Duration::ZERO));
    run.instants(1, instant);
    for early in [2998, 2999] {
        run.now = early;
        assert_eq!(run.step(), Step::Wait(Some(ms(s(3)))));
    }
    run.now = s(3);
    assert_eq!(run.ticks(1, instant), [(2, s(3), s(3))]);
    assert_eq!(run.step(), Step::Wait(Some(ms(s(6)))));
}

#[test]
fn a_clock_that_does_not_move_gives_one_tick() {
    let mut run = Run::every(s(3));
    assert_eq!(run.instants(1, instant), [0]);
    for _ in 0..100 {
        assert_eq!(run.step(), Step::Wait(Some(ms(s(3)))));
    }
}

#[test]
fn a_million_ticks_do_not_drift() {
    let every = Duration::new(0, 333_333_333);
    let mut schedule = Schedule::new(every);
    let mut now = Duration::ZERO;
    for k in 0..1_000_000_u32 {
        let lateness = Duration::from_nanos(u64::from(k) * 7919 % 200_000_000);
        let Step::Tick(tick) = schedule.step(now + lateness, false) else {
            panic!("no tick {k}");
        };
        assert_eq!(tick.iteration, u64::from(k) + 1);
        assert_eq!(now, every * k);
        now = now + lateness + tick.until_next;
    }
}

#[test]
fn the_longest_period_ticks_once_and_then_waits_for_a_change() {
    for every in [
        Duration::MAX,
        Duration::from_secs(u64::MAX / 1_000_000_000 + 1),
    ] {
        let mut schedule = Schedule::new(every);
        let Step::Tick(tick) = schedule.step(Duration::ZERO, false) else {
            panic!("no first tick");
        };
        assert_eq!(tick.until_next, Duration::MAX);
        assert_eq!(schedule.step(Duration::MAX, false), Step::Wait(None));
        schedule.change_after(ms(s(3)));
        assert!(matches!(schedule.step(ms(s(4)), false), Step::Tick(_)));
    }
}

#[test]
fn jittered_ticks_stay_in_their_slots_and_do_not_drift() {
    let mut schedule = Schedule::new(ms(s(10)));
    schedule.set_jitter(Jitter::new(0.5, 3));
    let mut now = Duration::ZERO;
    let mut offsets = Vec::new();
    for slot in 0..10_000_u32 {
        let Step::Tick(tick) = schedule.step(now, false) else {
            panic!("no tick in slot {slot}");
        };
        let offset = now - ms(s(10)) * slot;
        assert!(offset < ms(s(5)), "{offset:?}");
        offsets.push(offset);
        now += tick.until_next;
    }
    assert_eq!(offsets[0], Duration::ZERO, "the first tick comes at once");
    assert!(offsets.iter().max() > Some(&ms(4990)));
}
