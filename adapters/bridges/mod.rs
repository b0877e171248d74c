//! Bridges to what other crates call a cancellation, a task, an executor and a timer.

#[cfg(feature = "hyper")]
mod hyper;
#[cfg(feature = "tokio")]
mod join_handle;
#[cfg(feature = "tokio-util")]
mod token;

#[cfg(feature = "hyper")]
pub use self::hyper::{HyperExecutor, HyperTimer};
#[cfg(feature = "tokio")]
pub use self::join_handle::adopt_join_handle;
#[cfg(feature = "tokio-util")]
pub use self::token::{end_with_token, token_of};
