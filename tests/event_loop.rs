//! `EventLoop`: several runs, tasks in between, leftovers.

use std::{
    future::pending,
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use windlass::{
    BlockOn, Ctx, Error, EventLoop, NestedRun, Result, adapters::Embedded, testing::SimRuntime,
};

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

fn a_loop() -> EventLoop<SimRuntime> {
    EventLoop::new(SimRuntime::new())
}

#[test]
fn run_16_code_inside_starts_more_tasks_there() {
    let l = a_loop();
    let ctx = l.ctx().clone();
    let value = l.run(async move { ctx.spawn(async { 42 }).await }).unwrap();
    assert_eq!(value.unwrap(), 42);
}

#[test]
fn run_19_state_and_tasks_go_on_between_several_runs() {
    let l = a_loop();
    let ticks = Arc::new(AtomicUsize::new(0));
    let (counts, ctx) = (ticks.clone(), l.ctx().clone());
    let _ticking = l.ctx().try_spawn(async move {
        loop {
            ctx.sleep(Duration::from_secs(1)).await?;
            counts.fetch_add(1, Ordering::SeqCst);
        }
        #[expect(unreachable_code, reason = "it gives the type")]
        windlass::ok(())
    });
    for expected in [1, 2, 4] {
        l.run(l.ctx().sleep(Duration::from_millis(1400)))
            .unwrap()
            .unwrap();
        assert_eq!(ticks.load(Ordering::SeqCst), expected);
    }
}

/// leftovers are not shut down when the original's loop is closed; Q-114: its examples lose
/// them.
#[test]
fn q_108_what_is_left_is_cancelled_and_finished_when_the_loop_is_dropped() {
    let was_dropped = Arc::new(AtomicBool::new(false));
    let cleaned = Arc::new(AtomicBool::new(false));
    let l = a_loop();
    let (guard, cleans) = (SetOnDrop(was_dropped.clone()), cleaned.clone());
    let ctx = l.ctx().clone();
    drop(
        l.ctx()
            .task("left")
            .grace(Duration::from_secs(5))
            .spawn(async move {
                let _guard = guard;
                ctx.done().await;
                cleans.store(true, Ordering::SeqCst);
            }),
    );
    l.run(async {}).unwrap();
    assert!(!was_dropped.load(Ordering::SeqCst));
    drop(l);
    assert!(cleaned.load(Ordering::SeqCst), "it had its grace");
    assert!(was_dropped.load(Ordering::SeqCst));
}

/// an error that leaves the block skips the closing in the original.
#[test]
fn q_106_an_error_leaves_the_loop_usable_and_closes_it_like_any_other_way_out() {
    let was_dropped = Arc::new(AtomicBool::new(false));
    let l = a_loop();
    let guard = SetOnDrop(was_dropped.clone());
    drop(l.ctx().spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    }));
    let error = l
        .try_run(async { Err::<(), _>(io::Error::other("fails")) })
        .unwrap_err();
    assert_eq!(error.to_string(), "fails");
    assert_eq!(l.try_run((async { Ok::<_, io::Error>(1) },)).unwrap(), (1,));
    drop(l);
    assert!(was_dropped.load(Ordering::SeqCst));
}

#[test]
fn closing_tells_how_the_tasks_ended() {
    let l = a_loop();
    let done = l.ctx().spawn(async { 1 });
    drop(l.ctx().task("left").spawn(pending::<()>()));
    assert_eq!(l.run(done).unwrap().unwrap(), 1);
    let finished = l.close().unwrap();
    assert_eq!((finished.completed, finished.cancelled), (1, 1));
}

#[test]
fn run_22_after_the_end_of_its_context_a_run_is_an_error() {
    let l = a_loop();
    l.ctx().cancel_with("enough");
    let error = l
        .run(async { panic!("it is not polled") })
        .map(|(): ()| 1)
        .unwrap_err();
    assert_eq!(error.to_string(), "cancelled at event loop by enough");
}

#[test]
fn a_run_ends_with_the_context() {
    let l = a_loop();
    let ctx = l.ctx().clone();
    l.ctx().call_later(Duration::from_secs(3), move || {
        assert!(ctx.fail(io::Error::other("gone")))
    });
    let error = l.run(pending::<()>()).unwrap_err();
    assert_eq!(error.to_string(), "gone");
}

#[test]
fn loop_36_run_forever_goes_on_until_it_is_stopped() {
    let l = a_loop();
    let start = l.ctx().now();
    let ctx = l.ctx().clone();
    l.ctx()
        .call_later(Duration::from_secs(3), move || assert!(ctx.stop()));
    l.run_forever().unwrap();
    assert_eq!((l.ctx().now() - start).as_secs(), 3);
    assert!(!l.ctx().is_done(), "stopped, and not ended");
    assert_eq!(l.run(async { 1 }).unwrap(), 1);
}

#[test]
fn run_forever_ends_with_the_context_and_tells_of_its_failure() {
    let l = a_loop();
    let ctx = l.ctx().clone();
    l.ctx()
        .call_soon(move || assert!(ctx.fail(io::Error::other("broken"))));
    assert_eq!(l.run_forever().unwrap_err().to_string(), "broken");
    let l = a_loop();
    let ctx = l.ctx().clone();
    l.ctx().call_soon(move || assert!(ctx.cancel()));
    l.run_forever().unwrap();
}

#[test]
fn what_spawns_and_what_drives_may_be_two_values() {
    let rt = SimRuntime::new();
    let l = EventLoop::from_parts(Ctx::root("app", rt.clone()), rt);
    assert_eq!(l.run(l.ctx().spawn(async { 1 })).unwrap().unwrap(), 1);
    assert!(format!("{l:?}").contains("app"));
}

#[test]
fn where_the_thread_must_not_block_the_drop_only_cancels() {
    struct Refuses;
    impl BlockOn for Refuses {
        fn block_on<F: Future>(&self, _: F) -> Result<F::Output> {
            Err(NestedRun::new("it always refuses").into())
        }
    }
    let ctx = Ctx::root("app", Embedded::global());
    let l = EventLoop::from_parts(ctx.clone(), Refuses);
    assert!(l.run(async {}).unwrap_err().is::<NestedRun>());
    assert!(l.run_forever().unwrap_err().is::<NestedRun>());
    drop(l);
    assert!(ctx.is_done());
    let l = EventLoop::from_parts(Ctx::root("app", Embedded::global()), Refuses);
    let error: Error = l.close().unwrap_err();
    assert!(error.is::<NestedRun>());
}
