//! [`scope_in_place`]: tasks that borrow and need not be `Send`, polled by the scope itself.
//!
//! # Invariants
//!
//! 1. The body is polled with the waker of the scope. A handle that only the body has polled, with
//!    that very waker, notes the body in its slot, and no clone of the waker.
//! 2. A task whose slot notes the body *calls* it when it is over, and the scope polls the body
//!    again before it returns: tasks end while the scope is polled, or with the scope.
//! 3. Only the body adds tasks.

mod task;

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    fmt,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll, RawWakerVTable, Waker, ready},
};

pub use self::task::InPlaceTask;
use self::task::{Member, Slot, member};
use crate::{
    BoxError, Ctx, Error, Result, TryFut,
    ctx::{EndWatch, tree::Node},
    error::Panicked,
    group::Group,
    sync::Arc,
};

/// So often the body is polled in one poll of the scope; then the executor goes on.
const ROUNDS: usize = 128;

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
        place: Rc::new(Place::new(ctx.node())),
    };
    let body = pin!(body(&scope));
    let mut nursery = Nursery {
        scope: &scope,
        body,
        members: Group::new(),
        watch: EndWatch::new(ctx.node()),
        outcome: None,
    };
    poll_fn(|cx| nursery.poll(cx)).await;
    let Nursery {
        members, outcome, ..
    } = nursery;
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

/// What the scope and its tasks share, without atomics.
struct Place {
    /// Where in the tree the tasks are.
    node: Arc<Node>,
    /// What the body is polled with, while it is.
    waker: Cell<Option<Identity>>,
    /// Whether a task has called the body (invariant 2).
    is_body_called: Cell<bool>,
}

/// What tells a waker from others while it lives.
type Identity = (*const (), &'static RawWakerVTable);

/// A scope that is polled.
struct Nursery<'a, 'env, B, T> {
    scope: &'a InPlaceScope<'env>,
    body: Pin<&'a mut B>,
    members: Group<Member<'env>>,
    watch: EndWatch,
    outcome: Option<Result<T>>,
}

// ===== polling =====

impl<B, T, E> Nursery<'_, '_, B, T>
where
    B: Future<Output = Result<T, E>>,
    E: Into<BoxError> + 'static,
{
    /// Ready once there is an outcome, and nobody left to wait for.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if !ready!(self.watch.poll_start(cx)) {
            return self.end();
        }
        for _ in 0..ROUNDS {
            if self.poll_body(cx).is_ready() {
                return Poll::Ready(());
            }
            let polled = self.poll_members(cx);
            if polled.is_ready() && self.outcome.is_some() {
                return Poll::Ready(());
            }
            if !self.is_body_next() {
                // The body, a member, or the end of the context will wake us.
                ready!(self.watch.poll_end(cx));
                return self.end();
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// The context has ended.
    fn end(&mut self) -> Poll<()> {
        self.outcome = Some(Err(self.watch.error()));
        Poll::Ready(())
    }

    /// Polls the body, unless it is over; ready if nobody is to be waited for.
    fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outcome.is_some() {
            return Poll::Pending;
        }
        let Poll::Ready(ran) = self.scope.place.poll(self.body.as_mut(), cx) else {
            return if self.watch.node().is_done() {
                self.end()
            } else {
                Poll::Pending
            };
        };
        let outcome = match ran {
            Ok(returned) => returned.map_err(Error::from_user),
            Err(payload) => Err(Error::Panicked(Panicked::new(payload))),
        };
        let has_failed = outcome.is_err();
        self.outcome = Some(outcome);
        if has_failed {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Polls those that were woken, until none is or the body is next; ready if there are none.
    fn poll_members(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.members
            .line()
            .append(&mut self.scope.fresh.borrow_mut());
        loop {
            if ready!(self.members.poll_next(cx)).is_none() {
                return Poll::Ready(());
            }
            if self.is_body_next() {
                return Poll::Pending;
            }
        }
    }

    /// Whether the body was called, and those who were in line before have had their turns.
    fn is_body_next(&mut self) -> bool {
        self.scope.place.is_body_called.get() && self.members.line().is_idle()
    }
}

impl Place {
    fn new(node: &Arc<Node>) -> Self {
        Place {
            node: Arc::clone(node),
            waker: Cell::new(None),
            is_body_called: Cell::new(false),
        }
    }

    /// Polls the body, of which `cx` is that of the scope.
    fn poll<F: Future>(
        &self,
        body: Pin<&mut F>,
        cx: &mut Context<'_>,
    ) -> Poll<std::thread::Result<F::Output>> {
        self.is_body_called.set(false);
        self.waker.set(Some(identity(cx.waker())));
        let polled = catch_unwind(AssertUnwindSafe(|| body.poll(cx)));
        self.waker.set(None);
        match polled {
            Ok(poll) => poll.map(Ok),
            Err(payload) => Poll::Ready(Err(payload)),
        }
    }

    /// Whether `waker` is the one that the body is polled with now.
    fn is_bodys(&self, waker: &Waker) -> bool {
        self.waker.get() == Some(identity(waker))
    }
}

fn identity(waker: &Waker) -> Identity {
    (waker.data(), waker.vtable())
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
