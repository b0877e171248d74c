//! Testing time and order: a simulated runtime, and a clock that moves when the test says so.

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
