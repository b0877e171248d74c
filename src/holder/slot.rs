//! [`Slot`]: room for one task, taken before the work exists.

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures::future::{Either, select};

use super::{Members, Reservation, TaskHolder};
use crate::{
    AnyRuntime, Ctx, Error, Name, Result, TaskBuilder,
    registry::Key,
    status::{leave, poll_in},
    sync::{Arc, mutant},
};

/// Room for one task in a [`TaskHolder`], held until the task that is spawned through it ends.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::TaskHolder;
///
///     let holder = TaskHolder::new(&sim.ctx, "jobs").limit(1);
///     let slot = holder.try_reserve().unwrap();
///     assert!(holder.try_reserve().is_none());
///     let task = slot.task("job").spawn(async { 1 });
///     assert!(holder.try_reserve().is_none(), "the task has the room now");
///     assert_eq!(task.await.unwrap(), 1);
///     assert!(holder.try_reserve().is_some());
/// });
/// ```
#[must_use = "dropping the slot gives the room back; spawn through `task(name)`"]
pub struct Slot<R = AnyRuntime> {
    ctx: Ctx<R>,
    reservation: Reservation,
}

impl<R> Slot<R> {
    /// Begins the task that takes the room.
    pub fn task(self, name: impl Into<Name>) -> TaskBuilder<R> {
        TaskBuilder::new(self.ctx, name.into()).through(self.reservation)
    }
}

impl<R: Clone> TaskHolder<R> {
    /// Waits for room for one task: back-pressure before the work exists.
    ///
    /// # Errors
    ///
    /// The error that the holder's context ended with; a cancellation if it was asked to stop.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives up the place in the line and loses no room.
    ///
    /// # Fairness
    ///
    /// First come, first served, after the tasks that are queued.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::time::Duration;
    ///     use windlass::TaskHolder;
    ///
    ///     let holder = TaskHolder::new(&sim.ctx, "connections").limit(1);
    ///     for n in 0..3 {
    ///         let slot = holder.reserve().await.unwrap(); // accept no more than can be served
    ///         assert_eq!(sim.clock.elapsed(), Duration::from_secs(n));
    ///         let ctx = sim.ctx.clone();
    ///         drop(slot.task("serve").try_spawn(async move { ctx.sleep(Duration::from_secs(1)).await }));
    ///         assert!(holder.try_reserve().is_none());
    ///     }
    ///     holder.stop();
    ///     assert!(holder.reserve().await.unwrap_err().is_cancelled());
    ///     assert_eq!(holder.finish().await.completed, 3);
    /// });
    /// ```
    pub async fn reserve(&self) -> Result<Slot<R>> {
        let room = Room {
            members: &self.members,
            key: None,
            is_over: false,
        };
        if self.is_stopping() {
            self.stopping().await; // yields, so that a loop that ignores the error is no spin
            return Err(self.stopped());
        }
        match select(room, pin!(self.stopping())).await {
            Either::Left(_) => Ok(self.slot()),
            Either::Right(_) => Err(self.stopped()),
        }
    }

    fn stopped(&self) -> Error {
        self.error().unwrap_or_else(|| stopping(self))
    }

    /// Takes room for one task, if there is some now.
    pub fn try_reserve(&self) -> Option<Slot<R>> {
        (!self.is_stopping() && self.members.try_reserve()).then(|| self.slot())
    }

    /// The slot for room that was taken.
    fn slot(&self) -> Slot<R> {
        let reservation = Reservation::new(Arc::clone(&self.members));
        Slot {
            ctx: self.handle(),
            reservation,
        }
    }
}

#[track_caller]
fn stopping<R>(ctx: &Ctx<R>) -> Error {
    let location = std::panic::Location::caller();
    ctx.node()
        .cancelled(Some("the holder is stopping".into()), location, None)
}

/// Waits for room and takes it.
struct Room<'a> {
    members: &'a Arc<Members>,
    key: Option<Key>,
    is_over: bool,
}

impl Future for Room<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        // Pending: whoever frees room will wake us. Called, but too late: once more.
        while poll_in(&**this.members, &mut this.key, cx).is_ready() {
            if this.members.try_reserve() {
                this.is_over = true;
                return Poll::Ready(());
            }
        }
        Poll::Pending
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        leave(&**self.members, &mut self.key);
        if !self.is_over && !mutant("go_without_passing_on") {
            self.members.pass_on(); // we may have been called
        }
    }
}

impl<R> fmt::Debug for Slot<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("of", &self.ctx.path())
            .finish()
    }
}
