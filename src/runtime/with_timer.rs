//! [`WithTimer`]: an executor of one crate with the clock of another.

use std::{
    fmt,
    future::Future,
    time::{Duration, Instant},
};

use super::{BlockOn, Kept, LocalSpawner, Spawner, Timer};
use crate::Result;

/// A spawner together with a timer: a [`Runtime`](super::Runtime) made of two halves.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::{Ctx, WithTimer, testing::VirtualClock};
///
///     let clock = VirtualClock::new();
///     let rt = WithTimer::new(sim.rt.clone(), clock.clone()); // its tasks, another clock
///     let app = Ctx::root("app", rt);
///     let sleeps = app.clone();
///     let task = app.try_spawn(async move { sleeps.sleep(Duration::from_secs(5)).await });
///     clock.advance(Duration::from_secs(5)).await;
///     assert!(task.await.is_ok());
/// });
/// ```
#[derive(Clone)]
pub struct WithTimer<S, T> {
    spawner: S,
    timer: T,
}

impl<S, T: Timer> WithTimer<S, T> {
    /// Joins `spawner` and `timer`.
    pub fn new(spawner: S, timer: T) -> Self {
        WithTimer { spawner, timer }
    }

    /// Returns the spawner inside.
    pub fn spawner(&self) -> &S {
        &self.spawner
    }
}

impl<S: Spawner, T: Timer + Send + Sync> Spawner for WithTimer<S, T> {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawner.spawn(future);
    }

    fn spawn_kept<F>(&self, future: F) -> Kept
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.spawner.spawn_kept(future)
    }

    fn width(&self) -> usize {
        self.spawner.width()
    }

    fn in_a_row(&self) -> usize {
        self.spawner.in_a_row()
    }

    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        self.spawner.spawn_blocking(work);
    }
}

impl<S: LocalSpawner, T: Timer> LocalSpawner for WithTimer<S, T> {
    fn spawn_local<F>(&self, future: F)
    where
        F: Future<Output = ()> + 'static,
    {
        self.spawner.spawn_local(future);
    }
}

impl<S: Clone + 'static, T: Timer> Timer for WithTimer<S, T> {
    type Sleep = T::Sleep;

    fn now(&self) -> Instant {
        self.timer.now()
    }

    fn sleep_until(&self, deadline: Instant) -> T::Sleep {
        self.timer.sleep_until(deadline)
    }

    fn into_sleep(self, duration: Duration, deadline: &mut Option<Instant>) -> T::Sleep {
        self.timer.into_sleep(duration, deadline)
    }
}

impl<S: BlockOn, T> BlockOn for WithTimer<S, T> {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        self.spawner.block_on(future)
    }
}

impl<S, T> fmt::Debug for WithTimer<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithTimer").finish_non_exhaustive()
    }
}
