//! What the builder may ask for; a task spawned without a builder has none of it.

use std::{future::Future, pin::Pin};

use crate::{Name, holder::Reservation, sync::Mutex};

#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<Name>,
    pub(crate) is_silent: bool,
    pub(crate) always_reports: bool,
    /// The task's node is its own and ends with it.
    pub(crate) owns_node: bool,
    pub(crate) is_blocking: bool,
    /// It neither waits for room in its group nor takes any.
    pub(crate) is_exempt: bool,
    pub(crate) grace: Option<Grace>,
    pub(crate) slot: Option<Reservation>,
}

pub(crate) type BoxedSleep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What a task still gets after its context has ended.
pub(crate) struct Grace(Mutex<GraceState>);

pub(crate) enum GraceState {
    Unarmed(Box<dyn FnOnce() -> BoxedSleep + Send>),
    Armed(BoxedSleep),
    /// Over, or being polled: only the task itself comes here.
    Over,
}

impl Grace {
    pub(crate) fn new(make: impl FnOnce() -> BoxedSleep + Send + 'static) -> Self {
        Grace(Mutex::new(GraceState::Unarmed(Box::new(make))))
    }

    /// Takes the state out, so that no timer is made or polled under the lock.
    pub(crate) fn take(&self) -> GraceState {
        std::mem::replace(&mut *crate::sync::lock(&self.0), GraceState::Over)
    }

    pub(crate) fn put_back(&self, sleep: BoxedSleep) {
        *crate::sync::lock(&self.0) = GraceState::Armed(sleep);
    }
}
