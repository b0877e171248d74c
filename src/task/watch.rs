//! [`TaskWatch`]: a task seen by those who do not own it.

use std::{
    fmt,
    future::Future,
    panic::Location,
    pin::Pin,
    task::{Context, Poll},
};

use super::{AnyTask, TaskId, state};
use crate::{Error, FutureStatus, Result, State, WaitSlot, sync::Arc};

/// A view of a task without its value. Cloning it is cheap.
///
/// It keeps the task's bookkeeping and the node it was spawned in, not its future or its value.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     let task = sim.ctx.task("job").spawn(std::future::pending::<()>());
///     let watch = task.watch();
///     drop(task); // detached: its context still owns it
///     assert_eq!((watch.name(), watch.is_done()), ("job", false));
///     assert!(watch.cancel());
///     assert!(watch.wait().await.unwrap_err().is_cancelled());
/// });
/// ```
#[derive(Clone)]
pub struct TaskWatch(Arc<dyn AnyTask>);

/// The future of [`TaskWatch::wait`].
///
/// # Cancel safety
///
/// Dropping it leaves no trace.
#[must_use = "futures do nothing unless they are awaited"]
pub struct TaskDone {
    task: TaskWatch,
    slot: WaitSlot,
}

impl TaskWatch {
    pub(crate) fn new(task: Arc<dyn AnyTask>) -> Self {
        TaskWatch(task)
    }

    /// Says which task this is.
    pub fn id(&self) -> TaskId {
        self.0.id()
    }

    /// Returns the task's name.
    pub fn name(&self) -> &str {
        self.0.name()
    }

    /// Returns the names from the root down to the task.
    pub fn path(&self) -> String {
        self.0.path()
    }

    /// Says where the task was spawned.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.0.spawned_at()
    }

    /// Says whether the future has finished or was dropped.
    pub fn is_done(&self) -> bool {
        self.0.is_done()
    }

    /// Says why there is no value; `None` while the task runs and after success.
    pub fn error(&self) -> Option<Error> {
        self.0.error()
    }

    /// Asks the task to stop. True for the first request, unless the task has ended.
    #[track_caller]
    pub fn cancel(&self) -> bool {
        self.0.cancel(Location::caller())
    }

    /// Waits until the task is done and its callbacks have run.
    ///
    /// # Errors
    ///
    /// The task's error, if it gave no value.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves no trace: the task goes on.
    pub fn wait(&self) -> TaskDone {
        TaskDone {
            task: self.clone(),
            slot: WaitSlot::default(),
        }
    }
}

impl FutureStatus for TaskWatch {
    fn stays_done(&self) -> bool {
        true
    }

    fn state(&self) -> State {
        state(&self.0.is_done(), self.0.is_asked(), self.0.node())
    }

    fn error(&self) -> Option<Error> {
        self.0.error()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        slot.poll_in(|| Arc::clone(&self.0).waits(), cx)
    }

    #[track_caller]
    fn cancel(&self) -> bool {
        self.0.cancel(Location::caller())
    }

    fn label(&self) -> Option<&str> {
        Some(self.name())
    }
}

impl Future for TaskDone {
    type Output = Result<()>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let this = &mut *self;
        match this.task.poll_done(&mut this.slot, cx) {
            Poll::Pending => Poll::Pending, // the task will wake us when it is done
            Poll::Ready(()) => Poll::Ready(this.task.error().map_or(Ok(()), Err)),
        }
    }
}

impl fmt::Debug for TaskWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("TaskWatch")
            .field("path", &self.path())
            .field("state", &state)
            .finish()
    }
}

impl fmt::Debug for TaskDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskDone").field(&self.task).finish()
    }
}
