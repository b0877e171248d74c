//! The runtime traits, as somebody implements them who has read only what was published.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use windlass::{
    AnyRuntime, AnySleep, BlockOn, LocalSpawner, Result, Runtime, Sleep, Spawner, Timer, WithTimer,
};

use super::{is_clone, is_debug, is_handle, shapes};

/// Only what is required.
#[derive(Clone)]
struct Least;

impl Spawner for Least {
    fn spawn<F>(&self, _: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
    }
}

impl LocalSpawner for Least {
    fn spawn_local<F>(&self, _: F)
    where
        F: Future<Output = ()> + 'static,
    {
    }
}

impl Timer for Least {
    type Sleep = Nap;
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn sleep_until(&self, _: Instant) -> Nap {
        Nap
    }
}

struct Nap;

impl Future for Nap {
    type Output = ();
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }
}

impl Sleep for Nap {
    fn reset(self: Pin<&mut Self>, _: Instant) {}
}

impl BlockOn for Least {
    fn block_on<F: Future>(&self, _: F) -> Result<F::Output> {
        Err("not here".into())
    }
}

/// Everything that may be given.
#[derive(Clone)]
struct Most;

impl Spawner for Most {
    fn spawn<F>(&self, _: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
    }
    fn spawn_blocking<W>(&self, _: W)
    where
        W: FnOnce() + Send + 'static,
    {
    }
}

impl Timer for Most {
    type Sleep = AnySleep;
    fn now(&self) -> Instant {
        Instant::now()
    }
    fn sleep_until(&self, _: Instant) -> AnySleep {
        AnySleep::new(Nap)
    }
    fn sleep(&self, _: Duration) -> AnySleep {
        AnySleep::new(Nap)
    }
}

/// What the traits demand of who implements them, and promise to who uses them.
fn spawner<S: Spawner, F, W>()
where
    F: Future<Output = ()> + Send + 'static,
    W: FnOnce() + Send + 'static,
{
    fn demands<S: Clone + Send + Sync + 'static>() {}
    demands::<S>();
    shapes! {
        S::spawn::<F> => fn(&S, F);
        S::spawn_blocking::<W> => fn(&S, W);
    }
}

fn local_spawner<S: LocalSpawner, F: Future<Output = ()> + 'static>() {
    fn demands<S: Clone + 'static>() {}
    demands::<S>();
    shapes! { S::spawn_local::<F> => fn(&S, F); }
}

fn timer<T: Timer>() {
    fn demands<T: Clone + 'static>() {}
    demands::<T>();
    fn sleeps<S: Future<Output = ()> + 'static>() {}
    sleeps::<T::Sleep>();
    shapes! {
        T::now => fn(&T) -> Instant;
        T::sleep_until => fn(&T, Instant) -> T::Sleep;
        T::sleep => fn(&T, Duration) -> T::Sleep;
        T::Sleep::reset => fn(Pin<&mut T::Sleep>, Instant);
    }
}

fn block_on<B: BlockOn, F: Future>() {
    shapes! { B::block_on::<F> => fn(&B, F) -> Result<F::Output>; }
}

/// It is both of its halves, and whatever is both is it.
fn runtime<R: Runtime>() {
    fn halves<R: Spawner + Timer<Sleep: Send>>() {
        is_runtime::<R>();
    }
    fn is_runtime<R: Runtime>() {}
    halves::<R>();
    shapes! { AnyRuntime::new::<R> => fn(R) -> AnyRuntime; }
}

fn with_timer<S, T: Timer>() {
    shapes! {
        WithTimer::<S, T>::new => fn(S, T) -> WithTimer<S, T>;
        WithTimer::<S, T>::spawner => fn(&WithTimer<S, T>) -> &S;
    }
}

#[test]
fn traits_and_what_combines_and_erases_them() {
    spawner::<Least, std::future::Ready<()>, fn()>();
    spawner::<Most, std::future::Ready<()>, fn()>();
    spawner::<AnyRuntime, std::future::Ready<()>, fn()>();
    spawner::<WithTimer<Least, Most>, std::future::Ready<()>, fn()>();
    local_spawner::<Least, std::future::Ready<()>>();
    local_spawner::<WithTimer<Least, Most>, std::future::Ready<()>>();
    timer::<Least>();
    timer::<AnyRuntime>();
    timer::<WithTimer<Least, Most>>();
    block_on::<Least, std::future::Ready<()>>();
    runtime::<Most>();
    runtime::<AnyRuntime>();
    runtime::<WithTimer<Least, Most>>();
    with_timer::<super::Mute, Most>();
    is_handle::<AnyRuntime>();
    is_clone::<WithTimer<Least, Most>>();
    is_debug::<WithTimer<super::Mute, Most>>();
}
