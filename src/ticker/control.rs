//! [`TickerControl`]: changes the schedule of a ticker from elsewhere.

use std::{
    fmt, mem,
    task::{Context, Poll},
    time::Duration,
};

use super::schedule::Schedule;
use crate::{
    WaitSlot,
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicBool, Mutex, Ordering, lock},
};

/// Changes the schedule of a [`Ticker`](crate::Ticker), also while its tick is being awaited.
///
/// Made by [`Ticker::control`](crate::Ticker::control); clones control the same ticker. Of several
/// changes the latest decides when the next tick comes. Once the ticker has ended or was dropped,
/// changes do nothing.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///
///     let mut ticker = sim.ctx.ticker(Duration::from_secs(60));
///     let control = ticker.control();
///     ticker.next().await;
///     sim.ctx.call_later(Duration::from_secs(2), move || {
///         control.change_after(Duration::from_secs(5)); // while the next tick is awaited
///     });
///     ticker.next().await;
///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(5));
/// });
/// ```
#[derive(Clone)]
pub struct TickerControl(Arc<Shared>);

/// What a ticker and its controls have in common.
#[derive(Default)]
pub(super) struct Shared {
    /// Whether `state` holds a change; written under its lock. Lets a ticker that is not being
    /// changed pass without the lock: the Acquire load there pairs with the Release stores, and a
    /// change that the load misses is found under the lock before the ticker goes to sleep.
    has_change: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    change: Change,
    waiters: Waiters,
}

/// Changes that the ticker has not seen yet, folded into one.
#[derive(Default)]
struct Change {
    every: Option<Duration>,
    once: Option<Duration>,
}

// ===== impl TickerControl =====

impl TickerControl {
    pub(super) fn new(shared: &Arc<Shared>) -> Self {
        TickerControl(Arc::clone(shared))
    }

    /// Makes the ticks come `every` apart from here on, counted from the slot of the last one.
    ///
    /// With a tick at 6 s, `change_after(5 s)` gives 11, 16, 21. If the next of them has passed
    /// already, its tick comes at once. Before the first tick this just sets the period. A one-shot
    /// change that is still to come is forgotten.
    pub fn change_after(&self, every: Duration) {
        self.0.change(|change| {
            *change = Change {
                every: Some(every),
                once: None,
            }
        });
    }

    /// Makes the next tick come `every` after the slot of the last one, and the others a period
    /// apart from there.
    ///
    /// With a period of 3 s and a tick at 6 s, `change_once(5 s)` gives 11, 14, 17. If that has
    /// passed already, the tick comes at once; it never comes before the minimum wait is over.
    /// Before the first tick this sets the first interval.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let mut ticker = sim.ctx.ticker(Duration::from_secs(3));
    ///     ticker.next().await;
    ///     ticker.control().change_once(Duration::from_secs(5));
    ///     let mut times = Vec::new();
    ///     for _ in 0..3 {
    ///         ticker.next().await;
    ///         times.push(sim.clock.elapsed().as_secs());
    ///     }
    ///     assert_eq!(times, [5, 8, 11]);
    /// });
    /// ```
    pub fn change_once(&self, every: Duration) {
        self.0.change(|change| change.once = Some(every));
    }
}

impl fmt::Debug for TickerControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TickerControl").finish_non_exhaustive()
    }
}

// ===== impl Shared =====

impl Shared {
    fn change(&self, note: impl FnOnce(&mut Change)) {
        let waiters = {
            let mut state = lock(&self.state);
            note(&mut state.change);
            self.has_change.store(true, Ordering::Release);
            state.waiters.take()
        };
        for waker in waiters.into_iter() {
            isolate("the waker of a ticker", || waker.wake());
        }
    }

    /// Hands what was changed to `schedule`; false if nothing was.
    #[inline]
    pub(super) fn apply(&self, schedule: &mut Schedule) -> bool {
        let has_change = self.has_change.load(Ordering::Acquire);
        if has_change {
            self.apply_change(schedule);
        }
        has_change
    }

    #[cold]
    fn apply_change(&self, schedule: &mut Schedule) {
        let change = {
            let mut state = lock(&self.state);
            self.has_change.store(false, Ordering::Release);
            mem::take(&mut state.change)
        };
        if let Some(every) = change.every {
            schedule.change_after(every);
        }
        if let Some(distance) = change.once {
            schedule.change_once(distance);
        }
    }

    /// Ready if there is a change to apply; pending: the next change will wake us.
    pub(super) fn poll_changed(
        self: &Arc<Self>,
        slot: &mut WaitSlot,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        slot.poll_in(|| Arc::<Shared>::clone(self), cx)
    }
}

impl WaitList for Shared {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut state = lock(&self.state);
        // Relaxed: the lock is the one under which it is written.
        let has_change = self.has_change.load(Ordering::Relaxed);
        visit(&mut state.waiters, has_change);
    }
}
