//! Values, errors, panics.

use std::{
    future::{Future, pending, ready},
    pin::Pin,
    task::{Context, Poll},
};

use windlass::{Error, FutureStatus, Plain, ok, testing::simulate};

use crate::kit::{Log, yield_now};

#[test]
fn task_gives_its_value_and_does_not_run_inside_spawn() {
    // TASK-01, TASK-02, LOOP-03
    simulate(async |sim| {
        let log = Log::default();
        let inside = log.clone();
        let task = sim.ctx.spawn(async move {
            inside.add("started");
            "6.5.9"
        });
        assert!(log.take().is_empty(), "not inside the call");
        yield_now().await;
        assert_eq!(log.take(), ["started"]);
        assert_eq!(task.await.unwrap(), "6.5.9");
    });
}

#[test]
fn error_and_panic_become_the_outcome() {
    simulate(async |sim| {
        let failed = sim.ctx.try_spawn(async {
            "x".parse::<u8>()?;
            std::fs::read("")?;
            ok(())
        });
        assert!(failed.await.unwrap_err().is::<std::num::ParseIntError>());
        let panicked = sim
            .ctx
            .spawn(async { assert!(std::hint::black_box(false), "boom") });
        match panicked.await.unwrap_err() {
            Error::Panicked(panicked) => assert_eq!(panicked.message(), "boom"),
            other => panic!("{other}"),
        }
        let insisted = sim
            .ctx
            .spawn::<_, Plain>(ready(Err::<(), _>("kept as a value")));
        assert_eq!(insisted.await.unwrap(), Err("kept as a value"));
    });
}

#[test]
fn panicking_destructor_changes_no_outcome() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("a destructor that panics");
        }
    }
    struct Holds(#[allow(dead_code)] Bomb);
    impl Future for Holds {
        type Output = u8;
        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u8> {
            Poll::Ready(8)
        }
    }
    simulate(async |sim| {
        assert_eq!(sim.ctx.spawn(Holds(Bomb)).await.unwrap(), 8);
        let bomb = Bomb;
        let dropped = sim.ctx.spawn(async move {
            let _bomb = bomb;
            pending::<()>().await;
        });
        yield_now().await;
        assert!(dropped.cancel_and_wait().await.unwrap_err().is_cancelled());
    });
}

#[test]
fn name_given_at_the_start_is_the_tasks() {
    // TASK-20
    simulate(async |sim| {
        let task = sim.ctx.child("conn").task("reader").spawn(async {});
        let watch = task.watch();
        assert_eq!((task.name(), watch.name()), ("reader", "reader"));
        assert_eq!(FutureStatus::label(&task), Some("reader"));
        assert_eq!(
            (task.path(), watch.path()),
            (watch.path(), "sim-->conn-->reader".to_owned())
        );
        let unnamed = sim.ctx.spawn(async {});
        assert_eq!(
            (unnamed.name(), unnamed.path().as_str()),
            ("task", "sim-->task")
        );
    });
}

#[test]
fn error_stays_to_be_looked_at_and_a_value_does_not() {
    simulate(async |sim| {
        let mut failed = sim.ctx.try_spawn(ready(Err::<(), _>("fails")));
        let watch = failed.watch();
        for _ in 0..2 {
            assert_eq!((&mut failed).await.unwrap_err().to_string(), "fails");
            assert!(failed.error().is_some() && watch.error().is_some());
            assert!(watch.wait().await.is_err());
        }
        let log = Log::default();
        let told = log.clone();
        failed.on_done(move |outcome| told.add(outcome.unwrap_err().to_string()));
        assert_eq!(log.take(), ["fails"], "also to a late callback");
        let mut fine = sim.ctx.spawn(ready(1));
        assert_eq!((&mut fine).await.unwrap(), 1);
        assert!((&mut fine).await.is_err() && fine.error().is_none());
        assert!(
            fine.watch().wait().await.is_ok(),
            "it is fine, though its value is gone"
        );
    });
}

#[test]
fn task_that_its_context_stopped_gives_its_error_to_each_who_asks() {
    // It keeps none itself: its context has it, for all of its tasks.
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let [mut task, other] = [(); 2].map(|()| app.spawn(pending::<u8>()));
        let watch = task.watch();
        yield_now().await;
        app.cancel_with("enough");
        sim.rt.settle().await;
        assert!(task.is_done() && task.is_cancelled() && !task.is_failed());
        let first = (&mut task).await.unwrap_err();
        let again = (&mut task).await.unwrap_err();
        let seen = [again, watch.error().unwrap(), other.await.unwrap_err()];
        assert_eq!(first.to_string(), "cancelled at sim-->app by enough");
        assert!(seen.iter().all(|one| one.to_string() == first.to_string()));
        let log = Log::default();
        let late = log.clone();
        task.on_done(move |outcome| late.add(outcome.unwrap_err().to_string()));
        assert_eq!(log.take(), [first.to_string()], "a late callback, too");
        drop(app);
        drop(task);
        assert!(watch.wait().await.unwrap_err().is_cancelled());
        let finished = sim.ctx.finish().await;
        assert_eq!((finished.completed, finished.cancelled), (0, 2));
    });
}
