//! Shutdowns in two phases: bounds, progress, reports.

use std::{
    future::pending,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use windlass::{
    BlockOn, Ctx, Error, Finished, Shutdown, ShutdownPhase, TaskHolder,
    adapters::Embedded,
    ok,
    testing::{Sim, explore, simulate},
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
    // The bug: what still ran counted as completed.
    assert_eq!((finished.completed, finished.cancelled), (0, 0));
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

// ===== names

/// The last names of those who were dropped, sorted.
fn dropped(finished: &Finished) -> Vec<&str> {
    let last = |path: &'_ str| path.rfind('>').map_or(0, |at| at + 1);
    let mut names: Vec<_> = finished
        .dropped
        .iter()
        .map(|straggler| &straggler.path[last(&straggler.path)..])
        .collect();
    names.sort_unstable();
    names
}

/// The bug: a task that nobody had polled when the grace was over was counted, and not named.
#[test]
fn a_task_that_was_never_polled_is_named_too() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let below = app.child("below");
        let tasks = [
            app.task("plain").spawn(pending::<()>()),
            below.task("deep").spawn(pending()),
            below.task("own").spawn_with(|_| pending()),
        ];
        let holder = TaskHolder::new(&below, "holder");
        drop(holder.task("held").spawn(pending::<()>()));
        let finished = app.shutdown(Duration::ZERO).await;
        assert_eq!(dropped(&finished), ["deep", "held", "own", "plain"]);
        assert_eq!(finished.cancelled, 3, "one is the holder's");
        assert!(
            finished
                .dropped
                .iter()
                .all(|s| s.path.starts_with("sim-->app-->"))
        );
        assert!(
            finished
                .dropped
                .iter()
                .all(|s| s.spawned_at.file().ends_with("shutdown.rs"))
        );
        assert!(tasks.iter().all(|task| task.is_cancelled()));
    });
}

#[test]
fn a_holder_names_what_it_dropped_in_order_whether_it_was_polled_queued_or_neither() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(1);
        let mut tasks = vec![holder.task("1 runs").spawn(pending::<()>())];
        tasks.push(holder.task("2 queued").spawn(pending()));
        sim.ctx.sleep(secs(1)).await.unwrap();
        tasks.push(holder.task("3 unpolled").spawn(pending()));
        tasks.push(holder.adopt(sim.ctx.task("4 adopted").spawn(pending())));
        let finished = holder.shutdown(Duration::ZERO).await;
        let paths: Vec<_> = finished.dropped.iter().map(|s| s.path.as_str()).collect();
        let expected = [
            "sim-->holder-->1 runs",
            "sim-->holder-->2 queued",
            "sim-->holder-->3 unpolled",
            "sim-->4 adopted",
        ];
        assert_eq!((paths.as_slice(), finished.cancelled), (&expected[..], 4));
    });
}

/// The bug: a shutdown below a holder named the tasks that the holder had adopted, which it neither
/// stops nor waits for.
#[test]
fn a_shutdown_below_a_holder_names_nothing_that_is_beside_it() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let beside = [
            holder.adopt(sim.ctx.task("adopted").spawn(pending::<()>())),
            holder.task("beside").spawn(pending()),
        ];
        let below = holder.child("below");
        drop(below.task("inside").spawn(pending::<()>()));
        sim.ctx.sleep(secs(1)).await.unwrap();
        let finished = below.shutdown(secs(1)).await;
        assert_eq!(dropped(&finished), ["inside"]);
        assert!(beside.iter().all(|task| !task.is_done()));
        holder.cancel_and_wait().await;
    });
}

#[test]
fn what_is_spawned_after_the_end_was_not_dropped_and_is_not_named() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let weak = app.downgrade();
        app.on_done(move |_| drop(weak.upgrade().map(|app| app.spawn(pending::<()>()))));
        drop(app.task("dropped").spawn(pending::<()>()));
        let finished = app.shutdown(Duration::ZERO).await;
        assert_eq!(
            (dropped(&finished), finished.cancelled),
            (vec!["dropped"], 2)
        );
    });
}

#[test]
fn two_shutdowns_at_once_tell_the_same() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let inner = app.child("inner");
        drop(inner.task("unpolled").spawn(pending::<()>()));
        let (outer, same) = (app.shutdown(Duration::ZERO), app.shutdown(Duration::ZERO));
        let (outer, same) = futures::join!(outer, same);
        assert_eq!(
            (dropped(&outer), dropped(&same)),
            (vec!["unpolled"], vec!["unpolled"])
        );
    });
}

#[test]
fn whatever_the_order_as_many_are_named_as_were_dropped() {
    explore(0..100, async |sim: &Sim| {
        let app = sim.ctx.child("app");
        for n in 0..6_u64 {
            let inner = app.clone();
            let below = app.child("below");
            drop(below.task("spawns").try_spawn(async move {
                inner.sleep(Duration::from_millis(n)).await?;
                drop(inner.spawn(pending::<()>()));
                inner.stopping().await;
                ok(())
            }));
        }
        // At the very end of the grace: not polled any more, or too late to be dropped.
        let (inner, grace) = (app.clone(), Duration::from_micros(2_500));
        let late = Arc::new(Mutex::new(0));
        let counted = late.clone();
        sim.ctx.call_later(grace, move || {
            *counted.lock().unwrap() += usize::from(inner.is_done());
            drop(inner.spawn(pending::<()>()));
        });
        let finished = app.shutdown(grace).await;
        let late = *late.lock().unwrap();
        assert_eq!(finished.dropped.len() + late, finished.cancelled);
        assert!(
            finished.completed > 0 && finished.cancelled > 0,
            "{finished}"
        );
    });
}

#[test]
fn a_report_names_the_tasks_of_a_chain_by_the_ends_of_their_paths() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let mut at = app.clone();
        for _ in 0..1000 {
            at = at.child("n");
            drop(at.spawn(pending::<()>()));
        }
        sim.rt.settle().await;
        let finished = app.shutdown(secs(1)).await;
        assert_eq!(finished.dropped.len(), 1000);
        let longest = finished
            .dropped
            .iter()
            .map(|straggler| straggler.path.len())
            .max();
        assert!(longest < Some(100), "{longest:?}");
    });
}

#[test]
fn cancellation_tells_where_it_was_asked_for_and_not_where_it_was_made() {
    // Those of `shutdown` and `cancel_and_wait` showed a place in this crate's own sources.
    fn line(error: Option<Error>) -> u32 {
        let Some(Error::Cancelled(cancelled)) = error else {
            panic!("{error:?}")
        };
        assert_eq!(cancelled.location().file(), file!());
        cancelled.location().line()
    }
    simulate(async |sim| {
        let [one, two, three] = ["one", "two", "three"].map(|name| sim.ctx.child(name));
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let task = sim.ctx.spawn(pending::<()>());
        let before = line!();
        one.shutdown(secs(1)).await;
        let phased = two.phased_shutdown(secs(1));
        three.cancel_and_wait().await;
        holder.shutdown(secs(1)).await;
        let outcome = task.cancel_and_wait().await;
        phased.run().await;
        let lines = [one.error(), two.error(), three.error(), holder.error()].map(line);
        assert_eq!(lines, [1, 2, 3, 4].map(|n| before + n));
        assert_eq!(line(outcome.err()), before + 5);
    });
}
