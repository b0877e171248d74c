//! `hyper::rt`: its executor and its timer, on any of our runtimes.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Mutex,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt;

use crate::{Ctx, Sleep, Spawner, Timer};

/// Runs what hyper spawns as tasks of a context: they end with it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use hyper::rt::Executor;
///     use windlass::adapters::bridges::HyperExecutor;
///
///     let server = sim.ctx.child("server");
///     HyperExecutor::new(&server).execute(async { "a connection" });
///     assert_eq!(server.finish().await.completed, 1);
/// });
/// ```
#[derive(Clone)]
pub struct HyperExecutor<R>(Ctx<R>);

impl<R: Clone> HyperExecutor<R> {
    /// Makes an executor of a context.
    pub fn new(ctx: &Ctx<R>) -> Self {
        HyperExecutor(ctx.clone())
    }
}

impl<R, F> rt::Executor<F> for HyperExecutor<R>
where
    R: Spawner,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        // Its context owns it; hyper wants no outcome.
        drop(
            self.0
                .task("hyper")
                .spawn(async move { drop(future.await) }),
        );
    }
}

/// Gives hyper the clock of a runtime.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use hyper::rt::Timer;
///     use std::time::Duration;
///     use windlass::adapters::bridges::HyperTimer;
///
///     let timer = HyperTimer::new(sim.clock.clone());
///     timer.sleep(Duration::from_secs(3)).await;
///     assert_eq!(sim.clock.elapsed(), Duration::from_secs(3));
/// });
/// ```
#[derive(Clone, Debug)]
pub struct HyperTimer<T>(T);

impl<T: Timer> HyperTimer<T> {
    /// Makes a timer of a runtime, or of a clock alone.
    pub fn new(timer: T) -> Self {
        HyperTimer(timer)
    }
}

impl<T> rt::Timer for HyperTimer<T>
where
    T: Timer<Sleep: Send> + Send + Sync,
{
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(HyperSleep(Mutex::new(Box::pin(self.0.sleep(duration)))))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn rt::Sleep>> {
        Box::pin(HyperSleep(Mutex::new(Box::pin(
            self.0.sleep_until(deadline),
        ))))
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn rt::Sleep>>, deadline: Instant) {
        *sleep = self.sleep_until(deadline);
    }
}

/// The lock is never taken: it makes a sleep `Sync`, as hyper wants it.
struct HyperSleep<S>(Mutex<Pin<Box<S>>>);

impl<S: Sleep> Future for HyperSleep<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.0.get_mut() {
            Ok(sleep) => sleep.as_mut().poll(cx),
            Err(poisoned) => poisoned.into_inner().as_mut().poll(cx),
        }
    }
}

impl<S: Sleep + Send> rt::Sleep for HyperSleep<S> {}

impl<R> fmt::Debug for HyperExecutor<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HyperExecutor").field(&self.0).finish()
    }
}
