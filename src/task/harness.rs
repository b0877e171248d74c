//! The future that is spawned: it runs the user's future and tells the rest what became of it.
//!
//! The user's future is polled and dropped inside a panic guard, here and nowhere else. On a
//! context that is done before the first poll it is not polled at all; from the second poll on it
//! comes first, and what it returns wins.

use std::{
    future::Future,
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project::{pin_project, pinned_drop};

use super::{
    AnyTask, current,
    finish::{Reason, complete},
    options::{Grace, GraceState},
    span::TaskSpan,
    state::TaskCore,
};
use crate::{
    BoxError, Error, Result,
    ctx::roll,
    error::Panicked,
    report::isolate,
    sync::{Arc, mutant},
};

/// How an output becomes an outcome.
pub(crate) trait Conclude<O> {
    type Value;
    fn conclude(output: O) -> Result<Self::Value>;
}

/// The output is the value.
pub(crate) enum Always {}
/// The output is a `Result`.
pub(crate) enum Fallible {}

impl<O> Conclude<O> for Always {
    type Value = O;
    fn conclude(output: O) -> Result<O> {
        Ok(output)
    }
}

impl<T, E: Into<BoxError> + 'static> Conclude<Result<T, E>> for Fallible {
    type Value = T;
    fn conclude(output: Result<T, E>) -> Result<T> {
        output.map_err(Error::from_user)
    }
}

#[pin_project(PinnedDrop)]
pub(crate) struct Harness<F, C, T: Send + 'static> {
    core: Arc<TaskCore<T>>,
    #[pin]
    future: Option<F>,
    conclude: PhantomData<fn() -> C>,
    span: TaskSpan,
}

impl<F, C, T: Send + 'static> Harness<F, C, T> {
    /// In line: the future is moved on at once, which would have to wait for what a call has just
    /// written.
    #[inline(always)]
    pub(crate) fn new(core: Arc<TaskCore<T>>, future: F) -> Self {
        Harness {
            span: TaskSpan::new(&core),
            core,
            future: Some(future),
            conclude: PhantomData,
        }
    }
}

impl<F, C, T> Future for Harness<F, C, T>
where
    F: Future,
    C: Conclude<F::Output, Value = T>,
    T: Send + 'static,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        let (core, future) = (&*this.core, this.future);
        match before_first_poll(core, cx) {
            Start::Poll => this.span.in_scope(|| poll::<F, C, T>(core, future, cx)),
            Start::Wait => Poll::Pending, // the group will ask us, or whoever asks for the end
            Start::Stop => this.span.in_scope(|| end(core, future, None)),
        }
    }
}

/// Polls the user's future, and ends with it.
pub(super) fn poll<F, C, T>(
    core: &Arc<TaskCore<T>>,
    mut slot: Pin<&mut Option<F>>,
    cx: &mut Context<'_>,
) -> Poll<()>
where
    F: Future,
    C: Conclude<F::Output, Value = T>,
    T: Send + 'static,
{
    let Some(future) = slot.as_mut().as_pin_mut() else {
        return Poll::Ready(()); // polled again after its end
    };
    let _current = current::enter(core);
    match catch_unwind(AssertUnwindSafe(|| future.poll(cx).map(C::conclude))) {
        Ok(Poll::Ready(outcome)) => end(core, slot, Some(outcome)),
        Err(payload) => {
            let panicked = Error::Panicked(Panicked::new(payload));
            end(core, slot, Some(Err(panicked)))
        }
        // The user's future will wake us, or else whoever asks for the end.
        Ok(Poll::Pending) if goes_on(core, cx) => Poll::Pending,
        Ok(Poll::Pending) => end(core, slot, None),
    }
}

/// Drops the user's future and fixes the outcome: what it returned, or why it did not.
pub(super) fn end<F, T: Send + 'static>(
    core: &Arc<TaskCore<T>>,
    mut future: Pin<&mut Option<F>>,
    returned: Option<Result<T>>,
) -> Poll<()> {
    isolate("the destructor of a task's future", || future.set(None));
    if returned.is_none() {
        roll::answer(&**core); // before it departs: a shutdown looks at the roll then
    }
    complete(core, returned);
    Poll::Ready(())
}

enum Start {
    Poll,
    Wait,
    Stop,
}

/// Before the first poll the context, the owner and the group have a say.
fn before_first_poll<T: Send + 'static>(core: &Arc<TaskCore<T>>, cx: &mut Context<'_>) -> Start {
    if !core.is_first_poll() {
        return Start::Poll;
    }
    if Reason::of(core).is_some() {
        return Start::Stop;
    }
    if !is_admitted(core, cx) {
        return Start::Wait; // the group will ask us, or whoever asks for the end
    }
    Start::Poll
}

fn is_admitted<T: Send + 'static>(core: &Arc<TaskCore<T>>, cx: &mut Context<'_>) -> bool {
    let Some(group) = core.node().live().and_then(|live| live.group()) else {
        return true;
    };
    if group.admits_all() {
        return true;
    }
    // The waker first: from `admit` on, the group may ask.
    if !mutant("admit_before_parking") {
        core.park(cx.waker());
    }
    if group.admit(core.id()) {
        return true;
    }
    if mutant("admit_before_parking") {
        core.park(cx.waker());
    }
    let may_stay = list(core) && !core.is_asked();
    if !may_stay && !mutant("queue_without_looking") {
        core.ask(); // the node or the owner ended it, too early to ask us: we look once more
    }
    false
}

/// Makes the task known to its node; false if that has ended.
fn list<T: Send + 'static>(core: &Arc<TaskCore<T>>) -> bool {
    if core.is_listed() {
        return true;
    }
    let task = || -> Arc<dyn AnyTask> { Arc::<TaskCore<T>>::clone(core) };
    let is_listed = core.node().live().is_some_and(|live| live.enlist(task));
    if is_listed {
        core.set_listed();
        #[cfg(feature = "test-util")]
        crate::testing::name_polled(core);
    }
    is_listed
}

/// After a pending poll: parks the task, unless it has to end now.
pub(super) fn goes_on<T: Send + 'static>(core: &Arc<TaskCore<T>>, cx: &mut Context<'_>) -> bool {
    let grace = core.options().and_then(|options| options.grace.as_ref());
    if grace.is_none() && Reason::of(core).is_some() {
        return false; // most tasks that an end wakes up
    }
    core.park(cx.waker());
    if mutant("park_without_looking") {
        return true;
    }
    let is_listed = list(core);
    core.set_polled();
    if is_listed && Reason::of(core).is_none() {
        return true;
    }
    match grace {
        Some(grace) if Reason::of(core).is_some_and(|reason| reason.leaves_grace(core)) => {
            is_within(grace, cx)
        }
        _ => false,
    }
}

/// Whether the grace lasts; pending: its timer will wake us.
fn is_within(grace: &Grace, cx: &mut Context<'_>) -> bool {
    let mut sleep = match grace.take() {
        GraceState::Unarmed(make) => make(),
        GraceState::Armed(sleep) => sleep,
        GraceState::Over => return false,
    };
    let is_pending = sleep.as_mut().poll(cx).is_pending();
    if is_pending {
        grace.put_back(sleep);
    }
    is_pending
}

#[pinned_drop]
impl<F, C, T: Send + 'static> PinnedDrop for Harness<F, C, T> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if this.future.is_some() {
            let (core, future) = (this.core, this.future);
            let _ = this.span.in_scope(|| end(core, future, None));
        }
    }
}
