//! [`Futures`] and [`TryFutures`]: what `run` and `gather` take.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::{
    future::{MaybeDone, maybe_done},
    stream::{FuturesUnordered, Stream},
};

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
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a future nor a `Vec`, array or tuple of futures"
)]
pub trait Futures<Form> {
    /// What they give, each in its place.
    type Output;

    /// Runs all of them.
    fn all(self) -> impl Future<Output = Self::Output>;
}

/// A future of a `Result`, or a `Vec`, array or tuple (of up to twelve) of such futures.
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
    fn all(self) -> impl Future<Output = Result<Self::Output>>;

    /// Runs all of them; the first error that `keep` does not want drops the others, and those that
    /// it wants are put in their places.
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

    async fn all(self) -> Vec<F::Output> {
        match collect(self, Ok::<_, Never>).await {
            Ok(outputs) => outputs,
            Err(never) => match never {},
        }
    }
}

impl<F: TryFut> TryFutures<Many> for Vec<F> {
    type Output = Vec<F::Ok>;
    type Each = Vec<Result<F::Ok>>;

    fn all(self) -> impl Future<Output = Result<Vec<F::Ok>>> {
        collect(self, |outcome| outcome.map_err(Error::from_user))
    }

    async fn each(self, keep: impl Fn(&Error) -> bool) -> Result<Vec<Result<F::Ok>>> {
        collect(self, |outcome: Result<_, _>| {
            kept(outcome.map_err(Error::from_user), &keep)
        })
        .await
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

enum Never {}

fn array<T, const N: usize>(items: Vec<T>) -> [T; N] {
    items
        .try_into()
        .unwrap_or_else(|_| unreachable!("one output for each of {N} futures"))
}

/// Up to so many futures are all polled at each wake; more have a waker each.
const FEW: usize = 32;

/// The outputs in their places; the first that `check` refuses ends it, and drops the rest.
async fn collect<F: Future, T, E>(
    futures: Vec<F>,
    check: impl Fn(F::Output) -> Result<T, E>,
) -> Result<Vec<T>, E> {
    let n = futures.len();
    if n <= FEW {
        return Few::new(futures, check).await;
    }
    let place = |(place, future): (usize, F)| async move { (place, future.await) };
    let mut running: FuturesUnordered<_> = futures.into_iter().enumerate().map(place).collect();
    let mut outputs: Vec<Option<T>> = Vec::new();
    outputs.resize_with(n, || None);
    while let Some((place, output)) = next(&mut running).await {
        outputs[place] = Some(check(output)?);
    }
    Ok(outputs.into_iter().flatten().collect())
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// A few futures, polled in turn.
struct Few<F: Future, T, C> {
    /// Those that have not begun, in reverse.
    fresh: Vec<F>,
    running: Vec<Option<Pin<Box<F>>>>,
    outputs: Vec<Option<T>>,
    left: usize,
    check: C,
}

impl<F: Future, T, C> Few<F, T, C> {
    fn new(mut futures: Vec<F>, check: C) -> Self {
        let left = futures.len();
        futures.reverse();
        Few {
            fresh: futures,
            running: Vec::new(),
            outputs: Vec::with_capacity(left),
            left,
            check,
        }
    }
}

impl<F: Future, T, C> Unpin for Few<F, T, C> {}

impl<F: Future, T, E, C> Few<F, T, C>
where
    C: Fn(F::Output) -> Result<T, E>,
{
    /// The first poll of each.
    fn begin(&mut self, cx: &mut Context<'_>) -> Result<(), E> {
        while let Some(future) = self.fresh.pop() {
            let mut future = Box::pin(future);
            match future.as_mut().poll(cx) {
                Poll::Ready(output) => {
                    drop(future); // before the next begins
                    self.outputs.push(Some((self.check)(output)?));
                    self.left -= 1;
                }
                Poll::Pending => {
                    self.running.resize_with(self.outputs.len(), || None);
                    self.running.push(Some(future));
                    self.outputs.push(None);
                }
            }
        }
        Ok(())
    }

    fn go_on(&mut self, cx: &mut Context<'_>) -> Result<(), E> {
        for (place, running) in self.running.iter_mut().enumerate() {
            let Some(future) = running else { continue };
            if let Poll::Ready(output) = future.as_mut().poll(cx) {
                *running = None;
                self.outputs[place] = Some((self.check)(output)?);
                self.left -= 1;
            }
        }
        Ok(())
    }
}

impl<F: Future, T, E, C> Future for Few<F, T, C>
where
    C: Fn(F::Output) -> Result<T, E>,
{
    type Output = Result<Vec<T>, E>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let polled = if this.running.is_empty() {
            this.begin(cx)
        } else {
            this.go_on(cx)
        };
        if let Err(error) = polled {
            this.fresh.clear();
            this.running.clear(); // before the error is seen
            return Poll::Ready(Err(error));
        }
        if this.left > 0 {
            return Poll::Pending; // each of those that run will wake us
        }
        Poll::Ready(Ok(this.outputs.drain(..).flatten().collect()))
    }
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
