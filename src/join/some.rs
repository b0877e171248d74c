//! Policies for which some successes are enough: [`FirstSuccess`], [`AtLeast`].

use std::{
    error::Error as StdError,
    fmt,
    ops::ControlFlow::{self, Break, Continue},
};

use super::JoinPolicy;
use crate::{Error, Result};

/// Gives the first value; errors count only if there is no value at all.
///
/// First is first in time. The other tasks are cancelled, their values dropped.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{FirstSuccess, join_tasks};
///
///     let parse = |text: &'static str| sim.ctx.try_spawn(async move { text.parse::<u8>() });
///     let tasks = ["x", "2", "3"].map(parse);
///     let won = join_tasks(tasks, FirstSuccess::new()).await.unwrap();
///     assert_eq!((won.index, won.value, won.failed.len()), (1, 2, 1));
/// });
/// ```
#[doc(alias = "select_ok")]
#[doc(alias = "any")]
#[doc(alias = "race")]
pub struct FirstSuccess<T>(AtLeast<T>);

/// Gives the first `k` values; or gives up as soon as so many cannot be reached any more.
///
/// The other tasks are cancelled, their values dropped. If `k` is zero, all are.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{AtLeast, join_tasks};
///
///     let parse = |text: &'static str| sim.ctx.try_spawn(async move { text.parse::<u8>() });
///     let tasks = ["x", "2", "3"].map(parse);
///     let quorum = join_tasks(tasks, AtLeast::new(2)).await.unwrap();
///     assert_eq!(quorum.values, [(1, 2), (2, 3)]);
/// });
/// ```
#[doc(alias = "quorum")]
#[doc(alias = "k of n")]
pub struct AtLeast<T> {
    wanted: usize,
    pending: usize,
    values: Vec<(usize, T)>,
    failed: Vec<(usize, Error)>,
}

/// What [`FirstSuccess`] gives.
#[derive(Clone)]
#[non_exhaustive]
pub struct Won<T> {
    /// The place of the winner in the set.
    pub index: usize,
    /// Its value.
    pub value: T,
    /// Those that had failed before, by place, in the order in which they failed.
    pub failed: Vec<(usize, Error)>,
}

/// What [`AtLeast`] gives.
#[derive(Clone)]
#[non_exhaustive]
pub struct Quorum<T> {
    /// The values, by place in the set, in the order in which they came.
    pub values: Vec<(usize, T)>,
    /// Those that had failed before, by place, in the order in which they failed.
    pub failed: Vec<(usize, Error)>,
}

/// Too many have failed.
///
/// Its source is the first failure, or the first cancellation if there is no failure; so it becomes
/// an [`Error`] of that kind.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{AtLeast, Error, join_tasks};
///
///     let tasks = ["x", "2"].map(|text| sim.ctx.try_spawn(async move { text.parse::<u8>() }));
///     let too_few = join_tasks(tasks, AtLeast::new(2)).await.unwrap_err();
///     assert_eq!((too_few.wanted, too_few.failed[0].0), (2, 0));
///     assert!(Error::from(too_few).is::<std::num::ParseIntError>());
/// });
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct NotEnough {
    /// How many successes were wanted.
    pub wanted: usize,
    /// Those that failed or were cancelled, by place, in the order in which they did.
    pub failed: Vec<(usize, Error)>,
}

// ===== AtLeast =====

impl<T> AtLeast<T> {
    /// Makes the policy.
    pub fn new(k: usize) -> Self {
        AtLeast {
            wanted: k,
            pending: 0,
            values: Vec::new(),
            failed: Vec::new(),
        }
    }

    fn verdict(&self) -> ControlFlow<()> {
        let has_enough = self.values.len() >= self.wanted;
        let has_no_chance = self.values.len() + self.pending < self.wanted;
        if has_enough || has_no_chance {
            Break(())
        } else {
            Continue(())
        }
    }
}

impl<T> JoinPolicy<T> for AtLeast<T> {
    type Output = Result<Quorum<T>, NotEnough>;

    fn begin(&mut self, size: usize) -> ControlFlow<()> {
        self.pending = size;
        self.verdict()
    }

    fn take(&mut self, index: usize, outcome: Result<T>) -> ControlFlow<()> {
        self.pending -= 1;
        match outcome {
            Ok(value) => self.values.push((index, value)),
            Err(error) => self.failed.push((index, error)),
        }
        self.verdict()
    }

    fn finish(self) -> Result<Quorum<T>, NotEnough> {
        let AtLeast {
            wanted,
            values,
            failed,
            ..
        } = self;
        if values.len() < wanted {
            return Err(NotEnough { wanted, failed });
        }
        Ok(Quorum { values, failed })
    }
}

// ===== FirstSuccess =====

impl<T> FirstSuccess<T> {
    /// Makes the policy.
    pub fn new() -> Self {
        FirstSuccess(AtLeast::new(1))
    }
}

impl<T> JoinPolicy<T> for FirstSuccess<T> {
    type Output = Result<Won<T>, NotEnough>;

    fn begin(&mut self, size: usize) -> ControlFlow<()> {
        self.0.begin(size)
    }

    fn take(&mut self, index: usize, outcome: Result<T>) -> ControlFlow<()> {
        self.0.take(index, outcome)
    }

    fn finish(self) -> Result<Won<T>, NotEnough> {
        let wanted = self.0.wanted;
        let Quorum { mut values, failed } = self.0.finish()?;
        match values.pop() {
            Some((index, value)) => Ok(Won {
                index,
                value,
                failed,
            }),
            None => Err(NotEnough { wanted, failed }),
        }
    }
}

// ===== NotEnough =====

impl NotEnough {
    /// The failure that tells most: the first that is not a cancellation, or else the first.
    fn first(&self) -> Option<&Error> {
        let errors = || self.failed.iter().map(|(_, error)| error);
        errors()
            .find(|error| !error.is_cancelled())
            .or_else(|| errors().next())
    }
}

impl fmt::Display for NotEnough {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (wanted, failed) = (self.wanted, self.failed.len());
        let noun = if wanted == 1 {
            "success was"
        } else {
            "successes were"
        };
        write!(f, "{wanted} {noun} wanted, {failed} failed")
    }
}

impl From<NotEnough> for Error {
    /// An error of the kind of its source, which keeps all of it.
    fn from(not_enough: NotEnough) -> Self {
        Error::from_user(not_enough)
    }
}

impl StdError for NotEnough {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.first().map(|error| error as &(dyn StdError + 'static))
    }
}

// ===== the rest =====

impl<T> Default for FirstSuccess<T> {
    fn default() -> Self {
        FirstSuccess::new()
    }
}

impl<T> fmt::Debug for FirstSuccess<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FirstSuccess").field(&self.0).finish()
    }
}

impl<T> fmt::Debug for AtLeast<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtLeast")
            .field("wanted", &self.wanted)
            .field("values", &self.values.len())
            .field("failed", &self.failed.len())
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Won<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Won")
            .field("index", &self.index)
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Quorum<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let places: Vec<usize> = self.values.iter().map(|(place, _)| *place).collect();
        f.debug_struct("Quorum")
            .field("values_at", &places)
            .field("failed", &self.failed)
            .finish()
    }
}
