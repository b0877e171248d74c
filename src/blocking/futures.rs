//! [`Futures`] and [`TryFutures`]: what `run` and `gather` take.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::{
    future::{MaybeDone, maybe_done, try_join_all},
    stream::{FuturesUnordered, StreamExt},
};

use super::all::All;
use crate::{Error, Result, TryFut};

/// The form of a single future.
#[derive(Debug)]
pub struct One;

/// The form of a `Vec`, an array or a tuple of futures.
#[derive(Debug)]
pub struct Many;

/// A future, or a `Vec`, array or tuple (of up to twelve) of futures, to be run together.
///
/// They run in place, on whatever polls them: they may borrow, and need not be `Send`. The form is
/// inferred.
///
/// # Examples
///
/// ```
/// use windlass::{Futures, gather};
///
/// async fn together<M, S: Futures<M>>(set: S) -> S::Output {
///     gather(set).await
/// }
///
/// let both = futures::executor::block_on(together((async { 1 }, async { "two" })));
/// assert_eq!(both, (1, "two"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a future nor a `Vec`, array or tuple of futures"
)]
pub trait Futures<Form> {
    /// What they give, each in its place.
    type Output;

    /// Runs all of them.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all of them, and with them the outputs that are there.
    fn all(self) -> impl Future<Output = Self::Output>;
}

/// A future of a `Result`, or a `Vec`, array or tuple (of up to twelve) of such futures.
///
/// # Examples
///
/// ```
/// use windlass::try_gather;
///
/// let texts = ["1", "x"].map(|text| async move { text.parse::<u8>() });
/// let error = futures::executor::block_on(try_gather(texts)).unwrap_err();
/// assert!(error.is::<std::num::ParseIntError>());
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a future of a `Result` nor a `Vec`, array or tuple of such futures",
    note = "plain futures go through the form without `try_`"
)]
pub trait TryFutures<Form> {
    /// The values, each in its place.
    type Output;
    /// What came of each, in its place.
    type Each;

    /// Runs all of them; the first error drops the others.
    ///
    /// # Errors
    ///
    /// The first error, in time; of several in one turn, that of the first place.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all of them, and with them the outputs that are there.
    fn all(self) -> impl Future<Output = Result<Self::Output>>;

    /// Runs all of them; the first error that `keep` does not want drops the others, and those that
    /// it wants are put in their places.
    ///
    /// # Errors
    ///
    /// The first error that `keep` does not want.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops all of them, and with them the outputs that are there.
    fn each(self, keep: impl Fn(&Error) -> bool) -> impl Future<Output = Result<Self::Each>>;
}

// ===== one =====

impl<F: Future> Futures<One> for F {
    type Output = F::Output;

    fn all(self) -> impl Future<Output = F::Output> {
        self
    }
}

impl<F: TryFut> TryFutures<One> for F {
    type Output = F::Ok;
    type Each = Result<F::Ok>;

    async fn all(self) -> Result<F::Ok> {
        self.await.map_err(Error::from_user)
    }

    async fn each(self, keep: impl Fn(&Error) -> bool) -> Result<Result<F::Ok>> {
        kept(self.await.map_err(Error::from_user), &keep)
    }
}

/// A value, or an error that is wanted in its place; else the error.
fn kept<T>(outcome: Result<T>, keep: &impl Fn(&Error) -> bool) -> Result<Result<T>> {
    match outcome {
        Err(error) if !keep(&error) => Err(error),
        outcome => Ok(outcome),
    }
}

// ===== many of one type =====

impl<F: Future> Futures<Many> for Vec<F> {
    type Output = Vec<F::Output>;

    #[inline]
    fn all(self) -> impl Future<Output = Vec<F::Output>> {
        All::new(self)
    }
}

impl<F: TryFut> TryFutures<Many> for Vec<F> {
    type Output = Vec<F::Ok>;
    type Each = Vec<Result<F::Ok>>;

    async fn all(self) -> Result<Vec<F::Ok>> {
        let own = |future: F| async { future.await.map_err(Error::from_user) };
        try_all(self.into_iter().map(own)).await
    }

    async fn each(self, keep: impl Fn(&Error) -> bool) -> Result<Vec<Result<F::Ok>>> {
        let own = |future: F| async { kept(future.await.map_err(Error::from_user), &keep) };
        try_all(self.into_iter().map(own)).await
    }
}

/// Up to so many futures are all polled at each wake, which costs little; more have a waker each.
const FEW: usize = 30;

/// The values in their places; the first error, in time, drops the rest.
async fn try_all<F, T>(futures: impl ExactSizeIterator<Item = F>) -> Result<Vec<T>>
where
    F: Future<Output = Result<T>>,
{
    let n = futures.len();
    if n <= FEW {
        return try_join_all(futures).await;
    }
    // Of many, `try_join_all` sees an error only when all before it have ended.
    let place = |(place, future): (usize, F)| async move { (place, future.await) };
    let mut running: FuturesUnordered<_> = futures.enumerate().map(place).collect();
    let mut values: Vec<Option<T>> = Vec::new();
    values.resize_with(n, || None);
    let mut is_first_turn = true;
    poll_fn(|cx| {
        let turn = poll_turn(&mut running, &mut values, is_first_turn, cx);
        is_first_turn = false;
        turn
    })
    .await?;
    Ok(values.into_iter().flatten().collect())
}

/// Polls those that were woken, until there is an error or all have ended.
///
/// In the first turn they come in the order of their places, so the first error decides. Later they
/// come as they were woken: then all that were have to be looked at.
fn poll_turn<F, T>(
    running: &mut FuturesUnordered<F>,
    values: &mut [Option<T>],
    is_first_turn: bool,
    cx: &mut Context<'_>,
) -> Poll<Result<()>>
where
    F: Future<Output = (usize, Result<T>)>,
{
    let mut first: Option<(usize, Error)> = None;
    loop {
        match running.poll_next_unpin(cx) {
            Poll::Ready(Some((place, Ok(value)))) => values[place] = Some(value),
            Poll::Ready(Some((_, Err(error)))) if is_first_turn => return Poll::Ready(Err(error)),
            Poll::Ready(Some((place, Err(error)))) => {
                if first.as_ref().is_none_or(|(before, _)| place < *before) {
                    first = Some((place, error));
                }
            }
            Poll::Ready(None) => return Poll::Ready(first.map_or(Ok(()), |(_, error)| Err(error))),
            // Those that have not ended will wake us.
            Poll::Pending => {
                return first.map_or(Poll::Pending, |(_, error)| Poll::Ready(Err(error)));
            }
        }
    }
}

impl<F: Future, const N: usize> Futures<Many> for [F; N] {
    type Output = [F::Output; N];

    async fn all(self) -> [F::Output; N] {
        array(Futures::all(Vec::from(self)).await)
    }
}

impl<F: TryFut, const N: usize> TryFutures<Many> for [F; N] {
    type Output = [F::Ok; N];
    type Each = [Result<F::Ok>; N];

    async fn all(self) -> Result<[F::Ok; N]> {
        TryFutures::all(Vec::from(self)).await.map(array)
    }

    async fn each(self, keep: impl Fn(&Error) -> bool) -> Result<[Result<F::Ok>; N]> {
        TryFutures::each(Vec::from(self), keep).await.map(array)
    }
}

fn array<T, const N: usize>(items: Vec<T>) -> [T; N] {
    items
        .try_into()
        .unwrap_or_else(|_| unreachable!("one output for each of {N} futures"))
}

// ===== tuples =====

macro_rules! tuple {
    ($($name:ident $future:ident $index:tt),+) => {
        impl<$($name: Future),+> Futures<Many> for ($($name,)+) {
            type Output = ($($name::Output,)+);

            async fn all(self) -> Self::Output {
                $(let mut $future = pin!(maybe_done(self.$index));)+
                poll_fn(|cx| {
                    let mut is_done = true;
                    $(is_done &= $future.as_mut().poll(cx).is_ready();)+
                    if is_done { Poll::Ready(()) } else { Poll::Pending } // each will wake us
                })
                .await;
                ($(output($future.as_mut()),)+)
            }
        }

        impl<$($name: TryFut),+> TryFutures<Many> for ($($name,)+) {
            type Output = ($($name::Ok,)+);
            type Each = ($(Result<$name::Ok>,)+);

            async fn all(self) -> Result<Self::Output> {
                let ($($future,)+) = self.each(|_| false).await?;
                Ok(($($future?,)+))
            }

            async fn each(self, keep: impl Fn(&Error) -> bool) -> Result<Self::Each> {
                $(let mut $future = pin!(maybe_done(async {
                    kept(self.$index.await.map_err(Error::from_user), &keep)
                }));)+
                poll_fn(|cx| {
                    let mut is_done = true;
                    $(
                        is_done &= $future.as_mut().poll(cx).is_ready();
                        if let Some(Err(_)) = $future.as_mut().output_mut() {
                            return Poll::Ready(());
                        }
                    )+
                    if is_done { Poll::Ready(()) } else { Poll::Pending } // each will wake us
                })
                .await;
                $(if let Some(Err(_)) = $future.as_mut().output_mut() {
                    if let Some(Err(error)) = $future.as_mut().take_output() {
                        return Err(error);
                    }
                })+
                Ok(($(output($future.as_mut())?,)+))
            }
        }
    };
}

fn output<F: Future>(future: Pin<&mut MaybeDone<F>>) -> F::Output {
    future
        .take_output()
        .unwrap_or_else(|| unreachable!("all of them are done"))
}

tuple!(A a 0);
tuple!(A a 0, B b 1);
tuple!(A a 0, B b 1, C c 2);
tuple!(A a 0, B b 1, C c 2, D d 3);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8, J j 9);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8, J j 9, K k 10);
tuple!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7, I i 8, J j 9, K k 10, L l 11);
