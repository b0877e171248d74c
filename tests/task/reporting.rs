//! Who is told of a failure that nobody sees.

use std::future::{pending, ready};

use windlass::testing::simulate;

use crate::reporting;

#[test]
fn failure_that_nobody_sees_is_reported_once() {
    // TASK-08, Q-23
    simulate(async |sim| {
        let (app, log) = reporting(sim);
        drop(
            app.task("dropped before")
                .try_spawn(ready(Err::<(), _>("first"))),
        );
        app.finish().await;
        assert_eq!(log.take(), ["sim-->app-->dropped before: first"]);
        let unread = app.task("unread").try_spawn(ready(Err::<(), _>("second")));
        app.finish().await;
        assert!(log.take().is_empty(), "somebody may still look");
        drop(unread);
        assert_eq!(log.take(), ["sim-->app-->unread: second"]);
        drop(
            app.task("panics")
                .spawn(async { assert!(std::hint::black_box(false), "third") }),
        );
        app.finish().await;
        assert_eq!(log.take(), ["sim-->app-->panics: panicked: third"]);
    });
}

#[test]
fn what_is_seen_silent_cancelled_or_fine_is_not_reported() {
    // TASK-04, TASK-07, TASK-10, TASK-14, TASK-15, TASK-16
    simulate(async |sim| {
        let (app, log) = reporting(sim);
        assert!(app.try_spawn(ready(Err::<(), _>("seen"))).await.is_err());
        drop(
            app.task("silent")
                .silent()
                .try_spawn(ready(Err::<(), _>("silent"))),
        );
        drop(app.spawn(async { 1 }));
        let cancelled = app.spawn(pending::<()>());
        cancelled.cancel();
        drop(cancelled);
        app.finish().await;
        assert!(log.take().is_empty());
        let always = app
            .task("always")
            .always_report()
            .try_spawn(ready(Err::<(), _>("told")));
        assert!(always.await.is_err());
        assert_eq!(log.take(), ["sim-->app-->always: told"]);
    });
}

#[test]
fn panicking_reporter_is_isolated() {
    simulate(async |sim| {
        let app = sim
            .ctx
            .build("app")
            .reporter(|_| panic!("a reporter that panics"))
            .start();
        drop(app.try_spawn(ready(Err::<(), _>("unseen"))));
        assert_eq!(app.finish().await.failed, 1);
    });
}
