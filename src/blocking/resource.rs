//! [`Resource`]: what has to be finished asynchronously, whatever happens in between.
//!
//! # Invariants
//!
//! 1. A resource is in [`Held`] before its `start` is first polled, and leaves it in the one place
//!    that spawns its `finish`. So `finish` is called at most once, and for whatever was started.
//! 2. `finish` runs in a task of its own, in a cleanup context ([`finishing`](super::finishing)). So
//!    it goes on when the waiting for it is dropped, when the context ends, and while another
//!    resource's `finish` hangs.

use std::{future::Future, mem, panic::AssertUnwindSafe};

use async_trait::async_trait;
use futures::FutureExt as _;

use super::finishing::{finish_all, finish_one, only_wait};
use crate::{BoxError, Ctx, Error, Result, Runtime, Task, error::Panicked, report::isolate};

/// Something to be started before its use and finished after it, both asynchronously.
///
/// It is dyn-compatible; implementations put [`#[windlass::async_trait]`](crate::async_trait) on
/// the `impl`.
///
/// # Contract
///
/// Under [`with_resource`] and [`with_resources`], `finish` is called at most once, and exactly
/// once as long as the executor runs, for everything whose `start` has begun: also if that failed,
/// panicked, or was dropped half way.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use windlass::{BoxError, Ctx, Error, Resource, adapters::Embedded, ok, with_resource};
///
/// #[derive(Default)]
/// struct Connection { is_open: bool }
///
/// #[windlass::async_trait]
/// impl Resource for Connection {
///     async fn start(&mut self) -> Result<(), BoxError> {
///         self.is_open = true;
///         Ok(())
///     }
///     async fn finish(&mut self, why: Option<&Error>) -> Result<(), BoxError> {
///         assert!(why.is_none());
///         self.is_open = false;
///         Ok(())
///     }
/// }
///
/// let ctx = Ctx::root("app", Embedded::global());
/// let scope = with_resource(&ctx, Connection::default(), async |connection| {
///     ok(connection.is_open)
/// });
/// assert!(futures::executor::block_on(scope).unwrap());
/// # }
/// ```
#[async_trait]
pub trait Resource: Send {
    /// Makes it ready for use.
    ///
    /// # Errors
    ///
    /// What keeps it from being used. The body is not run then, and `finish` is called all the
    /// same.
    ///
    /// # Cancel safety
    ///
    /// If the context ends meanwhile, the future is dropped where it is, and `finish` is called: it
    /// undoes whatever is there by then.
    async fn start(&mut self) -> Result<(), BoxError>;

    /// Undoes what `start` did, or what there is of it.
    ///
    /// `why` is `None` after a body that succeeded. It may take 30 seconds, and is dropped then.
    ///
    /// # Errors
    ///
    /// What went wrong. It is what [`with_resource`] returns, unless there is an error before it;
    /// then it is reported.
    ///
    /// # Cancel safety
    ///
    /// The future is dropped when its time is over, and with the executor; nobody else drops it.
    async fn finish(&mut self, why: Option<&Error>) -> Result<(), BoxError>;
}

#[async_trait]
impl<S: Resource + ?Sized> Resource for Box<S> {
    async fn start(&mut self) -> Result<(), BoxError> {
        (**self).start().await
    }

    async fn finish(&mut self, why: Option<&Error>) -> Result<(), BoxError> {
        (**self).finish(why).await
    }
}

/// Starts `res`, runs `body` with it, finishes it, and gives what the body returned.
///
/// `finish` is called also if `start` or the body fails, panics, or is dropped because the context
/// has ended or this future is dropped. It runs in a [cleanup](Ctx::cleanup) context, so that it
/// can still wait for something, and it is waited for. If the context had ended before, neither
/// `start` nor `finish` is called.
///
/// # Errors
///
/// The first of these that there is: the error of `start`; that of the body; the panic of one of
/// them, as [`Error::Panicked`]; the error that the context ended with; what went wrong in
/// `finish`, which is a cancellation caused by a [`TimedOut`](crate::TimedOut) if it took too long.
/// What goes wrong in `finish` after another error is reported, as the failure of any task.
///
/// # Cancel safety
///
/// If the future is dropped, the body is dropped, and `finish` runs all the same, without anybody
/// waiting for it but the context above. While `finish` runs, dropping the future changes nothing
/// for it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{BoxError, Error, Event, Resource, with_resource};
///
///     struct Lamp(Event);
///
///     #[windlass::async_trait]
///     impl Resource for Lamp {
///         async fn start(&mut self) -> Result<(), BoxError> {
///             Ok(self.0.set())
///         }
///         async fn finish(&mut self, _why: Option<&Error>) -> Result<(), BoxError> {
///             Ok(self.0.clear())
///         }
///     }
///
///     let lit = Event::new();
///     let body = async |lamp: &mut Lamp| {
///         assert!(lamp.0.is_set());
///         Err::<(), _>("the bulb is gone")
///     };
///     let outcome = with_resource(&sim.ctx, Lamp(lit.clone()), body).await;
///     assert_eq!(outcome.unwrap_err().to_string(), "the bulb is gone");
///     assert!(!lit.is_set(), "finished all the same");
/// });
/// ```
pub async fn with_resource<R, Res, T, E, B>(ctx: &Ctx<R>, res: Res, body: B) -> Result<T>
where
    R: Runtime,
    Res: Resource + 'static,
    B: AsyncFnOnce(&mut Res) -> Result<T, E>,
    E: Into<BoxError> + 'static,
{
    let mut held = Held::new(ctx);
    let work = async {
        let res = held.start(res).await?;
        body(res).await.map_err(Error::from_user)
    };
    let outcome = run_guarded(ctx, work).await;
    held.finish(outcome).await
}

/// Starts all in order, runs `body`, and finishes them in reverse order.
///
/// If one cannot be started, those before it and itself are finished, and the body is not run.
/// Each `finish` has its own 30 seconds, and one that fails, panics or hangs does not keep the
/// others from being called. In all else it is like [`with_resource`].
///
/// # Errors
///
/// Those of [`with_resource`]. If several go wrong in `finish`, the first is given and the others
/// are reported.
///
/// # Cancel safety
///
/// That of [`with_resource`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use windlass::{BoxError, Ctx, Error, Event, Resource, adapters::Embedded, ok, with_resources};
///
/// struct Part(Event);
///
/// #[windlass::async_trait]
/// impl Resource for Part {
///     async fn start(&mut self) -> Result<(), BoxError> {
///         Ok(self.0.set())
///     }
///     async fn finish(&mut self, _why: Option<&Error>) -> Result<(), BoxError> {
///         Ok(self.0.clear())
///     }
/// }
///
/// let ctx = Ctx::root("app", Embedded::global());
/// let (a, b) = (Event::new(), Event::new());
/// let parts: Vec<Box<dyn Resource>> = vec![Box::new(Part(a.clone())), Box::new(Part(b.clone()))];
/// let scope = with_resources(&ctx, parts, async || ok(a.is_set() && b.is_set()));
/// assert!(futures::executor::block_on(scope).unwrap());
/// assert!(!a.is_set() && !b.is_set());
/// # }
/// ```
pub async fn with_resources<R, T, E, B>(
    ctx: &Ctx<R>,
    all: Vec<Box<dyn Resource>>,
    body: B,
) -> Result<T>
where
    R: Runtime,
    B: AsyncFnOnce() -> Result<T, E>,
    E: Into<BoxError> + 'static,
{
    let mut held = Held::new(ctx);
    let work = async {
        for res in all {
            held.start(res).await?;
        }
        body().await.map_err(Error::from_user)
    };
    let outcome = run_guarded(ctx, work).await;
    held.finish(outcome).await
}

/// Runs `work` while the context goes on; its panic becomes an error.
async fn run_guarded<R, T>(ctx: &Ctx<R>, work: impl Future<Output = Result<T>>) -> Result<T> {
    match AssertUnwindSafe(ctx.run_until_done(work))
        .catch_unwind()
        .await
    {
        Ok(returned) => returned?,
        Err(payload) => Err(Error::Panicked(Panicked::new(payload))),
    }
}

/// What has begun to start; spawns its `finish`, when it goes at the latest.
struct Held<R: Runtime, Res: Resource + 'static> {
    ctx: Ctx<R>,
    begun: Vec<Res>,
}

impl<R: Runtime, Res: Resource + 'static> Held<R, Res> {
    fn new(ctx: &Ctx<R>) -> Self {
        Held {
            ctx: ctx.clone(),
            begun: Vec::new(),
        }
    }

    async fn start(&mut self, res: Res) -> Result<&mut Res> {
        let at = self.begun.len();
        self.begun.push(res);
        let res = &mut self.begun[at];
        res.start().await.map_err(Error::from_user)?;
        Ok(res)
    }

    /// Waits for the finishing, and decides which error counts.
    async fn finish<T>(mut self, outcome: Result<T>) -> Result<T> {
        let Some(task) = self.begin_finish(outcome.as_ref().err().cloned()) else {
            return outcome;
        };
        match outcome {
            Ok(value) => task.await.map(|()| value),
            Err(error) => {
                only_wait(task).await;
                Err(error)
            }
        }
    }

    fn begin_finish(&mut self, why: Option<Error>) -> Option<Task<()>> {
        let mut begun = mem::take(&mut self.begun);
        if begun.len() > 1 {
            return Some(finish_all(&self.ctx, begun, why));
        }
        begun.pop().map(|res| finish_one(&self.ctx, res, why))
    }

    fn dropped(&self) -> Error {
        let node = self.ctx.node();
        let reason = Some("its scope being dropped".into());
        node.outcome()
            .unwrap_or_else(|| node.cancelled(reason, node.created_at(), None))
    }
}

impl<R: Runtime, Res: Resource + 'static> Drop for Held<R, Res> {
    fn drop(&mut self) {
        if !self.begun.is_empty() {
            let why = Some(self.dropped());
            // A drop must not panic, whatever the runtime does. Detached, it goes on.
            isolate("a runtime's spawn", || drop(self.begin_finish(why)));
        }
    }
}
