//! Calls `finish` of resources: each in a task of its own, in a cleanup context.
//!
//! # Invariants
//!
//! 1. What was handed over here is called, unless the executor drops it: a task that is dropped
//!    before it began, because the context above its own has ended, hands on to another, below the
//!    next that goes on; at last to a root, which nobody ends. So that has an end.
//! 2. What has begun is not called again; a context that ends then cuts it short.

use std::{mem, time::Duration};

use super::resource::Resource;
use crate::{BoxError, Ctx, Error, Result, Runtime, Task, TaskWatch, report::isolate};

/// How long a `finish` may take.
const LIMIT: Duration = Duration::from_secs(30);

pub(super) fn finish_one<R, Res>(ctx: &Ctx<R>, res: Res, why: Option<Error>) -> Task<()>
where
    R: Runtime,
    Res: Resource + 'static,
{
    let place = Place::new(ctx, LIMIT);
    let cleanup = place.cleanup.clone();
    let call = Call {
        place,
        resource: Some(res),
        why,
    };
    cleanup.task("finish").try_spawn(call.run())
}

/// One after the other, in reverse, each as a task with its own limit.
pub(super) fn finish_all<R, Res>(ctx: &Ctx<R>, begun: Vec<Res>, why: Option<Error>) -> Task<()>
where
    R: Runtime,
    Res: Resource + 'static,
{
    let turns = u32::try_from(begun.len()).unwrap_or(u32::MAX);
    let place = Place::new(ctx, LIMIT.saturating_mul(turns.saturating_add(1)));
    let running = None;
    let calls = Calls {
        place,
        begun,
        why,
        running,
    };
    calls.spawn()
}

/// Waits for a task and leaves its outcome where it is: a failure is reported.
pub(super) async fn only_wait(task: Task<()>) {
    let _ = task.watch().wait().await;
}

/// Whom it is cleaned up after, and where.
struct Place<R> {
    ctx: Ctx<R>,
    cleanup: Ctx<R>,
    limit: Duration,
}

impl<R: Runtime> Place<R> {
    fn new(ctx: &Ctx<R>, limit: Duration) -> Self {
        let (ctx, cleanup) = (ctx.clone(), ctx.cleanup(limit));
        Place {
            ctx,
            cleanup,
            limit,
        }
    }
}

impl<R> Place<R> {
    /// Whether there is another, further up: not if the time is over, or the executor is.
    fn has_ended_above(&self) -> bool {
        let above = self.cleanup.node().parent();
        above.is_some_and(|above| above.is_done())
    }
}

struct Call<R: Runtime, Res: Resource + 'static> {
    place: Place<R>,
    /// Until it begins.
    resource: Option<Res>,
    why: Option<Error>,
}

impl<R: Runtime, Res: Resource + 'static> Call<R, Res> {
    async fn run(mut self) -> Result<(), BoxError> {
        match self.resource.take() {
            Some(mut resource) => resource.finish(self.why.as_ref()).await,
            None => Ok(()),
        }
    }
}

impl<R: Runtime, Res: Resource + 'static> Drop for Call<R, Res> {
    fn drop(&mut self) {
        let Some(resource) = self.resource.take() else {
            return;
        };
        if self.place.has_ended_above() {
            let task = || drop(finish_one(&self.place.ctx, resource, self.why.take()));
            isolate("a runtime's spawn", task);
        }
    }
}

struct Calls<R: Runtime, Res: Resource + 'static> {
    place: Place<R>,
    begun: Vec<Res>,
    why: Option<Error>,
    /// The one whose turn it is; it may go on when this is dropped.
    running: Option<TaskWatch>,
}

impl<R: Runtime, Res: Resource + 'static> Calls<R, Res> {
    fn spawn(self) -> Task<()> {
        let all = self.place.cleanup.clone();
        all.task("finish").try_spawn(self.run())
    }

    async fn run(mut self) -> Result<()> {
        if let Some(running) = &self.running {
            let _ = running.wait().await;
        }
        let mut outcome = Ok(());
        while let Some(resource) = self.begun.pop() {
            let task = finish_one(&self.place.ctx, resource, self.why.clone());
            self.running = Some(task.watch());
            match outcome {
                Ok(()) => outcome = task.await,
                Err(_) => only_wait(task).await,
            }
        }
        outcome
    }
}

impl<R: Runtime, Res: Resource + 'static> Drop for Calls<R, Res> {
    fn drop(&mut self) {
        let begun = mem::take(&mut self.begun);
        if !begun.is_empty() && self.place.has_ended_above() {
            let place = Place::new(&self.place.ctx, self.place.limit);
            let (why, running) = (self.why.take(), self.running.take());
            let calls = Calls {
                place,
                begun,
                why,
                running,
            };
            isolate("a runtime's spawn", || drop(calls.spawn()));
        }
    }
}
