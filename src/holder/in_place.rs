//! [`scope_in_place`]: tasks that borrow and need not be `Send`, polled by the scope itself.

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, Location},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, Waker},
};

use futures::FutureExt;

use crate::{
    BoxError, Ctx, Error, Result, TryFut, ctx::tree::Node, error::Panicked, group::Group,
    report::isolate, sync::Arc, task::report_below,
};

/// Runs `body` with a nursery for futures that are polled here, then waits for all of them.
///
/// There is no spawner and no thread: what is spawned into the [`InPlaceScope`] is polled by
/// whoever polls this, may borrow what outlives the call, and need not be `Send`. Each is polled
/// only when it was woken.
///
/// If the body returns an error or panics, or the context ends, the futures are dropped.
///
/// # Errors
///
/// The body's error; its panic as [`Error::Panicked`]; the error that the context ended with.
///
/// # Cancel safety
///
/// Dropping the future drops the body and what it has spawned.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use futures::executor::block_on;
/// use windlass::{Ctx, scope_in_place};
///
/// let ctx = Ctx::root_on("app", ());
/// let sum = Cell::new(0);
/// let largest = block_on(scope_in_place(&ctx, async |tasks| {
///     for n in 1..=4 {
///         let sum = &sum;
///         drop(tasks.spawn(async move { sum.set(sum.get() + n) }));
///     }
///     let seven = tasks.spawn(async { 7 });
///     windlass::ok(seven.await?)
/// }));
/// assert_eq!((largest.unwrap(), sum.get()), (7, 10));
/// ```
pub async fn scope_in_place<'env, R, T, E, B>(ctx: &Ctx<R>, body: B) -> Result<T>
where
    B: AsyncFnOnce(&InPlaceScope<'env>) -> Result<T, E>,
    E: Into<BoxError> + 'static,
{
    let scope = InPlaceScope {
        fresh: RefCell::default(),
        place: Rc::new(Place(Arc::clone(ctx.node()))),
    };
    let mut members = Members(Group::new());
    let mut body = pin!(AssertUnwindSafe(ctx.run_until_done(body(&scope))).catch_unwind());
    let mut done = pin!(ctx.done());
    let mut outcome = None;
    poll_fn(|cx| {
        loop {
            if outcome.is_none() {
                outcome = match body.as_mut().poll(cx) {
                    Poll::Pending => None,
                    Poll::Ready(Ok(Ok(returned))) => Some(returned.map_err(Error::from_user)),
                    Poll::Ready(Ok(Err(ended))) => Some(Err(ended)),
                    Poll::Ready(Err(payload)) => Some(Err(Error::Panicked(Panicked::new(payload)))),
                };
            }
            if matches!(outcome, Some(Ok(_))) {
                // The body looks after this itself as long as it goes on.
                if let Poll::Ready(ended) = done.as_mut().poll(cx) {
                    outcome = Some(Err(ended));
                }
            }
            if matches!(outcome, Some(Err(_))) {
                return Poll::Ready(());
            }
            let are_all_over = members.poll(&scope, cx);
            if are_all_over && outcome.is_some() {
                return Poll::Ready(());
            }
            if scope.fresh.borrow().is_empty() {
                return Poll::Pending; // the body, a member, or the end of the context will wake us
            }
        }
    })
    .await;
    drop(members);
    match outcome {
        Some(outcome) => outcome,
        None => unreachable!("the scope goes on until there is an outcome"),
    }
}

/// Where [`scope_in_place`] spawns.
///
/// # Examples
///
/// ```
/// use std::cell::Cell;
/// use windlass::{Ctx, ok, scope_in_place};
///
/// let sum = Cell::new(0); // borrowed, and not `Sync`
/// let ctx = Ctx::root_on("app", ());
/// let done = futures::executor::block_on(scope_in_place(&ctx, async |scope| {
///     for n in 1..=3 {
///         let sum = &sum;
///         drop(scope.spawn(async move { sum.set(sum.get() + n) }));
///     }
///     ok(())
/// }));
/// assert!(done.is_ok());
/// assert_eq!(sum.get(), 6, "it waits for what was detached");
/// ```
pub struct InPlaceScope<'env> {
    fresh: RefCell<VecDeque<Member<'env>>>,
    place: Rc<Place>,
}

/// Where in the tree the tasks are; counted without atomics.
struct Place(Arc<Node>);

type Member<'env> = Pin<Box<dyn Future<Output = ()> + 'env>>;

/// A future that a [`scope_in_place`] polls; its handle, which gives the value.
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

struct Slot<T> {
    state: RefCell<State<T>>,
    place: Rc<Place>,
    spawned_at: &'static Location<'static>,
}

enum State<T> {
    Running(Option<Waker>),
    Detached,
    Over(Result<T>),
    Taken,
}

struct Members<'env>(Group<Member<'env>>);

impl<'env> Members<'env> {
    /// Polls those that were woken, until none is; true if there are none left.
    fn poll(&mut self, scope: &InPlaceScope<'env>, cx: &mut Context<'_>) -> bool {
        self.0.line().append(&mut scope.fresh.borrow_mut());
        loop {
            match self.0.poll_next(cx) {
                Poll::Ready(Some(())) => {}
                Poll::Ready(None) => return scope.fresh.borrow().is_empty(),
                Poll::Pending => return false,
            }
        }
    }
}

impl<'env> InPlaceScope<'env> {
    /// Has `f` polled by the scope.
    #[track_caller]
    pub fn spawn<F>(&self, f: F) -> InPlaceTask<F::Output>
    where
        F: Future + 'env,
    {
        self.add(async { Ok(f.await) }, Location::caller())
    }

    /// Has a future of a `Result` polled by the scope; its error becomes the task's.
    #[track_caller]
    pub fn try_spawn<F>(&self, f: F) -> InPlaceTask<F::Ok>
    where
        F: TryFut + 'env,
        F::Ok: 'env,
    {
        self.add(
            async { f.await.map_err(Error::from_user) },
            Location::caller(),
        )
    }

    fn add<T: 'env>(
        &self,
        f: impl Future<Output = Result<T>> + 'env,
        spawned_at: &'static Location<'static>,
    ) -> InPlaceTask<T> {
        let slot = Rc::new(Slot {
            state: RefCell::new(State::Running(None)),
            place: Rc::clone(&self.place),
            spawned_at,
        });
        let filled = Rc::clone(&slot);
        let member = async move {
            let ran = AssertUnwindSafe(f).catch_unwind().await;
            filled.fill(ran.unwrap_or_else(|payload| Err(Error::Panicked(Panicked::new(payload)))));
        };
        self.fresh.borrow_mut().push_back(Box::pin(member));
        InPlaceTask(slot)
    }
}

impl<T> Slot<T> {
    fn fill(&self, outcome: Result<T>) {
        let before = self.state.replace(State::Taken);
        if let State::Detached = before {
            self.discard(outcome);
            return;
        }
        self.state.replace(State::Over(outcome));
        if let State::Running(Some(waker)) = before {
            isolate("a waker", || waker.wake());
        }
    }

    /// Drops an outcome that nobody will see; a failure is reported.
    fn discard(&self, outcome: Result<T>) {
        if let Err(error) = &outcome {
            if !error.is_cancelled() {
                let Place(node) = &*self.place;
                report_below(node, &node.path(), self.spawned_at, error);
            }
        }
        isolate("the destructor of a task's value", || drop(outcome));
    }
}

impl<T> Future for InPlaceTask<T> {
    type Output = Result<T>;

    /// # Cancel safety
    ///
    /// The outcome leaves the task in the poll that is ready, and not before.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let fresh = State::Running(Some(cx.waker().clone())); // user code: nothing is borrowed
        match self.0.state.replace(State::Taken) {
            State::Over(outcome) => Poll::Ready(outcome),
            State::Running(stale) => {
                self.0.state.replace(fresh);
                drop(stale);
                Poll::Pending // whoever fills the slot will wake us
            }
            State::Detached | State::Taken => {
                Poll::Ready(Err(Error::failed("the task's value was taken before")))
            }
        }
    }
}

impl<T> Drop for InPlaceTask<T> {
    fn drop(&mut self) {
        if let State::Over(outcome) = self.0.state.replace(State::Detached) {
            self.0.discard(outcome);
        }
    }
}

impl fmt::Debug for InPlaceScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlaceScope").finish_non_exhaustive()
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
