//! [`Source`]: something that gives items, before it is fed; and how each kind is pulled.

use std::{
    fmt,
    future::Future,
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::Stream;
use pin_project::pin_project;

use super::{
    driver::{Driver, Takes, Tasks},
    fed::SourceKind,
};
use crate::{BoxError, Error, Result, Task, TryFut};

/// What one pull of a source gives. What is rare is boxed: a step is moved for each item.
#[allow(missing_debug_implementations)]
pub enum Step<T, D: Driver> {
    /// A value; more may follow.
    Item(T),
    /// A value, and with it the end.
    Last(T),
    /// A source; more may follow.
    Sub(Box<Source<T, D>>),
    /// A source, to which this one hands over.
    Become(Box<Source<T, D>>),
    /// The end.
    End,
    /// A failure, and with it the end.
    Fail(Box<Error>),
}

impl<T, D: Driver> Step<T, D> {
    fn sub(source: Source<T, D>) -> Self {
        Step::Sub(Box::new(source))
    }

    fn hand_over(source: Source<T, D>) -> Self {
        Step::Become(Box::new(source))
    }

    fn fail(error: Error) -> Self {
        Step::Fail(Box::new(error))
    }
}

/// A source of one kind. Pulled again only after `Item` and `Sub`.
pub trait Pull<T, D: Driver> {
    #[doc(hidden)]
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>>;
}

/// Something that gives items to a merge, with its callbacks.
///
/// There are eight kinds, each also a method of the [`Feeder`](super::Feeder), and four whose items are
/// sources themselves (`…_of`): those are fed in turn, keep the label of the outermost one, and tell
/// it in their [`Sources`](super::Sources). They may be nested to any depth, and be endless; one that
/// makes many waits with the next until the one before has given something or has to wait, so none
/// runs away. (Only to *drop* sources that hold one another, unfed, takes stack for each level.)
///
/// # Errors
///
/// A source that fails or panics ends with a [`Fed::Failure`](super::Fed::Failure), and no other
/// notices. `try_` kinds take a `Result`, and end at its first error; others take any value, a
/// `Result` included, as an item.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")] {
/// use futures::{StreamExt, stream};
/// use windlass::{Fed, Merge, Source, SourceKind, testing::simulate};
///
/// simulate(async |sim| {
///     let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
///     let pages = stream::iter([10, 20]).map(|page| Source::iter([page + 1, page + 2]));
///     let outermost = feeder.add(Source::stream_of(pages));
///     drop(feeder);
///     let mut lines = Vec::new();
///     while let Some(item) = items.next().await {
///         if let Fed::Success { value, sources, .. } = item {
///             let kinds: Vec<_> = sources.iter().map(|(_, kind)| kind).collect();
///             assert_eq!(kinds, [SourceKind::Iter, SourceKind::Stream]);
///             assert_eq!(sources.iter().last().unwrap().0, outermost);
///             lines.push(value);
///         }
///     }
///     lines.sort();
///     assert_eq!(lines, [11, 12, 21, 22]);
/// });
/// # }
/// ```
#[must_use = "a source does nothing until it is fed with `Feeder::add`"]
pub struct Source<T, D: Driver = Tasks> {
    pub(super) kind: SourceKind,
    pub(super) body: Body<T, D>,
    pub(super) calls: Option<Box<Calls<T, D>>>,
}

pub(super) enum Body<T, D: Driver> {
    Value(T),
    Feed(D::Feed<T>),
}

/// The callbacks of a source.
pub(super) struct Calls<T, D: Driver> {
    pub(super) each: Option<D::Each<T>>,
    pub(super) done: Option<D::OnDone>,
}

impl<T, D: Driver> fmt::Debug for Source<T, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Source").field(&self.kind).finish()
    }
}

// ===== impl Source =====

impl<T, D: Driver> Source<T, D> {
    fn of(kind: SourceKind, body: Body<T, D>) -> Self {
        Source {
            kind,
            body,
            calls: None,
        }
    }

    fn fed(kind: SourceKind, feed: D::Feed<T>) -> Self {
        Source::of(kind, Body::Feed(feed))
    }

    fn calls(&mut self) -> &mut Calls<T, D> {
        self.calls.get_or_insert_with(|| {
            Box::new(Calls {
                each: None,
                done: None,
            })
        })
    }

    /// Gives one value.
    pub fn value(v: T) -> Self
    where
        D: Takes<T>,
    {
        Source::of(SourceKind::Value, Body::Value(v))
    }

    /// Gives the value of a function, which is called once: when it is fed, or, made by another
    /// source, when it is its turn.
    pub fn func<F>(f: F) -> Self
    where
        F: FnOnce() -> T,
        D: Takes<F>,
    {
        Source::fed(SourceKind::Func, D::held::<T, Func>(f))
    }

    /// Gives the items of an iterator, one in turn with those of other sources.
    pub fn iter<I>(i: I) -> Self
    where
        I: IntoIterator<Item = T>,
        D: Takes<I::IntoIter>,
    {
        Source::fed(SourceKind::Iter, D::held::<T, Iter>(i.into_iter()))
    }

    /// Gives the output of a future.
    pub fn future<F>(f: F) -> Self
    where
        F: Future<Output = T>,
        D: Takes<F>,
    {
        Source::fed(SourceKind::Future, D::pinned::<T, Plain>(f))
    }

    /// Gives the value of a fallible future; its error is a failure of the source.
    pub fn try_future<F>(f: F) -> Self
    where
        F: TryFut<Ok = T>,
        D: Takes<F>,
    {
        Source::fed(SourceKind::Future, D::pinned::<T, Fallible>(f))
    }

    /// Gives the outcome of a task, which is cancelled if the merge ends first.
    pub fn task(t: Task<T>) -> Self
    where
        D: Takes<T>,
    {
        Source::fed(SourceKind::Task, D::task(t))
    }

    /// Gives the items of a stream, one in turn with those of other sources.
    pub fn stream<S>(s: S) -> Self
    where
        S: Stream<Item = T>,
        D: Takes<S>,
    {
        Source::fed(SourceKind::Stream, D::pinned::<T, Many>(s))
    }

    /// Gives the items of a fallible stream, up to its first error.
    pub fn try_stream<S, E>(s: S) -> Self
    where
        S: Stream<Item = Result<T, E>>,
        E: Into<BoxError>,
        D: Takes<S>,
    {
        Source::fed(SourceKind::Stream, D::pinned::<T, TryMany>(s))
    }

    /// Gives what the source gives that a function makes.
    pub fn func_of<F>(f: F) -> Self
    where
        F: FnOnce() -> Source<T, D>,
        D: Takes<F>,
    {
        Source::fed(SourceKind::Func, D::held::<T, FuncOf>(f))
    }

    /// Gives what the sources of an iterator give.
    pub fn iter_of<I>(i: I) -> Self
    where
        I: IntoIterator<Item = Source<T, D>>,
        D: Takes<I::IntoIter>,
    {
        Source::fed(SourceKind::Iter, D::held::<T, IterOf>(i.into_iter()))
    }

    /// Gives what the source gives that a future makes.
    pub fn future_of<F>(f: F) -> Self
    where
        F: Future<Output = Source<T, D>>,
        D: Takes<F>,
    {
        Source::fed(SourceKind::Future, D::pinned::<T, PlainOf>(f))
    }

    /// Gives what the sources of a stream give.
    pub fn stream_of<S>(s: S) -> Self
    where
        S: Stream<Item = Source<T, D>>,
        D: Takes<S>,
    {
        Source::fed(SourceKind::Stream, D::pinned::<T, ManyOf>(s))
    }

    /// Calls `f` with each value of this source, when it is produced, which may be before it is read.
    ///
    /// Values of the sources that it makes are not its own. A panic of `f` is reported, and changes
    /// nothing. `f` may feed, and must not block.
    pub fn on_each<F>(mut self, f: F) -> Self
    where
        F: FnMut(&T),
        D: Takes<F>,
    {
        self.calls().each = Some(D::each(f));
        self
    }

    /// Calls `f` once, when this source has ended, before its terminal item, with the error if it
    /// failed or was interrupted.
    ///
    /// A source that hands over to the one it makes has ended then. A panic of `f` is reported.
    ///
    /// A source that is fed when the merge has ended has no callbacks: so one that `f` feeds again
    /// whenever it ends does come to an end.
    pub fn on_done<F>(mut self, f: F) -> Self
    where
        F: FnOnce(Result<(), &Error>),
        D: Takes<F>,
    {
        self.calls().done = Some(D::done(f));
        self
    }
}

// ===== kinds =====

/// A source that is used where it lies.
#[allow(missing_debug_implementations)]
pub struct Held<S, K> {
    source: Option<S>,
    kind: PhantomData<fn() -> K>,
}

// Nothing in it is ever pinned.
impl<S, K> Unpin for Held<S, K> {}

impl<S, K> Held<S, K> {
    pub(super) fn new(source: S) -> Self {
        Held {
            source: Some(source),
            kind: PhantomData,
        }
    }
}

/// A source that is polled.
#[allow(missing_debug_implementations)]
#[pin_project]
pub struct Pinned<S, K> {
    #[pin]
    source: S,
    kind: PhantomData<fn() -> K>,
}

impl<S, K> Pinned<S, K> {
    pub(super) fn new(source: S) -> Self {
        Pinned {
            source,
            kind: PhantomData,
        }
    }
}

/// A task, which ends with its source.
pub(super) struct HeldTask<T>(pub(super) Task<T>);

macro_rules! kinds {
    ($($kind:ident)*) => { $(#[allow(missing_debug_implementations)] pub enum $kind {})* };
}
kinds!(Func FuncOf Iter IterOf Plain PlainOf Fallible Many ManyOf TryMany);

impl<T, D: Driver, F: FnOnce() -> T> Pull<T, D> for Held<F, Func> {
    fn pull(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Step<T, D>> {
        let made = self.source.take().map(|f| f());
        Poll::Ready(made.map_or(Step::End, Step::Last))
    }
}

impl<T, D: Driver, F: FnOnce() -> Source<T, D>> Pull<T, D> for Held<F, FuncOf> {
    fn pull(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Step<T, D>> {
        let made = self.source.take().map(|f| f());
        Poll::Ready(made.map_or(Step::End, Step::hand_over))
    }
}

impl<T, D: Driver, I: Iterator<Item = T>> Pull<T, D> for Held<I, Iter> {
    fn pull(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Step<T, D>> {
        let next = self.source.as_mut().and_then(I::next);
        Poll::Ready(next.map_or(Step::End, Step::Item))
    }
}

impl<T, D: Driver, I: Iterator<Item = Source<T, D>>> Pull<T, D> for Held<I, IterOf> {
    fn pull(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Step<T, D>> {
        let next = self.source.as_mut().and_then(I::next);
        Poll::Ready(next.map_or(Step::End, Step::sub))
    }
}

impl<T, D: Driver, F: Future<Output = T>> Pull<T, D> for Pinned<F, Plain> {
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        self.project().source.poll(cx).map(Step::Last)
    }
}

impl<T, D: Driver, F: Future<Output = Source<T, D>>> Pull<T, D> for Pinned<F, PlainOf> {
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        self.project().source.poll(cx).map(Step::hand_over)
    }
}

impl<T, D: Driver, F: TryFut<Ok = T>> Pull<T, D> for Pinned<F, Fallible> {
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        Poll::Ready(match ready!(self.project().source.poll(cx)) {
            Ok(value) => Step::Last(value),
            Err(error) => Step::fail(Error::from_user(error)),
        })
    }
}

impl<T, D: Driver, S: Stream<Item = T>> Pull<T, D> for Pinned<S, Many> {
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        let next = ready!(self.project().source.poll_next(cx));
        Poll::Ready(next.map_or(Step::End, Step::Item))
    }
}

impl<T, D: Driver, S: Stream<Item = Source<T, D>>> Pull<T, D> for Pinned<S, ManyOf> {
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        let next = ready!(self.project().source.poll_next(cx));
        Poll::Ready(next.map_or(Step::End, Step::sub))
    }
}

impl<T, E, D, S> Pull<T, D> for Pinned<S, TryMany>
where
    E: Into<BoxError>,
    D: Driver,
    S: Stream<Item = Result<T, E>>,
{
    fn pull(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        Poll::Ready(match ready!(self.project().source.poll_next(cx)) {
            None => Step::End,
            Some(Ok(value)) => Step::Item(value),
            Some(Err(error)) => Step::fail(Error::from(error.into())),
        })
    }
}

impl<T, D: Driver> Pull<T, D> for HeldTask<T> {
    fn pull(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Step<T, D>> {
        Poll::Ready(match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(value) => Step::Last(value),
            Err(error) => Step::fail(error),
        })
    }
}

impl<T> Drop for HeldTask<T> {
    fn drop(&mut self) {
        self.0.cancel();
    }
}
