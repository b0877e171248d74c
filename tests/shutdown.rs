//! Shutdowns in two phases: bounds, progress, reports.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use windlass::{
    BlockOn, Ctx, Shutdown, ShutdownPhase, TaskHolder, adapters::Embedded, ok, testing::simulate,
};

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// A task that finishes `after` it was asked to stop.
fn polite(ctx: &Ctx, name: &'static str, after: Duration) {
    let inner = ctx.clone();
    drop(ctx.task(name).try_spawn(async move {
        inner.stopping().await;
        inner.sleep(after).await?;
        ok(())
    }));
}

#[test]
fn the_first_phase_ends_as_soon_as_nothing_runs() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        polite(&app, "polite", secs(2));
        app.sleep(secs(1)).await.unwrap();
        let finished = app.phased_shutdown(secs(60)).run().await;
        assert_eq!(finished.took, secs(2));
        assert_eq!((finished.completed, finished.cancelled), (1, 0));
        assert!(finished.dropped.is_empty() && finished.left.is_empty());
        assert!(app.is_done());
    });
}

#[test]
fn whoever_held_it_up_is_named_with_how_long() {
    simulate(async |sim| {
        let app = TaskHolder::new(&sim.ctx, "app");
        polite(&app, "polite", secs(2));
        drop(app.task("stubborn").spawn(pending::<()>()));
        app.sleep(secs(1)).await.unwrap();
        let finished = app.phased_shutdown(secs(5)).run().await;
        assert_eq!(finished.took, secs(5));
        assert_eq!(finished.dropped.len(), 1);
        assert!(finished.dropped[0].path.ends_with("app-->stubborn"));
        assert_eq!(finished.dropped[0].held_for, secs(5));
        let text = finished.to_string();
        assert!(
            text.contains("1 completed, 0 failed, 1 cancelled"),
            "{text}"
        );
        assert!(text.contains("held up by"), "{text}");
    });
}

#[test]
fn progress_is_told_in_each_phase_until_nothing_runs() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        polite(&app, "polite", secs(3));
        let cleans = app.clone();
        drop(app.task("cleans").grace(secs(10)).spawn(async move {
            cleans.done().await;
            let cleanup = cleans.cleanup(secs(60));
            cleanup.sleep(secs(5)).await.unwrap();
        }));
        app.sleep(secs(1)).await.unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let notes = seen.clone();
        let finished = app
            .phased_shutdown(secs(4))
            .on_progress(secs(2), move |progress| {
                let waits_for = progress.waits_for.len();
                notes
                    .lock()
                    .unwrap()
                    .push((progress.phase, progress.elapsed.as_secs(), waits_for));
            })
            .run()
            .await;
        // An end that was announced leaves no grace.
        let expected = [(ShutdownPhase::Stopping, 2, 2)];
        assert_eq!(*seen.lock().unwrap(), expected);
        assert_eq!(finished.took, secs(4));
        assert_eq!(finished.dropped.len(), 1);
    });
}

#[test]
fn the_second_phase_is_bounded_also_when_blocking_work_never_returns() {
    let rt = Embedded::global();
    let app = Ctx::root("app", rt.clone());
    let (release, held) = mpsc::channel::<()>();
    let (began, begins) = mpsc::channel();
    let task = app.task("blocks").spawn_blocking(move |_| {
        began.send(()).unwrap();
        let _ = held.recv();
    });
    begins.recv_timeout(secs(60)).expect("it begins");
    let phases = Mutex::new(Vec::new());
    let finished = rt
        .block_on(
            app.phased_shutdown(Duration::ZERO)
                .drop_within(Duration::from_millis(20))
                .on_progress(Duration::from_millis(5), |progress| {
                    phases.lock().unwrap().push(progress.phase);
                })
                .run(),
        )
        .unwrap();
    assert_eq!((finished.dropped.len(), finished.left.len()), (1, 1));
    assert_eq!(finished.left[0].path, "app-->blocks");
    assert!(
        finished.to_string().contains("still running: app-->blocks"),
        "{finished}"
    );
    let phases = phases.into_inner().unwrap();
    assert!(phases.iter().all(|phase| *phase == ShutdownPhase::Dropping));
    assert!(!phases.is_empty());
    assert!(!task.is_done());
    release.send(()).unwrap();
    assert!(rt.block_on(task).unwrap().is_ok(), "it was left to go on");
}

#[test]
fn a_progress_callback_that_panics_stops_nothing() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        polite(&app, "polite", secs(3));
        app.sleep(secs(1)).await.unwrap();
        let shutdown = app.phased_shutdown(secs(10));
        let finished = shutdown
            .on_progress(secs(1), |_| panic!("on purpose"))
            .run()
            .await;
        assert_eq!(finished.took, secs(3));
    });
}

#[test]
fn nothing_happens_before_it_runs_and_a_dropped_one_stays_where_it_is() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        drop(app.spawn(pending::<()>()));
        app.sleep(secs(1)).await.unwrap();
        let shutdown: Shutdown<'_, _> = app.phased_shutdown(secs(10));
        assert!(!app.is_stopping());
        drop(sim.ctx.timeout(secs(1), shutdown.run()).await);
        assert!(app.is_stopping() && !app.is_done());
        let finished = app.shutdown(Duration::ZERO).await;
        assert_eq!(finished.cancelled, 1);
    });
}

#[test]
fn a_shutdown_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let app = Ctx::root("app", Embedded::global());
    is_send(&app.phased_shutdown(secs(1)).run());
}
