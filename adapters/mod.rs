//! Adapters: runtimes that implement the traits of the seam.
//!
//! | runtime | feature | handle | who owns the tasks |
//! |---|---|---|---|
//! | built in | `embedded` (default) | `Embedded` | `EmbeddedPool`; the global one is never dropped |
//! | tokio | `tokio` | `Tokio`, `TokioLocal` | `tokio::runtime::Runtime`, `LocalSet` |
//! | smol | `smol` | `Smol`, `SmolLocal` | an `Executor`, a `LocalExecutor`; the global one is never dropped |
//! | async-std | `async-std` | `AsyncStd` | nobody: it is global and never dropped |
//! | any that has no clock | `futures-timer` | `FuturesTimer`, in a [`WithTimer`](crate::WithTimer) | |
//!
//! A handle keeps no task alive. All of them can be used side by side in one program. Results,
//! panics, cancellation and names are not their business: see [`Ctx`](crate::Ctx).
//!
//! # Blocking inside asynchronous code
//!
//! | handle | `block_on` inside a task of the same runtime |
//! |---|---|
//! | `Embedded`, `EmbeddedPool` | works: the thread runs other tasks of the pool while it waits |
//! | `Smol` with an executor of its own | works, likewise |
//! | `Smol::global` | works if another thread is free to run what is waited for: set `SMOL_THREADS` to 2 or more (it is 1) |
//! | `AsyncStd` | works if another thread is free to run what is waited for: `ASYNC_STD_THREAD_COUNT`, one per core |
//! | `Tokio`, `tokio::runtime::Runtime` | refuses with a [`NestedRun`](crate::NestedRun) |

#[cfg(any(feature = "tokio", feature = "tokio-util", feature = "hyper"))]
pub mod bridges;

#[cfg(any(feature = "smol", feature = "async-std"))]
mod async_io;
#[cfg(feature = "async-std")]
mod async_std;
#[cfg(feature = "embedded")]
mod embedded;
#[cfg(feature = "futures-timer")]
mod futures_timer;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(any(feature = "smol", feature = "async-std"))]
pub use self::async_io::AsyncIoSleep;
#[cfg(feature = "async-std")]
pub use self::async_std::AsyncStd;
#[cfg(feature = "embedded")]
pub use self::embedded::{Embedded, EmbeddedPool};
#[cfg(feature = "futures-timer")]
pub use self::futures_timer::{FuturesSleep, FuturesTimer};
#[cfg(feature = "smol")]
pub use self::smol::{Smol, SmolLocal};
#[cfg(feature = "tokio")]
pub use self::tokio::{Tokio, TokioLocal, TokioSleep};
