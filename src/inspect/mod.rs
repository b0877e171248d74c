//! Seeing what is going on: [`Snapshot`].

mod render;
mod snapshot;
mod survey;

pub use self::snapshot::{Entry, Snapshot};
