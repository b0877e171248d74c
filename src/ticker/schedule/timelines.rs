//! The published timelines of the originals, and ours where they differ on purpose.

use super::{
    played::{Run, instant, ms, s},
    *,
};

// ===== the regular schedule =====

#[test]
fn tick_01_and_02_ticks_come_at_once_and_then_every_period() {
    let mut run = Run::every(s(3));
    assert_eq!(
        run.ticks(5, instant),
        [
            (1, s(3), 0),
            (2, s(3), s(3)),
            (3, s(3), s(6)),
            (4, s(3), s(9)),
            (5, s(3), s(12))
        ]
    );
    assert_eq!(run.waits, [s(3), s(6), s(9), s(12)]);
}

#[test]
fn tick_03_a_zero_period_without_minimum_wait_ticks_whenever_it_is_asked() {
    let mut run = Run::every(0).with(|it| it.set_min_wait(Duration::ZERO));
    let ticks = run.ticks(6, |i| if i == 3 { s(2) } else { 0 });
    assert_eq!(
        ticks,
        [
            (1, 0, 0),
            (2, 0, 0),
            (3, 0, 0),
            (4, 0, s(2)),
            (5, 0, s(2)),
            (6, 0, s(2))
        ]
    );
    assert!(run.waits.is_empty());
    assert!(run.schedule.is_endless_burst());
}

#[test]
fn tick_05_the_time_of_the_body_is_absorbed() {
    let mut run = Run::every(s(10));
    assert_eq!(run.instants(5, |_| s(8)), [0, s(10), s(20), s(30), s(40)]);
}

#[test]
fn tick_06_a_short_body_leaves_the_timeline_alone() {
    let mut run = Run::every(s(3));
    assert_eq!(
        run.ticks(3, |_| s(1)),
        [(1, s(3), 0), (2, s(3), s(3)), (3, s(3), s(6))]
    );
}

#[test]
fn tick_07_late_ticks_come_at_once_and_point_to_the_next_slot() {
    let mut run = Run::every(s(3));
    assert_eq!(
        run.ticks(5, |_| s(4)),
        [
            (1, s(3), 0),
            (2, s(2), s(4)),
            (3, s(1), s(8)),
            (4, s(3), s(12)),
            (5, s(2), s(16))
        ]
    );
    assert!(
        run.waits.is_empty(),
        "a late tick needs no timer (TICK-14, Q-47)"
    );
}

#[test]
fn a_tick_exactly_in_its_slot_is_not_followed_by_another_for_the_same_slot() {
    // with no minimum wait, ticks could repeat at one instant.
    let mut run = Run::every(s(3)).with(|it| it.set_min_wait(Duration::ZERO));
    assert_eq!(
        run.ticks(3, |_| s(6)),
        [(1, s(3), 0), (2, s(3), s(6)), (3, s(3), s(12))]
    );
}

// ===== overruns =====

#[test]
fn tick_11_a_slot_closer_than_the_minimum_wait_is_skipped() {
    let mut run = Run::every(s(3));
    let ticks = run.ticks(3, |i| if i == 1 { 5950 } else { 0 });
    assert_eq!(ticks, [(1, s(3), 0), (2, 3050, 5950), (3, s(3), s(9))]);
}

#[test]
fn tick_12_a_minimum_wait_above_the_period_is_rounded_up_to_the_schedule() {
    let mut run = Run::every(s(1)).with(|it| it.set_min_wait(ms(s(3))));
    assert_eq!(run.instants(3, instant), [0, s(3), s(6)]);
    let mut run = Run::every(s(1)).with(|it| it.set_min_wait(ms(2500)));
    assert_eq!(run.instants(3, instant), [0, s(3), s(6)]);
}

#[test]
fn a_zero_period_ticks_at_the_minimum_wait() {
    let mut run = Run::every(0);
    assert_eq!(
        run.instants(3, |i| if i == 2 { 250 } else { 30 }),
        [0, 100, 350]
    );
}

// ===== ending =====

#[test]
fn tick_18_ends_right_after_its_last_tick_and_not_one_slot_later() {
    // a period of a day and one iteration hung around for a day.
    let mut run = Run::every(s(3)).with(|it| it.set_max_iterations(5));
    assert_eq!(
        run.ticks(9, instant)
            .iter()
            .map(|t| t.0)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4, 5]
    );
    assert_eq!(run.now, s(12));
    assert!(run.schedule.is_ended());
    assert_eq!(run.step(), Step::End);
}

#[test]
fn tick_20_max_time_ends_without_waiting_for_the_next_slot() {
    let mut run = Run::every(s(3)).with(|it| it.set_max_time(ms(s(20))));
    let ticks = run.ticks(99, instant);
    assert_eq!(ticks.last(), Some(&(7, s(3), s(18))));
    assert_eq!(ticks.len(), 7);
    assert_eq!(run.now, s(20));
    assert_eq!(run.waits.last(), Some(&s(20)));
}

#[test]
fn tick_21_and_22_of_two_limits_the_first_one_counts() {
    let limits = |n| {
        Run::every(s(3)).with(|it| {
            it.set_max_iterations(n);
            it.set_max_time(ms(s(20)));
        })
    };
    assert_eq!(
        limits(5).instants(99, instant),
        [0, s(3), s(6), s(9), s(12)]
    );
    assert_eq!(
        limits(10).ticks(99, instant).last(),
        Some(&(7, s(3), s(18)))
    );
}

#[test]
fn tick_24_no_tick_at_exactly_max_time() {
    let mut run = Run::every(s(5)).with(|it| it.set_max_time(ms(s(20))));
    assert_eq!(run.instants(99, instant), [0, s(5), s(10), s(15)]);
}

#[test]
fn no_tick_after_max_time_although_a_slot_before_it_was_missed() {
    let mut run = Run::every(s(3)).with(|it| it.set_max_time(ms(s(20))));
    assert_eq!(
        run.instants(99, |i| if i == 6 { s(9) } else { 0 }).last(),
        Some(&s(15))
    );
    assert_eq!(run.now, s(24));
}

#[test]
fn tick_25_a_limit_of_zero_allows_no_tick() {
    assert_eq!(
        Run::every(s(3)).with(|it| it.set_max_iterations(0)).next(),
        None
    );
    assert_eq!(
        Run::every(s(3))
            .with(|it| it.set_max_time(Duration::ZERO))
            .next(),
        None
    );
}

#[test]
fn what_has_ended_stays_ended_whatever_is_changed() {
    let mut run = Run::every(s(3)).with(|it| it.set_max_time(ms(s(4))));
    assert_eq!(run.instants(99, instant), [0, s(3)]);
    run.schedule.change_once(Duration::ZERO);
    run.schedule.change_after(Duration::ZERO);
    run.now = 0; // a clock that goes backwards
    assert_eq!(run.step(), Step::End);
}

// ===== change_after, change_once =====

#[test]
fn tick_36_a_change_is_measured_from_the_last_slot_and_not_from_the_call() {
    let mut run = Run::every(s(3));
    assert_eq!(run.instants(3, instant), [0, s(3), s(6)]);
    run.now = 7500;
    run.schedule.change_after(ms(s(5)));
    assert_eq!(run.instants(3, instant), [s(11), s(16), s(21)]);
}

#[test]
fn a_change_is_measured_from_a_slot_that_is_not_later_than_the_last_tick() {
    // after skipping for the minimum wait, the reference was a slot still to come.
    let mut run = Run::every(s(3));
    assert_eq!(
        run.instants(2, |i| if i == 1 { 5950 } else { 0 }),
        [0, 5950]
    );
    run.schedule.change_after(ms(s(4)));
    assert_eq!(
        run.instants(2, instant),
        [s(7), s(11)],
        "from the slot at 3"
    );
}

#[test]
fn tick_37_a_one_shot_change_shifts_the_schedule() {
    // the old schedule stayed, so a tick came 1 s after the one at 11 instead of 3 s.
    let mut run = Run::every(s(3));
    assert_eq!(run.instants(3, instant), [0, s(3), s(6)]);
    run.schedule.change_once(ms(s(5)));
    assert_eq!(
        run.ticks(4, instant),
        [
            (4, s(3), s(11)),
            (5, s(3), s(14)),
            (6, s(3), s(17)),
            (7, s(3), s(20))
        ]
    );
    assert_eq!(run.waits, [s(3), s(6), s(11), s(14), s(17), s(20)]);
}

#[test]
fn tick_38_a_change_to_an_instant_already_past_ticks_at_once() {
    for is_once in [false, true] {
        let mut run = Run::every(s(3));
        assert_eq!(run.instants(3, instant), [0, s(3), s(6)]);
        run.now = 8500;
        if is_once {
            run.schedule.change_once(ms(s(1)));
            assert_eq!(run.instants(3, instant), [8500, s(10), s(13)]);
        } else {
            run.schedule.change_after(ms(s(1)));
            assert_eq!(run.instants(3, instant), [8500, s(9), s(10)]);
        }
    }
}

#[test]
fn tick_39_changes_before_the_first_tick_are_remembered() {
    // a one-shot change before the first tick was lost.
    let mut run = Run::every(s(3)).with(|it| it.change_after(ms(s(4))));
    assert_eq!(run.instants(3, instant), [0, s(4), s(8)]);
    let mut run = Run::every(s(3)).with(|it| it.change_once(ms(s(5))));
    assert_eq!(run.instants(3, instant), [0, s(5), s(8)]);
}

#[test]
fn the_latest_change_decides_about_the_next_interval() {
    let mut run = Run::every(s(3));
    run.schedule.change_once(ms(s(9)));
    run.schedule.change_once(ms(s(5)));
    assert_eq!(run.instants(3, instant), [0, s(5), s(8)]);
    run.schedule.change_once(ms(s(9)));
    run.schedule.change_once(ms(s(5)));
    assert_eq!(run.instants(2, instant), [s(13), s(16)]);
    let mut run = Run::every(s(3));
    run.schedule.change_once(ms(s(9)));
    run.schedule.change_after(ms(s(4)));
    assert_eq!(run.instants(3, instant), [0, s(4), s(8)]);
    run.schedule.change_after(ms(s(2)));
    run.schedule.change_once(ms(s(9)));
    assert_eq!(run.instants(2, instant), [s(17), s(19)]);
}

#[test]
fn tick_41_one_long_interval_and_then_the_usual_ones() {
    let mut run = Run::every(s(20));
    assert_eq!(run.instants(5, instant).last(), Some(&s(80)));
    run.schedule.change_once(ms(s(40)));
    assert_eq!(run.instants(3, instant), [s(120), s(140), s(160)]);
}

#[test]
fn a_change_keeps_the_minimum_wait() {
    let mut run = Run::every(s(3));
    assert_eq!(run.instants(2, instant), [0, s(3)]);
    run.schedule.change_once(Duration::ZERO);
    assert_eq!(run.ticks(2, instant), [(3, 2900, 3100), (4, s(3), s(6))]);
    run.schedule.change_after(ms(40));
    assert_eq!(run.instants(3, instant), [6120, 6240, 6360]);
}

#[test]
fn a_change_to_zero_and_back() {
    let mut run = Run::every(s(3)).with(|it| it.set_min_wait(Duration::ZERO));
    run.schedule.change_after(Duration::ZERO);
    assert_eq!(run.instants(3, |_| 10), [0, 10, 20]);
    run.schedule.change_after(ms(s(3)));
    assert_eq!(run.instants(2, instant), [3020, 6020]);
}
