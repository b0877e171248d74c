//! Who is told of a failure that nobody sees.

use std::future::{pending, ready};

use windlass::{
    Event, TaskHolder, cancel_and_wait, testing::simulate, wait_for_all, wait_for_first,
};

use crate::{
    OnDrop,
    kit::{Log, secs, yield_now},
    reporting,
};

#[test]
fn failure_that_nobody_sees_is_reported_once() {
    // TASK-08, TASK-12, Q-23; Q-15: what fails unseen in the background, an assertion too, is told.
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
    // TASK-04, TASK-07, TASK-10, TASK-14, TASK-15, TASK-16, TASK-17
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

#[test]
fn each_way_to_spawn_reports_what_nobody_sees() {
    // TASK-05, Q-23: whether a failure was told depended on how the work had been started.
    simulate(async |sim| {
        let (app, log) = reporting(sim);
        let fails = || ready(Err::<(), _>("unseen"));
        let panics = || async { assert!(std::hint::black_box(false), "unseen") };
        let holder = TaskHolder::new(&app, "holder");
        drop((app.spawn(panics()), app.try_spawn(fails())));
        drop((
            app.task("t").spawn(panics()),
            app.task("t").try_spawn(fails()),
        ));
        drop(app.spawn_with(|_| panics()));
        drop(app.try_spawn_with(|_| fails()));
        drop(holder.try_spawn(fails()));
        drop(app.try_spawn_blocking(|_| Err::<(), _>("unseen")));
        drop(app.on(sim.rt.clone()).try_spawn_local(fails()));
        assert_eq!(app.finish().await.failed + holder.finish().await.failed, 9);
        let told = log.take();
        assert_eq!(told.len(), 9, "{told:?}");
        assert!(told.iter().all(|line| line.ends_with("unseen")));
    });
}

#[test]
fn outcome_is_an_answer_and_never_raised() {
    // TASK-09, TASK-11: nothing but `resume_panic` panics on behalf of a task.
    simulate(async |sim| {
        let panicked = sim.ctx.spawn(async { panic!("on purpose") });
        let (fine, watch) = (sim.ctx.spawn(async { 1 }), panicked.watch());
        assert!(watch.wait().await.is_err() && fine.watch().wait().await.is_ok());
        wait_for_all((&panicked, &fine)).await;
        assert!(panicked.await.unwrap_err().is_panic());
        assert_eq!(fine.await.unwrap(), 1);
    });
}

#[test]
fn work_is_waited_for_by_whoever_started_it() {
    // TASK-06: start, wait for the first of the work and something else, cancel and wait for all.
    simulate(async |sim| {
        let (log, enough) = (Log::default(), Event::new());
        let mark = OnDrop(log.clone(), "work is over");
        let work = sim.ctx.spawn(async move {
            let _mark = mark;
            pending::<()>().await;
        });
        let set = enough.clone();
        sim.ctx.call_later(secs(1), move || set.set());
        assert_eq!(wait_for_first((&work, &enough)).await, Some(1));
        cancel_and_wait([&work]).await;
        assert_eq!(log.take(), ["work is over"]);
        // And the shape that cannot be forgotten.
        let mark = OnDrop(log.clone(), "scope is over");
        let scope = TaskHolder::new(&sim.ctx, "scope").scope(async |tasks| {
            let _work = tasks.spawn(async move {
                let _mark = mark;
                pending::<()>().await;
            });
            yield_now().await;
            Err::<(), _>("enough")
        });
        assert!(scope.await.is_err());
        assert_eq!(log.take(), ["scope is over"]);
    });
}

/// Counts the errors that are logged on this thread.
#[cfg(feature = "tracing")]
#[derive(Clone, Default)]
struct Errors(Log);

#[cfg(feature = "tracing")]
impl tracing::Subscriber for Errors {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.is_event()
    }
    fn event(&self, event: &tracing::Event<'_>) {
        self.0.add(event.metadata().level().to_string());
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
}

#[cfg(feature = "tracing")]
#[test]
fn without_a_reporter_an_unseen_failure_is_logged() {
    // TASK-03
    let errors = Errors::default();
    let log = errors.0.clone();
    tracing::subscriber::with_default(errors, || {
        simulate(async |sim| {
            drop(sim.ctx.try_spawn(ready(Err::<(), _>("unseen"))));
            drop(
                sim.ctx
                    .task("t")
                    .silent()
                    .try_spawn(ready(Err::<(), _>("silent"))),
            );
            drop(sim.ctx.spawn(async {}));
            sim.ctx.finish().await;
            assert_eq!(log.take(), ["ERROR"]);
        });
    });
}

#[test]
fn always_report_tells_it_once_whether_anybody_looks_or_not() {
    simulate(async |sim| {
        let (app, log) = reporting(sim);
        let always = || {
            app.task("t")
                .always_report()
                .try_spawn(ready(Err::<(), _>("told")))
        };
        let (before, unread) = (always(), always());
        drop(before);
        app.finish().await;
        drop(unread);
        assert_eq!(log.take(), ["sim-->app-->t: told"; 2]);
    });
}
