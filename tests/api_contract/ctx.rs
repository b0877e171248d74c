//! Contexts: handles, ending, building, spawning, time.

use std::{
    panic::Location,
    sync::Arc,
    time::{Duration, Instant},
};

use windlass::{
    AnyRuntime, BoxError, CallHandle, CallbackId, Ctx, CtxBuilder, CtxGuard, CtxSleep, Done, Error,
    Failure, Finished, LocalSpawner, Name, Result, Returns, RunUntilDone, Runtime, Snapshot,
    Spawner, Stopping, Task, TaskBuilder, Ticker, Timeout, Timer, TryFut, Until, Wait, WaitSet,
    WeakCtx,
};

use super::{
    Mute, is_clone, is_copy, is_debug, is_equal, is_handle, is_hashed, is_send, is_static, is_sync,
    is_unpin, sends, shapes,
};

fn root<R: Runtime, N: Into<Name>>(name: N, rt: R) -> Ctx {
    Ctx::root(name, rt)
}

fn handles<R: Clone, R2, N: Into<Name>>() {
    is_clone::<Ctx<R>>();
    is_clone::<WeakCtx<R>>();
    shapes! {
        Ctx::<R>::root_on => fn(N, R) -> Ctx<R>;
        Ctx::<R>::child => fn(&Ctx<R>, N) -> Ctx<R>;
        Ctx::<R>::build => fn(&Ctx<R>, N) -> CtxBuilder<R>;
        Ctx::<R>::guard => fn(Ctx<R>) -> CtxGuard<R>;
        Ctx::<R>::downgrade => fn(&Ctx<R>) -> WeakCtx<R>;
        Ctx::<R>::on::<R2> => fn(&Ctx<R>, R2) -> Ctx<R2>;
        Ctx::<R>::task => fn(&Ctx<R>, N) -> TaskBuilder<R>;
        Ctx::<R>::runtime => fn(&Ctx<R>) -> &R;
        WeakCtx::<R>::upgrade => fn(&WeakCtx<R>) -> Option<Ctx<R>>;
    }
}

/// A tree of cancellation needs nothing of `R`.
fn any<R, N: Into<Name>, E: Into<BoxError>, F: Future>() {
    shapes! {
        Ctx::<R>::stop => fn(&Ctx<R>) -> bool;
        Ctx::<R>::is_stopping => fn(&Ctx<R>) -> bool;
        Ctx::<R>::stopping => fn(&Ctx<R>) -> Stopping;
        Ctx::<R>::cancel => fn(&Ctx<R>) -> bool;
        Ctx::<R>::cancel_with => fn(&Ctx<R>, N) -> bool;
        Ctx::<R>::fail => fn(&Ctx<R>, E) -> bool;
        Ctx::<R>::is_done => fn(&Ctx<R>) -> bool;
        Ctx::<R>::is_cancelled => fn(&Ctx<R>) -> bool;
        Ctx::<R>::error => fn(&Ctx<R>) -> Option<Error>;
        Ctx::<R>::done => fn(&Ctx<R>) -> Done;
        Ctx::<R>::check => fn(&Ctx<R>) -> Result<()>;
        Ctx::<R>::run_until_done::<F> => fn(&Ctx<R>, F) -> RunUntilDone<F>;
        Ctx::<R>::remove_on_done => fn(&Ctx<R>, CallbackId) -> bool;
        Ctx::<R>::has_on_done => fn(&Ctx<R>, CallbackId) -> bool;
        Ctx::<R>::name => fn(&Ctx<R>) -> &str;
        Ctx::<R>::path => fn(&Ctx<R>) -> String;
        Ctx::<R>::depth => fn(&Ctx<R>) -> usize;
        Ctx::<R>::deadline => fn(&Ctx<R>) -> Option<Instant>;
        Ctx::<R>::snapshot => fn(&Ctx<R>) -> Snapshot;
        CtxBuilder::<R>::start => fn(CtxBuilder<R>) -> Ctx<R>;
        CtxBuilder::<R>::guard => fn(CtxBuilder<R>) -> CtxGuard<R>;
        CtxGuard::<R>::ctx => fn(&CtxGuard<R>) -> &Ctx<R>;
        CtxGuard::<R>::disarm => fn(CtxGuard<R>) -> Ctx<R>;
    }
    is_debug::<Ctx<R>>();
    is_debug::<CtxGuard<R>>();
    is_debug::<CtxBuilder<R>>();
    is_debug::<WeakCtx<R>>();
}

fn callbacks<R, R2, T: Send + Sync + 'static, F, G>()
where
    F: FnOnce(&Error) + Send + 'static,
    G: Fn(&Failure) + Send + Sync + 'static,
{
    shapes! {
        Ctx::<R>::on_done::<F> => fn(&Ctx<R>, F) -> CallbackId;
        Ctx::<R>::value::<T> => fn(&Ctx<R>) -> Option<Arc<T>>;
        CtxBuilder::<R>::value::<T> => fn(CtxBuilder<R>, T) -> CtxBuilder<R>;
        CtxBuilder::<R>::reporter::<G> => fn(CtxBuilder<R>, G) -> CtxBuilder<R>;
        CtxBuilder::<R>::also_ends_with::<R2> => fn(CtxBuilder<R>, &Ctx<R2>) -> CtxBuilder<R>;
    }
}

async fn finishing<R>(ctx: &Ctx<R>) -> [Finished; 2] {
    [ctx.finish().await, ctx.cancel_and_wait().await]
}

fn finishing_sends<R: Sync>(ctx: &Ctx<R>) {
    drop(sends(ctx.finish()));
    drop(sends(ctx.cancel_and_wait()));
}

/// They own what they need, and have these outputs.
fn futures<R: Timer<Sleep: Send>, F: Future + Send + 'static>() {
    fn gives<F: Future<Output = T>, T>() {}
    gives::<Done, Error>();
    gives::<Stopping, ()>();
    gives::<CtxSleep<R::Sleep>, Result<()>>();
    gives::<RunUntilDone<F>, Result<F::Output>>();
    is_send::<Done>();
    is_send::<Stopping>();
    is_send::<CtxSleep<R::Sleep>>();
    is_send::<RunUntilDone<F>>();
    is_static::<Done>();
    is_static::<Stopping>();
    is_static::<CtxSleep<R::Sleep>>();
    is_static::<RunUntilDone<F>>();
    is_debug::<Done>();
    is_debug::<Stopping>();
    is_debug::<CtxSleep<R::Sleep>>();
    is_debug::<RunUntilDone<F>>();
}

fn spawning<R: Spawner, F, K>()
where
    F: Future<Output: Send + Returns<K>> + Send + 'static,
{
    shapes! {
        Ctx::<R>::spawn::<F, K> => fn(&Ctx<R>, F) -> Task<F::Output>;
        Ctx::<R>::call_soon::<fn()> => fn(&Ctx<R>, fn()) -> CallHandle;
    }
}

fn spawning_fallible<R: Spawner, F: TryFut<Ok: Send> + Send + 'static>() {
    shapes! { Ctx::<R>::try_spawn::<F> => fn(&Ctx<R>, F) -> Task<F::Ok>; }
}

fn spawning_with<R: Spawner, B, F, K, B2, F2>()
where
    B: FnOnce(Ctx<R>) -> F,
    F: Future<Output: Send + Returns<K>> + Send + 'static,
    B2: FnOnce(Ctx<R>) -> F2,
    F2: TryFut<Ok: Send> + Send + 'static,
{
    shapes! {
        Ctx::<R>::spawn_with::<B, F, K> => fn(&Ctx<R>, B) -> Task<F::Output>;
        Ctx::<R>::try_spawn_with::<B2, F2> => fn(&Ctx<R>, B2) -> Task<F2::Ok>;
    }
}

fn spawning_blocking<R: Spawner, W, T, K, W2, T2, E, C>()
where
    W: FnOnce(&Ctx<()>) -> T + Send + 'static,
    T: Returns<K> + Send + 'static,
    W2: FnOnce(&Ctx<()>) -> Result<T2, E> + Send + 'static,
    T2: Send + 'static,
    E: Into<BoxError> + 'static,
    C: FnOnce() + Send + 'static,
{
    shapes! {
        Ctx::<R>::spawn_blocking::<W, T, K> => fn(&Ctx<R>, W) -> Task<T>;
        Ctx::<R>::try_spawn_blocking::<W2, T2, E> => fn(&Ctx<R>, W2) -> Task<T2>;
        Ctx::<R>::call_soon::<C> => fn(&Ctx<R>, C) -> CallHandle;
    }
}

/// A departure: what `try_spawn_local` gives is `Send`, as what `spawn_local` gives was already.
fn spawning_local<R: LocalSpawner, F, K, F2>()
where
    F: Future<Output: Send + Returns<K>> + 'static,
    F2: TryFut<Ok: Send> + 'static,
{
    shapes! {
        Ctx::<R>::spawn_local::<F, K> => fn(&Ctx<R>, F) -> Task<F::Output>;
        Ctx::<R>::try_spawn_local::<F2> => fn(&Ctx<R>, F2) -> Task<F2::Ok>;
    }
}

/// A departure: the types of `Wait` and `Timeout` say `R`, not its sleep.
fn time<R: Timer, W: WaitSet, F: Future>() {
    shapes! {
        Ctx::<R>::now => fn(&Ctx<R>) -> Instant;
        Ctx::<R>::remaining => fn(&Ctx<R>) -> Option<Duration>;
        Ctx::<R>::sleep => fn(&Ctx<R>, Duration) -> CtxSleep<R::Sleep>;
        Ctx::<R>::wait::<W> => fn(&Ctx<R>, W, Until) -> Wait<R, W>;
        Ctx::<R>::timeout::<F> => fn(&Ctx<R>, Duration, F) -> Timeout<R, F>;
    }
}

/// A departure: a ticker has no type parameter and is `Send`, so what it holds is.
fn ticking<R: Timer<Sleep: Send> + Send>() {
    shapes! { Ctx::<R>::ticker => fn(&Ctx<R>, Duration) -> Ticker; }
}

fn runtime<R: Runtime, F: FnOnce() + Send + 'static>() {
    ticking::<R>();
    shapes! {
        CtxBuilder::<R>::timeout => fn(CtxBuilder<R>, Duration) -> CtxBuilder<R>;
        CtxBuilder::<R>::deadline => fn(CtxBuilder<R>, Instant) -> CtxBuilder<R>;
        Ctx::<R>::erase => fn(&Ctx<R>) -> Ctx;
        Ctx::<R>::call_later::<F> => fn(&Ctx<R>, Duration, F) -> CallHandle;
        Ctx::<R>::call_at::<F> => fn(&Ctx<R>, Instant, F) -> CallHandle;
        Ctx::<R>::cleanup => fn(&Ctx<R>, Duration) -> Ctx<R>;
    }
}

async fn shutting_down<R: Runtime>(ctx: &Ctx<R>) -> Finished {
    sends(ctx.shutdown(Duration::ZERO)).await
}

fn calls() {
    shapes! {
        CallHandle::cancel => fn(&CallHandle) -> bool;
        CallHandle::when => fn(&CallHandle) -> Instant;
        CallHandle::has_run => fn(&CallHandle) -> bool;
    }
    is_debug::<CallHandle>();
    is_send::<CallHandle>();
    is_sync::<CallHandle>();
    is_copy::<CallbackId>();
    is_equal::<CallbackId>();
    is_hashed::<CallbackId>();
    is_debug::<CallbackId>();
}

fn failure<'a>(failure: &Failure<'a>) -> (&'a str, &'static Location<'static>, &'a Error) {
    let Failure {
        path,
        spawned_at,
        error,
        ..
    } = failure;
    (path, spawned_at, error)
}

#[test]
fn handles_ending_building_spawning_and_time() {
    type Rt = AnyRuntime;
    type Plain = std::future::Ready<u8>;
    type Fallible = std::future::Ready<Result<u8, BoxError>>;
    let _ = (root::<Rt, String>, failure);
    let _ = (
        finishing::<Mute>,
        finishing_sends::<Mute>,
        shutting_down::<Rt>,
    );
    handles::<(), Mute, &'static str>();
    handles::<std::rc::Rc<()>, Mute, String>();
    any::<Mute, &'static str, &'static str, std::future::Pending<Mute>>();
    any::<Mute, Name, BoxError, Plain>();
    callbacks::<Mute, Mute, u8, fn(&Error), fn(&Failure<'_>)>();
    futures::<Rt, Plain>();
    spawning::<Rt, Plain, windlass::Plain>();
    spawning_fallible::<Rt, Fallible>();
    spawning_with::<Rt, fn(Ctx) -> Plain, Plain, windlass::Plain, fn(Ctx) -> Fallible, Fallible>();
    spawning_blocking::<
        Rt,
        fn(&Ctx<()>) -> u8,
        u8,
        windlass::Plain,
        fn(&Ctx<()>) -> Result<u8, String>,
        u8,
        String,
        fn(),
    >();
    spawning_local::<windlass::testing::SimRuntime, Plain, windlass::Plain, Fallible>();
    time::<Rt, [Ctx; 1], Plain>();
    runtime::<Rt, fn()>();
    calls();
    is_handle::<Ctx>();
    is_handle::<WeakCtx>();
    is_send::<CtxGuard>();
    is_sync::<CtxGuard>();
    is_send::<CtxBuilder>();
    is_unpin::<Ctx>();
}
