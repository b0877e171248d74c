//! What [`Task`](crate::Task) and the waits promise, on the runtime under test.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::channel::oneshot;

use super::{
    harness::{Count, OnDrop, yield_now},
    watch::ends,
};
use crate::{
    BlockOn, Ctx, Error, Event, LocalSpawner, Runtime, Spawner, Until, cancel_and_wait, sync::lock,
    wait_for_all, wait_for_first,
};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);

pub(super) fn check<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    a_task_gives_its_value_or_why_it_has_none(&make);
    a_panicking_future_harms_nobody(&make);
    a_dropped_handle_detaches_the_task(&make);
    done_callbacks_see_each_outcome_once(&make);
    a_future_is_dropped_when_its_context_ends(&make);
    grace_is_what_a_task_gets_after_the_end(&make);
    spawning_after_the_end_polls_nothing(&make);
    blocking_work_is_a_task(&make);
    waits_see_tasks_and_events(&make);
    timeouts_and_calls_are_on_the_clock(&make);
}

/// On executors that have an end, and need no clock.
pub(super) fn check_end<S: Spawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    let clause = "tasks of an executor that has ended are cancelled, before and after";
    let (handle, driver) = make();
    let app = Ctx::root_on("app", handle);
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let note = || {
        let outcomes = Arc::clone(&outcomes);
        move |outcome: Result<&(), &Error>| {
            let outcome = outcome.err().map(Error::to_string);
            lock(&outcomes).push(outcome);
        }
    };
    let before = app.spawn(pending::<()>());
    before.on_done(note());
    ends(&driver, clause, yield_now());
    drop(driver);
    let after = app.spawn(pending::<()>());
    after.on_done(note());
    for task in [before, after] {
        let error = futures_lite::future::block_on(task).err();
        assert!(error.is_some_and(|error| error.is_cancelled()), "{clause}");
    }
    let outcomes = lock(&outcomes).clone();
    assert_eq!(outcomes.len(), 2, "{clause}: {outcomes:?}");
    let told = |text: &Option<String>| text.as_ref().is_some_and(|text| text.contains("shut down"));
    assert!(outcomes.iter().all(told), "{clause}: {outcomes:?}");
    assert!(
        !app.is_done(),
        "{clause}: the context is not the executor's"
    );
}

/// On executors for futures that are not `Send`.
pub(super) fn check_local<S: LocalSpawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    let clause = "local tasks are tasks";
    let (handle, driver) = make();
    let app = Ctx::root_on("app", handle);
    let local = std::rc::Rc::new(7);
    let task = app.spawn_local(async move {
        yield_now().await;
        *local
    });
    assert!(matches!(ends(&driver, clause, task), Ok(7)), "{clause}");
    let waiting = app.spawn_local(pending::<()>());
    ends(&driver, clause, yield_now());
    app.cancel();
    let error = ends(&driver, clause, waiting).err();
    assert!(error.is_some_and(|error| error.is_cancelled()), "{clause}");
}

fn on<R: Runtime, B: BlockOn>(
    make: impl Fn() -> (R, B),
    clause: &str,
    body: impl AsyncFnOnce(Ctx<R>),
) {
    let (rt, driver) = make();
    ends(&driver, clause, body(Ctx::root_on("app", rt)));
}

/// Panics without a word from the panic hook.
fn panic_quietly() {
    std::panic::resume_unwind(Box::new("on purpose"));
}

fn a_task_gives_its_value_or_why_it_has_none<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a task gives its value, or why it has none";
    on(make, clause, async |app| {
        assert!(matches!(app.spawn(ready(7)).await, Ok(7)), "{clause}");
        let failing = app.try_spawn(ready(Err::<(), _>("broken")));
        let error = failing.await.err();
        assert!(error.is_some_and(|error| error.is_failed()), "{clause}");
        let cancelled = app.spawn(pending::<()>());
        assert!(cancelled.cancel() && !cancelled.cancel(), "{clause}");
        let error = cancelled.await.err();
        assert!(error.is_some_and(|error| error.is_cancelled()), "{clause}");
        let late = app.task("late").timeout(SHORT).spawn(pending::<()>());
        let error = late.await.err();
        assert!(error.is_some_and(|error| error.is_timed_out()), "{clause}");
    });
}

fn a_panicking_future_harms_nobody<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a panic in a future, or in its destructor, becomes an error and harms nobody";
    on(make, clause, async |app| {
        let panicking = app.spawn(async { panic_quietly() });
        let error = panicking.await.err();
        assert!(error.is_some_and(|error| error.is_panic()), "{clause}");
        let guard = OnDrop::new(panic_quietly);
        let doomed = app.spawn(async move {
            let _guard = guard;
            pending::<()>().await;
        });
        yield_now().await;
        doomed.cancel();
        assert!(doomed.await.is_err(), "{clause}");
        assert!(matches!(app.spawn(ready(7)).await, Ok(7)), "{clause}");
    });
}

fn a_dropped_handle_detaches_the_task<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "dropping a task detaches it; its context still owns it";
    on(make, clause, async |app| {
        let (tell, told) = oneshot::channel();
        drop(app.spawn(async move {
            yield_now().await;
            let _ = tell.send(());
        }));
        assert_eq!(told.await, Ok(()), "{clause}");
        let (held, dropped) = oneshot::channel::<()>();
        drop(app.spawn(async move {
            let _held = held;
            pending::<()>().await;
        }));
        yield_now().await;
        app.cancel_and_wait().await;
        assert!(dropped.await.is_err(), "{clause}");
    });
}

fn done_callbacks_see_each_outcome_once<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a done-callback sees the outcome once, before the owner has it";
    on(make, clause, async |app| {
        let seen = Arc::new(Mutex::new(Vec::new()));
        for n in 0..2 {
            let task = app.spawn(async move {
                yield_now().await;
                if n == 1 {
                    panic_quietly();
                }
            });
            let note = Arc::clone(&seen);
            task.on_done(move |outcome| lock(&note).push(outcome.is_ok()));
            let outcome = task.await.is_ok();
            assert_eq!(
                *lock(&seen).last().unwrap_or(&!outcome),
                outcome,
                "{clause}"
            );
        }
        assert_eq!(*lock(&seen), [true, false], "{clause}");
    });
}

fn a_future_is_dropped_when_its_context_ends<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a future is dropped, on the executor, when its context ends";
    on(make, clause, async |app| {
        let dropped = Count::new();
        let mut tasks = Vec::new();
        for _ in 0..100 {
            let guard = dropped.on_drop();
            tasks.push(app.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
        }
        yield_now().await;
        let report = app.cancel_and_wait().await;
        assert_eq!((dropped.get(), report.cancelled), (100, 100), "{clause}");
    });
}

fn grace_is_what_a_task_gets_after_the_end<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a task with a grace may finish after the end, and not for longer";
    on(make, clause, async |app| {
        let server = app.child("server");
        let inner = server.clone();
        let (begin, begun) = oneshot::channel();
        let quick = server.task("quick").grace(LONG).spawn(async move {
            let _ = begin.send(());
            inner.stopping().await;
            yield_now().await;
            7
        });
        let (begin_slow, begun_slow) = oneshot::channel();
        let slow = server.task("slow").grace(SHORT).spawn(async move {
            let _ = begin_slow.send(());
            pending::<()>().await;
        });
        // What has not begun by the end is not polled at all.
        assert!(begun.await.is_ok() && begun_slow.await.is_ok(), "{clause}");
        server.cancel();
        assert!(matches!(quick.await, Ok(7)), "{clause}");
        let error = slow.await.err();
        assert!(error.is_some_and(|error| error.is_cancelled()), "{clause}");
    });
}

fn spawning_after_the_end_polls_nothing<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "what is spawned on a context that has ended is cancelled unpolled";
    on(make, clause, async |app| {
        app.cancel();
        let polled = Count::new();
        let count = Arc::clone(&polled);
        let task = app.spawn(async move { count.add() });
        let error = task.await.err();
        assert!(error.is_some_and(|error| error.is_cancelled()), "{clause}");
        assert_eq!(polled.get(), 0, "{clause}");
    });
}

fn blocking_work_is_a_task<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "blocking work is a task, and is asked to stop";
    on(make, clause, async |app| {
        let work = app.spawn_blocking(|stop| !stop.is_done());
        assert!(matches!(work.await, Ok(true)), "{clause}");
        let failing = app.try_spawn_blocking(|_| Err::<(), _>("broken"));
        let error = failing.await.err();
        assert!(error.is_some_and(|error| error.is_failed()), "{clause}");
        app.cancel();
        let late = app.spawn_blocking(|_| ());
        assert!(late.await.is_err(), "{clause}");
    });
}

fn waits_see_tasks_and_events<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "waits see tasks, contexts and events alike";
    on(make, clause, async |app| {
        let event = Event::new();
        let seen = event.clone();
        let task = app.spawn(async move { seen.wait().await });
        let never = app.spawn(pending::<()>());
        let child = app.child("child");
        let setting = event.clone();
        drop(app.spawn(async move {
            yield_now().await;
            setting.set();
        }));
        wait_for_all((&task, &event)).await;
        assert_eq!(wait_for_first((&never, &task)).await, Some(1), "{clause}");
        let waiting = app.wait((&never, &task), Until::All).timeout(SHORT);
        let waited = waiting
            .await
            .ok()
            .map(|waited| (waited.done, waited.pending));
        assert_eq!(waited, Some((vec![1], vec![0])), "{clause}");
        cancel_and_wait((&child, &never)).await;
        assert!(child.is_done() && never.is_done(), "{clause}");
        assert_eq!(wait_for_first::<[Event; 0]>([]).await, None, "{clause}");
    });
}

fn timeouts_and_calls_are_on_the_clock<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "timeouts and calls go by the clock of the runtime";
    on(make, clause, async |app| {
        let start = app.now();
        let late = app.timeout(SHORT, pending::<()>()).await;
        assert!(late.is_err_and(|error| error.is_timed_out()), "{clause}");
        assert!(app.now() >= start + SHORT, "{clause}");
        assert!(
            matches!(app.timeout(LONG, ready(7)).await, Ok(7)),
            "{clause}"
        );
        let (tell, told) = oneshot::channel();
        let clock = app.clone();
        let due = app.now() + SHORT;
        let call = app.call_later(SHORT, move || {
            let _ = tell.send(clock.now());
        });
        assert!(told.await.is_ok_and(|at| at >= due), "{clause}");
        assert!(!call.cancel(), "{clause}: it has run");
        let cancelled = app.call_later(LONG, || ());
        assert!(cancelled.cancel() && !cancelled.has_run(), "{clause}");
        let (tell, told) = oneshot::channel();
        app.call_soon(move || {
            let _ = tell.send(());
        });
        assert_eq!(told.await, Ok(()), "{clause}");
    });
}
