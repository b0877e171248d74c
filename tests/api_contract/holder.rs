//! Holders, slots, and what finishing tells.

use std::{ops::Deref, panic::Location, time::Duration};

use windlass::{
    AnyRuntime, BoxError, Ctx, Error, Finished, Name, Result, Runtime, Slot, Straggler, Task,
    TaskBuilder, TaskHolder, TaskId, TaskWatch,
};

use super::{Mute, is_clone, is_debug, is_send, is_sync, sends, shapes};

fn holder<R: Clone, N: Into<Name>, T>() {
    shapes! {
        TaskHolder::<R>::new => fn(&Ctx<R>, N) -> TaskHolder<R>;
        TaskHolder::<R>::limit => fn(TaskHolder<R>, usize) -> TaskHolder<R>;
        TaskHolder::<R>::fail_fast => fn(TaskHolder<R>) -> TaskHolder<R>;
        TaskHolder::<R>::handle => fn(&TaskHolder<R>) -> Ctx<R>;
        TaskHolder::<R>::set_limit => fn(&TaskHolder<R>, usize);
        TaskHolder::<R>::adopt::<T> => fn(&TaskHolder<R>, Task<T>) -> Task<T>;
        TaskHolder::<R>::pending => fn(&TaskHolder<R>) -> usize;
        TaskHolder::<R>::contains => fn(&TaskHolder<R>, TaskId) -> bool;
        TaskHolder::<R>::tasks => fn(&TaskHolder<R>) -> Vec<TaskWatch>;
        TaskHolder::<R>::try_reserve => fn(&TaskHolder<R>) -> Option<Slot<R>>;
    }
}

/// It derefs to its context, and has no bound of its own.
fn place<R>() {
    fn is<D: Deref<Target = T>, T>() {}
    is::<TaskHolder<R>, Ctx<R>>();
    is_debug::<TaskHolder<R>>();
    is_debug::<Slot<R>>();
}

fn slot<R, N: Into<Name>>() {
    shapes! { Slot::<R>::task => fn(Slot<R>, N) -> TaskBuilder<R>; }
}

async fn waiting<R: Clone>(holder: &TaskHolder<R>) -> (Result<Slot<R>>, Finished) {
    (holder.reserve().await, holder.finish().await)
}

async fn scope<R: Clone, T, E, B>(holder: TaskHolder<R>, body: B) -> Result<T>
where
    B: AsyncFnOnce(&TaskHolder<R>) -> Result<T, E>,
    E: Into<BoxError> + 'static,
{
    holder.scope(body).await
}

async fn shutdown<R: Runtime>(holder: &TaskHolder<R>) -> Finished {
    sends(holder.shutdown(Duration::ZERO)).await
}

fn waiting_sends<R: Clone + Send + Sync>(holder: &TaskHolder<R>) {
    drop(sends(holder.reserve()));
    drop(sends(holder.finish()));
}

fn scope_sends(holder: TaskHolder) {
    drop(sends(
        holder.scope(async |tasks| tasks.spawn(async { 1 }).await),
    ));
}

fn finished(finished: Finished) -> (usize, usize, usize) {
    let Finished {
        completed,
        failed,
        cancelled,
        first_error,
        dropped,
        took,
        ..
    } = finished;
    let _: (Option<Error>, Vec<Straggler>, Duration) = (first_error, dropped, took);
    (completed, failed, cancelled)
}

fn straggler(straggler: Straggler) -> (String, &'static Location<'static>, Duration) {
    (straggler.path, straggler.spawned_at, straggler.held_for)
}

#[test]
fn holders_slots_and_reports() {
    type Body = fn(&TaskHolder) -> std::future::Ready<Result<u8, BoxError>>;
    let _ = (waiting::<()>, waiting_sends::<()>, scope_sends);
    let _ = (scope::<_, u8, BoxError, Body>, shutdown::<AnyRuntime>);
    let _ = (finished, straggler);
    holder::<(), &'static str, Mute>();
    holder::<std::rc::Rc<()>, String, Mute>();
    place::<Mute>();
    slot::<Mute, &'static str>();
    is_send::<TaskHolder>();
    is_sync::<TaskHolder>();
    is_send::<Slot>();
    is_debug::<Finished>();
    is_clone::<Straggler>();
    is_debug::<Straggler>();
}
