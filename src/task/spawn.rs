//! Spawning: from a future and a context to a running task.

use std::{future::Future, panic::Location};

use super::{
    Task,
    finish::complete,
    harness::{Conclude, Harness},
    options::Options,
    state::TaskCore,
};
use crate::{BoxError, ctx::tree::Node, report::isolate, runtime::Kept, sync::Arc};

/// What `spawn` takes: anything but a `Result`.
///
/// A `Result` matches twice, so `spawn(fallible)` does not compile and names `try_spawn` instead of
/// losing the error; `spawn::<_, Plain>` insists.
///
/// # Examples
///
/// A future of a `Result` is for `try_spawn`:
///
/// ```compile_fail
/// fn start(ctx: &windlass::Ctx) {
///     drop(ctx.spawn(async { "12".parse::<u8>() }));
/// }
/// ```
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::Plain;
///
///     let task = sim.ctx.try_spawn(async { "12".parse::<u8>() });
///     assert_eq!(task.await.unwrap(), 12);
///
///     let parsed = async { "x".parse::<u8>() };
///     let task = sim.ctx.spawn::<_, Plain>(parsed); // it insists: an error is no failure then
///     assert!(task.await.unwrap().is_err());
/// });
/// ```
pub trait Returns<Kind> {}

/// The kind of everything: see [`Returns`].
#[derive(Debug)]
pub struct Plain;

/// The second kind of a `Result`, which makes `spawn` ambiguous: use `try_spawn`.
#[derive(Debug)]
pub struct FallibleUseTrySpawn;

impl<T> Returns<Plain> for T {}
impl<T, E> Returns<FallibleUseTrySpawn> for Result<T, E> {}

/// A future of a `Result` whose error can be boxed.
///
/// # Examples
///
/// ```
/// use windlass::TryFut;
///
/// async fn ok_of<F: TryFut>(future: F) -> Option<F::Ok> {
///     future.await.ok()
/// }
///
/// let parsed = futures::executor::block_on(ok_of(async { "12".parse::<u8>() }));
/// assert_eq!(parsed, Some(12));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a future of a `Result` whose error can be boxed",
    note = "a future of anything else goes through the form without `try_`"
)]
pub trait TryFut: Future<Output = Result<Self::Ok, Self::Err>> {
    /// The value.
    type Ok;
    /// The error.
    type Err: Into<BoxError> + 'static;
}

impl<F, T, E: Into<BoxError> + 'static> TryFut for F
where
    F: Future<Output = Result<T, E>>,
{
    type Ok = T;
    type Err = E;
}

/// A future with its value is small up to here, in bytes.
const SMALL: usize = 1024;

/// What is to be spawned, and where.
pub(crate) struct Plan {
    pub(crate) node: Arc<Node>,
    pub(crate) spawned_at: &'static Location<'static>,
    pub(crate) options: Option<Box<Options>>,
}

impl Plan {
    /// Makes the task, and gives its harness to `run` unless the context has ended.
    #[inline]
    pub(crate) fn start<F, C, T>(
        self,
        future: F,
        run: impl FnOnce(Harness<F, C, T>) -> Kept,
    ) -> Task<T>
    where
        F: Future,
        C: Conclude<F::Output, Value = T>,
        T: Send + 'static,
    {
        let core = self.core();
        if size_of::<F>() + size_of::<T>() <= SMALL {
            core.set_small();
        }
        let mut kept = Kept::default();
        if expect(&core) {
            kept = run(Harness::new(Arc::clone(&core), future));
        } else {
            // Done before it began: the future is dropped without having been polled.
            isolate("the destructor of a task's future", || drop(future));
            complete(&core, None);
        }
        Task::new(core, kept)
    }

    #[inline(always)]
    pub(crate) fn core<T>(self) -> Arc<TaskCore<T>> {
        Arc::new(TaskCore::new(self.node, self.spawned_at, self.options))
    }
}

/// Has the task numbered, and counted by its node and group; false if its context has ended.
pub(super) fn expect<T: Send + 'static>(core: &Arc<TaskCore<T>>) -> bool {
    let live = core.node().link();
    let Ok(live) = live else {
        core.set_id(crate::ids::next_local());
        return false;
    };
    match live.group() {
        None => core.set_id(crate::ids::next_local()),
        Some(group) => group.joined(Arc::<TaskCore<T>>::clone(core), live.starts_group()),
    }
    live.expect_task();
    !live.verdict().is_done()
}
