//! How a task gets its outcome: fixing it, lending it to callbacks, putting it where it stays.

use std::task::Waker;

use super::{DETACHED, DONE, OVER, Outcome, STOPPED, Shared, Step, Stored, TAKEN, TaskCore};
use crate::{
    Error, Result,
    ctx::ending::Ending,
    sync::{lock, mutant},
};

impl<T> TaskCore<T> {
    /// The step out of `Running`; false if somebody else took it (invariant 1).
    pub(in crate::task) fn begin_completion(&self) -> bool {
        let mut shared = lock(&self.shared);
        if !self.set(&shared, DONE) && !mutant("complete_twice") {
            return false;
        }
        shared.outcome = Outcome::Lent;
        let waker = shared.waker.take();
        drop(shared);
        drop(waker); // invariant 4
        true
    }

    /// Both steps at once, for a task that nobody but its joiner listens to; else hands it back.
    pub(in crate::task) fn complete_quietly(
        &self,
        outcome: Result<T>,
    ) -> Result<Step<T>, Result<T>> {
        let mut shared = lock(&self.shared);
        if shared.rest.is_some() || self.has(DONE) || mutant("complete_twice") {
            return Err(outcome);
        }
        let waker = shared.waker.take();
        let step = self.store(&mut shared, outcome);
        drop(shared);
        drop(waker); // invariant 4
        Ok(step)
    }

    /// The same with a value.
    #[inline]
    pub(in crate::task) fn store_value(&self, value: T) -> Result<Stored<T>, T> {
        let mut shared = lock(&self.shared);
        if shared.rest.is_some() || self.has(DONE) || mutant("complete_twice") {
            return Err(value);
        }
        let unwanted = if self.has(DETACHED) {
            self.set(&shared, DONE | OVER | TAKEN);
            shared.outcome = Outcome::Gone;
            Some(value)
        } else {
            self.set(&shared, DONE | OVER);
            shared.outcome = Outcome::Ready(Ok(value));
            None
        };
        let waker = shared.waker.take();
        let joiner = shared.take_joiner();
        let joiner = joiner.filter(|_| !mutant("store_without_waking"));
        drop(shared);
        drop(waker); // invariant 4
        Ok(Stored { joiner, unwanted })
    }

    /// The same for a task that its context stopped: no error is stored. Gives its waker.
    pub(in crate::task) fn store_stopped(&self) -> Option<Option<Waker>> {
        let mut shared = lock(&self.shared);
        let has_rest = shared.rest.is_some() && !mutant("stop_without_calling");
        if has_rest || self.has(DONE) || mutant("complete_twice") {
            return None;
        }
        self.set(&shared, DONE | OVER | STOPPED);
        shared.outcome = Outcome::Gone;
        let waker = shared.waker.take();
        let joiner = shared.take_joiner();
        let joiner = joiner.filter(|_| !mutant("store_without_waking"));
        drop(shared);
        drop(waker); // invariant 4
        Some(joiner)
    }

    /// The error of a task that its context stopped.
    pub(super) fn stopped(&self) -> Option<Error> {
        let end = if self.has(STOPPED) {
            self.node.ending()
        } else {
            None
        };
        end.map(Ending::stopped)
    }

    /// Puts the outcome back, unless there are callbacks to be called on it first.
    pub(in crate::task) fn put_back(&self, outcome: Result<T>) -> Step<T> {
        let mut shared = lock(&self.shared);
        let callbacks = shared
            .rest
            .as_mut()
            .map(|rest| rest.callbacks.take())
            .unwrap_or_default();
        if !callbacks.is_empty() && !mutant("put_back_without_calling") {
            return Step::Call(outcome, callbacks);
        }
        self.store(&mut shared, outcome)
    }

    pub(super) fn store(&self, shared: &mut Shared<T>, outcome: Result<T>) -> Step<T> {
        self.set(shared, DONE | OVER);
        let unwanted = if self.has(DETACHED) {
            self.give_up(shared, outcome)
        } else {
            shared.outcome = Outcome::Ready(outcome);
            None
        };
        if mutant("store_without_waking") {
            drop(shared.take_joiner());
        }
        let waiters = shared
            .rest
            .as_mut()
            .map(|rest| rest.waiters.take())
            .unwrap_or_default();
        Step::Stored {
            joiner: shared.take_joiner(),
            waiters,
            unwanted,
        }
    }

    /// Hands the outcome out for good; of an error a clone stays for those who only look.
    pub(super) fn give_up(&self, shared: &mut Shared<T>, outcome: Result<T>) -> Option<Result<T>> {
        self.set(shared, TAKEN);
        shared.outcome = match &outcome {
            Ok(_) => Outcome::Gone,
            Err(error) => Outcome::Ready(Err(error.clone())),
        };
        Some(outcome)
    }

    /// Takes the outcome, if it is there and was not taken before.
    pub(super) fn take(&self, shared: &mut Shared<T>) -> Option<Result<T>> {
        if self.has(TAKEN) {
            return None;
        }
        let outcome = shared.lend()?;
        self.give_up(shared, outcome)
    }
}
