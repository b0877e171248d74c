//! Models of the holder: its count against `finish`, its lists, its room, its adopted tasks.

mod lists;

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
};

use super::TaskHolder;
use crate::{
    Ctx, Task,
    models::{Wakes, check, spawn as start},
    sync::{Arc, AtomicBool, Mutex, Ordering, lock},
    task::{
        harness::{Always, Fallible},
        models::spawn_as,
    },
};

type Run = Pin<Box<dyn Future<Output = ()> + Send>>;

fn holder() -> TaskHolder<()> {
    TaskHolder::new(&Ctx::root_on("root", ()), "holder")
}

/// Spawns in a live context; the second is what an executor would poll.
fn spawn<F>(ctx: &Ctx<()>, f: F) -> (Task<F::Output>, Run)
where
    F: Future<Output: Send> + Send + 'static,
{
    let (task, run) = spawn_as::<Always, _, _>(ctx, f);
    (task, run.expect("the context is live"))
}

fn poll(run: &mut Run) -> bool {
    Wakes::new().poll(|cx| run.as_mut().poll(cx)).is_ready()
}

/// Shut when the wait is over: what it waited for must not go on then.
#[derive(Default)]
struct Gate {
    is_over: AtomicBool,
    is_broken: AtomicBool,
}

/// A wait that is over when `f` is; says so to those who must not run any more then.
struct Waiting<F: Future> {
    wait: Pin<Box<F>>,
    wakes: Arc<Wakes>,
    gate: Arc<Gate>,
    output: Option<F::Output>,
}

impl<F: Future> Waiting<F> {
    /// Polls once.
    fn new(f: F, gate: &Arc<Gate>) -> Self {
        let mut waiting = Waiting {
            wait: Box::pin(f),
            wakes: Wakes::new(),
            gate: Arc::clone(gate),
            output: None,
        };
        waiting.poll();
        waiting
    }

    fn poll(&mut self) {
        if let Poll::Ready(output) = self.wakes.poll(|cx| self.wait.as_mut().poll(cx)) {
            self.gate.is_over.store(true, Ordering::SeqCst);
            self.output = Some(output);
        }
    }

    /// What it gives when nothing more will happen: each poll must have been called for.
    fn output(mut self) -> F::Output {
        for round in 1.. {
            if let Some(output) = self.output.take() {
                assert!(!self.gate.is_broken.load(Ordering::SeqCst), "work went on");
                return output;
            }
            assert!(self.wakes.count() >= round, "the wait hangs");
            self.poll();
        }
        unreachable!("the loop has no end")
    }
}

/// Work that must not be going on when the wait is over.
fn work(gate: &Arc<Gate>) -> impl Future<Output = ()> + Send + 'static {
    let gate = Arc::clone(gate);
    poll_fn(move |_| {
        if gate.is_over.load(Ordering::SeqCst) {
            gate.is_broken.store(true, Ordering::SeqCst); // a panic would be the task's
        }
        Poll::Ready(())
    })
}

/// The second needs weak memory, which shuttle does not know.
#[cfg(windlass_loom)]
const SPAWN_MUTANTS: &[&str] = &["finish_without_looking_again", "merely_load_spawned"];
#[cfg(windlass_shuttle)]
const SPAWN_MUTANTS: &[&str] = &["finish_without_looking_again"];

/// A task is spawned while the holder finishes: it is waited for, or it never begins.
#[test]
fn spawn_while_the_holder_finishes() {
    check(SPAWN_MUTANTS, || {
        let (holder, gate) = (holder(), Arc::new(Gate::default()));
        let (handle, work) = (holder.handle(), work(&gate));
        let spawner = start(move || {
            let (task, run) = spawn_as::<Always, _, _>(&handle, work);
            if let Some(mut run) = run {
                assert!(Wakes::new().poll(|cx| run.as_mut().poll(cx)).is_ready());
            }
            task
        });
        let finish = Waiting::new(holder.finish(), &gate);
        let task = spawner.join().unwrap();
        let _ = finish.output();
        assert!(task.is_done() && holder.pending() == 0);
        let sums = holder.finished(std::time::Duration::ZERO);
        assert_eq!(sums.completed + sums.cancelled, 1, "counted once");
    });
}

/// The holder ends while a task that has to queue is polled for the first time: it hears of it.
#[test]
fn holder_ends_while_a_task_begins_to_queue() {
    check(&["queue_without_looking"], || {
        let holder = holder().limit(1);
        let (first, mut running) = spawn(&holder, std::future::pending::<()>());
        assert!(!poll(&mut running), "it has the room");
        let (second, mut queued) = spawn(&holder, std::future::pending::<()>());
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let runner = start(move || {
            let is_over = woken.poll(|cx| queued.as_mut().poll(cx)).is_ready();
            (is_over, queued)
        });
        holder.cancel();
        let (is_over, mut queued) = runner.join().unwrap();
        assert!(is_over || wakes.count() > 0, "the task hangs");
        assert!(is_over || poll(&mut queued), "it has nothing to wait for");
        assert!(second.is_cancelled());
        drop((first, running));
    });
}

/// The holder ends while its task is spawned and parks: no list of the node has it, and it ends.
#[test]
fn holder_ends_while_its_task_is_spawned_and_parks() {
    let mutants = [
        "end_without_asking",
        "take_before_marking",
        "park_without_looking",
    ];
    check(&mutants, || {
        let holder = holder();
        let handle = holder.handle();
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let spawner = start(move || {
            let (task, run) = spawn_as::<Always, _, _>(&handle, std::future::pending::<()>());
            // Without a run it was over when it was spawned.
            let rest = run.and_then(|mut run| {
                let is_ready = woken.poll(|cx| run.as_mut().poll(cx)).is_ready();
                (!is_ready).then_some(run)
            });
            (task, rest)
        });
        holder.cancel();
        let (task, rest) = spawner.join().unwrap();
        if let Some(mut rest) = rest {
            assert!(wakes.count() > 0, "the task hangs");
            assert!(wakes.poll(|cx| rest.as_mut().poll(cx)).is_ready());
        }
        assert!(task.is_cancelled() && holder.pending() == 0);
    });
}

/// A queued task is cancelled by its owner while it is polled for the first time: it hears of it.
#[test]
fn queued_task_is_cancelled_while_it_begins_to_queue() {
    check(&["queue_without_looking"], || {
        let holder = holder().limit(0);
        let (task, mut run) = spawn(&holder, std::future::pending::<()>());
        let wakes = Wakes::new();
        let woken = Arc::clone(&wakes);
        let runner = start(move || {
            let is_over = woken.poll(|cx| run.as_mut().poll(cx)).is_ready();
            (is_over, run)
        });
        task.cancel();
        let (is_over, mut run) = runner.join().unwrap();
        assert!(is_over || wakes.count() > 0, "the task hangs");
        assert!(is_over || poll(&mut run), "it has nothing to wait for");
        assert!(task.is_cancelled() && holder.pending() == 0);
    });
}

/// The last task spawns another one and ends: both are waited for.
#[test]
fn last_task_spawns_another_while_the_holder_finishes() {
    check(&["idle_without_looking"], || {
        let (holder, gate) = (holder(), Arc::new(Gate::default()));
        let (handle, next) = (holder.handle(), Arc::new(Mutex::new(None)));
        let (second, spawned) = (work(&gate), Arc::clone(&next));
        let first = spawn(&holder, async move {
            *lock(&spawned) = Some(spawn(&handle, second));
        });
        let runner = start(move || {
            let (task, mut run) = first;
            assert!(poll(&mut run));
            let (other, mut run) = lock(&next).take().expect("the first has spawned it");
            assert!(poll(&mut run));
            (task, other)
        });
        let finish = Waiting::new(holder.finish(), &gate);
        let _tasks = runner.join().unwrap();
        assert_eq!(finish.output().completed, 2);
    });
}

/// Work moves to a node that the wait has left already: the wait comes back.
#[test]
fn work_moves_between_contexts_while_the_holder_finishes() {
    check(&["one_pass_is_enough"], || {
        let (holder, gate) = (holder(), Arc::new(Gate::default()));
        let (late, early) = (holder.child("late"), holder.child("early"));
        let next = Arc::new(Mutex::new(None));
        let (second, spawned) = (work(&gate), Arc::clone(&next));
        let target = early.clone();
        let first = spawn(&late, async move {
            *lock(&spawned) = Some(spawn(&target, second));
        });
        let _ = early.node().link(); // younger, so the pass comes there first
        let runner = start(move || {
            let (task, mut run) = first;
            assert!(poll(&mut run));
            let (other, mut run) = lock(&next).take().expect("the first has spawned it");
            assert!(poll(&mut run));
            (task, other)
        });
        // Not `finish`, which looks again after the end.
        let idle = Waiting::new(holder.wait_idle(), &gate);
        let _tasks = runner.join().unwrap();
        idle.output();
    });
}

/// A child goes, whose sums are added here, while the last task ends: the wait is woken.
#[test]
fn child_goes_while_the_last_task_ends() {
    check(&["depart_without_waking"], || {
        let (holder, gate) = (holder(), Arc::new(Gate::default()));
        let child = holder.child("child");
        let (before, mut run) = spawn(&child, async {});
        assert!(poll(&mut run));
        drop((before, run));
        let (_task, run) = spawn(&holder, std::future::pending::<()>());
        let idle = Waiting::new(holder.wait_idle(), &gate);
        let dropper = start(move || drop(child));
        drop(run);
        dropper.join().unwrap();
        idle.output();
    });
}

/// The holder is cancelled while it finishes and its task parks: the task ends, then the wait.
#[test]
fn cancel_while_the_holder_finishes() {
    check(&["park_without_looking"], || {
        let (holder, gate) = (holder(), Arc::new(Gate::default()));
        let (task, mut run) = spawn(&holder, std::future::pending::<()>());
        let handle = holder.handle();
        let canceller = start(move || handle.cancel());
        let wakes = Wakes::new();
        let is_ready = wakes.poll(|cx| run.as_mut().poll(cx)).is_ready();
        let finish = Waiting::new(holder.finish(), &gate);
        canceller.join().unwrap();
        if !is_ready {
            assert!(wakes.count() > 0, "the task hangs");
            assert!(poll(&mut run));
        }
        assert_eq!(finish.output().cancelled, 1);
        assert!(task.is_cancelled());
    });
}

/// Room comes free while a queued task is polled for the first time: it starts.
#[test]
fn room_comes_free_while_a_queued_task_begins() {
    check(&["admit_before_parking"], || {
        let holder = holder().limit(1);
        let (first, mut run) = spawn(&holder, async {});
        let (queued, mut queued_run) = spawn(&holder, async {});
        let runner = start(move || {
            assert!(poll(&mut run));
            first
        });
        let wakes = Wakes::new();
        let is_ready = wakes.poll(|cx| queued_run.as_mut().poll(cx)).is_ready();
        let _first = runner.join().unwrap();
        if !is_ready {
            assert!(wakes.count() > 0, "the task hangs");
            assert!(poll(&mut queued_run));
        }
        assert!(queued.is_done() && holder.pending() == 0);
    });
}

/// The limit is raised while a task is spawned and begins: it starts.
#[test]
fn limit_is_raised_while_a_task_is_spawned() {
    check(&["admit_before_parking"], || {
        let holder = Arc::new(holder().limit(0));
        let raising = Arc::clone(&holder);
        let raiser = start(move || raising.set_limit(1));
        let (task, mut run) = spawn(&holder, async {});
        let wakes = Wakes::new();
        let is_ready = wakes.poll(|cx| run.as_mut().poll(cx)).is_ready();
        raiser.join().unwrap();
        if !is_ready {
            assert!(wakes.count() > 0, "the task hangs");
            assert!(poll(&mut run));
        }
        assert!(task.is_done());
    });
}

/// The one who was called for a slot goes without it: the next one is called.
#[test]
fn reserver_goes_while_it_is_called() {
    check(&["go_without_passing_on"], || {
        let holder = holder().limit(1);
        let slot = holder.try_reserve().expect("there is room");
        let over = [(); 2].map(|()| Arc::new(Gate::default()));
        let goes = Waiting::new(holder.reserve(), &over[0]);
        let stays = Waiting::new(holder.reserve(), &over[1]);
        let dropper = start(move || drop(slot));
        drop(goes);
        dropper.join().unwrap();
        assert!(stays.output().is_ok());
        assert!(holder.try_reserve().is_some(), "no room is lost");
    });
}

/// The holder ends while it adopts a task: the task is asked, and waited for if it was adopted.
#[test]
fn holder_ends_while_it_adopts() {
    check(&["adopt_without_looking"], || {
        let (root, gate) = (Ctx::root_on("root", ()), Arc::new(Gate::default()));
        let holder = TaskHolder::new(&root, "holder");
        let (task, mut run) = spawn(&root, std::future::pending::<()>());
        let handle = holder.handle();
        let canceller = start(move || handle.cancel());
        let task = holder.adopt(task);
        assert!(canceller.join().unwrap());
        let finish = Waiting::new(holder.finish(), &gate);
        assert!(poll(&mut run), "it was asked");
        let _ = finish.output();
        assert!(task.is_cancelled() && holder.pending() == 0);
    });
}

/// A member is adopted while it ends: it is counted once.
#[test]
fn member_is_adopted_while_it_ends() {
    check(&["adopt_members"], || {
        let holder = holder();
        let (task, mut run) = spawn(&holder, async {});
        let runner = start(move || assert!(poll(&mut run)));
        let task = holder.adopt(task);
        let idle = Waiting::new(holder.wait_idle(), &Arc::new(Gate::default()));
        runner.join().unwrap();
        idle.output();
        assert!(task.is_done() && holder.pending() == 0);
        assert_eq!(holder.finished(std::time::Duration::ZERO).completed, 1);
    });
}

/// A task fails while another one parks: under `fail_fast` that one ends.
#[test]
fn failure_while_another_task_parks() {
    check(&["fail_without_ending", "park_without_looking"], || {
        let holder = holder().fail_fast();
        let failing = async { Err::<(), _>("broken") };
        let (mut failing, run) = spawn_as::<Fallible, _, _>(&holder, failing);
        let (other, mut other_run) = spawn(&holder, std::future::pending::<()>());
        let mut run = run.expect("the context is live");
        let runner = start(move || Wakes::new().poll(|cx| run.as_mut().poll(cx)).is_ready());
        let wakes = Wakes::new();
        let is_ready = wakes.poll(|cx| other_run.as_mut().poll(cx)).is_ready();
        assert!(runner.join().unwrap());
        if !is_ready {
            assert!(wakes.count() > 0, "the task hangs");
            assert!(poll(&mut other_run));
        }
        assert!(other.is_cancelled() && holder.pending() == 0);
        assert!(holder.error().is_some_and(|error| error.is_failed()));
        // Taken, so that it is not reported.
        let outcome = Wakes::new().poll(|cx| Pin::new(&mut failing).poll(cx));
        assert!(matches!(outcome, Poll::Ready(Err(_))));
    });
}
