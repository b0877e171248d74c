//! The clauses of [`Sleep::reset`].

use std::{pin::pin, time::Duration};

use super::{
    harness::Count,
    timer::{LONG, SHORT, ends_after, on, poll_with},
};
use crate::{BlockOn, Sleep, Timer};

/// Clause 7.
pub(super) fn reset_to_a_later_deadline<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep can be reset to a later deadline";
    on(make, clause, async |clock| {
        let mut sleep = pin!(clock.sleep(SHORT));
        let _ = poll_with(sleep.as_mut(), &Count::new());
        let deadline = clock.now() + SHORT * 4;
        sleep.as_mut().reset(deadline);
        ends_after(clock, sleep, deadline).await;
    });
}

/// Clause 7.
pub(super) fn reset_to_a_sooner_deadline<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep can be reset to a sooner deadline";
    on(make, clause, async |clock| {
        let start = clock.now();
        let mut sleep = pin!(clock.sleep(LONG));
        assert!(
            poll_with(sleep.as_mut(), &Count::new()).is_pending(),
            "{clause}"
        );
        let deadline = clock.now() + SHORT;
        sleep.as_mut().reset(deadline);
        ends_after(clock, sleep, deadline).await;
        assert!(clock.now() < start + LONG, "{clause}: it kept the former");
    });
}

/// Clauses 4 and 7.
pub(super) fn reset_to_a_past_deadline<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep that is reset to a past deadline is ready";
    on(make, clause, async |clock| {
        let mut sleep = pin!(clock.sleep(LONG));
        assert!(
            poll_with(sleep.as_mut(), &Count::new()).is_pending(),
            "{clause}"
        );
        sleep.as_mut().reset(clock.now());
        assert!(
            poll_with(sleep.as_mut(), &Count::new()).is_ready(),
            "{clause}"
        );
        let deadline = clock.now() + SHORT;
        sleep.as_mut().reset(deadline);
        ends_after(clock, sleep, deadline).await;
    });
}

/// Clause 7.
pub(super) fn reset_before_the_first_poll<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep can be reset before it is polled";
    on(make, clause, async |clock| {
        for first in [Duration::ZERO, LONG] {
            let mut sleep = pin!(clock.sleep(first));
            let deadline = clock.now() + SHORT;
            sleep.as_mut().reset(deadline);
            ends_after(clock, sleep, deadline).await;
        }
    });
}

/// Clause 7.
pub(super) fn reset_after_it_has_ended<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep can be reset after it has ended, again and again";
    on(make, clause, async |clock| {
        let mut sleep = pin!(clock.sleep(Duration::ZERO));
        for round in 0..6 {
            sleep.as_mut().await;
            let deadline = clock.now() + SHORT * (round % 3) / 2;
            sleep.as_mut().reset(deadline);
            ends_after(clock, sleep.as_mut(), deadline).await;
        }
        sleep.as_mut().reset(clock.now() + LONG);
        assert!(poll_with(sleep, &Count::new()).is_pending(), "{clause}");
    });
}
