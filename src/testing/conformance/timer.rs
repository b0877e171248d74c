//! The clauses of [`Timer`] and [`Sleep`].

use std::{
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{harness::Count, watch::ends};
use crate::{BlockOn, Sleep, Timer};

/// What a clause waits for in earnest.
pub(super) const SHORT: Duration = Duration::from_millis(2);
/// What no clause waits for.
pub(super) const LONG: Duration = Duration::from_secs(3600);

pub(super) fn poll_with<S: Sleep>(sleep: Pin<&mut S>, count: &Arc<Count>) -> Poll<()> {
    sleep.poll(&mut Context::from_waker(&Waker::from(Arc::clone(count))))
}

/// Awaits `sleep`, which must not end before `deadline`.
pub(super) async fn ends_after<T: Timer>(
    clock: &T,
    mut sleep: Pin<&mut T::Sleep>,
    deadline: Instant,
) {
    sleep.as_mut().await;
    assert!(!sleep.is_orphaned(), "a sleep claims to be orphaned");
    assert!(clock.now() >= deadline, "a sleep ended before its deadline");
}

/// Runs a clause on a fresh clock.
pub(super) fn on<T: Timer, B: BlockOn>(
    make: impl Fn() -> (T, B),
    clause: &str,
    body: impl AsyncFnOnce(&T),
) {
    let (clock, driver) = make();
    ends(&driver, clause, body(&clock));
}

/// Clause 1.
pub(super) fn now_never_goes_back<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "`now` never goes back";
    on(make, clause, async |clock| {
        let mut last = clock.now();
        for round in 0..300 {
            if round % 100 == 99 {
                clock.sleep(SHORT).await;
            }
            let now = clock.now();
            assert!(now >= last, "{clause}");
            last = now;
        }
    });
}

/// Clause 2.
pub(super) fn clones_share_the_clock<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "clones share the clock";
    on(make, clause, async |clock| {
        let other = clock.clone();
        let before = other.now();
        assert!(clock.now() >= before, "{clause}");
        clock.sleep(SHORT).await;
        assert!(other.now() >= before + SHORT, "{clause}");
        other.sleep_until(before + SHORT).await;
    });
}

/// Clause 3.
pub(super) fn a_sleep_ends_at_its_deadline_not_before<T: Timer, B: BlockOn>(
    make: impl Fn() -> (T, B),
) {
    let clause = "a sleep ends, and not before its deadline";
    on(make, clause, async |clock| {
        for fraction in [SHORT, SHORT / 3, SHORT * 2, Duration::from_nanos(1)] {
            let deadline = clock.now() + fraction;
            ends_after(clock, pin!(clock.sleep_until(deadline)), deadline).await;
            let deadline = clock.now() + fraction;
            ends_after(clock, pin!(clock.sleep(fraction)), deadline).await;
        }
    });
}

/// Clause 4.
pub(super) fn a_past_deadline_is_ready_at_the_first_poll<T: Timer, B: BlockOn>(
    make: impl Fn() -> (T, B),
) {
    let clause = "a deadline that has passed is ready at the first poll";
    on(make, clause, async |clock| {
        let count = Count::new();
        let now = clock.now();
        let past = now.checked_sub(Duration::from_millis(1)).unwrap_or(now);
        let deep = now.checked_sub(LONG).unwrap_or(now);
        for deadline in [now, past, deep] {
            let sleep = pin!(clock.sleep_until(deadline));
            assert!(poll_with(sleep, &count).is_ready(), "{clause}");
        }
        let zero = pin!(clock.sleep(Duration::ZERO));
        assert!(poll_with(zero, &count).is_ready(), "{clause}");
        assert_eq!(count.get(), 0, "{clause}: it woke although it was ready");
    });
}

/// Clause 5.
pub(super) fn a_sleep_that_has_ended_stays_ready<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep that has ended stays ready";
    on(make, clause, async |clock| {
        for duration in [Duration::ZERO, SHORT] {
            let mut sleep = pin!(clock.sleep(duration));
            sleep.as_mut().await;
            for _ in 0..3 {
                assert!(
                    poll_with(sleep.as_mut(), &Count::new()).is_ready(),
                    "{clause}"
                );
            }
        }
    });
}

/// Clause 3.
pub(super) fn sleeps_end_in_the_order_of_their_deadlines<T: Timer, B: BlockOn>(
    make: impl Fn() -> (T, B),
) {
    let clause = "when a sleep has ended, so have those with earlier deadlines";
    on(make, clause, async |clock| {
        let start = clock.now();
        let mut sleeps: Vec<_> = [3, 1, 4, 2]
            .map(|n| Box::pin(clock.sleep_until(start + SHORT * n)))
            .into();
        let mut ended = [false; 4];
        poll_fn(|cx| {
            // From the latest deadline to the earliest.
            for index in [2, 0, 3, 1] {
                let ready = sleeps[index].as_mut().poll(cx).is_ready();
                let later = [2, 0, 3, 1].into_iter().take_while(|&other| other != index);
                let overtaken = later.into_iter().any(|other| ended[other]);
                assert!(ready || !overtaken, "{clause}");
                ended[index] |= ready;
            }
            // Pending: each sleep that is left wakes us.
            if ended[2] {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    });
}

/// Clause 6.
pub(super) fn the_last_waker_is_the_one_that_is_woken<T: Timer, B: BlockOn>(
    make: impl Fn() -> (T, B),
) {
    let clause = "a sleep wakes whoever polled it last";
    on(make, clause, async |clock| {
        let mut sleep = pin!(clock.sleep(SHORT));
        let _ = poll_with(sleep.as_mut(), &Count::new());
        // Nothing else wakes this task: the clause hangs if the former waker is woken instead.
        sleep.await;
    });
}

/// Clause 8.
pub(super) fn a_far_deadline_is_waited_for<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a deadline at any distance neither panics nor is due at once";
    on(make, clause, async |clock| {
        let (now, count) = (clock.now(), Count::new());
        let mut sleeps = vec![
            Box::pin(clock.sleep(Duration::MAX)),
            Box::pin(clock.sleep_until(farthest(now))),
        ];
        for power in 0..64 {
            let farther = now.checked_add(Duration::from_secs(1 << power));
            let farther = farther.filter(|deadline| *deadline >= now + LONG);
            sleeps.extend(farther.map(|deadline| Box::pin(clock.sleep_until(deadline))));
        }
        for sleep in &mut sleeps {
            assert!(poll_with(sleep.as_mut(), &count).is_pending(), "{clause}");
            sleep.as_mut().reset(farthest(now));
        }
        clock.sleep(SHORT).await;
        for sleep in &mut sleeps {
            assert!(poll_with(sleep.as_mut(), &count).is_pending(), "{clause}");
        }
        assert_eq!(count.get(), 0, "{clause}: it woke");
        let deadline = clock.now() + SHORT;
        sleeps[0].as_mut().reset(deadline);
        ends_after(clock, sleeps[0].as_mut(), deadline).await;
    });
}

/// The last instant that can be written, to the nanosecond.
fn farthest(now: Instant) -> Instant {
    let mut far = now;
    for power in (0..64).rev() {
        far = far
            .checked_add(Duration::from_secs(1 << power))
            .unwrap_or(far);
    }
    for power in (0..30).rev() {
        far = far
            .checked_add(Duration::from_nanos(1 << power))
            .unwrap_or(far);
    }
    far
}

/// Clause 9.
pub(super) fn a_dropped_sleep_wakes_nobody<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    let clause = "a sleep that was dropped wakes nobody";
    on(make, clause, async |clock| {
        let mut ahead = SHORT * 2;
        // A round counts only if the drop came well before the deadline: the machine may be busy.
        loop {
            let count = Count::new();
            let deadline = clock.now() + ahead;
            let mut sleep = Box::pin(clock.sleep_until(deadline));
            let _ = poll_with(sleep.as_mut(), &count);
            drop(sleep);
            let in_time = clock.now() + ahead / 2 < deadline;
            clock.sleep_until(deadline + SHORT).await;
            if in_time {
                assert_eq!(count.get(), 0, "{clause}");
                return;
            }
            ahead *= 2;
        }
    });
}
