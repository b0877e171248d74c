//! [`scope_in_place`]: tasks that borrow and need not be `Send`, polled by the scope itself.

mod nursery;
mod task;

use std::{
    cell::RefCell,
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    panic::Location,
    pin::pin,
    rc::Rc,
};

pub use self::task::InPlaceTask;
use self::{
    nursery::{Nursery, Place},
    task::{Member, Slot, member},
};
use crate::{BoxError, Ctx, Error, Result, TryFut};

/// Runs `body` with a nursery for futures that are polled here, then waits for all of them.
///
/// There is no spawner and no thread: what is spawned into the [`InPlaceScope`] is polled by
/// whoever polls this, may borrow what outlives the call, and need not be `Send`. Each is polled
/// only when it was woken.
///
/// If the body returns an error or panics, or the context ends, the futures are dropped. A handle
/// that lives on then gives a cancellation, or the error that the context ended with. The destructor
/// of a future, or of the body, that panics is reported and takes nothing along.
///
/// # Errors
///
/// The body's error; its panic as [`Error::Panicked`]; the error that the context ended with.
///
/// # Cancel safety
///
/// Dropping the future drops the body and what it has spawned.
///
/// # Fairness
///
/// Each that was woken is polled once, in the order in which they were woken, then those that were
/// woken meanwhile; then the body, if what it waits for is there. After 128 polls of the body, or of
/// futures of which none ends, the executor goes on.
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
        place: Rc::new(Place::new(ctx.node())),
    };
    let body = pin!(Some(body(&scope)));
    let mut nursery = Nursery::new(&scope, body, ctx.node());
    poll_fn(|cx| nursery.poll(cx)).await;
    nursery.into_outcome()
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

// ===== spawning =====

impl<'env> InPlaceScope<'env> {
    /// Has `f` polled by the scope.
    #[track_caller]
    pub fn spawn<F>(&self, f: F) -> InPlaceTask<F::Output>
    where
        F: Future + 'env,
    {
        self.add(f, Ok, Location::caller())
    }

    /// Has a future of a `Result` polled by the scope; its error becomes the task's.
    #[track_caller]
    pub fn try_spawn<F>(&self, f: F) -> InPlaceTask<F::Ok>
    where
        F: TryFut + 'env,
        F::Ok: 'env,
    {
        let outcome = |returned: F::Output| returned.map_err(Error::from_user);
        self.add(f, outcome, Location::caller())
    }

    fn add<F, T: 'env>(
        &self,
        f: F,
        outcome: impl Fn(F::Output) -> Result<T> + 'env,
        spawned_at: &'static Location<'static>,
    ) -> InPlaceTask<T>
    where
        F: Future + 'env,
    {
        let slot = Slot::new(&self.place, spawned_at);
        let member = member(f, outcome, &slot);
        self.fresh.borrow_mut().push_back(member);
        InPlaceTask::new(slot)
    }
}

impl fmt::Debug for InPlaceScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InPlaceScope").finish_non_exhaustive()
    }
}
