//! Tasks, views of them, and builders.

use std::time::{Duration, Instant};

use windlass::{
    AnyRuntime, BoxError, CallbackId, Ctx, Error, FallibleUseTrySpawn, LocalSpawner, Plain, Result,
    Returns, Runtime, Spawner, Task, TaskBuilder, TaskDone, TaskId, TaskWatch, TryFut,
};

use super::{
    Mute, is_copy, is_debug, is_equal, is_handle, is_hashed, is_send, is_static, is_sync, is_unpin,
    sends, shapes,
};

/// A `Result` matches twice, so that `spawn` does not take it by itself.
fn returns<T, E>() {
    fn is<T: Returns<K>, K>() {}
    is::<T, Plain>();
    is::<Result<T, E>, Plain>();
    is::<Result<T, E>, FallibleUseTrySpawn>();
}

fn fallible<F, T, E>()
where
    F: Future<Output = Result<T, E>>,
    E: Into<BoxError> + 'static,
{
    fn is<F: TryFut<Ok = T, Err = E>, T, E: Into<BoxError> + 'static>() {
        fn gives<F: Future<Output = Result<T, E>>, T, E>() {}
        gives::<F, T, E>();
    }
    is::<F, T, E>();
}

fn task<T, F>()
where
    F: FnOnce(Result<&T, &Error>) + Send + 'static,
{
    fn gives<F: Future<Output = T>, T>() {}
    gives::<Task<T>, Result<T>>();
    shapes! {
        Task::<T>::id => fn(&Task<T>) -> TaskId;
        Task::<T>::name => fn(&Task<T>) -> &str;
        Task::<T>::path => fn(&Task<T>) -> String;
        Task::<T>::cancel => fn(&Task<T>) -> bool;
        Task::<T>::watch => fn(&Task<T>) -> TaskWatch;
        Task::<T>::is_done => fn(&Task<T>) -> bool;
        Task::<T>::is_cancelled => fn(&Task<T>) -> bool;
        Task::<T>::error => fn(&Task<T>) -> Option<Error>;
        Task::<T>::on_done::<F> => fn(&Task<T>, F) -> CallbackId;
        Task::<T>::remove_on_done => fn(&Task<T>, CallbackId) -> bool;
        Task::<T>::has_on_done => fn(&Task<T>, CallbackId) -> bool;
    }
    is_debug::<Task<T>>();
    is_unpin::<Task<T>>();
}

async fn ending<T>(task: Task<T>) -> Result<T> {
    task.cancel_and_wait().await
}

fn ending_sends<T: Send>(task: Task<T>) {
    drop(sends(task.cancel_and_wait()));
    is_send::<Task<T>>();
    is_sync::<Task<T>>();
}

fn watch() {
    fn gives<F: Future<Output = T>, T>() {}
    gives::<TaskDone, Result<()>>();
    shapes! {
        TaskWatch::id => fn(&TaskWatch) -> TaskId;
        TaskWatch::name => fn(&TaskWatch) -> &str;
        TaskWatch::path => fn(&TaskWatch) -> String;
        TaskWatch::is_done => fn(&TaskWatch) -> bool;
        TaskWatch::error => fn(&TaskWatch) -> Option<Error>;
        TaskWatch::cancel => fn(&TaskWatch) -> bool;
        TaskWatch::wait => fn(&TaskWatch) -> TaskDone;
    }
    is_handle::<TaskWatch>();
    is_send::<TaskDone>();
    is_static::<TaskDone>();
    is_debug::<TaskDone>();
}

fn builder<R, T: Send + Sync + 'static>() {
    shapes! {
        TaskBuilder::<R>::silent => fn(TaskBuilder<R>) -> TaskBuilder<R>;
        TaskBuilder::<R>::value::<T> => fn(TaskBuilder<R>, T) -> TaskBuilder<R>;
    }
    is_debug::<TaskBuilder<R>>();
}

/// A departure: `grace` takes time, so it needs a clock.
fn builder_with_time<R: Runtime>() {
    shapes! {
        TaskBuilder::<R>::grace => fn(TaskBuilder<R>, Duration) -> TaskBuilder<R>;
        TaskBuilder::<R>::timeout => fn(TaskBuilder<R>, Duration) -> TaskBuilder<R>;
        TaskBuilder::<R>::deadline => fn(TaskBuilder<R>, Instant) -> TaskBuilder<R>;
    }
}

fn spawning<R: Spawner, F, K, F2>()
where
    F: Future<Output: Send + Returns<K>> + Send + 'static,
    F2: TryFut<Ok: Send> + Send + 'static,
{
    shapes! {
        TaskBuilder::<R>::spawn::<F, K> => fn(TaskBuilder<R>, F) -> Task<F::Output>;
        TaskBuilder::<R>::try_spawn::<F2> => fn(TaskBuilder<R>, F2) -> Task<F2::Ok>;
    }
}

fn spawning_with<R: Spawner, B, F, K, B2, F2>()
where
    B: FnOnce(Ctx<R>) -> F,
    F: Future<Output: Send + Returns<K>> + Send + 'static,
    B2: FnOnce(Ctx<R>) -> F2,
    F2: TryFut<Ok: Send> + Send + 'static,
{
    shapes! {
        TaskBuilder::<R>::spawn_with::<B, F, K> => fn(TaskBuilder<R>, B) -> Task<F::Output>;
        TaskBuilder::<R>::try_spawn_with::<B2, F2> => fn(TaskBuilder<R>, B2) -> Task<F2::Ok>;
    }
}

fn spawning_blocking<R: Spawner, W, T, K, W2, T2, E>()
where
    W: FnOnce(&Ctx<()>) -> T + Send + 'static,
    T: Returns<K> + Send + 'static,
    W2: FnOnce(&Ctx<()>) -> Result<T2, E> + Send + 'static,
    T2: Send + 'static,
    E: Into<BoxError> + 'static,
{
    shapes! {
        TaskBuilder::<R>::spawn_blocking::<W, T, K> => fn(TaskBuilder<R>, W) -> Task<T>;
        TaskBuilder::<R>::try_spawn_blocking::<W2, T2, E> => fn(TaskBuilder<R>, W2) -> Task<T2>;
    }
}

/// A departure: the outputs are `Send`, since the handles are.
fn spawning_local<R: LocalSpawner, F, K, F2>()
where
    F: Future<Output: Send + Returns<K>> + 'static,
    F2: TryFut<Ok: Send> + 'static,
{
    shapes! {
        TaskBuilder::<R>::spawn_local::<F, K> => fn(TaskBuilder<R>, F) -> Task<F::Output>;
        TaskBuilder::<R>::try_spawn_local::<F2> => fn(TaskBuilder<R>, F2) -> Task<F2::Ok>;
    }
}

#[test]
fn tasks_views_and_builders() {
    type Ready = std::future::Ready<u8>;
    type Fallible = std::future::Ready<Result<u8, BoxError>>;
    type Rt = AnyRuntime;
    let _ = (ending::<Mute>, ending_sends::<Mute>);
    returns::<Mute, Mute>();
    fallible::<Fallible, u8, BoxError>();
    task::<Mute, fn(Result<&Mute, &Error>)>();
    watch();
    builder::<Mute, u8>();
    builder_with_time::<Rt>();
    spawning::<Rt, Ready, Plain, Fallible>();
    spawning_with::<Rt, fn(Ctx) -> Ready, Ready, Plain, fn(Ctx) -> Fallible, Fallible>();
    type Work = fn(&Ctx<()>) -> u8;
    type TryWork = fn(&Ctx<()>) -> Result<u8, String>;
    spawning_blocking::<Rt, Work, u8, Plain, TryWork, u8, String>();
    spawning_local::<windlass::testing::SimRuntime, Ready, Plain, Fallible>();
    is_send::<TaskBuilder>();
    is_copy::<TaskId>();
    is_equal::<TaskId>();
    is_hashed::<TaskId>();
    is_debug::<TaskId>();
}
