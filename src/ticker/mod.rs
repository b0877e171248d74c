//! [`Ticker`]: a stream of ticks on a fixed schedule.

mod jitter;
mod missed;
mod schedule;
mod tick;

pub use self::{missed::MissedTicks, tick::Tick};
