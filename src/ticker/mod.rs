//! [`Ticker`]: a stream of ticks on a fixed schedule.
//!
//! What comes when is decided in `schedule`, by arithmetic alone. Here is the rest: reading the
//! clock, and going to sleep until something may have changed.
//!
//! # States
//!
//! * *going on*: `live` is there;
//! * *over*: `live` is gone, and with it the armed sleep and every place in a list of waiters. It
//!   goes with the last tick allowed, or when the end of the context, `max_time` or the shutdown of
//!   the clock is found.
//!
//! # Invariants
//!
//! 1. A pending answer leaves a waker with all that may lead to another one: the context, the
//!    controls, a pauser that was found paused, and the timer if an instant is waited for.
//! 2. At most one sleep exists, and it is armed for nothing but the next instant waited for.
//! 3. All clones of a waker, and the sleep, are called and dropped without a lock being held.

mod clock;
mod control;
mod jitter;
mod live;
mod missed;
mod pauser;
mod schedule;
mod seed;
mod tick;
mod turns;

use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use futures::stream::{FusedStream, Stream};

use self::{
    clock::{Fired, any_clock},
    control::Shared,
    jitter::Jitter,
    live::Live,
    schedule::{Schedule, Step},
    turns::Turns,
};
pub use self::{control::TickerControl, missed::MissedTicks, pauser::Pauser, tick::Tick};
use crate::{Ctx, Timer, sync::Arc};

impl<R: Timer<Sleep: Send> + Send> Ctx<R> {
    /// Makes a stream of ticks, `every` apart, that ends with this context.
    ///
    /// See [`Ticker`]. A runtime or sleep that is not `Send` does for everything but tickers, which
    /// may move between threads; there, take a clock that is: `ctx.on(clock).ticker(every)`.
    #[doc(alias = "interval")]
    pub fn ticker(&self, every: Duration) -> Ticker {
        Ticker::new(self, every)
    }
}

/// A stream of ticks on a fixed schedule.
///
/// The first tick comes at once, when the ticker is first asked for it; that is when its schedule
/// starts. The others come in *slots*, `every` apart from there on: how long the work between two
/// ticks takes does not matter, and nothing adds up, however many ticks there are. A tick never
/// comes before its slot, and a slot has one tick at most.
///
/// **Work that takes too long.** If a slot has passed when the next tick is asked for, its tick
/// comes at once, and the schedule stays as it was; slots that were missed altogether are
/// [skipped](Self::missed_ticks). Two ticks are at least 100 ms apart: slots that are closer to the
/// last tick are skipped too. So **a period under 100 ms needs [`no_min_wait`](Self::no_min_wait)**
/// (or a smaller [`min_wait`](Self::min_wait)).
///
/// **The end.** The stream ends at once when its context does, also while paused or with a tick
/// due; right after the last tick that [`max_iterations`](Self::max_iterations) allows; when
/// [`max_time`](Self::max_time) is over; or when the clock shuts down. From then on it gives
/// `None`. A ticker holds its context, so a context nobody else holds goes on until the ticker is
/// dropped or has ended. The ticker never ends the context.
///
/// **Changes.** [`control`](Self::control) gives a handle that changes the schedule from elsewhere,
/// also while a tick is being awaited; a [`Pauser`] holds ticks back.
///
/// **Time** is that of the context's [`Timer`], and of nothing else: wall clocks may be set. A
/// period of zero ticks whenever it is asked (each tick is a turn of the executor). Periods over
/// 584 years are for ever. How late a tick comes is the timer's doing: tokio's has a resolution of
/// 1 ms.
///
/// The clock is read once per tick, and its timer touched only if the next tick lies ahead. A
/// ticker allocates when it is made and when it first sleeps, and never per tick.
///
/// # Cancel safety
///
/// Dropping the future of [`next`](Self::next) loses no tick: the next call waits for the same one.
///
/// # Fairness
///
/// After 128 ticks in a row that were due at once, the stream yields to the executor.
///
/// # Comparison with `tokio::time::Interval`
///
/// An interval must live on tokio, bursts by default, and ends never; a ticker runs on any
/// runtime, skips by default, and ends. Where a period of zero, changes, limits, pausing and
/// contexts are no question and everything is tokio's anyway, an interval will do.
///
/// # Examples
///
/// An hour of ticks, tested in microseconds:
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use std::time::Duration;
/// use windlass::testing::simulate;
///
/// simulate(async |sim| {
///     let mut ticker = sim.ctx.ticker(Duration::from_secs(10)).max_time(Duration::from_secs(3600));
///     let mut ticks = 0;
///     while let Some(tick) = ticker.next().await {
///         assert_eq!(sim.clock.elapsed(), 10 * ticks * Duration::from_secs(1));
///         assert_eq!(tick.until_next, Duration::from_secs(10));
///         ticks += 1;
///         assert_eq!(tick.iteration, u64::from(ticks));
///     }
///     assert_eq!(ticks, 360);
///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3600));
/// });
/// # }
/// ```
#[must_use = "a ticker does nothing unless it is asked for its `next` tick"]
pub struct Ticker {
    schedule: Schedule,
    control: Arc<Shared>,
    turns: Turns,
    live: Option<Live>,
}

// ===== impl Ticker =====

impl Ticker {
    fn new<R: Timer<Sleep: Send> + Send>(ctx: &Ctx<R>, every: Duration) -> Self {
        Ticker {
            schedule: Schedule::new(every),
            control: Arc::default(),
            turns: Turns::default(),
            live: Some(Live::new(ctx.on(()), any_clock(ctx.runtime().clone()))),
        }
    }

    /// Ends the stream right after its `n`th tick; with 0 there is none.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use futures::StreamExt;
    ///     use std::time::Duration;
    ///
    ///     let ticker = sim.ctx.ticker(Duration::from_secs(1)).max_iterations(3);
    ///     let ticks: Vec<_> = ticker.map(|tick| tick.iteration).collect().await;
    ///     assert_eq!(ticks, [1, 2, 3]);
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(2), "the first came at once");
    /// });
    /// ```
    pub fn max_iterations(mut self, n: u64) -> Self {
        self.schedule.set_max_iterations(n);
        self
    }

    /// Ends the stream `d` after its start, the moment at which the first tick is asked for.
    ///
    /// There is no tick at exactly `d`, nor for a slot missed before. Time spent paused counts.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use futures::StreamExt;
    ///     use std::time::Duration;
    ///
    ///     let ticker = sim.ctx.ticker(Duration::from_secs(2)).max_time(Duration::from_secs(6));
    ///     assert_eq!(ticker.count().await, 3, "at 0, 2 and 4, and not at 6");
    /// });
    /// ```
    pub fn max_time(mut self, d: Duration) -> Self {
        self.schedule.set_max_time(d);
        self
    }

    /// Sets the least time from one tick to the next, 100 ms at first. Slots that are closer to the
    /// last tick are skipped, so a minimum above the period is rounded up to the schedule.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let period = Duration::from_secs(2);
    ///     let mut ticker = sim.ctx.ticker(period).min_wait(Duration::from_secs(3));
    ///     ticker.next().await;
    ///     ticker.next().await;
    ///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(4), "the slot at 2 is too close");
    /// });
    /// ```
    pub fn min_wait(mut self, d: Duration) -> Self {
        self.schedule.set_min_wait(d);
        self
    }

    /// Lets ticks follow each other as closely as the schedule says.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let period = Duration::from_millis(10);
    ///     let mut slow = sim.ctx.ticker(period);
    ///     let mut quick = sim.ctx.ticker(period).no_min_wait();
    ///     assert_eq!(slow.next().await.unwrap().until_next, Duration::from_millis(100));
    ///     assert_eq!(quick.next().await.unwrap().until_next, period);
    /// });
    /// ```
    pub fn no_min_wait(self) -> Self {
        self.min_wait(Duration::ZERO)
    }

    /// Sets what becomes of slots that pass while nobody asks for a tick.
    #[doc(alias = "set_missed_tick_behavior")]
    pub fn missed_ticks(mut self, policy: MissedTicks) -> Self {
        self.schedule.set_missed(policy);
        self
    }

    /// Lets `pauser` hold the ticks back, in place of the one set before.
    pub fn pauser(mut self, pauser: &Pauser) -> Self {
        if let Some(live) = &mut self.live {
            live.set_gate(pauser.gate());
        }
        self
    }

    /// Says whether `pauser` is the one in use; with none, and after the end, none is.
    pub fn is_held_by(&self, pauser: &Pauser) -> bool {
        let gate = self.live.as_ref().and_then(Live::gate);
        gate.is_some_and(|gate| Arc::ptr_eq(gate, pauser.gate()))
    }

    /// Lets each tick but the first come somewhat later in its slot: by a random time between
    /// nothing and `part` of the period.
    ///
    /// The slots stay where they are, so nothing adds up. Less than 0 and what is not a number
    /// count as 0, more than 1 as 1. Each ticker has random numbers of its own, which come out the
    /// same in each run of a simulation; elsewhere [`jitter_seed`](Self::jitter_seed) does that.
    pub fn jitter(self, part: f64) -> Self {
        self.jitter_seed(part, seed::fresh())
    }

    /// Does what [`jitter`](Self::jitter) does, with the random numbers that follow from `seed`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///
    ///     let period = Duration::from_secs(10);
    ///     let mut ticker = sim.ctx.ticker(period).jitter_seed(0.5, 7);
    ///     ticker.next().await;
    ///     ticker.next().await;
    ///     let late = sim.clock.elapsed() - period;
    ///     assert!(late < period / 2);
    /// });
    /// ```
    pub fn jitter_seed(mut self, part: f64, seed: u64) -> Self {
        self.schedule.set_jitter(Jitter::new(part, seed));
        self
    }

    /// Makes a handle that changes the schedule, from any task or thread.
    pub fn control(&self) -> TickerControl {
        TickerControl::new(&self.control)
    }

    /// Waits for the next tick; `None` once the stream has ended.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no tick.
    pub async fn next(&mut self) -> Option<Tick> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Option<Tick>> {
        let is_endless = self.live.is_some() && self.schedule.is_endless_burst();
        ready!(self.turns.poll_turn(is_endless, cx));
        let Some(live) = &mut self.live else {
            return Poll::Ready(None);
        };
        if live.ctx().is_done() {
            // Like every wait on an ended context: a task that ends with it goes here.
            ready!(self.turns.poll_once(cx));
            return self.end();
        }
        live.apply_changes(&self.control, &mut self.schedule);
        let is_paused = live.is_paused();
        let now = live.elapsed();
        match self.schedule.step(now, is_paused) {
            Step::Tick(tick) => Poll::Ready(Some(self.give(tick, now))),
            Step::Wait(until) => {
                match ready!(live.poll_wait(until, is_paused, &self.control, cx)) {
                    // Rare: it came this moment, or the timer was early. Looking again in another turn
                    // keeps a timer that is always early from holding up the executor.
                    Fired::InTime => self.turns.poll_again(cx).map(|()| None),
                    Fired::Orphaned => self.end(),
                }
            }
            Step::End => self.end(),
        }
    }

    fn give(&mut self, tick: Tick, now: Duration) -> Tick {
        match &mut self.live {
            _ if self.schedule.is_ended() => self.live = None,
            Some(live) => live.disarm_after(now),
            None => {}
        }
        tick
    }

    fn end(&mut self) -> Poll<Option<Tick>> {
        self.live = None;
        Poll::Ready(None)
    }
}

impl Stream for Ticker {
    type Item = Tick;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Tick>> {
        let answer = self.poll_tick(cx);
        self.turns.note(answer)
    }
}

impl FusedStream for Ticker {
    fn is_terminated(&self) -> bool {
        self.live.is_none() || self.schedule.is_ended()
    }
}

impl fmt::Debug for Ticker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ticker")
            .field("iteration", &self.schedule.iteration())
            .field("every", &self.schedule.every())
            .field("is_terminated", &self.is_terminated())
            .finish_non_exhaustive()
    }
}
