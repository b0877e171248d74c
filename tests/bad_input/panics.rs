//! Panics in what the user gives: futures, destructors, callbacks, calls, blocking work.

use std::{
    fmt,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Mutex,
    task::Poll,
};

use windlass::{
    Ctx, Error, Queue, Spawner,
    testing::{Sim, simulate},
};

use crate::{
    Keeper, at_once,
    kit::{Log, secs, yield_now},
    poll_once,
};

/// Panics when it is dropped.
#[derive(Debug)]
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::resume_unwind(Box::new("a destructor (this is part of a test)"));
    }
}

fn panic_quietly() {
    std::panic::resume_unwind(Box::new("on purpose"));
}

#[test]
fn value_that_nobody_takes_may_panic_when_it_is_dropped() {
    simulate(async |sim: &Sim| {
        let ctx = sim.ctx.child("app");
        drop(ctx.spawn(async { Bomb }));
        let unread = ctx.spawn(async { Bomb });
        let finished = ctx.finish().await;
        assert_eq!((finished.completed, finished.failed), (2, 0));
        drop(unread);
        assert!(ctx.spawn(async { 1 }).await.is_ok(), "and all goes on");
    });
}

#[test]
fn future_that_is_never_polled_may_panic_when_it_is_dropped() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let holds = || {
        let bomb = Bomb;
        async move {
            let _bomb = bomb;
        }
    };
    let mut unpolled = ctx.spawn(holds());
    drop(keeper.take());
    assert!(matches!(poll_once(&mut unpolled), Poll::Ready(Err(e)) if e.is_cancelled()));
    ctx.cancel();
    let late = ctx.spawn(holds());
    assert!(late.is_cancelled());
    assert_eq!(at_once(ctx.finish()).cancelled, 2);
}

#[test]
fn panic_in_a_destructor_during_a_panic_in_the_future_is_survived() {
    struct Both(#[allow(dead_code)] Bomb);
    impl Future for Both {
        type Output = ();
        fn poll(self: std::pin::Pin<&mut Self>, _: &mut std::task::Context<'_>) -> Poll<()> {
            std::panic::resume_unwind(Box::new("first"))
        }
    }
    simulate(async |sim: &Sim| {
        let error = sim.ctx.spawn(Both(Bomb)).await.unwrap_err();
        assert_eq!(error.to_string(), "panicked: first");
    });
}

#[test]
fn panicking_call_is_a_failed_task_and_harms_no_other() {
    simulate(async |sim: &Sim| {
        let log = Log::default();
        let (told, ran) = (log.clone(), log.clone());
        let app = sim.ctx.build("app");
        let app = app.reporter(move |failure| told.add(failure.path)).start();
        let call = app.call_soon(panic_quietly);
        app.call_later(secs(1), panic_quietly);
        app.call_later(secs(1), move || ran.add("the other"));
        assert_eq!(app.finish().await.failed, 2);
        assert!(call.has_run(), "as far as it came");
        let told = log.take();
        assert_eq!(told, ["sim-->app-->call", "sim-->app-->call", "the other"]);
    });
}

#[test]
fn panicking_body_of_spawn_with_leaves_no_task_behind() {
    simulate(async |sim: &Sim| {
        let app = sim.ctx.child("app");
        let log = Log::default();
        let ended = log.clone();
        let spawn = || {
            drop(app.spawn_with(|own| {
                own.on_done(move |_| ended.add("its own context has ended"));
                panic_quietly();
                pending::<()>()
            }));
        };
        assert!(
            catch_unwind(AssertUnwindSafe(spawn)).is_err(),
            "it is the caller's"
        );
        assert_eq!(log.take(), ["its own context has ended"]);
        assert_eq!(app.finish().await.completed, 0);
        assert!(!app.is_done());
    });
}

#[test]
fn panicking_blocking_work_is_an_error_and_so_is_work_whose_destructor_panics() {
    /// Runs blocking work inside the call, or drops it.
    #[derive(Clone)]
    struct Inline(bool);
    impl Spawner for Inline {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
        fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
            if self.0 {
                work();
            }
        }
    }
    let ctx = Ctx::root_on("app", Inline(true));
    let task = ctx.spawn_blocking(|_| panic_quietly());
    assert_eq!(
        at_once(task).unwrap_err().to_string(),
        "panicked: on purpose"
    );
    let drops = ctx.on(Inline(false));
    let bomb = Bomb;
    let never = drops.spawn_blocking(move |_| drop(bomb));
    assert!(at_once(never).unwrap_err().is_cancelled());
    ctx.cancel();
    let bomb = Bomb;
    let late = ctx.spawn_blocking(move |_| drop(bomb));
    assert!(at_once(late).unwrap_err().is_cancelled());
    let finished = at_once(ctx.finish());
    assert_eq!((finished.failed, finished.cancelled), (1, 2));
}

#[test]
fn panicking_callbacks_of_a_task_stop_nobody_late_or_not() {
    simulate(async |sim: &Sim| {
        let log = Log::default();
        let told = log.clone();
        let task = sim.ctx.try_spawn(async { Err::<(), _>("fails") });
        task.on_done(|_| panic_quietly());
        task.on_done(move |_| told.add("the other"));
        yield_now().await;
        assert_eq!(log.take(), ["the other"]);
        task.on_done(|_| panic_quietly()); // late, on an error
        assert!(task.await.unwrap_err().is_failed());
        let fine = sim.ctx.spawn(async { 1 });
        yield_now().await;
        fine.on_done(|_| panic_quietly()); // late, on a value
        assert_eq!(fine.await.unwrap(), 1);
        let ctx = sim.ctx.child("ended");
        ctx.cancel();
        ctx.on_done(|_| panic_quietly()); // late, on a context
        assert!(ctx.is_done());
    });
}

#[test]
fn timeout_whose_future_panics_when_dropped_is_the_callers_panic() {
    simulate(async |sim: &Sim| {
        let inside = sim.ctx.clone();
        let task = sim.ctx.try_spawn(async move {
            let bomb = Bomb;
            let holds = async move {
                let _bomb = bomb;
                pending::<()>().await;
            };
            inside.timeout(secs(1), holds).await
        });
        assert!(task.await.unwrap_err().is_panic());
        assert_eq!(sim.clock.elapsed(), secs(1));
        sim.ctx.sleep(secs(1)).await.unwrap();
    });
}

/// An error whose destructor panics.
#[derive(Debug)]
struct Unpleasant(#[allow(dead_code)] Bomb);

impl fmt::Display for Unpleasant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unpleasant")
    }
}

impl std::error::Error for Unpleasant {}

#[test]
fn values_and_reporter_of_a_context_may_panic_when_they_are_dropped() {
    // The panic went wherever the last handle did: out of a task's future, into its executor, some
    // of which end the process then.
    let (keeper, bomb) = (Keeper::default(), Bomb);
    let ctx = Ctx::root_on("app", keeper.clone());
    let build = |name: &'static str| ctx.build(name).value(Mutex::new(Bomb));
    drop(build("unused"));
    drop(build("twice").value(Mutex::new(Bomb)).start());
    let told = build("several").value(Some(Bomb)).reporter(move |_| {
        let _ = &bomb;
    });
    drop(told.start());
    drop(ctx.task("last").value(Mutex::new(Bomb)).spawn(async {}));
    let last = build("last").start();
    drop(last.spawn(async {}));
    drop(last);
    for mut future in keeper.take() {
        assert!(poll_once(&mut future).is_ready());
    }
    drop(ctx.task("unpolled").value(Some(Bomb)).spawn(async {}));
    drop(keeper.take());
    let finished = at_once(ctx.finish());
    assert_eq!((finished.completed, finished.cancelled), (2, 1));
}

#[test]
fn error_may_panic_when_its_last_clone_is_dropped() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let fails = || async { Err::<(), _>(Unpleasant(Bomb)) };
    drop(ctx.task("silent").silent().try_spawn(fails()));
    let unread = ctx.task("unread").silent().try_spawn(fails());
    for mut future in keeper.take() {
        assert!(poll_once(&mut future).is_ready());
    }
    drop(unread);
    let ends = ctx.child("ends");
    ends.fail(Unpleasant(Bomb));
    drop(ends);
    drop(Error::from(anyhow::Error::new(Unpleasant(Bomb))));
    let first = at_once(ctx.finish()).first_error.unwrap();
    assert_eq!(first.to_string(), "unpleasant");
}

#[test]
fn what_a_queue_calls_may_panic_when_it_goes_with_the_queue() {
    let ctx = Ctx::root_on("app", ());
    let held = || {
        let bomb = Bomb;
        move || {
            let _held = &bomb;
        }
    };
    let ensure = held();
    let queue = Queue::<u8>::new(&ctx, "queue").ensure(move |item| {
        ensure();
        Ok(item)
    });
    for hook in [held(), held()] {
        queue.after_each(move |_| hook());
    }
    queue.append_call(held());
    drop(queue);
}
