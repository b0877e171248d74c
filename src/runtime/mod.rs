//! The seam: small traits that a runtime implements, and the values that combine or erase them.

mod any;
mod block_on;
mod kept;
mod nested_run;
mod spawner;
mod timer;
mod with_timer;

#[cfg(any(
    feature = "futures-timer",
    feature = "tokio",
    feature = "smol",
    feature = "async-std"
))]
pub(crate) use self::timer::deadline_within_reach;

#[allow(unused_imports, reason = "for adapters, which are features")]
pub(crate) use self::spawner::IN_A_ROW;
pub(crate) use self::timer::deadline_after;
pub use self::{
    any::{AnyRuntime, AnySleep},
    block_on::BlockOn,
    kept::Kept,
    nested_run::NestedRun,
    spawner::{LocalSpawner, Spawner},
    timer::{Runtime, Sleep, Timer},
    with_timer::WithTimer,
};
