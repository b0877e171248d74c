//! A tokio task that a context takes over.

use std::{
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll, ready},
};

use tokio::task::{JoinError, JoinHandle};

use crate::{
    Ctx, Error, Result, Spawner, Task,
    error::{Cancelled, Panicked},
};

/// Has `ctx` own a task that was spawned on tokio itself.
///
/// It is aborted when the context ends, or when the [`Task`] is cancelled; it is counted and waited
/// for as any other. Dropping the `Task` detaches it from its owner, not from the context.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, adapters::{Tokio, bridges::adopt_join_handle}};
///
/// let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
/// rt.block_on(async {
///     let app = Ctx::root("app", Tokio::current());
///     let task = adopt_join_handle(&app, tokio::spawn(async { 7 }));
///     assert_eq!(task.await.unwrap(), 7);
/// });
/// ```
#[track_caller]
pub fn adopt_join_handle<R, T>(ctx: &Ctx<R>, handle: JoinHandle<T>) -> Task<T>
where
    R: Spawner,
    T: Send + 'static,
{
    let (path, caller) = (ctx.path(), Location::caller());
    let adopted = Adopted {
        handle,
        path,
        caller,
    };
    ctx.task("adopted").try_spawn(adopted)
}

/// Aborts the task when it is dropped.
struct Adopted<T> {
    handle: JoinHandle<T>,
    path: String,
    caller: &'static Location<'static>,
}

impl<T> Adopted<T> {
    fn why(&self, error: JoinError) -> Error {
        match error.try_into_panic() {
            Ok(payload) => Error::Panicked(Panicked::new(payload)),
            Err(_) => {
                let reason = Some("the tokio task was aborted".into());
                Error::Cancelled(Cancelled::new(self.path.clone(), reason, self.caller, None))
            }
        }
    }
}

impl<T> Future for Adopted<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let joined = ready!(Pin::new(&mut self.handle).poll(cx)); // pending: tokio will wake us
        Poll::Ready(joined.map_err(|error| self.why(error)))
    }
}

impl<T> Drop for Adopted<T> {
    fn drop(&mut self) {
        self.handle.abort();
    }
}
