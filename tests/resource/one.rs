//! One resource.

use std::{
    future::{Future, pending},
    task::{Context, Waker},
    time::Duration,
};

use Does::{Fail, Hang, Panic, Return, Sleep};
use windlass::{Ctx, Resource, Spawner, WithTimer, ok, with_resource, with_resources};

use crate::{Does, Sim};

#[test]
fn fut_83_on_success_finish_runs_once_after_the_body_with_no_error() {
    let sim = Sim::new();
    assert_eq!(sim.run(sim.res(Return, Return), Return).unwrap(), 5);
    let all = [
        "r start",
        "r started",
        "body",
        "r bodyed",
        "body gone",
        "r finish: none",
        "r finished",
        "r gone",
    ];
    assert_eq!(sim.log.all(), all);
}

#[test]
fn fut_81_82_and_84_a_failed_start_is_finished_and_its_error_given() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Fail, Return), Return).unwrap_err();
    assert_eq!(error.to_string(), "start of r failed");
    let all = [
        "r start",
        "r finish: start of r failed",
        "r finished",
        "r gone",
    ];
    assert_eq!(sim.log.all(), all);
}

/// Bug Q-33: an exit hook that failed hid the error that led to it.
#[test]
fn q_33_an_error_in_finish_does_not_hide_the_first_one_and_is_reported() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Return, Fail), Fail).unwrap_err();
    assert_eq!(error.to_string(), "body of r failed");
    let log = sim.log.all();
    assert!(
        log.contains(&"r finish: body of r failed".to_owned()),
        "{log:?}"
    );
    assert!(
        log.contains(&"reported finish of r failed".to_owned()),
        "{log:?}"
    );
}

#[test]
fn an_error_in_finish_after_a_success_is_given_and_not_reported() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Return, Fail), Return).unwrap_err();
    assert_eq!(error.to_string(), "finish of r failed");
    let error = sim.run(sim.res(Return, Panic), Return).unwrap_err();
    assert!(error.is_panic());
    assert!(
        !sim.log
            .all()
            .iter()
            .any(|line| line.starts_with("reported"))
    );
}

#[test]
fn a_panic_in_start_or_body_becomes_an_error_after_the_finish() {
    for (start, body, text) in [
        (Panic, Return, "start of r panicked"),
        (Return, Panic, "body of r panicked"),
    ] {
        let sim = Sim::new();
        let error = sim.run(sim.res(start, Return), body).unwrap_err();
        assert!(error.is_panic() && error.to_string().contains(text));
        let finishes = |line: &&String| line.starts_with("r finish:") && line.contains(text);
        assert_eq!(sim.log.all().iter().filter(finishes).count(), 1);
    }
}

#[test]
fn when_the_context_ends_the_body_is_dropped_and_finish_can_still_wait() {
    let sim = Sim::new();
    let scope = sim.scope(sim.res(Return, Sleep), Hang);
    let ctx = sim.ctx.clone();
    let outcome = sim.rt.block_on(async {
        futures::join!(scope, async {
            ctx.cancel_with("enough");
        })
        .0
    });
    let error = outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cancelled at root-->app-->work by enough"
    );
    let all = [
        "r start",
        "r started",
        "body",
        "body gone",
        "r finish: cancelled at root-->app-->work by enough",
        "r finished",
        "r gone",
    ];
    assert_eq!(sim.log.all(), all);
    assert_eq!(sim.rt.clock().elapsed(), Duration::from_secs(1));
}

/// Bug Q-33: a start that was cancelled leaked what it had made. Behaviour FUT-85.
#[test]
fn q_33_fut_85_a_start_that_the_context_cuts_short_is_finished() {
    let sim = Sim::new();
    let scope = sim.scope(sim.res(Hang, Return), Return);
    let ctx = sim.ctx.clone();
    let outcome = sim
        .rt
        .block_on(async { futures::join!(scope, async { ctx.cancel() }).0 });
    assert!(outcome.unwrap_err().is_cancelled());
    assert_eq!(
        sim.log.all(),
        [
            "r start",
            "r finish: cancelled at root-->app-->work",
            "r finished",
            "r gone"
        ]
    );
}

#[test]
fn fut_80_what_was_not_begun_is_not_finished() {
    let sim = Sim::new();
    drop(sim.scope(sim.res(Return, Return), Return));
    sim.ctx.cancel();
    let outcome = sim.run(sim.res(Return, Return), Return);
    assert!(outcome.unwrap_err().is_cancelled());
    sim.rt.run_until_stalled();
    assert_eq!(sim.log.all(), ["r gone", "r gone"]);
}

#[test]
fn dropped_after_any_number_of_polls_it_finishes_exactly_once() {
    for polls in 1..8 {
        let sim = Sim::new();
        let mut scope = Box::pin(sim.scope(sim.res(Sleep, Sleep), Sleep));
        for _ in 0..polls {
            let mut cx = Context::from_waker(Waker::noop());
            if scope.as_mut().poll(&mut cx).is_ready() {
                break;
            }
            sim.rt
                .block_on(sim.root.sleep(Duration::from_millis(600)))
                .unwrap();
        }
        drop(scope);
        sim.rt
            .block_on(sim.root.sleep(Duration::from_secs(5)))
            .unwrap();
        let log = sim.log.all();
        let count = |start: &str| log.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(
            (count("r finish:"), count("r finished"), count("r gone")),
            (1, 1, 1),
            "{log:?}"
        );
        assert_eq!(log.last().unwrap(), "r gone");
    }
}

#[test]
fn dropped_in_its_body_it_says_so_to_finish_and_a_shutdown_above_waits_for_that() {
    let sim = Sim::new();
    let mut scope = Box::pin(sim.scope(sim.res(Return, Sleep), Hang));
    let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(scope);
    let report = sim.rt.block_on(sim.root.shutdown(Duration::from_secs(10)));
    assert!(report.dropped.is_empty(), "{report:?}");
    let log = sim.log.all();
    assert_eq!(
        log[4],
        "r finish: cancelled at root-->app-->work by its scope being dropped"
    );
    assert_eq!(log[5..], ["r finished", "r gone"]);
}

#[test]
fn a_finish_that_hangs_is_dropped_after_thirty_seconds() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Return, Hang), Return).unwrap_err();
    assert!(error.is::<windlass::TimedOut>(), "{error:?}");
    assert_eq!(sim.rt.clock().elapsed(), Duration::from_secs(30));
    assert_eq!(sim.log.all().last().unwrap(), "r gone");
}

#[test]
fn with_the_executor_gone_nothing_hangs_and_nothing_is_kept() {
    let Sim { rt, root, ctx, log } = Sim::new();
    let sim = Sim { rt, root, ctx, log };
    let mut scope = Box::pin(sim.scope(sim.res(Return, Return), Hang));
    let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Sim { rt, log, .. } = sim;
    drop(rt);
    drop(scope);
    assert_eq!(log.all().last().unwrap(), "r gone");
    assert!(!log.all().iter().any(|line| line.starts_with("r finish")));
}

#[test]
fn a_scope_can_run_in_a_task() {
    let sim = Sim::new();
    let task = sim
        .ctx
        .try_spawn(sim.scope(sim.res(Return, Return), Return));
    assert_eq!(sim.rt.block_on(task).unwrap(), 5);
    let ctx = sim.ctx.clone();
    let res: Box<dyn Resource> = Box::new(sim.res(Return, Return));
    let task = sim
        .ctx
        .try_spawn(async move { with_resources(&ctx, vec![res], async || ok(6)).await });
    assert_eq!(sim.rt.block_on(task).unwrap(), 6);
}

/// Not that the scope was dropped: that it was, is because the context had ended.
#[test]
fn dropped_after_the_end_of_the_context_it_tells_finish_of_that() {
    let sim = Sim::new();
    let mut scope = Box::pin(sim.scope(sim.res(Return, Return), Hang));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(scope.as_mut().poll(&mut cx).is_pending());
    sim.ctx.fail("the power is off");
    drop(scope);
    sim.rt.run_until_stalled();
    let all = sim.log.all();
    assert!(
        all.contains(&"r finish: the power is off".to_owned()),
        "{all:?}"
    );
}

/// A runtime that panics when it is handed a task.
#[derive(Clone)]
struct Refuses;

impl Spawner for Refuses {
    fn spawn<F>(&self, _: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        panic!("a spawner that panics (this is part of a test)");
    }
}

#[test]
fn dropped_on_a_runtime_whose_spawn_panics_it_does_not_panic_and_keeps_nothing() {
    let sim = Sim::new();
    let rt = WithTimer::new(Refuses, sim.rt.clock().clone());
    let ctx = Ctx::root_on("app", rt);
    let res = sim.res(Return, Return);
    let mut scope = Box::pin(with_resource(&ctx, res, async |_| {
        pending::<()>().await;
        ok(1)
    }));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(scope.as_mut().poll(&mut cx).is_pending());
    drop(scope);
    assert_eq!(sim.log.all(), ["r start", "r started", "r gone"]);
}
