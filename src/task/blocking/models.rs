//! Models of blocking work that waits for room: handed over once, or dropped, and forgotten then.

use std::sync::Mutex;

use crate::{
    Ctx, Spawner, Task, TaskHolder,
    models::{check, spawn as start},
    sync::Arc,
};

type Work = Box<dyn FnOnce() + Send>;

/// Keeps blocking work until the model runs it.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<Work>>>);

impl Spawner for Threads {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}

    fn spawn_blocking<W: FnOnce() + Send + 'static>(&self, work: W) {
        self.0.lock().unwrap().push(Box::new(work));
    }
}

impl Threads {
    /// Runs what is there; says whether that was one piece of work.
    fn run_one(&self) -> bool {
        let mut all = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(all.len() < 2, "handed over twice");
        let work = all.pop();
        work.map(|work| work()).is_some()
    }

    /// How many jobs there are: each has a handle.
    fn jobs(&self, others: usize) -> usize {
        Arc::strong_count(&self.0) - others
    }
}

fn full() -> (Threads, TaskHolder<Threads>) {
    let threads = Threads::default();
    let holder = TaskHolder::new(&Ctx::root_on("root", threads.clone()), "holder").limit(0);
    (threads, holder)
}

fn work(holder: &Ctx<Threads>) -> Task<()> {
    holder.spawn_blocking(|_| ())
}

/// Room is made while the work asks for it: it gets it.
#[test]
fn room_while_work_begins_to_wait() {
    check(&["admit_work_before_parking"], || {
        let (threads, holder) = full();
        let handle = holder.handle();
        let spawner = start(move || work(&handle));
        holder.set_limit(1);
        let task = spawner.join().unwrap();
        assert!(threads.run_one(), "it waits for ever");
        assert!(task.is_done() && task.error().is_none());
        assert_eq!(threads.jobs(2), 0);
    });
}

/// It is cancelled while room is made: it is handed over at most once, and nothing of it stays.
#[test]
fn cancel_while_room_is_made() {
    check(&["park_work_that_is_over"], || {
        let (threads, holder) = full();
        let task = work(&holder);
        let watch = task.watch();
        let canceller = start(move || watch.cancel());
        holder.set_limit(1);
        assert!(canceller.join().unwrap());
        threads.run_one();
        assert!(task.error().is_some_and(|error| error.is_cancelled()));
        assert_eq!((holder.pending(), threads.jobs(2)), (0, 0));
    });
}

/// It runs while it is cancelled and while room is made a second time.
#[test]
fn work_runs_while_it_is_cancelled() {
    check(&[], || {
        let (threads, holder) = full();
        let task = work(&holder);
        holder.set_limit(1);
        let (watch, runs) = (task.watch(), threads.clone());
        let runner = start(move || runs.run_one());
        watch.cancel();
        assert!(runner.join().unwrap());
        assert!(task.is_done());
        assert_eq!((holder.pending(), threads.jobs(2)), (0, 0));
    });
}
