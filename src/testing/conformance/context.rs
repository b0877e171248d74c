//! What [`Ctx`] promises, on the runtime under test.

use std::{
    future::{pending, ready},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use futures::channel::oneshot;

use super::{
    harness::{Count, yield_now},
    watch::ends,
};
use crate::{BlockOn, Ctx, Runtime, sync::lock};

const SHORT: Duration = Duration::from_millis(2);
const LONG: Duration = Duration::from_secs(3600);

pub(super) fn check<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    ending_a_context_ends_what_is_below_and_nothing_above(&make);
    an_end_from_a_foreign_thread_is_seen(&make);
    the_first_end_wins(&make);
    callbacks_run_once_from_above_to_below(&make);
    stopping_asks_and_ends_nothing(&make);
    a_deadline_ends_the_context_and_its_tasks(&make);
    a_removed_deadline_keeps_nothing_awake(&make);
    run_until_done_takes_a_value_that_is_ready_together_with_the_end(&make);
    a_loop_that_ignores_the_end_does_not_spin(&make);
    shutdown_waits_for_its_grace_and_names_who_needed_more(&make);
    cleanup_goes_on_after_the_end(&make);
}

fn on<R: Runtime, B: BlockOn>(
    make: impl Fn() -> (R, B),
    clause: &str,
    body: impl AsyncFnOnce(Ctx<R>),
) {
    let (rt, driver) = make();
    ends(&driver, clause, body(Ctx::root_on("app", rt)));
}

fn ending_a_context_ends_what_is_below_and_nothing_above<R: Runtime, B: BlockOn>(
    make: impl Fn() -> (R, B),
) {
    let clause = "ending a context ends what is below, at once, and nothing above";
    on(make, clause, async |app| {
        let middle = app.child("middle");
        let (leaf, beside) = (middle.child("leaf"), app.child("beside"));
        let tasks = [&middle, &leaf].map(|ctx| ctx.spawn(pending::<()>()));
        yield_now().await;
        assert!(middle.cancel_with("a reason"), "{clause}");
        assert!(middle.is_done() && leaf.is_done(), "{clause}");
        assert!(!app.is_done() && !beside.is_done(), "{clause}");
        for task in tasks {
            let error = task.await.err().map(|error| error.to_string());
            let told = error.as_deref() == Some("cancelled at app-->middle by a reason");
            assert!(told, "{clause}: {error:?}");
        }
        assert!(leaf.done().await.is_cancelled(), "{clause}");
    });
}

fn an_end_from_a_foreign_thread_is_seen<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "an end from another thread wakes who waits for it";
    on(make, clause, async |app| {
        let watched = app.child("watched");
        let inner = watched.clone();
        let waiting = app.spawn(async move { inner.done().await.is_cancelled() });
        yield_now().await;
        let ended = thread::spawn(move || watched.cancel()).join();
        assert!(ended.is_ok_and(|ended| ended), "{clause}");
        assert!(waiting.await.is_ok_and(|cancelled| cancelled), "{clause}");
    });
}

fn the_first_end_wins<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "the first end wins, and what is visible once never changes";
    on(make, clause, async |app| {
        let child = app.child("child");
        assert!(child.fail("the first"), "{clause}");
        assert!(!child.cancel() && !child.fail("another"), "{clause}");
        assert!(app.cancel(), "{clause}");
        let kept = child.error().is_some_and(|error| error.is_failed());
        assert!(kept && !child.is_cancelled(), "{clause}");
        let born_done = child.child("late");
        assert!(
            born_done.is_done() && born_done.child("later").is_done(),
            "{clause}"
        );
    });
}

fn callbacks_run_once_from_above_to_below<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "callbacks run once, from above to below, each in the order of registration";
    on(make, clause, async |app| {
        let child = app.child("child");
        let order = Arc::new(Mutex::new(Vec::new()));
        let note = |n| {
            let order = Arc::clone(&order);
            move |_: &crate::Error| lock(&order).push(n)
        };
        child.on_done(note(3));
        app.on_done(note(1));
        app.on_done(note(2));
        let removed = child.on_done(note(0));
        assert!(child.remove_on_done(removed), "{clause}");
        app.cancel();
        app.on_done(note(4)); // too late: at once
        assert_eq!(*lock(&order), [1, 2, 3, 4], "{clause}");
    });
}

fn stopping_asks_and_ends_nothing<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "`stop` asks everything below, and ends nothing";
    on(make, clause, async |app| {
        let child = app.child("child");
        let inner = child.clone();
        let asked = child.spawn(async move {
            inner.stopping().await;
            // Timers, children and spawns still work.
            let slept = inner.sleep(SHORT).await.is_ok();
            let spawned = inner.child("still").spawn(ready(7)).await;
            slept && spawned.is_ok()
        });
        yield_now().await;
        assert!(app.stop() && !app.stop(), "{clause}");
        assert!(child.is_stopping() && !child.is_done(), "{clause}");
        assert!(asked.await.is_ok_and(|worked| worked), "{clause}");
    });
}

fn a_deadline_ends_the_context_and_its_tasks<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a deadline ends its context, not before it is due, and the tasks in it";
    on(make, clause, async |app| {
        let due = app.now() + SHORT;
        let brief = app.build("brief").timeout(SHORT).start();
        let later = app.build("later").timeout(LONG).start();
        let task = brief.spawn(pending::<()>());
        let error = brief.done().await;
        assert!(error.is_timed_out() && app.now() >= due, "{clause}");
        let error = task.await.err();
        assert!(error.is_some_and(|error| error.is_timed_out()), "{clause}");
        assert!(!later.is_done() && !app.is_done(), "{clause}");
        let none = app.build("none").timeout(Duration::ZERO).start();
        assert!(none.is_done(), "{clause}: no time at all");
        let endless = app.build("endless").timeout(Duration::MAX).start();
        yield_now().await;
        assert!(!endless.is_done(), "{clause}: all the time there is");
    });
}

fn a_removed_deadline_keeps_nothing_awake<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "deadlines of contexts that have gone hold nothing up";
    on(make, clause, async |app| {
        for _ in 0..100 {
            drop(app.build("gone").timeout(LONG).start());
        }
        let brief = app.build("brief").timeout(SHORT).start();
        assert!(brief.done().await.is_timed_out(), "{clause}");
        assert_eq!(app.finish().await.cancelled, 0, "{clause}");
    });
}

fn run_until_done_takes_a_value_that_is_ready_together_with_the_end<R: Runtime, B: BlockOn>(
    make: impl Fn() -> (R, B),
) {
    let clause = "`run_until_done` takes a value that is ready together with the end";
    on(make, clause, async |app| {
        let child = app.child("child");
        let ending = child.clone();
        let both = child.run_until_done(async move {
            yield_now().await;
            ending.cancel();
            7
        });
        assert!(matches!(both.await, Ok(7)), "{clause}");
        let polled = Count::new();
        let count = Arc::clone(&polled);
        let late = child.run_until_done(async move { count.add() });
        assert!(late.await.is_err() && polled.get() == 0, "{clause}");
        let cut = app.child("cut");
        cut.cancel();
        assert!(
            cut.run_until_done(pending::<()>()).await.is_err(),
            "{clause}"
        );
    });
}

fn a_loop_that_ignores_the_end_does_not_spin<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a task that ignores the errors of its waits is dropped, and does not spin";
    on(make, clause, async |app| {
        let server = app.child("server");
        let inner = server.clone();
        let task = server.spawn(async move {
            loop {
                let _ = inner.sleep(SHORT).await;
            }
        });
        yield_now().await;
        server.cancel();
        let error: Option<crate::Error> = task.await.err();
        assert!(error.is_some_and(|error| error.is_cancelled()), "{clause}");
    });
}

fn shutdown_waits_for_its_grace_and_names_who_needed_more<R: Runtime, B: BlockOn>(
    make: impl Fn() -> (R, B),
) {
    let clause = "`shutdown` asks, waits for its grace, ends the rest and names it";
    on(make, clause, async |app| {
        let server = app.child("server");
        let polite = server.clone();
        let tidy = server.spawn(async move {
            polite.stopping().await;
            yield_now().await;
            7
        });
        let report = server.shutdown(LONG).await;
        assert!(server.is_done() && report.dropped.is_empty(), "{clause}");
        assert_eq!((report.completed, report.cancelled), (1, 0), "{clause}");
        assert!(matches!(tidy.await, Ok(7)), "{clause}");
        let (begin, begun) = oneshot::channel();
        let stubborn = app.task("stubborn").spawn(async move {
            let _ = begin.send(());
            pending::<()>().await;
        });
        assert_eq!(begun.await, Ok(()), "{clause}");
        let report = app.shutdown(SHORT).await;
        assert!(app.is_done() && stubborn.await.is_err(), "{clause}");
        let paths: Vec<_> = report.dropped.iter().map(|left| &*left.path).collect();
        assert_eq!(paths, ["app-->stubborn"], "{clause}");
    });
}

fn cleanup_goes_on_after_the_end<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    let clause = "a cleanup context lives on after the end, within its bound";
    on(make, clause, async |app| {
        let server = app.child("server");
        server.cancel();
        let cleanup = server.cleanup(LONG);
        assert!(matches!(cleanup.spawn(ready(7)).await, Ok(7)), "{clause}");
        assert!(cleanup.sleep(SHORT).await.is_ok(), "{clause}");
        app.cancel();
        assert!(
            cleanup.is_done(),
            "{clause}: it outlives the nearest live ancestor"
        );
        let bounded = app.cleanup(SHORT);
        assert!(bounded.done().await.is_timed_out(), "{clause}");
    });
}
