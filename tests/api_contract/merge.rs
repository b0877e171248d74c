//! Merging: sources, feeders, streamers, items.

use std::ops::Deref;

use futures::Stream;
use windlass::{
    Ctx, Error, Event, Fed, Feeder, InPlace, Merge, Name, Result, ResultStreamer, Source, SourceId,
    SourceKind, Sources, Spawner, StreamedResult, Streamer, Takes, Task, Tasks, TryFut,
};

use super::{
    Mute, is_copy, is_debug, is_equal, is_handle, is_hashed, is_send, is_unpin, sends, shapes,
};

type Items<T, L, D> = (Feeder<T, L, D>, Streamer<T, L, D>);
type Outcome<'a> = Result<(), &'a Error>;

fn driver_of_tasks<S: Send + 'static>() {
    fn takes<D: Takes<S>, S>() {}
    takes::<Tasks, S>();
}

fn driver_in_place<'a, S: 'a>() {
    fn takes<D: Takes<S>, S>() {}
    takes::<InPlace<'a>, S>();
}

fn merge_of_tasks<T: Send + 'static, R: Spawner, N: Into<Name>>() {
    shapes! { Merge::<T>::new::<R> => fn(&Ctx<R>, N) -> Merge<T>; }
    is_send::<Merge<T>>();
    is_send::<Feeder<T>>();
    is_send::<Streamer<T>>();
    is_send::<Source<T>>();
}

fn merge_in_place<'a, T, R, N: Into<Name>>() {
    shapes! {
        Merge::<T, (), InPlace<'a>>::in_place::<R> => fn(&Ctx<R>, N) -> Merge<T, (), InPlace<'a>>;
    }
}

/// A departure: `D` is one of the two, and a label is `Clone` (each item has one).
fn merge<T, L: Clone, D: Takes<T>, M: Clone>() {
    shapes! {
        Merge::<T, L, D>::label::<M> => fn(Merge<T, L, D>, M) -> Merge<T, M, D>;
        Merge::<T, L, D>::max_running => fn(Merge<T, L, D>, usize) -> Merge<T, L, D>;
        Merge::<T, L, D>::ordered => fn(Merge<T, L, D>) -> Merge<T, L, D>;
        Merge::<T, L, D>::split => fn(Merge<T, L, D>) -> Items<T, L, D>;
        Merge::<T, L, D>::results => fn(Merge<T, L, D>) -> ResultStreamer<T, L, D>;
    }
    is_debug::<Merge<T, L, D>>();
}

fn plain_kinds<T, D, F, I, U>()
where
    F: FnOnce() -> T,
    I: IntoIterator<Item = T>,
    U: Future<Output = T>,
    D: Takes<T> + Takes<F> + Takes<I::IntoIter> + Takes<U>,
{
    shapes! {
        Source::<T, D>::value => fn(T) -> Source<T, D>;
        Source::<T, D>::func::<F> => fn(F) -> Source<T, D>;
        Source::<T, D>::iter::<I> => fn(I) -> Source<T, D>;
        Source::<T, D>::future::<U> => fn(U) -> Source<T, D>;
        Source::<T, D>::task => fn(Task<T>) -> Source<T, D>;
        Feeder::<T, (), D>::value => fn(&Feeder<T, (), D>, T) -> SourceId;
        Feeder::<T, (), D>::func::<F> => fn(&Feeder<T, (), D>, F) -> SourceId;
        Feeder::<T, (), D>::iter::<I> => fn(&Feeder<T, (), D>, I) -> SourceId;
        Feeder::<T, (), D>::future::<U> => fn(&Feeder<T, (), D>, U) -> SourceId;
        Feeder::<T, (), D>::task => fn(&Feeder<T, (), D>, Task<T>) -> SourceId;
    }
}

fn further_kinds<T, L: Clone, D, V, S, Y, E>()
where
    V: TryFut<Ok = T>,
    S: Stream<Item = T>,
    Y: Stream<Item = Result<T, E>>,
    E: Into<windlass::BoxError>,
    D: Takes<V> + Takes<S> + Takes<Y>,
{
    shapes! {
        Source::<T, D>::try_future::<V> => fn(V) -> Source<T, D>;
        Source::<T, D>::stream::<S> => fn(S) -> Source<T, D>;
        Source::<T, D>::try_stream::<Y, E> => fn(Y) -> Source<T, D>;
        Feeder::<T, L, D>::try_future::<V> => fn(&Feeder<T, L, D>, V) -> SourceId;
        Feeder::<T, L, D>::stream::<S> => fn(&Feeder<T, L, D>, S) -> SourceId;
        Feeder::<T, L, D>::try_stream::<Y, E> => fn(&Feeder<T, L, D>, Y) -> SourceId;
    }
}

fn sources_of_sources<T, D, F, I, U, S>()
where
    F: FnOnce() -> Source<T, D>,
    I: IntoIterator<Item = Source<T, D>>,
    U: Future<Output = Source<T, D>>,
    S: Stream<Item = Source<T, D>>,
    D: Takes<F> + Takes<I::IntoIter> + Takes<U> + Takes<S>,
{
    shapes! {
        Source::<T, D>::func_of::<F> => fn(F) -> Source<T, D>;
        Source::<T, D>::iter_of::<I> => fn(I) -> Source<T, D>;
        Source::<T, D>::future_of::<U> => fn(U) -> Source<T, D>;
        Source::<T, D>::stream_of::<S> => fn(S) -> Source<T, D>;
    }
    is_debug::<Source<T, D>>();
}

fn callbacks<T, D, F: FnMut(&T), G: FnOnce(Outcome<'_>)>()
where
    D: Takes<F> + Takes<G>,
{
    shapes! {
        Source::<T, D>::on_each::<F> => fn(Source<T, D>, F) -> Source<T, D>;
        Source::<T, D>::on_done::<G> => fn(Source<T, D>, G) -> Source<T, D>;
    }
}

fn feeder<T, L: Clone, D: Takes<T>>() {
    shapes! {
        Feeder::<T, L, D>::add => fn(&Feeder<T, L, D>, Source<T, D>) -> SourceId;
        Feeder::<T, L, D>::label => fn(&Feeder<T, L, D>, L) -> Feeder<T, L, D>;
        Feeder::<T, L, D>::finish_when_empty => fn(&Feeder<T, L, D>);
    }
    is_debug::<Feeder<T, L, D>>();
}

fn streamer<T, L: Clone, D: Takes<T>, F: FnMut(&Error, &L) + Send + 'static>() {
    type Results<T, L, D> = ResultStreamer<T, L, D>;
    fn gives<S: Stream<Item = T> + Unpin, T>() {}
    fn is<S: Deref<Target = T>, T>() {}
    gives::<Streamer<T, L, D>, Fed<T, L>>();
    gives::<Results<T, L, D>, StreamedResult<T, L>>();
    is::<Results<T, L, D>, Feeder<T, L, D>>();
    shapes! {
        Streamer::<T, L, D>::breaker => fn(&Streamer<T, L, D>) -> &Event;
        Streamer::<T, L, D>::remaining => fn(&mut Streamer<T, L, D>) -> Vec<Fed<T, L>>;
        ResultStreamer::<T, L, D>::error_catcher::<F> => fn(Results<T, L, D>, F) -> Results<T, L, D>;
        ResultStreamer::<T, L, D>::no_more_work => fn(&Results<T, L, D>);
    }
    is_unpin::<Streamer<T, L, D>>();
    is_debug::<Streamer<T, L, D>>();
    is_debug::<ResultStreamer<T, L, D>>();
}

async fn items<T, L: Clone, D: Takes<T>>(items: &mut Streamer<T, L, D>) -> Option<Fed<T, L>> {
    items.next().await
}

async fn results<T, L: Clone, D: Takes<T>>(mut results: ResultStreamer<T, L, D>) {
    let _: Option<StreamedResult<T, L>> = results.next().await;
    results.finish().await
}

fn sending<T: Send + 'static>(items: &mut Streamer<T>, mut results: ResultStreamer<T>) {
    drop(sends(items.next()));
    drop(sends(results.next()));
    drop(sends(results.finish()));
}

fn fed<T, L>(item: Fed<T, L>) -> (Option<T>, Option<Error>, Option<(Sources, L)>) {
    match item {
        Fed::Success {
            value,
            sources,
            label,
        } => (Some(value), None, Some((sources, label))),
        Fed::Failure {
            error,
            sources,
            label,
        } => (None, Some(error), Some((sources, label))),
        Fed::IterationStop {
            error,
            sources,
            label,
        } => (None, error, Some((sources, label))),
        Fed::Stopped { error } => (None, error, None),
        _ => (None, None, None),
    }
}

fn questions<T, L>() {
    shapes! {
        Fed::<T, L>::value => fn(Fed<T, L>) -> Option<T>;
        Fed::<T, L>::result => fn(Fed<T, L>) -> Option<Result<T>>;
        Fed::<T, L>::label => fn(&Fed<T, L>) -> Option<&L>;
        Sources::id => fn(&Sources) -> SourceId;
    }
    let _: fn(StreamedResult<T, L>) -> (Result<T>, L) = |item| (item.value, item.label);
    let _: fn(&Sources) -> Vec<(SourceId, SourceKind)> = |sources| sources.iter().collect();
    use SourceKind::{Func, Future, Iter, Stream, Task, Value};
    let [_, _, _, _, _, _] = [Value, Func, Iter, Future, Task, Stream];
}

type Empty<T> = futures::stream::Empty<T>;
type Pending<T> = std::future::Pending<T>;

/// All kinds, under either driver.
fn with<D>()
where
    D: Takes<u8> + Takes<fn() -> u8> + Takes<std::vec::IntoIter<u8>> + Takes<Pending<u8>>,
    D: Takes<Pending<Result<u8, String>>> + Takes<Empty<u8>> + Takes<Empty<Result<u8, String>>>,
    D: Takes<fn(&u8)> + Takes<fn(Outcome<'_>)> + 'static,
{
    merge::<u8, (), D, &'static str>();
    plain_kinds::<u8, D, fn() -> u8, Vec<u8>, Pending<u8>>();
    type Fallible<T> = Result<T, String>;
    further_kinds::<u8, u8, D, Pending<Fallible<u8>>, Empty<u8>, Empty<Fallible<u8>>, String>();
    callbacks::<u8, D, fn(&u8), fn(Outcome<'_>)>();
    feeder::<u8, String, D>();
    streamer::<u8, String, D, fn(&Error, &String)>();
    let _ = (items::<u8, (), D>, results::<u8, (), D>);
}

#[test]
fn merges_sources_feeders_streamers_and_items() {
    use windlass::AnyRuntime;
    let _ = (sending::<u8>, fed::<Mute, Mute>);
    driver_of_tasks::<u8>();
    driver_in_place::<std::rc::Rc<Mute>>();
    merge_of_tasks::<u8, AnyRuntime, &'static str>();
    merge_in_place::<std::rc::Rc<Mute>, Mute, String>();
    with::<Tasks>();
    with::<InPlace<'static>>();
    type S<D> = Source<u8, D>;
    type Of<D> = (fn() -> S<D>, Vec<S<D>>, Pending<S<D>>, Empty<S<D>>);
    fn of<D, F, I, U, E>(_: Option<(F, I, U, E)>)
    where
        F: FnOnce() -> S<D>,
        I: IntoIterator<Item = S<D>>,
        U: Future<Output = S<D>>,
        E: Stream<Item = S<D>>,
        D: Takes<F> + Takes<I::IntoIter> + Takes<U> + Takes<E>,
    {
        sources_of_sources::<u8, D, F, I, U, E>();
    }
    of(None::<Of<Tasks>>);
    of(None::<Of<InPlace<'static>>>);
    questions::<Mute, Mute>();
    is_debug::<Fed<u8, u8>>();
    is_handle::<StreamedResult<u8, u8>>();
    is_copy::<SourceId>();
    is_hashed::<SourceId>();
    is_debug::<SourceId>();
    is_handle::<Sources>();
    is_copy::<SourceKind>();
    is_equal::<SourceKind>();
    is_debug::<SourceKind>();
}
