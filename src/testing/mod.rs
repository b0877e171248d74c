//! Testing time and order: a simulated runtime, and a clock that moves when the test says so.
//!
//! * [`simulate`] runs a test on a [`SimRuntime`]: one thread, the same order each time, a clock
//!   that jumps when nothing is ready. A task that outlives the test fails it, and so does a state
//!   in which nothing can ever become ready; both name the tasks, with path and spawn location.
//! * [`explore`] runs a test once with each of many seeds; each draws another order. A seed that
//!   fails is printed, and does the same again.
//! * [`VirtualClock`] is the clock alone, a [`Timer`](crate::Timer) for any spawner; and
//!   [`assert_no_leaks`] is the look for tasks left over, for any runtime.
//! * [`Dominoes`] puts the steps of a test in an order.
//! * [`conformance`] checks a runtime of your own against what its traits promise.
//!
//! # Examples
//!
//! An hour of ticks, in microseconds:
//!
//! ```
//! # use std::time::Duration;
//! use windlass::testing::simulate;
//!
//! let minute = Duration::from_secs(60);
//! simulate(async |sim| {
//!     let mut ticker = sim.ctx.ticker(minute).max_iterations(61);
//!     while let Some(tick) = ticker.next().await {
//!         assert_eq!(sim.clock.elapsed(), minute * (tick.iteration as u32 - 1));
//!     }
//!     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3600));
//! });
//! ```
//!
//! What happens around a deadline, step by step:
//!
//! ```
//! # use std::time::Duration;
//! use windlass::testing::simulate;
//!
//! simulate(async |sim| {
//!     let five = Duration::from_secs(5);
//!     let ctx = sim.ctx.build("request").timeout(five).start();
//!     let task = ctx.spawn(std::future::pending::<()>());
//!
//!     sim.clock.advance(five - Duration::from_nanos(1)).await;
//!     assert!(!ctx.is_done());
//!     sim.clock.advance(Duration::from_nanos(1)).await;
//!     assert!(ctx.error().unwrap().is_timed_out());
//!     assert!(task.is_done());
//! });
//! ```

mod arena;
mod cell;
mod clock;
pub mod conformance;
mod core;
mod dominoes;
mod drive;
mod leaks;
mod rng;
mod settle;
mod sim;
mod simulate;
mod sleep;
mod stall;
mod timers;
mod unfinished;

pub(crate) use self::drive::{name_polled, seed_here};
pub use self::{
    clock::VirtualClock,
    dominoes::Dominoes,
    leaks::assert_no_leaks,
    settle::Settle,
    sim::SimRuntime,
    simulate::{Sim, explore, simulate},
    stall::Stalled,
    unfinished::Unfinished,
};
