//! Models of the task's states.

use std::{future::Future, pin::Pin, task::Poll};

use super::{
    Task,
    finish::complete,
    harness::{Always, Conclude, Harness},
    spawn::Plan,
};
use crate::{
    Ctx, Error,
    models::{Wakes, check, spawn as start},
    runtime::Kept,
    sync::{Arc, AtomicUsize, Mutex, Ordering, lock},
};

type Spawned<F, T> = (Task<T>, Pin<Box<Harness<F, Always, T>>>);
pub(crate) type MaybeSpawned<F, C, T> = (Task<T>, Option<Pin<Box<Harness<F, C, T>>>>);

/// A task in a live context, and its harness, which the model polls in place of an executor.
fn spawn<F>(ctx: &Ctx<()>, f: F) -> Spawned<F, F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (task, harness) = spawn_as::<Always, _, _>(ctx, f);
    (task, harness.expect("the context is live"))
}

/// The same with a choice of what fails, and without a harness if the context has ended.
pub(crate) fn spawn_as<C, F, T>(ctx: &Ctx<()>, f: F) -> MaybeSpawned<F, C, T>
where
    F: Future + Send + 'static,
    C: Conclude<F::Output, Value = T>,
    T: Send + 'static,
{
    let spawned_at = std::panic::Location::caller();
    let plan = Plan {
        node: Arc::clone(ctx.node()),
        spawned_at,
        options: None,
    };
    let slot = Mutex::new(None);
    let task = plan.start(f, |harness| {
        *lock(&slot) = Some(Box::pin(harness));
        Kept::default()
    });
    let harness = lock(&slot).take();
    (task, harness)
}

/// Joining against completing: the joiner gets the value, now or after a wake.
#[test]
fn join_while_the_task_completes() {
    check(&["store_without_waking"], || {
        let ctx = Ctx::root_on("root", ());
        let (mut task, mut harness) = spawn(&ctx, async { 7 });
        let runner = start(move || Wakes::new().poll(|cx| harness.as_mut().poll(cx)).is_ready());
        let wakes = Wakes::new();
        let first = wakes.poll(|cx| Pin::new(&mut task).poll(cx));
        assert!(runner.join().unwrap(), "the harness has finished");
        if first.is_pending() {
            assert_eq!(wakes.count(), 1, "the joiner is woken once");
            assert!(matches!(
                wakes.poll(|cx| Pin::new(&mut task).poll(cx)),
                Poll::Ready(Ok(7))
            ));
        }
        assert!(
            ctx.node().live().is_some_and(|live| live.is_idle()),
            "nothing runs any more"
        );
    });
}

/// The same for a task that its context stops: the joiner gets the error, and so does whoever asks.
#[test]
fn join_while_the_context_stops_the_task() {
    check(&["store_without_waking"], || {
        let ctx = Ctx::root_on("root", ());
        let (mut task, mut harness) = spawn(&ctx, std::future::pending::<()>());
        assert!(
            Wakes::new()
                .poll(|cx| harness.as_mut().poll(cx))
                .is_pending()
        );
        ctx.cancel();
        let runner = start(move || Wakes::new().poll(|cx| harness.as_mut().poll(cx)).is_ready());
        let wakes = Wakes::new();
        let mut joined = wakes.poll(|cx| Pin::new(&mut task).poll(cx));
        assert!(runner.join().unwrap(), "the harness has ended");
        if joined.is_pending() {
            assert_eq!(wakes.count(), 1, "the joiner is woken once");
            joined = wakes.poll(|cx| Pin::new(&mut task).poll(cx));
        }
        assert!(matches!(joined, Poll::Ready(Err(error)) if error.is_cancelled()));
        assert!(
            ctx.node().live().is_some_and(|live| live.is_idle()),
            "nothing runs any more"
        );
    });
}

/// A callback that is registered while the context stops the task is called exactly once.
#[test]
fn callback_is_registered_while_the_context_stops_the_task() {
    check(&["stop_without_calling"], || {
        let ctx = Ctx::root_on("root", ());
        let (task, mut harness) = spawn(&ctx, std::future::pending::<()>());
        assert!(
            Wakes::new()
                .poll(|cx| harness.as_mut().poll(cx))
                .is_pending()
        );
        ctx.cancel();
        let runner = start(move || Wakes::new().poll(|cx| harness.as_mut().poll(cx)).is_ready());
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        task.on_done(move |outcome| {
            assert!(outcome.is_err_and(Error::is_cancelled));
            counter.fetch_add(1, Ordering::SeqCst);
        });
        assert!(runner.join().unwrap());
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
    });
}

/// The context ends while the task parks: it is asked, or sees the end itself.
#[test]
fn context_ends_while_the_task_parks() {
    check(&["park_without_looking"], || {
        let ctx = Ctx::root_on("root", ());
        let (task, mut harness) = spawn(&ctx, std::future::pending::<()>());
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let runner = start(move || {
            let is_over = woken.poll(|cx| harness.as_mut().poll(cx)).is_ready();
            (is_over, harness)
        });
        ctx.cancel();
        let (is_over, harness) = runner.join().unwrap();
        assert!(is_over || wakes.count() > 0, "the task hangs");
        drop(harness);
        assert!(task.is_done() && task.is_cancelled());
        assert!(
            ctx.node()
                .live()
                .is_some_and(|live| live.is_idle() && live.tasks().is_empty())
        );
    });
}

/// `cancel` against parking: the same for the owner's request.
#[test]
fn cancel_while_the_task_parks() {
    check(&["park_without_looking"], || {
        let ctx = Ctx::root_on("root", ());
        let (task, mut harness) = spawn(&ctx, std::future::pending::<()>());
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let runner = start(move || {
            let is_over = woken.poll(|cx| harness.as_mut().poll(cx)).is_ready();
            (is_over, harness)
        });
        assert!(task.cancel(), "the first request");
        let (is_over, _harness) = runner.join().unwrap();
        assert!(is_over || wakes.count() > 0, "the task hangs");
    });
}

/// Completing against dropping by the executor and by the owner: one outcome, callbacks once.
#[test]
fn completion_against_drop_of_both_ends() {
    check(&["complete_twice"], || {
        let ctx = Ctx::root_on("root", ());
        let (task, harness) = spawn(&ctx, std::future::pending::<()>());
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        task.on_done(move |_| {
            counter.fetch_add(1, Ordering::SeqCst);
        });
        let core = Arc::clone(&task.core);
        let executor = start(move || drop(harness));
        let other = start(move || complete(&core, Some(Ok(()))));
        drop(task);
        executor.join().unwrap();
        other.join().unwrap();
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
        assert!(
            ctx.node().live().is_some_and(|live| live.is_idle()),
            "counted exactly once"
        );
    });
}

/// A callback that is registered while the task completes is called exactly once, and the joiner
/// still gets the value.
#[test]
fn callback_is_registered_while_the_task_completes() {
    check(&["put_back_without_calling"], || {
        let ctx = Ctx::root_on("root", ());
        let (mut task, mut harness) = spawn(&ctx, async { 7 });
        let runner = start(move || Wakes::new().poll(|cx| harness.as_mut().poll(cx)).is_ready());
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        task.on_done(move |outcome| {
            assert_eq!(outcome.ok(), Some(&7));
            counter.fetch_add(1, Ordering::SeqCst);
        });
        assert!(runner.join().unwrap());
        assert_eq!(calls.load(Ordering::SeqCst), 1, "called exactly once");
        assert!(matches!(
            Wakes::new().poll(|cx| Pin::new(&mut task).poll(cx)),
            Poll::Ready(Ok(7))
        ));
    });
}

/// The last task ends while somebody begins to wait for that.
#[test]
fn finish_begins_while_the_last_task_ends() {
    check(&["idle_without_looking"], || {
        let ctx = Ctx::root_on("root", ());
        let (_task, harness) = spawn(&ctx, std::future::pending::<()>());
        let executor = start(move || drop(harness));
        let wakes = Wakes::new();
        let mut finish = Box::pin(ctx.wait_idle());
        let is_ready = wakes.poll(|cx| finish.as_mut().poll(cx)).is_ready();
        executor.join().unwrap();
        assert!(is_ready || wakes.count() > 0, "the wait hangs");
        assert!(is_ready || wakes.poll(|cx| finish.as_mut().poll(cx)).is_ready());
    });
}

/// A shutdown drops what is left while a task is polled for the first time: it is named, once it
/// was dropped, whether it was listed in time or not.
#[test]
fn shutdown_drops_a_task_while_it_is_first_polled() {
    check(&["drop_unnamed"], || {
        let ctx = Ctx::root_on("root", ());
        let (task, mut harness) = spawn(&ctx, std::future::pending::<()>());
        let runner = start(move || {
            let is_over = Wakes::new().poll(|cx| harness.as_mut().poll(cx)).is_ready();
            (is_over, harness)
        });
        ctx.stop();
        let roll = ctx.node().live().expect("it is linked").call_roll();
        let running = ctx.running();
        ctx.cancel();
        let (_, harness) = runner.join().unwrap();
        drop(harness); // if it has not ended before
        assert!(task.is_cancelled());
        let was_seen = running.iter().any(|seen| seen.id() == task.id());
        let called = roll.called();
        assert!(was_seen || called.iter().any(|(id, _)| *id == task.id()));
        assert!(called.len() <= 1, "it answers once");
    });
}
