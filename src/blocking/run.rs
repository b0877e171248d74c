//! `run` and its kin: from synchronous code into futures and back. `gather`: the same inside.

use super::futures::{Futures, TryFutures};
use crate::{BlockOn, Error, Result};

/// Runs a future, or a `Vec`, array or tuple of futures, to the end, and gives what they return.
///
/// They run together, on this thread: they may borrow, and need not be `Send`. The outputs are in the
/// order of the futures, whichever ends first; of an empty `Vec` there are none.
///
/// # Errors
///
/// [`NestedRun`](crate::NestedRun) where the thread must not block; the futures are dropped unpolled
/// then.
///
/// # Inside async code
///
/// There, [`gather`] is the thing to use. What `run` does instead depends on the runtime `rt`:
///
/// | called in | [`Embedded`] | [`Smol`] | [`AsyncStd`] | [`Tokio`] |
/// |---|---|---|---|---|
/// | a plain thread | works | works | works | works; a handle on a current-thread runtime refuses |
/// | another `run` of the same | works | works | works | refuses |
/// | a task of the same runtime | works, and runs other tasks meanwhile | works ¹ | works ¹ | refuses |
/// | a task on a tokio runtime, of either flavour or in a `LocalSet` | works ² | works ² | works ² | refuses |
/// | `spawn_blocking` of tokio | works | works | works | refuses |
///
/// ¹ A thread of that runtime is blocked. Where it is the only one, and what is run needs a task of
/// that runtime to go on, nothing goes on: this cannot be detected.
///
/// ² The tokio thread is blocked: on the only thread of a runtime, what is run must not need a task,
/// a timer or a socket of that runtime. This cannot be detected either.
///
/// A refusal says why, and what to do instead.
///
/// # Panics
///
/// A panic in one of the futures drops the others and goes on to the caller.
///
/// # Blocking
///
/// For as long as the futures take.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use windlass::{adapters::Embedded, run};
///
/// let rt = Embedded::global();
/// let greeting = String::from("hello");
/// let borrows = async { greeting.len() };
/// assert_eq!(run(&rt, borrows).unwrap(), 5);
/// assert_eq!(run(&rt, (async { 1 }, async { "two" })).unwrap(), (1, "two"));
/// assert_eq!(run(&rt, vec![async { 3 }]).unwrap(), [3]);
/// # }
/// ```
///
/// [`Embedded`]: crate::adapters
/// [`Smol`]: crate::adapters
/// [`AsyncStd`]: crate::adapters
/// [`Tokio`]: crate::adapters
#[doc(alias = "run_until_complete")]
#[doc(alias = "block_on")]
pub fn run<M, S: Futures<M>>(rt: &impl BlockOn, set: S) -> Result<S::Output> {
    rt.block_on(set.all())
}

/// Runs futures of `Result`s like [`run`]; the first error drops the others and is returned.
///
/// The others are dropped before it is returned: what they hold is cleaned up by then. A
/// [`Task`](crate::Task) among them is detached by that, and goes on in its context.
///
/// # Errors
///
/// The first error, in time; of several in one turn, that of the first place. A cancellation is one.
/// [`NestedRun`](crate::NestedRun) where the thread must not block.
///
/// # Panics
///
/// As for [`run`].
///
/// # Blocking
///
/// For as long as the futures take.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use std::future::pending;
/// use windlass::{adapters::Embedded, try_run};
///
/// let rt = Embedded::global();
/// let fails = async { "12x".parse::<u8>() };
/// let error = try_run(&rt, (fails, pending::<std::io::Result<()>>())).unwrap_err();
/// assert!(error.is::<std::num::ParseIntError>());
/// # }
/// ```
pub fn try_run<M, S: TryFutures<M>>(rt: &impl BlockOn, set: S) -> Result<S::Output> {
    rt.block_on(set.all())?
}

/// Runs futures of `Result`s like [`try_run`], but puts errors that `keep` wants in their places.
///
/// # Errors
///
/// The first error that `keep` does not want, whatever the order; the others are dropped then.
/// [`NestedRun`](crate::NestedRun) where the thread must not block.
///
/// # Panics
///
/// As for [`run`].
///
/// # Blocking
///
/// For as long as the futures take.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use std::num::ParseIntError;
/// use windlass::{adapters::Embedded, run_returning};
///
/// let rt = Embedded::global();
/// let parsed = ["1", "x", "3"].map(|text| async move { text.parse::<u8>() });
/// let [one, x, three] = run_returning(&rt, parsed, |error| error.is::<ParseIntError>()).unwrap();
/// assert_eq!((one.unwrap(), three.unwrap()), (1, 3));
/// assert!(x.is_err());
/// # }
/// ```
pub fn run_returning<M, S: TryFutures<M>>(
    rt: &impl BlockOn,
    set: S,
    keep: impl Fn(&Error) -> bool,
) -> Result<S::Each> {
    rt.block_on(set.each(keep))?
}

/// Runs futures together inside async code, and gives what they return, in their order.
///
/// # Cancel safety
///
/// Dropping it drops the futures.
///
/// # Examples
///
/// ```
/// use windlass::gather;
/// # futures::executor::block_on(async {
/// let doubled = [1, 2].map(|n| async move { n * 2 });
/// assert_eq!(gather(doubled).await, [2, 4]);
/// # });
/// ```
#[doc(alias = "join_all")]
pub async fn gather<M, S: Futures<M>>(set: S) -> S::Output {
    set.all().await
}

/// Runs futures of `Result`s together inside async code; the first error drops the others.
///
/// # Errors
///
/// The first error, in time; of several in one turn, that of the first place.
///
/// # Cancel safety
///
/// Dropping it drops the futures.
///
/// # Examples
///
/// ```
/// use windlass::try_gather;
/// # futures::executor::block_on(async {
/// let sum = try_gather((async { "1".parse::<u8>() }, async { "2".parse::<u64>() })).await;
/// assert_eq!(sum.unwrap(), (1, 2));
/// # });
/// ```
pub async fn try_gather<M, S: TryFutures<M>>(set: S) -> Result<S::Output> {
    set.all().await
}
