//! Seeing what is going on: [`Snapshot`].

mod render;
mod snapshot;

pub use self::snapshot::{Entry, Snapshot};
