//! Erased runtimes: [`AnyRuntime`] and [`AnySleep`].

use std::{
    any::Any,
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use super::{Kept, Runtime, Sleep, Spawner, Timer};

/// Any runtime behind one type. Cloning it is cheap.
///
/// Erasing costs one allocation per task (the future is boxed) and one per armed sleep. Erasing
/// what is erased already is a clone.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{AnyRuntime, Ctx, Runtime};
///
///     let rt = AnyRuntime::new(sim.rt.clone());
///     fn is_runtime(_: &impl Runtime) {}
///     is_runtime(&rt);
///     let task = Ctx::root_on("app", rt).spawn(async { 1 });
///     assert_eq!(task.await.unwrap(), 1);
/// });
/// ```
#[derive(Clone)]
pub struct AnyRuntime(Arc<dyn ErasedRuntime>);

/// Any timer's sleep behind one type.
///
/// # Cancel safety
///
/// Dropping it disarms it and loses nothing.
#[must_use = "a sleep does nothing unless it is awaited"]
pub struct AnySleep(Pin<Box<dyn Sleep + Send>>);

trait ErasedRuntime: Send + Sync {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Kept;
    fn width(&self) -> usize;
    fn in_a_row(&self) -> usize;
    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>);
    fn now(&self) -> Instant;
    fn sleep_until(&self, deadline: Instant) -> AnySleep;
    fn sleep_after(&self, duration: Duration, deadline: &mut Option<Instant>) -> AnySleep;
}

// ===== impl AnyRuntime =====

impl AnyRuntime {
    /// Erases `rt`.
    pub fn new<R: Runtime>(rt: R) -> Self {
        match (&rt as &dyn Any).downcast_ref::<AnyRuntime>() {
            Some(erased) => erased.clone(),
            None => AnyRuntime(Arc::new(rt)),
        }
    }
}

impl<R: Runtime> ErasedRuntime for R {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Kept {
        self.spawn_kept(future)
    }

    fn width(&self) -> usize {
        Spawner::width(self)
    }

    fn in_a_row(&self) -> usize {
        Spawner::in_a_row(self)
    }

    fn spawn_blocking(&self, work: Box<dyn FnOnce() + Send>) {
        Spawner::spawn_blocking(self, work);
    }

    fn now(&self) -> Instant {
        Timer::now(self)
    }

    fn sleep_until(&self, deadline: Instant) -> AnySleep {
        AnySleep::new(Timer::sleep_until(self, deadline))
    }

    fn sleep_after(&self, duration: Duration, deadline: &mut Option<Instant>) -> AnySleep {
        AnySleep::new(self.clone().into_sleep(duration, deadline))
    }
}

impl Spawner for AnyRuntime {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.spawn_kept(future));
    }

    fn spawn_kept<F>(&self, future: F) -> Kept
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.0.spawn(Box::pin(future))
    }

    fn width(&self) -> usize {
        self.0.width()
    }

    fn in_a_row(&self) -> usize {
        self.0.in_a_row()
    }

    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        self.0.spawn_blocking(Box::new(work));
    }
}

impl Timer for AnyRuntime {
    type Sleep = AnySleep;

    fn now(&self) -> Instant {
        self.0.now()
    }

    fn sleep_until(&self, deadline: Instant) -> AnySleep {
        self.0.sleep_until(deadline)
    }

    fn into_sleep(self, duration: Duration, deadline: &mut Option<Instant>) -> AnySleep {
        self.0.sleep_after(duration, deadline)
    }
}

impl fmt::Debug for AnyRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyRuntime").finish_non_exhaustive()
    }
}

// ===== impl AnySleep =====

impl AnySleep {
    /// Boxes `sleep`; what is boxed already is not boxed again.
    pub fn new<S: Sleep + Send>(sleep: S) -> Self {
        let mut sleep = Some(sleep);
        match (&mut sleep as &mut dyn Any).downcast_mut::<Option<AnySleep>>() {
            Some(erased) => erased
                .take()
                .unwrap_or_else(|| unreachable!("put there just above")),
            None => AnySleep(Box::pin(
                sleep.unwrap_or_else(|| unreachable!("put there just above")),
            )),
        }
    }
}

impl Future for AnySleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx)
    }
}

impl Sleep for AnySleep {
    fn reset(mut self: Pin<&mut Self>, deadline: Instant) {
        self.0.as_mut().reset(deadline);
    }

    fn is_orphaned(&self) -> bool {
        self.0.is_orphaned()
    }
}

impl fmt::Debug for AnySleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnySleep").finish_non_exhaustive()
    }
}
