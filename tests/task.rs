//! Tasks: behaviours TASK-xx, the calls of LOOP-06 … LOOP-11, and the regressions of Q-19 … Q-25.

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

use std::{
    future::{Future, pending, ready},
    panic::Location,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use windlass::{
    Ctx, Error, FutureStatus, LocalSpawner, Plain, Spawner, State, TaskHolder, ok,
    testing::{Sim, SimRuntime, simulate},
};

use self::kit::{Log, secs, yield_now};

/// Says so when it is dropped.
struct OnDrop(Log, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// A context whose unseen failures go to the log.
fn reporting(sim: &Sim) -> (Ctx, Log) {
    let log = Log::default();
    let told = log.clone();
    let report = move |failure: &windlass::Failure<'_>| {
        told.add(format!("{}: {}", failure.path, failure.error));
    };
    (sim.ctx.build("app").reporter(report).start(), log)
}

// ===== values, errors, panics

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

// ===== ending

#[test]
fn future_is_dropped_before_the_task_is_done() {
    simulate(async |sim| {
        let log = Log::default();
        let mark = OnDrop(log.clone(), "dropped");
        let task = sim.ctx.spawn(async move {
            let _mark = mark;
            pending::<()>().await;
        });
        let told = log.clone();
        task.on_done(move |outcome| told.add(format!("done {}", outcome.is_err())));
        yield_now().await;
        assert!(task.cancel() && !task.cancel(), "the first request only");
        assert_eq!(FutureStatus::state(&task), State::Stopping);
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped", "done true"]);
    });
}

#[test]
fn context_end_stops_its_tasks_and_those_below() {
    simulate(async |sim| {
        let outer = sim.ctx.child("outer");
        let tasks = [
            outer.spawn(pending::<()>()),
            outer.child("inner").spawn(pending::<()>()),
        ];
        yield_now().await;
        outer.cancel_with("enough");
        for task in &tasks {
            assert_eq!(
                FutureStatus::state(task),
                State::Stopping,
                "asked when the call returns"
            );
        }
        for task in tasks {
            let error = task.await.unwrap_err();
            assert_eq!(error.to_string(), "cancelled at sim-->outer by enough");
        }
    });
}

#[test]
fn future_that_returns_wins_also_in_the_poll_of_the_end() {
    simulate(async |sim| {
        let own = sim.ctx.child("own");
        let ending = own.clone();
        let task = own.spawn(async move {
            assert!(ending.cancel());
            "returned all the same"
        });
        assert_eq!(task.await.unwrap(), "returned all the same");
    });
}

#[test]
fn task_of_a_done_context_is_cancelled_and_never_polled() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("done");
        let log = Log::default();
        let (before, polled) = (ctx.clone(), log.clone());
        let early = before.spawn(async move { polled.add("polled") });
        ctx.cancel();
        assert!(
            early.await.unwrap_err().is_cancelled(),
            "spawned before, polled after"
        );
        let (polled, mark) = (log.clone(), OnDrop(log.clone(), "dropped"));
        let late = ctx.spawn(async move {
            polled.add("polled");
            drop(mark);
        });
        assert!(late.is_done(), "done at once");
        assert!(late.await.unwrap_err().is_cancelled());
        assert_eq!(log.take(), ["dropped"]);
    });
}

#[test]
fn loop_that_ignores_errors_is_dropped_at_a_wait() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let inside = ctx.clone();
        let stubborn = ctx.spawn(async move {
            loop {
                let _ = inside.sleep(secs(1)).await;
            }
        });
        yield_now().await;
        ctx.cancel();
        let outcome: Result<(), Error> = stubborn.await;
        assert!(outcome.unwrap_err().is_cancelled());
    });
}

#[test]
fn error_of_the_context_returned_by_its_task_is_a_cancellation() {
    simulate(async |sim| {
        let (app, log) = reporting(sim);
        let ctx = app.child("ends");
        let inside = ctx.clone();
        let task = ctx.try_spawn(async move {
            inside.stopping().await;
            loop {
                inside.check()?;
                yield_now().await;
            }
            #[allow(unreachable_code)]
            ok(())
        });
        drop(task);
        yield_now().await;
        ctx.fail("broken");
        ctx.finish().await;
        assert!(
            log.take().is_empty(),
            "not reported: the context's failure is the context's"
        );
        let finished = ctx.finish().await;
        assert_eq!((finished.failed, finished.cancelled), (0, 1));
    });
}

#[test]
fn grace_lets_a_task_finish_after_a_plain_end_and_no_longer() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let work = async |ctx: Ctx, d: Duration| {
            let cleanup = ctx.cleanup(secs(100));
            ctx.stopping().await;
            cleanup.sleep(d).await.unwrap();
            "cleaned up"
        };
        let quick = ctx
            .task("quick")
            .grace(secs(5))
            .spawn(work(ctx.clone(), secs(2)));
        let slow = ctx
            .task("slow")
            .grace(secs(5))
            .spawn(work(ctx.clone(), secs(9)));
        let none = ctx.task("none").spawn(work(ctx.clone(), secs(2)));
        yield_now().await;
        ctx.cancel();
        assert!(none.await.unwrap_err().is_cancelled());
        assert_eq!(quick.await.unwrap(), "cleaned up");
        assert_eq!(sim.clock.elapsed(), secs(2));
        assert!(slow.await.unwrap_err().is_cancelled());
        assert_eq!(sim.clock.elapsed(), secs(5));
    });
}

#[test]
fn task_with_a_timeout_runs_out_of_time() {
    simulate(async |sim| {
        let task = sim.ctx.task("slow").timeout(secs(3)).spawn(pending::<()>());
        assert!(task.await.unwrap_err().is_timed_out());
        assert_eq!(sim.clock.elapsed(), secs(3));
        let zero = sim
            .ctx
            .task("zero")
            .timeout(Duration::ZERO)
            .spawn(async { 1 });
        assert!(zero.await.unwrap_err().is_timed_out());
    });
}

#[test]
fn own_context_ends_with_its_task_and_takes_its_tasks_along() {
    simulate(async |sim| {
        let (done, log) = (Arc::new(Mutex::new(None)), Log::default());
        let (out, mark) = (Arc::clone(&done), OnDrop(log.clone(), "child dropped"));
        let task = sim
            .ctx
            .task("own")
            .value(5_u8)
            .spawn_with(|own| async move {
                drop(own.spawn(async move {
                    let _mark = mark;
                    pending::<()>().await;
                }));
                *out.lock().unwrap() = Some(own.clone());
                yield_now().await;
                (own.path(), own.value::<u8>().map(|five| *five))
            });
        assert_eq!((task.name(), task.path().as_str()), ("own", "sim-->own"));
        assert_eq!(task.await.unwrap(), ("sim-->own".to_owned(), Some(5)));
        let own = done.lock().unwrap().take().unwrap();
        assert!(own.is_done());
        own.finish().await;
        assert_eq!(log.take(), ["child dropped"]);
    });
}

// ===== callbacks and views

#[test]
fn callbacks_see_the_outcome_before_the_joiner_in_order() {
    // LOOP-14, with our decision: inline, once, in order of registration.
    simulate(async |sim| {
        let log = Log::default();
        let task = sim.ctx.spawn(async { 7 });
        let watch = task.watch();
        for name in ["one", "two"] {
            let (log, watch) = (log.clone(), watch.clone());
            task.on_done(move |value| {
                log.add(format!("{name} {value:?} {}", watch.is_done()));
            });
        }
        let (removed, told) = (task.on_done(|_| unreachable!()), log.clone());
        task.on_done(|_| panic!("a callback that panics"));
        assert!(task.has_on_done(removed) && task.remove_on_done(removed));
        assert!(!task.remove_on_done(removed));
        let joiner = sim.ctx.spawn(async move {
            told.add(format!("joined {:?}", task.await.ok()));
        });
        joiner.await.unwrap();
        assert_eq!(
            log.take(),
            ["one Ok(7) true", "two Ok(7) true", "joined Some(7)"]
        );
        watch.wait().await.unwrap();
    });
}

#[test]
fn late_callback_runs_at_once_and_leaves_the_value() {
    simulate(async |sim| {
        let mut task = sim.ctx.spawn(async { "value".to_owned() });
        task.watch().wait().await.unwrap();
        let log = Log::default();
        let told = log.clone();
        task.on_done(move |value| told.add(format!("{value:?}")));
        assert_eq!(log.take(), [r#"Ok("value")"#]);
        assert_eq!((&mut task).await.unwrap(), "value");
        let told = log.clone();
        task.on_done(move |value| told.add(value.unwrap_err().to_string()));
        assert_eq!(log.take(), ["the task's value was taken before"]);
        assert!(
            (&mut task).await.is_err(),
            "polled once more: an error, no panic"
        );
    });
}

#[test]
fn callback_may_register_another_and_drop_the_task() {
    simulate(async |sim| {
        let log = Log::default();
        let task = Arc::new(Mutex::new(Some(sim.ctx.spawn(async { 1 }))));
        let (inside, told) = (Arc::clone(&task), log.clone());
        task.lock().unwrap().as_ref().unwrap().on_done(move |_| {
            let task = inside.lock().unwrap().take().unwrap();
            let second = told.clone();
            task.on_done(move |value| second.add(format!("second {value:?}")));
            told.add("first");
        });
        yield_now().await;
        assert_eq!(log.take(), ["first", "second Ok(1)"]);
    });
}

#[test]
fn dropped_task_goes_on() {
    simulate(async |sim| {
        let flag = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&flag);
        let inside = sim.ctx.clone();
        drop(sim.ctx.spawn(async move {
            inside.sleep(secs(1)).await.unwrap();
            set.store(true, Ordering::SeqCst);
        }));
        sim.ctx.sleep(secs(2)).await.unwrap();
        assert!(flag.load(Ordering::SeqCst));
    });
}

#[test]
fn finished_handles_wait_for_nothing_and_ids_differ() {
    simulate(async |sim| {
        let (a, b) = (sim.ctx.spawn(async {}), sim.ctx.spawn(async {}));
        assert_ne!(a.id(), b.id());
        assert_eq!(a.watch().id(), a.id());
        let (finished, name) = (sim.ctx.finish().await, a.name().to_owned());
        assert_eq!((finished.completed, name.as_str()), (2, "task"));
        assert!(a.is_done() && !a.cancel() && a.error().is_none());
    });
}

// ===== reporting

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

// ===== executors that drop what they were given

/// Takes futures and keeps them for the test.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Boxed>>>);

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Spawner for Keeper {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.lock().unwrap().push(Box::pin(future));
    }
}

/// Drops what it is given inside the call: an executor that has shut down.
#[derive(Clone)]
struct Gone;

impl Spawner for Gone {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        drop(future);
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(std::task::Waker::noop()))
}

#[test]
fn task_on_an_executor_that_is_gone_is_cancelled() {
    let ctx = Ctx::root_on("app", Gone);
    let mut task = ctx.spawn(async { 1 });
    let Poll::Ready(Err(error)) = poll_once(&mut task) else {
        panic!("it hangs")
    };
    assert_eq!(
        error.to_string(),
        "cancelled at app-->task by executor shut down"
    );
    assert!(!ctx.is_done(), "the context itself goes on");
}

#[test]
fn task_dropped_half_way_is_cancelled_and_counted() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let log = Log::default();
    let mark = OnDrop(log.clone(), "dropped");
    let mut task = ctx.spawn(async move {
        let _mark = mark;
        pending::<()>().await;
    });
    let told = log.clone();
    task.on_done(move |_| told.add("called"));
    let mut futures = std::mem::take(&mut *keeper.0.lock().unwrap());
    assert!(poll_once(&mut futures[0]).is_pending());
    drop(futures);
    assert_eq!(log.take(), ["dropped", "called"]);
    assert!(matches!(poll_once(&mut task), Poll::Ready(Err(e)) if e.is_cancelled()));
    let mut finish = Box::pin(ctx.finish());
    assert!(matches!(poll_once(&mut finish), Poll::Ready(f) if f.cancelled == 1));
}

#[test]
fn nothing_keeps_a_finished_tree_alive() {
    let held = Arc::new(());
    {
        let sim = SimRuntime::new();
        let ctx = Ctx::root("app", sim.clone())
            .build("held")
            .value(Arc::clone(&held))
            .start();
        let inside = ctx.clone();
        let task = ctx.try_spawn(async move { inside.sleep(secs(1)).await });
        let parked = ctx.spawn(pending::<()>());
        sim.block_on(async { task.await.unwrap() });
        drop(parked); // detached: it waits for ever
    }
    assert_eq!(
        Arc::strong_count(&held),
        1,
        "the runtime has gone, and its tasks with it"
    );
}

// ===== finish and shutdown

#[test]
fn finish_waits_for_tasks_that_are_added_meanwhile() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("work");
        let (first, below) = (ctx.clone(), ctx.child("below"));
        drop(ctx.spawn(async move {
            first.sleep(secs(1)).await.unwrap();
            let again = below.clone();
            drop(below.spawn(async move { again.sleep(secs(2)).await.unwrap() }));
        }));
        let finished = ctx.finish().await;
        assert_eq!((finished.completed, sim.clock.elapsed()), (2, secs(3)));
        assert_eq!(ctx.finish().await.completed, 2, "nothing runs: at once");
    });
}

#[test]
fn shutdown_asks_waits_ends_and_names_those_it_dropped() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let (polite, end) = (app.clone(), app.clone());
        let good = app.spawn(async move {
            polite.stopping().await;
            polite.sleep(secs(1)).await.unwrap();
            "in good order"
        });
        let at = Location::caller();
        drop(app.child("conn").task("stubborn").spawn(pending::<()>()));
        yield_now().await;
        let report = end.shutdown(secs(10)).await;
        assert_eq!(
            (good.await.unwrap(), sim.clock.elapsed()),
            ("in good order", secs(10))
        );
        assert_eq!(
            (report.completed, report.cancelled, report.took),
            (1, 1, secs(10))
        );
        let [straggler] = &report.dropped[..] else {
            panic!("{report}")
        };
        assert_eq!(straggler.path, "sim-->app-->conn-->stubborn");
        assert_eq!(
            (straggler.spawned_at.line(), straggler.held_for),
            (at.line() + 1, secs(10))
        );
        assert!(app.is_done());
    });
}

#[test]
fn shutdown_returns_as_soon_as_nothing_runs() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let inside = app.clone();
        drop(app.spawn(async move { inside.stopping().await }));
        yield_now().await;
        let report = app.shutdown(secs(1000)).await;
        assert!(report.dropped.is_empty() && sim.clock.elapsed() == Duration::ZERO);
    });
}

#[test]
fn cancel_and_wait_ends_and_waits() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let tasks: Vec<_> = (0..100)
            .map(|_| app.child("c").spawn(pending::<()>()))
            .collect();
        yield_now().await;
        let report = app.cancel_and_wait().await;
        assert_eq!(
            (report.cancelled, report.failed, report.completed),
            (100, 0, 0)
        );
        assert!(tasks.iter().all(|task| task.is_done()));
    });
}

// ===== blocking and local

#[test]
fn blocking_work_that_has_not_begun_is_dropped_and_that_which_has_is_asked() {
    #[derive(Clone, Default)]
    struct Threads(Arc<Mutex<Vec<Work>>>);
    type Work = Box<dyn FnOnce() + Send>;
    impl Spawner for Threads {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
        fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
            self.0.lock().unwrap().push(Box::new(work));
        }
    }
    let threads = Threads::default();
    let ctx = Ctx::root_on("app", threads.clone());
    let log = Log::default();
    let (asked, mark) = (ctx.clone(), OnDrop(log.clone(), "never begun, dropped"));
    let mut begun = ctx.spawn_blocking(move |stop| {
        assert!(!stop.is_done());
        asked.cancel();
        stop.is_done()
    });
    let mut never = ctx.spawn_blocking(move |_| drop(mark));
    let mut work = std::mem::take(&mut *threads.0.lock().unwrap());
    let second = work.pop().unwrap();
    work.pop().unwrap()();
    assert!(matches!(poll_once(&mut begun), Poll::Ready(Ok(true))));
    assert_eq!(log.take(), ["never begun, dropped"]);
    assert!(matches!(poll_once(&mut never), Poll::Ready(Err(e)) if e.is_cancelled()));
    second(); // a thread comes for it too late: nothing happens
    let mut failing = Ctx::root_on("other", threads.clone())
        .try_spawn_blocking(|stop| stop.check().and_then(|()| Err::<(), _>("no".into())));
    threads.0.lock().unwrap().pop().unwrap()();
    assert!(matches!(poll_once(&mut failing), Poll::Ready(Err(e)) if e.is_failed()));
    let mut dropped = Ctx::root_on("third", threads.clone()).spawn_blocking(|_| 1);
    threads.0.lock().unwrap().clear();
    assert!(matches!(poll_once(&mut dropped), Poll::Ready(Err(e)) if e.is_cancelled()));
}

#[test]
fn local_tasks_share_the_tree() {
    #[derive(Clone, Default)]
    struct Local(std::rc::Rc<std::cell::RefCell<Vec<LocalBox>>>);
    type LocalBox = Pin<Box<dyn Future<Output = ()>>>;
    impl LocalSpawner for Local {
        fn spawn_local<F: Future<Output = ()> + 'static>(&self, future: F) {
            self.0.borrow_mut().push(Box::pin(future));
        }
    }
    let (root, local) = (Ctx::root_on("app", ()), Local::default());
    let not_send = std::rc::Rc::new(3);
    let mut task = root.on(local.clone()).spawn_local(async move { *not_send });
    let mut stopped = root
        .on(local.clone())
        .try_spawn_local(pending::<Result<(), Error>>());
    let mut futures = std::mem::take(&mut *local.0.borrow_mut());
    assert!(poll_once(&mut futures[0]).is_ready() && poll_once(&mut futures[1]).is_pending());
    assert!(matches!(poll_once(&mut task), Poll::Ready(Ok(3))));
    root.cancel();
    assert!(poll_once(&mut futures[1]).is_ready());
    assert!(matches!(poll_once(&mut stopped), Poll::Ready(Err(e)) if e.is_cancelled()));
}

// ===== calls

#[test]
fn calls_come_soon_later_and_at_their_time_in_order() {
    // LOOP-06 … LOOP-11, CLOCK-03, CLOCK-08
    simulate(async |sim| {
        let log = Log::default();
        let call = |name: &'static str| {
            let (log, clock) = (log.clone(), sim.clock.clone());
            move || log.add(format!("{name} at {}", clock.elapsed().as_secs()))
        };
        let ctx = &sim.ctx;
        let late = ctx.call_later(secs(3), call("later"));
        let at = ctx.call_at(ctx.now() + secs(2), call("at"));
        let past = ctx.call_at(ctx.now() - secs(2), call("past"));
        let (first, second) = (ctx.call_soon(call("soon")), ctx.call_soon(call("sooner")));
        let taken_back = ctx.call_later(secs(1), call("never"));
        assert!(log.take().is_empty(), "not inside the call");
        assert!(taken_back.cancel() && !taken_back.cancel());
        yield_now().await;
        assert!(first.has_run() && second.has_run() && past.has_run() && !late.has_run());
        assert_eq!(log.take(), ["past at 0", "soon at 0", "sooner at 0"]);
        ctx.sleep(secs(5)).await.unwrap();
        assert_eq!(log.take(), ["at at 2", "later at 3"]);
        assert!(!at.cancel() && !taken_back.has_run());
        assert_eq!(late.when() - at.when(), secs(1));
    });
}

#[test]
fn calls_of_a_context_that_ends_are_dropped() {
    simulate(async |sim| {
        let (ctx, log) = (sim.ctx.child("ends"), Log::default());
        let mark = OnDrop(log.clone(), "dropped");
        let call = ctx.call_later(secs(3), move || drop(mark));
        yield_now().await;
        ctx.cancel();
        ctx.finish().await;
        assert!(!call.has_run());
        assert_eq!(
            (log.take(), sim.clock.elapsed()),
            (vec!["dropped".to_owned()], Duration::ZERO)
        );
    });
}

// ===== a long run

#[test]
fn long_run_of_tasks_leaves_no_trace() {
    simulate(async |sim| {
        let held = Arc::new(AtomicUsize::new(0));
        let holder = TaskHolder::new(&sim.ctx, "holder");
        for _ in 0..10_000 {
            let count = Arc::clone(&held);
            let task = holder.spawn_with(|own| async move {
                own.on_done(move |_| {
                    count.fetch_add(1, Ordering::SeqCst);
                });
                yield_now().await;
            });
            task.await.unwrap();
        }
        assert_eq!(
            (held.load(Ordering::SeqCst), Arc::strong_count(&held)),
            (10_000, 1)
        );
        assert_eq!(
            (holder.pending(), holder.finish().await.completed),
            (0, 10_000)
        );
    });
}
