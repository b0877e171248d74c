//! Blocking work in a holder with a limit.

use std::{
    future::pending,
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    thread,
};

use windlass::{Ctx, Finished, Spawner, Task, TaskHolder};

use crate::kit::Log;

type Work = Box<dyn FnOnce() + Send>;

/// Keeps blocking work for the test; drops it when it is closed, and futures always.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<(Vec<Work>, bool)>>);

impl Spawner for Threads {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}

    fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
        let mut kept = self.0.lock().unwrap();
        if !kept.1 {
            kept.0.push(Box::new(work));
        }
    }
}

impl Threads {
    fn take(&self) -> Vec<Work> {
        mem::take(&mut self.0.lock().unwrap().0)
    }

    /// Runs what is there, and says how much it was.
    fn run(&self) -> usize {
        let work = self.take();
        let count = work.len();
        work.into_iter().for_each(|work| work());
        count
    }

    fn close(&self) {
        self.0.lock().unwrap().1 = true;
        drop(self.take());
    }
}

fn limited(n: usize) -> (Threads, TaskHolder<Threads>) {
    let threads = Threads::default();
    let app = Ctx::root_on("app", threads.clone());
    (threads, TaskHolder::new(&app, "holder").limit(n))
}

fn logs(holder: &TaskHolder<Threads>, log: &Log, n: usize) -> Task<()> {
    let log = log.clone();
    holder.spawn_blocking(move |_| log.add(n.to_string()))
}

fn finished(holder: &TaskHolder<Threads>) -> Finished {
    futures::executor::block_on(holder.finish())
}

#[test]
fn work_over_the_limit_gets_a_thread_when_there_is_room() {
    // It was given to a thread at once, whatever the limit; and if it had not begun when room got
    // free, it was dropped as if the executor had shut down.
    let (threads, holder) = limited(2);
    let log = Log::default();
    let tasks: Vec<_> = (0..5).map(|n| logs(&holder, &log, n)).collect();
    let counts = [(); 4].map(|()| threads.run());
    assert_eq!(counts, [2, 2, 1, 0]);
    assert_eq!(log.take().concat(), "01234");
    for task in &tasks {
        assert!(task.is_done() && task.error().is_none(), "{task:?}");
    }
    assert_eq!(finished(&holder).completed, 5);
}

#[test]
fn work_waits_for_room_that_the_limit_makes() {
    let (threads, holder) = limited(0);
    let log = Log::default();
    let task = logs(&holder, &log, 1);
    assert_eq!(threads.run(), 0);
    holder.set_limit(1);
    assert!(!task.is_done());
    assert_eq!(threads.run(), 1);
    assert!(task.is_done() && task.error().is_none());
}

#[test]
fn work_that_took_a_slot_begins_at_once() {
    let (threads, holder) = limited(1);
    let log = Log::default();
    let slot = holder.try_reserve().unwrap();
    let queued = logs(&holder, &log, 2);
    let told = log.clone();
    let first = slot.task("first").spawn_blocking(move |_| told.add("1"));
    assert_eq!((threads.run(), first.is_done()), (1, true));
    assert_eq!((threads.run(), queued.is_done()), (1, true));
    assert_eq!(log.take(), ["1", "2"]);
}

#[test]
fn work_that_waits_for_room_can_be_cancelled_and_ends_with_its_holder() {
    let (threads, holder) = limited(1);
    let log = Log::default();
    let tasks: Vec<_> = (0..4).map(|n| logs(&holder, &log, n)).collect();
    assert!(tasks[1].cancel());
    assert!(tasks[1].is_cancelled(), "it had not begun");
    let mut first = threads.take();
    assert_eq!(first.len(), 1);
    holder.cancel();
    for task in &tasks {
        assert!(task.is_cancelled(), "nothing had begun");
    }
    first.pop().unwrap()();
    assert_eq!(threads.run(), 0);
    assert!(log.take().is_empty());
    assert_eq!(finished(&holder).cancelled, 4);
}

#[test]
fn what_has_begun_when_the_holder_ends_is_waited_for_and_what_waits_is_dropped() {
    let (threads, holder) = limited(1);
    let again = holder.handle();
    let first = holder.spawn_blocking(move |stop| (again.cancel(), stop.is_done()));
    let second = logs(&holder, &Log::default(), 2);
    assert_eq!(threads.run(), 1);
    assert_eq!(futures::executor::block_on(first).unwrap(), (true, true));
    assert!(second.is_cancelled());
    assert_eq!(finished(&holder).completed, 1);
}

#[test]
fn long_line_is_dropped_in_a_loop_also_when_the_executor_has_gone() {
    // Each that gave up made room, and so woke the next, inside its own end.
    let ends: [fn(&Threads, &TaskHolder<Threads>); 2] = [
        |_, holder| assert!(holder.cancel()),
        |threads, _| threads.close(),
    ];
    for end in ends {
        let run = move || {
            let (threads, holder) = limited(1);
            for n in 0..20_000 {
                drop(logs(&holder, &Log::default(), n));
            }
            end(&threads, &holder);
            assert_eq!(finished(&holder).cancelled, 20_000);
        };
        let small = thread::Builder::new().stack_size(256 * 1024);
        small.spawn(run).unwrap().join().unwrap();
    }
}

#[test]
fn work_and_its_job_go_when_the_task_ends() {
    let (threads, holder) = limited(1);
    let held = Arc::new(());
    let spawn = || {
        let held = Arc::clone(&held);
        drop(holder.spawn_blocking(move |_| drop(held)));
    };
    (0..3).for_each(|_| spawn());
    assert_eq!(threads.run(), 1);
    threads.close();
    spawn();
    assert_eq!(Arc::strong_count(&held), 1);
    let kept = Arc::strong_count(&threads.0);
    drop(holder);
    assert_eq!((kept, Arc::strong_count(&threads.0)), (2, 1));
}

#[test]
fn runtime_that_has_no_thread_to_give_loses_that_work_and_no_other() {
    /// Panics once it is told to, as tokio does when the system gives it no thread.
    #[derive(Clone, Default)]
    struct Scarce(Threads, Arc<AtomicBool>);
    impl Spawner for Scarce {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
        fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
            if self.1.load(Ordering::SeqCst) {
                std::panic::resume_unwind(Box::new("no thread (this is part of a test)"));
            }
            self.0.spawn_blocking(work);
        }
    }
    let rt = Scarce::default();
    let app = Ctx::root_on("app", rt.clone());
    let holder = TaskHolder::new(&app, "holder").limit(1);
    let tasks = [(); 3].map(|()| holder.spawn_blocking(|_| ()));
    rt.1.store(true, Ordering::SeqCst);
    assert_eq!(rt.0.run(), 1);
    let ends = tasks.map(|task| (task.is_done(), task.is_cancelled()));
    assert_eq!(ends, [(true, false), (true, true), (true, true)]);
    // What ends on this thread is still told to all.
    let told = Log::default();
    let tells = told.clone();
    app.on_done(move |_| tells.add("told"));
    app.cancel();
    assert_eq!(told.take(), ["told"]);
    let finished = futures::executor::block_on(holder.finish());
    assert_eq!((finished.completed, finished.cancelled), (1, 2));
}

#[test]
fn future_and_work_share_the_line() {
    let (threads, holder) = limited(1);
    let future = holder.spawn(pending::<()>());
    assert!(future.is_done(), "this executor drops futures");
    let log = Log::default();
    let task = logs(&holder, &log, 1);
    assert_eq!((threads.run(), task.is_done()), (1, true));
    let mut joined = Box::pin(task);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(joined.as_mut().poll(&mut cx), Poll::Ready(Ok(()))));
}
