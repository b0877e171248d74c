//! Policies that are about every task: [`AllSettled`], [`FailFast`], [`Within`].

use std::{
    fmt,
    future::Future,
    ops::ControlFlow::{self, Break, Continue},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use super::JoinPolicy;
use crate::{Ctx, CtxSleep, Error, Result, Timer};

/// Waits for all and gives every outcome, in the order of the set. It has no losers.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{AllSettled, join_tasks};
///
///     let tasks = ["1", "x"].map(|text| sim.ctx.try_spawn(async move { text.parse::<u8>() }));
///     let settled = join_tasks(tasks, AllSettled::new()).await;
///     assert_eq!(*settled[0].as_ref().unwrap(), 1);
///     assert!(settled[1].as_ref().unwrap_err().is_failed());
/// });
/// ```
#[doc(alias = "join_all")]
pub struct AllSettled<T>(Vec<Option<Result<T>>>);

/// Gives all values, in the order of the set; the first error decides and is what it gives.
///
/// First is first in time. The other tasks are cancelled, their values dropped.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{FailFast, join_tasks};
///
///     let endless = sim.ctx.try_spawn(async { std::future::pending::<Result<u8, &str>>().await });
///     let fails = sim.ctx.try_spawn(async { Err::<u8, _>("broken") });
///     let watch = endless.watch();
///     let error = join_tasks([endless, fails], FailFast::new()).await.unwrap_err();
///     assert_eq!(error.to_string(), "broken");
///     assert!(watch.error().unwrap().is_cancelled());
/// });
/// ```
#[doc(alias = "try_join_all")]
#[doc(alias = "errgroup")]
pub struct FailFast<T> {
    values: Vec<Option<T>>,
    error: Option<Error>,
}

/// Waits until all have ended or the time is over, and gives every outcome, in the order of the
/// set.
///
/// What still runs then is cancelled; its outcome is that cancellation, unless it returned
/// something all the same. It also is over when the context ends whose clock it uses.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::{Within, join_tasks};
///
///     let quick = sim.ctx.spawn(async { 1 });
///     let slow = sim.ctx.spawn(std::future::pending::<u32>());
///     let limit = Duration::from_secs(3);
///     let outcomes = join_tasks([quick, slow], Within::new(&sim.ctx, limit)).await;
///     assert_eq!(*outcomes[0].as_ref().unwrap(), 1);
///     assert!(outcomes[1].is_err());
///     assert_eq!(sim.clock.elapsed(), limit);
/// });
/// ```
#[doc(alias = "partial")]
#[doc(alias = "deadline")]
pub struct Within<T, S> {
    settled: AllSettled<T>,
    sleep: Pin<Box<CtxSleep<S>>>,
}

// ===== AllSettled =====

impl<T> AllSettled<T> {
    /// Makes the policy.
    pub fn new() -> Self {
        AllSettled(Vec::new())
    }
}

impl<T> JoinPolicy<T> for AllSettled<T> {
    type Output = Vec<Result<T>>;

    fn begin(&mut self, size: usize) -> ControlFlow<()> {
        self.0.resize_with(size, || None);
        Continue(())
    }

    fn take(&mut self, index: usize, outcome: Result<T>) -> ControlFlow<()> {
        self.0[index] = Some(outcome);
        Continue(())
    }

    fn finish(self) -> Vec<Result<T>> {
        self.0.into_iter().flatten().collect()
    }
}

// ===== FailFast =====

impl<T> FailFast<T> {
    /// Makes the policy.
    pub fn new() -> Self {
        FailFast {
            values: Vec::new(),
            error: None,
        }
    }
}

impl<T> JoinPolicy<T> for FailFast<T> {
    type Output = Result<Vec<T>>;

    fn begin(&mut self, size: usize) -> ControlFlow<()> {
        self.values.resize_with(size, || None);
        Continue(())
    }

    fn take(&mut self, index: usize, outcome: Result<T>) -> ControlFlow<()> {
        match outcome {
            Ok(value) => {
                self.values[index] = Some(value);
                Continue(())
            }
            Err(error) => {
                self.error = Some(error);
                Break(())
            }
        }
    }

    fn finish(self) -> Result<Vec<T>> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.values.into_iter().flatten().collect()),
        }
    }
}

// ===== Within =====

impl<T, S> Within<T, S> {
    /// Makes the policy. The time begins now, on the clock of `ctx`.
    pub fn new<R: Timer<Sleep = S>>(ctx: &Ctx<R>, d: Duration) -> Self {
        Within {
            settled: AllSettled::new(),
            sleep: Box::pin(ctx.sleep(d)),
        }
    }
}

impl<T, S: crate::Sleep> JoinPolicy<T> for Within<T, S> {
    type Output = Vec<Result<T>>;

    fn begin(&mut self, size: usize) -> ControlFlow<()> {
        self.settled.begin(size)
    }

    fn take(&mut self, index: usize, outcome: Result<T>) -> ControlFlow<()> {
        self.settled.take(index, outcome)
    }

    fn poll_cut(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx).map(drop) // pending: the clock or the context will wake us
    }

    fn wants_rest(&self) -> bool {
        true
    }

    fn finish(self) -> Vec<Result<T>> {
        self.settled.finish()
    }
}

// ===== the rest =====

impl<T> Default for AllSettled<T> {
    fn default() -> Self {
        AllSettled::new()
    }
}

impl<T> Default for FailFast<T> {
    fn default() -> Self {
        FailFast::new()
    }
}

impl<T> fmt::Debug for AllSettled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllSettled").finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for FailFast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailFast")
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}

impl<T, S> fmt::Debug for Within<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Within").finish_non_exhaustive()
    }
}
