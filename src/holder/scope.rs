//! Running a body in a holder: what it started has ended when it returns.

use std::{
    future::{Future, poll_fn},
    panic::AssertUnwindSafe,
    pin::pin,
    task::Poll,
};

use futures::FutureExt;

use super::TaskHolder;
use crate::{BoxError, Error, Result, error::Panicked, report::isolate};

impl<R: Clone> TaskHolder<R> {
    /// Runs `body`, then waits for all tasks of the holder.
    ///
    /// If the body returns an error or panics, the tasks are cancelled and then waited for. If the
    /// holder ends meanwhile (its parent ends, or a task fails under
    /// [`fail_fast`](Self::fail_fast)), the body is dropped at its next await, and the tasks are
    /// waited for. A body that ends the holder itself (`cancel`, `finish`) and returns a
    /// value right then has got what it wanted: the value is given.
    ///
    /// # Errors
    ///
    /// The body's error; its panic as [`Error::Panicked`]; the error that the holder ended with.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the body and cancels the tasks, without waiting for them.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use windlass::{TaskHolder, ok};
    ///
    ///     let sum = TaskHolder::new(&sim.ctx, "sum")
    ///         .scope(async |tasks| {
    ///             let (one, two) = (tasks.spawn(async { 1 }), tasks.spawn(async { 2 }));
    ///             ok(one.await? + two.await?)
    ///         })
    ///         .await;
    ///     assert_eq!(sum.unwrap(), 3);
    ///
    ///     let failed = TaskHolder::new(&sim.ctx, "failed")
    ///         .scope(async |tasks| {
    ///             drop(tasks.spawn(std::future::pending::<()>())); // cancelled, and waited for
    ///             Err::<(), _>("no more of this")
    ///         })
    ///         .await;
    ///     assert_eq!(failed.unwrap_err().to_string(), "no more of this");
    /// });
    /// ```
    pub async fn scope<T, E, B>(self, body: B) -> Result<T>
    where
        B: AsyncFnOnce(&TaskHolder<R>) -> Result<T, E>,
        E: Into<BoxError> + 'static,
    {
        let ran = caught(self.run_until_done(body(&self))).await;
        let outcome = match ran {
            Ok(Ok(returned)) => returned.map_err(Error::from_user),
            Ok(Err(ended)) => Err(ended),
            Err(payload) => Err(Error::Panicked(Panicked::new(payload))),
        };
        if let Err(error) = &outcome {
            self.node().end(|| {
                let reason = Some("the body of its scope did not succeed".into());
                self.node()
                    .cancelled(reason, self.node().created_at(), Some(error.clone()))
            });
        }
        let was_ended_by_body = self
            .error()
            .is_some_and(|end| self.was_cancelled_here(&end));
        self.wait_idle().await;
        // A failure that ended the holder is the scope's, also if it came while we waited.
        let ended = if was_ended_by_body {
            Ok(())
        } else {
            self.check()
        };
        self.close().await;
        let value = outcome?;
        ended.map(|()| value)
    }

    /// Whether the end is a cancellation of the holder itself, and not of something above it.
    fn was_cancelled_here(&self, end: &Error) -> bool {
        matches!(end, Error::Cancelled(end) if end.path() == self.node().error_path())
    }
}

/// Runs a body to its end; a panic in it does not go further, and neither does one in its
/// destructor, where it is cut.
async fn caught<F: Future>(body: F) -> std::thread::Result<F::Output> {
    let mut body = pin!(Some(AssertUnwindSafe(body).catch_unwind()));
    let ran = poll_fn(|cx| match body.as_mut().as_pin_mut() {
        Some(body) => body.poll(cx), // pending: the body will wake us, or the end of the holder
        None => Poll::Pending,       // not reached: it is there until it has run
    })
    .await;
    isolate("the destructor of a scope's body", || body.set(None));
    ran
}
