//! Executors that have shut down, before or half way: everything ends, nobody hangs.

use std::{
    future::pending,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use windlass::{
    Ctx, Event, FutureStatus, Sleep, TaskHolder, Timer, Until, WithTimer, cancel_and_wait,
    testing::VirtualClock, wait_for_all, wait_for_first,
};

use crate::{
    Gone, Keeper, at_once,
    kit::{Log, secs},
    poll_once,
};

fn gone() -> Ctx<WithTimer<Gone, VirtualClock>> {
    Ctx::root_on("app", WithTimer::new(Gone, VirtualClock::new()))
}

#[test]
fn everything_spawned_on_an_executor_that_has_gone_is_cancelled() {
    let (ctx, log) = (gone(), Log::default());
    let called = log.clone();
    let holder = TaskHolder::new(&ctx, "holder").limit(1);
    let tasks = [
        ctx.spawn(async {}),
        ctx.try_spawn(async { windlass::ok(()) }),
        ctx.spawn_with(|own| async move { own.done().await }.map_to_unit()),
        ctx.spawn_blocking(|_| ()),
        ctx.on(Gone).spawn_local(async {}),
        ctx.task("graceful").grace(secs(5)).spawn(async {}),
        holder.spawn(async {}),
        holder.spawn(async {}),
    ];
    for task in &tasks {
        assert!(task.is_done() && task.is_cancelled(), "{task:?}");
        let called = called.clone();
        task.on_done(move |outcome| called.add(format!("{}", outcome.is_err())));
    }
    at_once(wait_for_all(&tasks));
    at_once(cancel_and_wait(&tasks));
    assert_eq!(at_once(wait_for_first(&tasks)), Some(0));
    for task in tasks {
        let error = at_once(task).unwrap_err();
        assert!(error.to_string().ends_with("executor shut down"), "{error}");
    }
    assert_eq!(log.take(), ["true"; 8]);
    assert!(!ctx.is_done(), "it can go on elsewhere");
    assert_eq!(at_once(ctx.finish()).cancelled, 6);
    assert_eq!(at_once(holder.finish()).cancelled, 2);
    assert!(at_once(ctx.shutdown(secs(60))).dropped.is_empty());
}

/// A future of nothing.
trait MapToUnit: Future + Sized {
    async fn map_to_unit(self) {
        drop(self.await);
    }
}

impl<F: Future> MapToUnit for F {}

#[test]
fn calls_on_an_executor_that_has_gone_do_not_run() {
    let ctx = gone();
    let calls = [
        ctx.call_soon(|| unreachable!()),
        ctx.call_later(Duration::ZERO, || unreachable!()),
    ];
    assert!(calls.iter().all(|call| !call.has_run()));
}

#[test]
fn deadline_that_nobody_drives_ends_its_context() {
    let ctx = gone();
    let late = ctx.build("late").timeout(secs(5)).start();
    let below = late.child("below");
    assert!(below.is_done(), "sooner than never");
    assert_eq!(
        below.error().unwrap().to_string(),
        "cancelled at app-->late by executor shut down"
    );
    assert!(!ctx.is_done());
    let huge = ctx.build("huge").timeout(Duration::MAX).start();
    assert!(huge.is_cancelled());
}

#[test]
fn deadlines_end_when_the_executor_drops_their_driver() {
    let keeper = Keeper::default();
    let clock = VirtualClock::new();
    let ctx = Ctx::root_on("app", WithTimer::new(keeper.clone(), clock));
    let [one, two] = [5, 9].map(|n| ctx.build("timed").timeout(secs(n)).start());
    let mut driver = keeper.take();
    assert_eq!(driver.len(), 1, "one driver a tree");
    assert!(poll_once(&mut driver[0]).is_pending() && !one.is_done());
    drop(driver);
    assert!(one.is_cancelled() && two.is_cancelled() && !ctx.is_done());
    // The next deadline has a driver of its own.
    let again = ctx.build("again").timeout(secs(5)).start();
    assert!(!again.is_done());
    assert_eq!(keeper.take().len(), 1);
    assert!(again.is_cancelled(), "which is gone, too");
}

#[test]
fn future_dropped_half_way_takes_its_own_context_along() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let log = Log::default();
    let told = log.clone();
    let mut task = ctx.spawn_with(|own| async move {
        own.on_done(move |error| told.add(error.to_string()));
        drop(own.spawn(pending::<()>()));
        pending::<()>().await;
    });
    let mut futures = keeper.take();
    assert!(poll_once(&mut futures[0]).is_pending());
    let mut inner = keeper.take();
    assert!(poll_once(&mut inner[0]).is_pending());
    drop(futures);
    assert_eq!(
        log.take(),
        ["cancelled at app-->task by its task has ended"]
    );
    assert!(matches!(poll_once(&mut task), Poll::Ready(Err(e)) if e.is_cancelled()));
    assert!(
        poll_once(&mut inner[0]).is_ready(),
        "asked by the end of the context above"
    );
    assert_eq!(at_once(ctx.finish()).cancelled, 2);
}

#[test]
fn future_dropped_half_way_gives_its_slot_on() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let holder = TaskHolder::new(&ctx, "holder").limit(1);
    let [first, second, third] = [(); 3].map(|()| holder.spawn(pending::<()>()));
    let mut futures = keeper.take();
    for future in &mut futures {
        assert!(poll_once(future).is_pending());
    }
    let waits = futures.remove(1);
    drop(waits);
    assert!(
        second.is_cancelled() && !first.is_done(),
        "it was in the queue"
    );
    drop(futures.remove(0));
    assert!(first.is_cancelled() && !third.is_done());
    assert!(poll_once(&mut futures[0]).is_pending());
    holder.cancel();
    assert!(poll_once(&mut futures[0]).is_ready() && third.is_cancelled());
    assert_eq!(at_once(holder.finish()).cancelled, 3);
}

#[test]
fn future_dropped_during_its_grace_is_cancelled() {
    let keeper = Keeper::default();
    let clock = VirtualClock::new();
    let ctx = Ctx::root_on("app", WithTimer::new(keeper.clone(), clock.clone()));
    let task = ctx.task("slow").grace(secs(5)).spawn(pending::<()>());
    let mut futures = keeper.take();
    assert!(poll_once(&mut futures[0]).is_pending());
    ctx.cancel();
    assert!(
        poll_once(&mut futures[0]).is_pending(),
        "it is given its grace"
    );
    assert_eq!(task.state(), windlass::State::Stopping);
    drop(futures);
    assert!(task.is_done() && task.is_cancelled());
    assert_eq!(at_once(ctx.finish()).cancelled, 1);
}

/// A clock that can shut down: its sleeps end then, as orphans.
#[derive(Clone)]
struct Clock(Arc<AtomicBool>, Instant);

struct Nap(Arc<AtomicBool>);

impl Timer for Clock {
    type Sleep = Nap;

    fn now(&self) -> Instant {
        self.1
    }

    fn sleep_until(&self, _: Instant) -> Nap {
        Nap(Arc::clone(&self.0))
    }
}

impl Future for Nap {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.is_orphaned() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Sleep for Nap {
    fn reset(self: Pin<&mut Self>, _: Instant) {}

    fn is_orphaned(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

#[test]
fn waits_on_a_clock_that_has_gone_are_cancelled_and_not_timed_out() {
    for is_gone_before in [true, false] {
        let gone = Arc::new(AtomicBool::new(is_gone_before));
        let clock = Clock(Arc::clone(&gone), Instant::now());
        let (keeper, event) = (Keeper::default(), Event::new());
        let ctx = Ctx::root_on("app", WithTimer::new(keeper.clone(), clock));
        let mut sleep = pin!(ctx.sleep(secs(5)));
        let timeout = ctx.timeout(secs(5), pending::<()>());
        let mut timeout = pin!(timeout.error("too slow").notify(&event));
        let mut wait = pin!(ctx.wait([Event::new()], Until::All).timeout(secs(5)));
        let timed = ctx.build("timed").timeout(secs(5)).start();
        if !is_gone_before {
            assert!(poll_once(&mut sleep).is_pending() && poll_once(&mut timeout).is_pending());
            assert!(poll_once(&mut wait).is_pending());
            assert!(poll_once(&mut keeper.0.lock().unwrap()[0]).is_pending());
            gone.store(true, Ordering::SeqCst);
        }
        let errors = [
            at_once(sleep).unwrap_err(),
            at_once(timeout).unwrap_err(),
            at_once(wait).unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), "cancelled at app by executor shut down");
        }
        assert!(!event.is_set(), "the time has not run out");
        let mut driver = keeper.take();
        assert!(poll_once(&mut driver[0]).is_ready());
        drop(driver);
        assert_eq!(
            timed.error().unwrap().to_string(),
            "cancelled at app-->timed by executor shut down"
        );
    }
}
