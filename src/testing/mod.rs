//! Testing time and order: a simulated runtime, and a clock that moves when the test says so.

mod arena;
mod cell;
mod clock;
mod core;
mod drive;
mod rng;
mod settle;
mod sim;
mod sleep;
mod stall;
mod timers;

pub use self::{clock::VirtualClock, settle::Settle, sim::SimRuntime, stall::Stalled};
