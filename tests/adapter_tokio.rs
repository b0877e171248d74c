//! The tokio adapter: the suite on both flavours, and what is tokio's own.

use std::{
    cell::Cell,
    future::{Future, pending},
    pin::pin,
    rc::Rc,
    sync::mpsc,
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    runtime::{Builder, Runtime},
    task::LocalSet,
};
use windlass::{
    BlockOn, Error, LocalSpawner, NestedRun, Result, Sleep, Spawner, Timer,
    adapters::{Tokio, TokioLocal},
    testing::conformance,
};

const HOUR: Duration = Duration::from_secs(3600);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

fn multi_thread() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(2).enable_time().build().unwrap()
}

fn paused() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_time().start_paused(true).build().unwrap()
}

fn handle_on(runtime: &Runtime) -> Tokio {
    Tokio::from(runtime.handle().clone())
}

fn owned(runtime: Runtime) -> (Tokio, Runtime) {
    (handle_on(&runtime), runtime)
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

fn refusal<T>(result: Result<T>) -> String {
    let error = result.err().expect("it was not refused");
    assert!(error.is::<NestedRun>(), "{error}");
    error.to_string()
}

// ===== the suite =====

#[test]
fn a_current_thread_runtime_keeps_the_contract() {
    conformance::check(|| owned(current_thread()));
    conformance::check_owner(|| owned(current_thread()));
}

#[test]
fn a_multi_thread_runtime_keeps_the_contract() {
    conformance::check(|| owned(multi_thread()));
    conformance::check_owner(|| owned(multi_thread()));
}

#[test]
fn the_handle_of_a_multi_thread_runtime_drives() {
    let runtime = multi_thread();
    conformance::check(|| (handle_on(&runtime), handle_on(&runtime)));
}

#[test]
fn a_paused_clock_keeps_the_contract_of_a_timer() {
    conformance::check_timer(|| owned(paused()));
}

/// A local set and the runtime that drives it.
struct LocalDriver(Rc<LocalSet>, Runtime);

impl BlockOn for LocalDriver {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(self.1.block_on(self.0.run_until(future)))
    }
}

fn local() -> (TokioLocal, LocalDriver) {
    let (rt, runtime) = owned(current_thread());
    let set = Rc::new(LocalSet::new());
    (TokioLocal::new(&set, rt), LocalDriver(set, runtime))
}

#[test]
fn a_local_set_keeps_the_contract() {
    conformance::check_local(local);
    conformance::check_local_owner(local);
    conformance::check_timer(local);
}

// ===== finding the runtime =====

#[test]
fn outside_a_runtime_try_current_says_so() {
    let error = Tokio::try_current().unwrap_err();
    assert!(error.is_failed());
    assert!(
        error.to_string().contains("no tokio runtime here"),
        "{error}"
    );
}

#[test]
#[should_panic = "no tokio runtime here"]
fn outside_a_runtime_current_panics_and_names_try_current() {
    Tokio::current();
}

#[test]
fn without_timers_try_current_says_so() {
    let runtime = Builder::new_current_thread().build().unwrap();
    let error = runtime.block_on(async { Tokio::try_current().unwrap_err() });
    assert!(error.to_string().contains("enable_time"), "{error}");
}

#[test]
fn inside_a_runtime_both_find_it() {
    for runtime in [current_thread(), multi_thread()] {
        let (send, receive) = mpsc::channel();
        runtime.block_on(async {
            Tokio::current()
                .spawn(async move { send.send(tokio::runtime::Handle::current().id()).unwrap() });
            tokio::task::yield_now().await;
            assert!(Tokio::try_current().is_ok());
        });
        // The multi-thread flavour may still be about to run it.
        assert_eq!(receive.recv().unwrap(), runtime.handle().id());
    }
}

// ===== time =====

#[test]
fn a_runtime_without_timers_spawns_and_its_sleeps_are_orphans() {
    let (rt, runtime) = owned(Builder::new_current_thread().build().unwrap());
    let (send, receive) = mpsc::channel();
    rt.spawn(async move { send.send(()).unwrap() });
    runtime.block_on(async {
        tokio::task::yield_now().await;
        let mut sleep = pin!(rt.sleep(HOUR));
        sleep.as_mut().await;
        assert!(sleep.is_orphaned());
        sleep.as_mut().reset(rt.now() + HOUR);
        assert!(poll_once(sleep.as_mut()).is_ready() && sleep.is_orphaned());
    });
    assert_eq!(receive.recv(), Ok(()));
}

#[test]
fn a_paused_clock_moves_only_when_it_is_told_or_nothing_is_ready() {
    let (rt, runtime) = owned(paused());
    runtime.block_on(async {
        let start = rt.now();
        tokio::time::advance(HOUR).await;
        assert_eq!(rt.now() - start, HOUR);
        rt.sleep(HOUR).await;
        assert_eq!(rt.now() - start, 2 * HOUR);
    });
}

#[test]
fn a_paused_clock_is_honoured_from_a_foreign_thread() {
    let (rt, runtime) = owned(paused());
    let start = rt.now();
    runtime.block_on(tokio::time::advance(HOUR));
    let foreign = rt.clone();
    let (now, past, ahead) = thread::spawn(move || {
        let mut past = pin!(foreign.sleep_until(start + HOUR / 2));
        let mut ahead = pin!(foreign.sleep_until(start + HOUR + HOUR / 2));
        let (past, ahead) = (poll_once(past.as_mut()), poll_once(ahead.as_mut()));
        (foreign.now(), past, ahead)
    })
    .join()
    .unwrap();
    assert_eq!(now, start + HOUR);
    // By the real clock both lie ahead.
    assert_eq!((past, ahead), (Poll::Ready(()), Poll::Pending));
}

#[test]
fn a_sleep_armed_on_a_foreign_thread_ends() {
    let (rt, _runtime) = owned(multi_thread());
    let slept = thread::spawn(move || {
        let start = Instant::now();
        futures::executor::block_on(rt.sleep(Duration::from_millis(2)));
        start.elapsed()
    });
    assert!(slept.join().unwrap() >= Duration::from_millis(2));
}

// ===== after the runtime has gone =====

#[test]
fn a_sleep_that_outlives_its_runtime_ends_as_an_orphan() {
    for make in [current_thread, multi_thread, paused] {
        let (rt, runtime) = owned(make());
        let (mut armed, mut fresh) = (pin!(rt.sleep(HOUR)), pin!(rt.sleep(HOUR)));
        assert!(poll_once(armed.as_mut()).is_pending());
        assert!(!armed.is_orphaned());
        drop(runtime);
        let mut late = pin!(rt.sleep(HOUR));
        for mut sleep in [armed.as_mut(), fresh.as_mut(), late.as_mut()] {
            assert!(poll_once(sleep.as_mut()).is_ready());
            assert!(sleep.is_orphaned());
            sleep.as_mut().reset(rt.now() + HOUR);
            assert!(poll_once(sleep.as_mut()).is_ready());
            assert!(sleep.is_orphaned());
        }
    }
}

thread_local! {
    static PANICS: Cell<usize> = const { Cell::new(0) };
}

#[test]
fn a_sleep_that_outlives_its_runtime_says_nothing_to_the_panic_hook() {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        PANICS.set(PANICS.get() + 1);
        hook(info);
    }));
    let (rt, runtime) = owned(current_thread());
    let (mut armed, mut fresh) = (pin!(rt.sleep(HOUR)), pin!(rt.sleep(HOUR)));
    assert!(poll_once(armed.as_mut()).is_pending());
    drop(runtime);
    for sleep in [armed.as_mut(), fresh.as_mut()] {
        assert!(poll_once(sleep).is_ready());
    }
    assert_eq!(PANICS.get(), 0);
}

#[test]
fn a_deadline_that_had_passed_is_no_orphan_although_the_runtime_is_gone() {
    let (rt, runtime) = owned(current_thread());
    drop(runtime);
    let mut sleep = pin!(rt.sleep(Duration::ZERO));
    assert!(poll_once(sleep.as_mut()).is_ready());
    assert!(!sleep.is_orphaned());
}

#[test]
fn a_thread_that_waits_for_a_sleep_is_woken_when_the_runtime_goes() {
    let (rt, runtime) = owned(multi_thread());
    let (send, receive) = mpsc::channel();
    let waiting = thread::spawn(move || {
        let mut sleep = pin!(rt.sleep(HOUR));
        assert!(poll_once(sleep.as_mut()).is_pending());
        send.send(()).unwrap();
        futures::executor::block_on(sleep.as_mut());
        sleep.is_orphaned()
    });
    receive.recv().unwrap();
    runtime.shutdown_background();
    assert!(waiting.join().unwrap());
}

// ===== blocking =====

#[test]
fn the_handle_of_a_current_thread_runtime_refuses_to_block() {
    let (rt, runtime) = owned(current_thread());
    let text = refusal(rt.block_on(pending::<()>()));
    assert!(text.contains("give the `Runtime` itself"), "{text}");
    assert_eq!(BlockOn::block_on(&runtime, async { 7 }).unwrap(), 7);
}

#[test]
fn blocking_inside_a_tokio_context_is_refused() {
    let (rt, runtime) = owned(multi_thread());
    let (inside, other) = (rt.clone(), multi_thread());
    let check = move || {
        let by_handle = refusal(inside.block_on(pending::<()>()));
        let by_runtime = refusal(BlockOn::block_on(&other, pending::<()>()));
        assert!(by_handle.contains(".await"), "{by_handle}");
        assert_eq!(by_handle, by_runtime);
        // A runtime must not be dropped inside another.
        other.shutdown_background();
    };
    let done = runtime.spawn(async move { check() });
    BlockOn::block_on(&runtime, done).unwrap().unwrap();
    let _context = runtime.enter();
    refusal(rt.block_on(pending::<()>()));
}

#[test]
fn a_refusal_is_an_ordinary_error() {
    let (rt, _runtime) = owned(current_thread());
    let error: Error = rt.block_on(async {}).unwrap_err();
    assert!(error.is_failed() && error.downcast_ref::<NestedRun>().is_some());
    assert!(
        error
            .to_string()
            .starts_with("this thread must not block: "),
        "{error}"
    );
}

#[test]
fn blocking_work_runs_on_the_runtime() {
    let (rt, runtime) = owned(current_thread());
    let (send, receive) = mpsc::channel();
    rt.spawn_blocking(move || send.send(tokio::runtime::Handle::current().id()).unwrap());
    assert_eq!(receive.recv().unwrap(), runtime.handle().id());
}

#[test]
fn blocking_work_of_a_runtime_that_has_gone_is_dropped_unrun() {
    let (rt, runtime) = owned(multi_thread());
    drop(runtime);
    let (send, receive) = mpsc::channel();
    rt.spawn_blocking(move || send.send(()).unwrap());
    assert!(receive.recv().is_err());
}

#[test]
fn local_tasks_and_threaded_ones_share_a_clock() {
    let (rt, runtime) = owned(paused());
    let set = Rc::new(LocalSet::new());
    let local = TokioLocal::new(&set, rt.clone());
    let woken_at = Rc::new(Cell::new(None));
    let (clock, note) = (local.clone(), woken_at.clone());
    let start = rt.now();
    local.spawn_local(async move {
        clock.sleep(HOUR).await;
        note.set(Some(clock.now()));
    });
    runtime.block_on(set.run_until(rt.sleep(2 * HOUR)));
    assert_eq!(woken_at.get(), Some(start + HOUR));
}
