//! Threads that wait: for the end of a context, for the outcome of a task.

use std::{thread, time::Duration};

use windlass::{Ctx, Event, NestedRun, adapters::Embedded, run};

const LONG: Duration = Duration::from_secs(30);

/// Without any time left a context that had ended was said to go on.
#[test]
fn what_has_ended_is_seen_without_any_time_left() {
    let ctx = Ctx::root("app", Embedded::global());
    let mut task = ctx.spawn(async { 7 });
    assert_eq!(task.blocking_join(LONG).unwrap().unwrap(), 7);
    let mut task = ctx.spawn(async { 7 });
    while !task.is_done() {
        thread::yield_now();
    }
    assert_eq!(task.blocking_join(Duration::ZERO).unwrap().unwrap(), 7);
    ctx.cancel();
    assert!(ctx.blocking_done(Duration::ZERO).unwrap().is_cancelled());
}

#[test]
fn a_thread_waits_for_the_end_of_a_context() {
    let ctx = Ctx::root_on("app", ());
    let late = ctx.blocking_done(Duration::from_millis(1)).unwrap_err();
    assert!(late.is_timed_out());
    assert!(late.to_string().contains("app"), "{late}");
    let ends = ctx.clone();
    let ender = thread::spawn(move || ends.cancel_with("enough"));
    let why = ctx.blocking_done(LONG).unwrap();
    assert_eq!(why.to_string(), "cancelled at app by enough");
    assert!(ender.join().unwrap());
    assert!(ctx.blocking_done(Duration::MAX).unwrap().is_cancelled());
}

#[test]
fn a_thread_waits_for_a_task_and_can_ask_again() {
    let ctx = Ctx::root("app", Embedded::global());
    let event = Event::new();
    let waits = event.wait();
    let mut task = ctx.spawn(async move {
        waits.await;
        7
    });
    let late = task.blocking_join(Duration::ZERO).unwrap_err();
    assert!(late.is_timed_out());
    assert!(!task.is_done());
    event.set();
    assert_eq!(task.blocking_join(LONG).unwrap().unwrap(), 7);
    let mut failed = ctx.try_spawn(async { Err::<(), _>("task") });
    let error = failed.blocking_join(Duration::MAX).unwrap().unwrap_err();
    assert_eq!(error.to_string(), "task");
}

#[test]
fn a_task_is_not_blocked_on_itself() {
    let ctx = Ctx::root("app", Embedded::global());
    let inner = ctx.clone();
    let task = ctx.spawn(async move { inner.blocking_done(LONG).unwrap_err() });
    let refusal = run(&Embedded::global(), task).unwrap().unwrap();
    assert!(refusal.is::<NestedRun>());
    assert!(refusal.to_string().contains("`.await` there"), "{refusal}");
}

#[test]
fn blocking_work_may_wait() {
    let ctx = Ctx::root("app", Embedded::global());
    let mut inner = ctx.spawn(async { 1 });
    let task = ctx.spawn_blocking(move |_| inner.blocking_join(LONG).unwrap().unwrap());
    assert_eq!(run(&Embedded::global(), task).unwrap().unwrap(), 1);
}
