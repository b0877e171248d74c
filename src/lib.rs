//! Runtime-independent async helpers.
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod error;
mod registry;
mod report;
mod runtime;
mod status;
mod sync;
#[allow(dead_code)] // until the context has `ticker()`
mod ticker;

#[path = "../adapters/mod.rs"]
pub mod adapters;

pub use async_trait::async_trait;

pub use self::{
    error::{BoxError, Cancelled, Error, Failed, Name, Panicked, Result, TimedOut, ok},
    report::Failure,
    runtime::{
        AnyRuntime, AnySleep, BlockOn, LocalSpawner, NestedRun, Runtime, Sleep, Spawner, Timer,
        WithTimer,
    },
    status::{FutureStatus, State, WaitSlot},
    ticker::{MissedTicks, Tick},
};
