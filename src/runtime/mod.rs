//! The seam: small traits that a runtime implements, and the values that combine or erase them.

mod any;
mod block_on;
mod spawner;
mod timer;
mod with_timer;

pub use self::{
    any::{AnyRuntime, AnySleep},
    block_on::BlockOn,
    spawner::{LocalSpawner, Spawner},
    timer::{Runtime, Sleep, Timer},
    with_timer::WithTimer,
};
