//! What the owner of a task does with its outcome: joining, listening, letting go.

use std::task::{Context, Poll};

use super::{Callback, DETACHED, Outcome, Owner, STOPPED, Shared, TAKEN, TaskCore};
use crate::{Error, Result, registry::Key, runtime::Kept, sync::lock};

impl<T> TaskCore<T> {
    /// Takes the outcome; pending: the thread that puts it back will wake `cx`.
    pub(in crate::task) fn poll_join(&self, cx: &mut Context<'_>) -> Poll<Result<T>> {
        if self.is_done() {
            if let Some(error) = self.stopped() {
                return Poll::Ready(Err(error));
            }
            let mut shared = lock(&self.shared);
            if let Some(value) = shared.take_value() {
                self.set(&shared, TAKEN);
                return Poll::Ready(Ok(value));
            }
            if let Some(ready) = self.try_join(&mut shared) {
                drop(shared);
                return Poll::Ready(ready);
            }
        }
        let fresh = cx.waker().clone(); // user code: outside the lock
        let mut shared = lock(&self.shared);
        if let Some(ready) = self.try_join(&mut shared) {
            drop(shared);
            return Poll::Ready(ready);
        }
        let old = std::mem::replace(&mut shared.owner, Owner::Joiner(fresh));
        drop(shared);
        drop(old);
        Poll::Pending
    }

    /// The outcome, if it is there; an error again, if it was an error and was taken before.
    fn try_join(&self, shared: &mut Shared<T>) -> Option<Result<T>> {
        match &shared.outcome {
            Outcome::Gone => Some(Err(self.gone())),
            Outcome::Ready(Err(error)) if self.has(TAKEN) => Some(Err(error.clone())),
            _ => self.take(shared),
        }
    }

    /// Why nothing is there any more.
    #[cold]
    fn gone(&self) -> Error {
        self.stopped().unwrap_or_else(taken_before)
    }

    /// The owner goes: gives back what it would have got.
    ///
    /// What its handle kept stays with a task that its holder may keep when it has ended.
    pub(in crate::task) fn detach(&self, kept: Kept) -> Option<Result<T>> {
        if self.has(TAKEN | STOPPED) {
            return None;
        }
        let mut shared = lock(&self.shared);
        self.set(&shared, DETACHED);
        let may_stay = kept.is_some() && !self.is_done() && self.is_bare();
        let kept = if may_stay && self.node.starts_group() {
            Owner::Kept { _kept: kept }
        } else {
            Owner::default()
        };
        let old = std::mem::replace(&mut shared.owner, kept);
        let outcome = self.take(&mut shared);
        drop(shared);
        drop(old);
        outcome
    }

    /// Registers a callback; or hands it back with the outcome it is to be called on at once.
    pub(in crate::task) fn on_done(&self, callback: Callback<T>) -> Register<T> {
        let mut shared = lock(&self.shared);
        match &shared.outcome {
            Outcome::Gone => return Register::Late(callback, self.gone()),
            Outcome::Ready(Err(error)) => {
                return Register::Late(callback, error.clone()); // an error is not lent
            }
            _ => {}
        }
        let id = crate::ids::next(); // under the lock: ids grow within a task
        shared.rest().callbacks.insert_as(id, callback);
        match shared.lend() {
            None => Register::Listed(id),
            Some(outcome) => Register::Lent(id, outcome),
        }
    }

    pub(in crate::task) fn remove_on_done(&self, id: u64) -> Option<Callback<T>> {
        lock(&self.shared)
            .rest
            .as_mut()?
            .callbacks
            .remove(Key::of(id))
    }

    pub(in crate::task) fn has_on_done(&self, id: u64) -> bool {
        let mut shared = lock(&self.shared);
        let rest = shared.rest.as_mut();
        rest.is_some_and(|rest| rest.callbacks.get_mut(Key::of(id)).is_some())
    }
}

/// What became of a callback.
pub(in crate::task) enum Register<T> {
    Listed(u64),
    /// Registered, and the outcome was there: the caller settles it (invariant 2).
    Lent(u64, Result<T>),
    /// The value is gone; this error says so, or why there was none.
    Late(Callback<T>, Error),
}

#[cold]
fn taken_before() -> Error {
    Error::failed("the task's value was taken before")
}
