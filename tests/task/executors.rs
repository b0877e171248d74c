//! Executors of all kinds: gone, half way, blocking, local.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use windlass::{Ctx, Error, LocalSpawner, Spawner, testing::SimRuntime};

use crate::{
    OnDrop,
    kit::{Log, secs},
};

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

#[test]
fn blocking_work_that_is_over_is_forgotten() {
    /// Runs blocking work inside the call.
    #[derive(Clone)]
    struct Inline;
    impl Spawner for Inline {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
        fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
            work();
        }
    }
    let clock = windlass::testing::VirtualClock::new();
    let ctx = Ctx::root_on("app", windlass::WithTimer::new(Inline, clock));
    let (held, runs) = (Arc::new(()), ctx.spawn(pending::<()>()));
    for _ in 0..3 {
        let value = Arc::clone(&held);
        drop(ctx.spawn_blocking(move |_| value));
    }
    assert_eq!(Arc::strong_count(&held), 1);
    let mut shutdown = Box::pin(
        ctx.phased_shutdown(Duration::ZERO)
            .drop_within(Duration::ZERO)
            .run(),
    );
    let Poll::Ready(finished) = poll_once(&mut shutdown) else {
        panic!("it hangs")
    };
    assert_eq!((finished.completed, finished.dropped.len()), (3, 0));
    assert!(runs.is_cancelled(), "that executor drops it at once");
}

#[test]
fn executor_may_poll_once_too_often() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let [fine, stopped] = [ctx.spawn(async {}), ctx.spawn(async {})];
    stopped.cancel();
    let mut futures = std::mem::take(&mut *keeper.0.lock().unwrap());
    for _ in 0..3 {
        assert!(
            futures
                .iter_mut()
                .all(|future| poll_once(future).is_ready())
        );
    }
    assert!(fine.error().is_none() && stopped.is_cancelled());
}

#[test]
fn waker_of_the_executor_is_let_go_when_the_task_is_over() {
    // A waker holds the task, and the task the waker: a ring, if it stays.
    struct Quiet;
    impl std::task::Wake for Quiet {
        fn wake(self: Arc<Self>) {}
    }
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let steps = || {
        let mut has_yielded = false;
        std::future::poll_fn(move |_| {
            if std::mem::replace(&mut has_yielded, true) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
    };
    let plain = ctx.spawn(steps());
    let watched = ctx.spawn(steps());
    watched.on_done(|_| {});
    let stopped = ctx.spawn(pending::<()>());
    let dropped = ctx.spawn(pending::<()>());
    let mut futures = std::mem::take(&mut *keeper.0.lock().unwrap());
    let quiet = Arc::new(Quiet);
    let waker = std::task::Waker::from(Arc::clone(&quiet));
    let mut cx = Context::from_waker(&waker);
    assert!(
        futures
            .iter_mut()
            .all(|future| future.as_mut().poll(&mut cx).is_pending())
    );
    assert_eq!(Arc::strong_count(&quiet), 2 + 4);
    stopped.cancel();
    for future in &mut futures[..3] {
        assert!(future.as_mut().poll(&mut cx).is_ready());
    }
    drop(futures.pop());
    assert_eq!(Arc::strong_count(&quiet), 2, "all four have let it go");
    assert!(dropped.is_cancelled() && stopped.is_cancelled());
    assert!(plain.is_done() && watched.is_done());
}

#[test]
fn executor_may_come_with_another_waker_each_time() {
    #[derive(Default)]
    struct Woken(std::sync::atomic::AtomicBool);
    impl std::task::Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let mut task = ctx.spawn(pending::<()>());
    let mut futures = std::mem::take(&mut *keeper.0.lock().unwrap());
    let three = || -> [Arc<Woken>; 3] { std::array::from_fn(|_| Arc::default()) };
    let (executors, joiners) = (three(), three());
    for (executor, joiner) in executors.iter().zip(&joiners) {
        let (executor, joiner) = (Arc::clone(executor).into(), Arc::clone(joiner).into());
        assert!(
            futures[0]
                .as_mut()
                .poll(&mut Context::from_waker(&executor))
                .is_pending()
        );
        assert!(
            Pin::new(&mut task)
                .poll(&mut Context::from_waker(&joiner))
                .is_pending()
        );
    }
    let woken = |all: &[Arc<Woken>]| -> Vec<bool> {
        all.iter()
            .map(|woken| woken.0.load(std::sync::atomic::Ordering::SeqCst))
            .collect()
    };
    ctx.cancel();
    assert_eq!(woken(&executors), [false, false, true], "the last is asked");
    assert!(poll_once(&mut futures[0]).is_ready());
    assert_eq!(woken(&joiners), [false, false, true], "the last is told");
}
