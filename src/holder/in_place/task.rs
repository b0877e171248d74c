//! [`InPlaceTask`]: the handle of a future that a scope polls, and what it shares with it.

use std::{
    cell::RefCell,
    fmt,
    future::Future,
    mem,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use pin_project::{pin_project, pinned_drop};

use super::nursery::Place;
use crate::{Error, Result, error::Panicked, report::isolate, status::is_same, task::report_below};

/// A future that a [`scope_in_place`](crate::scope_in_place) polls; its handle, which gives the value.
///
/// Dropping it detaches the future, for which the scope waits all the same. A failure or panic that
/// nobody takes is reported.
///
/// # Cancel safety
///
/// Dropping it loses the value and nothing else. Awaiting `&mut task` instead of `task` keeps it
/// across a dropped wait.
///
/// # Examples
///
/// ```
/// use windlass::{Ctx, ok, scope_in_place};
///
/// let ctx = Ctx::root_on("app", ());
/// let words = String::from("two words");
/// let counted = futures::executor::block_on(scope_in_place(&ctx, async |scope| {
///     let task = scope.spawn(async { words.split(' ').count() }); // it borrows
///     ok(task.await?)
/// }));
/// assert_eq!(counted.unwrap(), 2);
/// ```
#[must_use = "dropping it detaches the future, and its value is lost; await it, or `drop` it on purpose"]
pub struct InPlaceTask<T>(Rc<Slot<T>>);

pub(super) struct Slot<T> {
    /// Nothing of the user's runs while it is borrowed.
    state: RefCell<State<T>>,
    place: Rc<Place>,
    spawned_at: &'static Location<'static>,
}

enum State<T> {
    Running(Waits),
    Detached,
    Over(Result<T>),
    Taken,
}

/// Who waits for the task.
#[derive(Default)]
enum Waits {
    #[default]
    Nobody,
    /// The body, and it alone has ever done so (invariant 1).
    Body,
    Waker(Waker),
}

/// A task as the scope polls it.
pub(super) type Member<'env> = Pin<Box<dyn Future<Output = ()> + 'env>>;

#[pin_project(PinnedDrop)]
struct Running<F, M, T> {
    #[pin]
    f: Option<F>,
    outcome: M,
    slot: Rc<Slot<T>>,
}

// ===== the future =====

/// Has the outcome of `f` put into `slot`.
pub(super) fn member<'env, F, M, T>(f: F, outcome: M, slot: &Rc<Slot<T>>) -> Member<'env>
where
    F: Future + 'env,
    M: Fn(F::Output) -> Result<T> + 'env,
    T: 'env,
{
    Box::pin(Running {
        f: Some(f),
        outcome,
        slot: Rc::clone(slot),
    })
}

impl<F, M, T> Future for Running<F, M, T>
where
    F: Future,
    M: Fn(F::Output) -> Result<T>,
{
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(f) = this.f.as_mut().as_pin_mut() else {
            return Poll::Ready(()); // not reached: it is there until it is over
        };
        let outcome = match catch_unwind(AssertUnwindSafe(|| f.poll(cx).map(&*this.outcome))) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(outcome)) => outcome,
            Err(payload) => Err(Error::Panicked(Panicked::new(payload))),
        };
        isolate(DESTRUCTOR, || this.f.set(None)); // with what it borrows, before anybody sees the value
        this.slot.fill(outcome);
        Poll::Ready(())
    }
}

const DESTRUCTOR: &str = "the destructor of a task's future";

#[pinned_drop]
impl<F, M, T> PinnedDrop for Running<F, M, T> {
    /// If it is not over, whoever waits is told: a handle may outlive the scope.
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.f.is_none() {
            return;
        }
        isolate(DESTRUCTOR, || this.f.set(None));
        if this.slot.is_awaited() {
            let error = this.slot.dropped();
            this.slot.fill(Err(error));
        }
    }
}

// ===== the slot =====

impl<T> Slot<T> {
    pub(super) fn new(place: &Rc<Place>, spawned_at: &'static Location<'static>) -> Rc<Self> {
        Rc::new(Slot {
            state: RefCell::new(State::Running(Waits::Nobody)),
            place: Rc::clone(place),
            spawned_at,
        })
    }

    fn fill(&self, outcome: Result<T>) {
        let mut state = self.state.borrow_mut();
        let State::Running(waits) = &mut *state else {
            drop(state);
            self.discard(outcome);
            return;
        };
        let waits = mem::take(waits);
        *state = State::Over(outcome);
        drop(state);
        match waits {
            Waits::Nobody => {}
            Waits::Body => self.place.is_body_called.set(true),
            Waits::Waker(waker) => drop(isolate("a waker", || waker.wake())),
        }
    }

    /// Whether there is a handle, and no outcome yet.
    fn is_awaited(&self) -> bool {
        matches!(*self.state.borrow(), State::Running(_))
    }

    /// What a task ends with that was dropped.
    fn dropped(&self) -> Error {
        let node = &self.place.node;
        let cancelled =
            || node.cancelled(Some("the end of its scope".into()), self.spawned_at, None);
        node.outcome().unwrap_or_else(cancelled)
    }

    /// Drops an outcome that nobody will see; a failure is reported.
    fn discard(&self, outcome: Result<T>) {
        let error = match outcome {
            Ok(value) => {
                isolate("the destructor of a task's value", || drop(value));
                return;
            }
            Err(error) => error,
        };
        if !error.is_cancelled() {
            let node = &self.place.node;
            report_below(node, &node.path(), self.spawned_at, &error);
        }
        isolate("the destructor of a task's error", || drop(error));
    }

    /// One look of the handle. None: nobody has noted `waker`, and `fresh` is to hold a clone of it.
    fn look(&self, waker: &Waker, fresh: &mut Option<Waker>) -> Option<Poll<Result<T>>> {
        let mut state = self.state.borrow_mut();
        if let State::Running(waits) = &mut *state {
            let is_noted = waits.note(waker, &self.place) || waits.keep(fresh);
            return is_noted.then_some(Poll::Pending); // whoever fills the slot will wake us
        }
        Some(Poll::Ready(match mem::replace(&mut *state, State::Taken) {
            State::Over(outcome) => outcome,
            _ => Err(Error::failed("the task's value was taken before")),
        }))
    }

    /// The handle goes.
    fn detach(&self) {
        let before = self.state.replace(State::Detached);
        if let State::Over(outcome) = before {
            self.discard(outcome);
        }
    }
}

impl Waits {
    /// Notes who waits, if that takes no clone.
    fn note(&mut self, waker: &Waker, place: &Place) -> bool {
        if let Waits::Waker(kept) = self {
            return is_same(kept, waker);
        }
        let is_bodys = place.is_bodys(waker);
        if is_bodys {
            *self = Waits::Body;
        }
        is_bodys
    }

    /// Keeps `fresh`, if there is one; what was kept before takes its place.
    fn keep(&mut self, fresh: &mut Option<Waker>) -> bool {
        let Some(waker) = fresh.take() else {
            return false;
        };
        if let Waits::Waker(stale) = mem::replace(self, Waits::Waker(waker)) {
            *fresh = Some(stale);
        }
        true
    }
}

// ===== the handle =====

impl<T> InPlaceTask<T> {
    pub(super) fn new(slot: Rc<Slot<T>>) -> Self {
        InPlaceTask(slot)
    }
}

impl<T> Future for InPlaceTask<T> {
    type Output = Result<T>;

    /// # Cancel safety
    ///
    /// The outcome leaves the task in the poll that is ready, and not before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let mut fresh = None;
        loop {
            if let Some(poll) = self.0.look(cx.waker(), &mut fresh) {
                return poll;
            }
            fresh = Some(cx.waker().clone()); // user code: nothing is borrowed
        }
    }
}

impl<T> Drop for InPlaceTask<T> {
    fn drop(&mut self) {
        self.0.detach();
    }
}

impl<T> fmt::Debug for InPlaceTask<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_over = self
            .0
            .state
            .try_borrow()
            .is_ok_and(|state| matches!(*state, State::Over(_)));
        f.debug_struct("InPlaceTask")
            .field("is_done", &is_over)
            .finish_non_exhaustive()
    }
}
