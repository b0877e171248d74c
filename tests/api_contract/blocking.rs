//! From synchronous code: runs, loops, resources.

use futures::Stream;
use windlass::{
    AnyRuntime, BlockOn, BoxError, Ctx, Error, EventLoop, Futures, Many, One, Resource, Result,
    Runtime, TryFutures, async_trait, gather, run, run_returning, stop_stream, try_gather, try_run,
    with_resource, with_resources,
};

use super::{is_debug, is_send, sends, shapes};

fn runs<B: BlockOn, M, S: Futures<M>, T: TryFutures<M>, K: Fn(&Error) -> bool>() {
    shapes! {
        run::<M, S> => fn(&B, S) -> Result<S::Output>;
        try_run::<M, T> => fn(&B, T) -> Result<T::Output>;
        run_returning::<M, T> => fn(&B, T, K) -> Result<T::Each>;
    }
}

async fn gathering<M, S: Futures<M>, T: TryFutures<M>>(all: S, each: T) -> Result<T::Output> {
    let _: S::Output = gather(all).await;
    try_gather(each).await
}

async fn by_hand<M, S: Futures<M>, T: TryFutures<M>>(all: S, each: T) -> Result<T::Output> {
    let _: S::Output = Futures::all(all).await;
    TryFutures::all(each).await
}

fn forms<F: Future<Output = Result<u8, E>>, E: Into<BoxError> + 'static>() {
    fn is<M, S: Futures<M, Output = O> + TryFutures<M, Output = P, Each = Q>, O, P, Q>() {}
    type R<E> = Result<u8, E>;
    is::<One, F, R<E>, u8, Result<u8>>();
    is::<Many, Vec<F>, Vec<R<E>>, Vec<u8>, Vec<Result<u8>>>();
    is::<Many, [F; 2], [R<E>; 2], [u8; 2], [Result<u8>; 2]>();
    is::<Many, (F,), (R<E>,), (u8,), (Result<u8>,)>();
    is::<Many, (F, F), (R<E>, R<E>), (u8, u8), (Result<u8>, Result<u8>)>();
}

fn new_loop<R: BlockOn + Runtime>() {
    shapes! { EventLoop::<R>::new => fn(R) -> EventLoop<R>; }
}

/// What holds a loop says nothing about its parts.
struct Holds<R, B = R> {
    _loop: Option<EventLoop<R, B>>,
}

fn event_loop<R, B: BlockOn, M, S: Futures<M>, T: TryFutures<M>>() {
    shapes! {
        EventLoop::<R, B>::from_parts => fn(Ctx<R>, B) -> EventLoop<R, B>;
        EventLoop::<R, B>::ctx => fn(&EventLoop<R, B>) -> &Ctx<R>;
        EventLoop::<R, B>::run::<M, S> => fn(&EventLoop<R, B>, S) -> Result<S::Output>;
        EventLoop::<R, B>::try_run::<M, T> => fn(&EventLoop<R, B>, T) -> Result<T::Output>;
        EventLoop::<R, B>::run_forever => fn(&EventLoop<R, B>) -> Result<()>;
    }
    is_debug::<EventLoop<R, B>>();
}

struct File;

#[async_trait]
impl Resource for File {
    async fn start(&mut self) -> Result<(), BoxError> {
        Ok(())
    }
    async fn finish(&mut self, why: Option<&Error>) -> Result<(), BoxError> {
        why.map_or(Ok(()), |error| Err(error.clone().into()))
    }
}

async fn resource<R: Runtime, Res: Resource + 'static, T, E, B>(
    ctx: &Ctx<R>,
    res: Res,
    body: B,
) -> Result<T>
where
    B: AsyncFnOnce(&mut Res) -> Result<T, E>,
    E: Into<BoxError> + 'static,
{
    with_resource::<R, Res, T, E, B>(ctx, res, body).await
}

async fn resources<R: Runtime, T, E, B>(
    ctx: &Ctx<R>,
    all: Vec<Box<dyn Resource>>,
    body: B,
) -> Result<T>
where
    B: AsyncFnOnce() -> Result<T, E>,
    E: Into<BoxError> + 'static,
{
    with_resources::<R, T, E, B>(ctx, all, body).await
}

fn resources_send(ctx: &Ctx) {
    drop(sends(with_resource(ctx, File, async |_| windlass::ok(1))));
    drop(sends(with_resources(ctx, Vec::new(), async || {
        windlass::ok(1)
    })));
    is_send::<Box<dyn Resource>>();
}

async fn stopping<S: Stream>(stream: S) {
    stop_stream(stream).await
}

#[test]
fn runs_loops_and_resources() {
    use windlass::testing::SimRuntime;
    type F = std::future::Ready<Result<u8, BoxError>>;
    let _ = (gathering::<One, F, F>, by_hand::<Many, [F; 3], Vec<F>>);
    let _ = (resources_send, stopping::<futures::stream::Empty<u8>>);
    let _ = Holds::<AnyRuntime> { _loop: None };
    let _ = resource::<AnyRuntime, File, u8, BoxError, for<'a> fn(&'a mut File) -> F>;
    let _ = resources::<AnyRuntime, u8, BoxError, fn() -> F>;
    runs::<SimRuntime, One, F, F, fn(&Error) -> bool>();
    forms::<F, BoxError>();
    new_loop::<SimRuntime>();
    event_loop::<AnyRuntime, SimRuntime, One, F, F>();
    is_debug::<One>();
    is_debug::<Many>();
}
