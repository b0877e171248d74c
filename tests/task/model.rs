//! Tasks against a slow model of them: random calls by their owners, their contexts and their
//! executor, and what they show.

mod slow;

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use proptest::prelude::*;
use windlass::{Ctx, Error, FutureStatus, Spawner, Task, TaskDone};

use self::slow::Model;

/// Which callback of which task was called with what.
type Call = (usize, usize, &'static str);

/// What a future does after so many polls.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ends {
    Value,
    Fails,
    Panics,
    Never,
}

/// What is done next; numbers pick a task or a context.
#[derive(Clone, Debug)]
enum Step {
    Spawn(usize, usize, Ends),
    Run(usize),
    DropFuture(usize),
    Cancel(usize),
    End(usize),
    Stop(usize),
    Listen(usize),
    Join(usize),
    Watch(usize),
    Detach(usize),
    Look(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = || 0..64_usize;
    let ends = prop_oneof![
        Just(Ends::Value),
        Just(Ends::Fails),
        Just(Ends::Panics),
        Just(Ends::Never)
    ];
    prop_oneof![
        6 => (any(), 0..3_usize, ends).prop_map(|(ctx, polls, ends)| Step::Spawn(ctx, polls, ends)),
        8 => any().prop_map(Step::Run),
        2 => any().prop_map(Step::DropFuture),
        2 => any().prop_map(Step::Cancel),
        1 => any().prop_map(Step::End),
        1 => any().prop_map(Step::Stop),
        3 => any().prop_map(Step::Listen),
        4 => any().prop_map(Step::Join),
        3 => any().prop_map(Step::Watch),
        2 => any().prop_map(Step::Detach),
        3 => any().prop_map(Step::Look),
    ]
}

/// An outcome in a word.
fn word<T>(outcome: Result<T, &Error>) -> &'static str {
    match outcome {
        Ok(_) => "value",
        Err(error) if error.is_cancelled() => "cancelled",
        Err(error) if error.is_panic() => "panicked",
        Err(error) if error.to_string() == "fails" => "failed",
        Err(_) => "taken before",
    }
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Keeps the last future that it was given.
#[derive(Clone, Default)]
struct Last(Arc<Mutex<Option<Boxed>>>);

impl Spawner for Last {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        *self.0.lock().unwrap() = Some(Box::pin(future));
    }
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Polls `future`; it must have been woken if it is ready now and was not before.
struct Polled<F> {
    future: F,
    wakes: Arc<Wakes>,
    was_pending: bool,
}

impl<F: Future + Unpin> Polled<F> {
    fn new(future: F) -> Self {
        Polled {
            future,
            wakes: Arc::default(),
            was_pending: false,
        }
    }

    fn poll(&mut self) -> Poll<F::Output> {
        let waker = Waker::from(Arc::clone(&self.wakes));
        let poll = Pin::new(&mut self.future).poll(&mut Context::from_waker(&waker));
        assert!(
            poll.is_pending() || !self.was_pending || self.is_woken(),
            "it is ready, and nobody has woken it"
        );
        self.was_pending |= poll.is_pending();
        poll
    }

    fn is_woken(&self) -> bool {
        self.wakes.0.load(Ordering::SeqCst) > 0
    }
}

struct RealTask {
    harness: Option<Polled<Boxed>>,
    owner: Option<Polled<Task<u8>>>,
    watch: windlass::TaskWatch,
    wait: Option<Polled<TaskDone>>,
}

struct Real {
    last: Last,
    contexts: [Ctx<Last>; 3],
    tasks: Vec<RealTask>,
    callbacks: usize,
    calls: Arc<Mutex<Vec<Call>>>,
    reports: Arc<Mutex<Vec<(usize, &'static str)>>>,
}

impl Real {
    fn new() -> Self {
        let reports = Arc::<Mutex<Vec<_>>>::default();
        let told = Arc::clone(&reports);
        let last = Last::default();
        let root = Ctx::root_on("root", last.clone()).build("top");
        let top = root.reporter(move |failure| {
            let at = failure.path.rsplit("-->").next().unwrap().parse().unwrap();
            told.lock()
                .unwrap()
                .push((at, word::<()>(Err(failure.error))));
        });
        let top = top.start();
        let middle = top.child("middle");
        let contexts = [top, middle.clone(), middle.child("bottom")];
        contexts.iter().for_each(|ctx| drop(ctx.done())); // all know of their tasks
        Real {
            last,
            contexts,
            tasks: Vec::new(),
            callbacks: 0,
            calls: Arc::default(),
            reports,
        }
    }

    fn spawn(&mut self, ctx: usize, polls: usize, ends: Ends) {
        let mut left = polls;
        let future = std::future::poll_fn(move |_| {
            if left > 0 || ends == Ends::Never {
                left = left.saturating_sub(1);
                return Poll::Pending;
            }
            match ends {
                Ends::Panics => std::panic::resume_unwind(Box::new("on purpose")),
                Ends::Fails => Poll::Ready(Err("fails")),
                _ => Poll::Ready(Ok(1)),
            }
        });
        let name = self.tasks.len().to_string();
        let task = self.contexts[ctx].task(name).try_spawn(future);
        self.tasks.push(RealTask {
            harness: self.last.0.lock().unwrap().take().map(Polled::new),
            watch: task.watch(),
            owner: Some(Polled::new(task)),
            wait: None,
        });
    }

    fn listen(&mut self, at: usize) -> bool {
        let Some(owner) = &self.tasks[at].owner else {
            return false;
        };
        let (calls, callback) = (Arc::clone(&self.calls), self.callbacks);
        owner.future.on_done(move |outcome| {
            calls.lock().unwrap().push((at, callback, word(outcome)));
        });
        self.callbacks += 1;
        true
    }
}

/// Takes the same step in both; asserts that what it shows is the same.
fn take(step: Step, real: &mut Real, model: &mut Model) {
    match step {
        Step::Spawn(ctx, polls, ends) => {
            real.spawn(ctx % 3, polls, ends);
            return model.spawn(ctx % 3, polls, ends);
        }
        Step::End(ctx) => {
            return assert_eq!(real.contexts[ctx % 3].cancel(), model.end(ctx % 3));
        }
        Step::Stop(ctx) => {
            return assert_eq!(real.contexts[ctx % 3].stop(), model.stop(ctx % 3));
        }
        _ if real.tasks.is_empty() => return,
        _ => {}
    }
    match step {
        Step::Run(n) => run(n % real.tasks.len(), real, model),
        Step::DropFuture(n) => drop_future(n % real.tasks.len(), real, model),
        Step::Cancel(n) => {
            let at = n % real.tasks.len();
            assert_eq!(real.tasks[at].watch.cancel(), model.cancel(at));
        }
        Step::Listen(n) => {
            let (at, callback) = (n % real.tasks.len(), real.callbacks);
            if real.listen(at) {
                model.listen(at, callback);
            }
        }
        Step::Join(n) => join(n % real.tasks.len(), real, model),
        Step::Watch(n) => watch(n % real.tasks.len(), real, model),
        Step::Detach(n) => {
            let at = n % real.tasks.len();
            if real.tasks[at].owner.take().is_some() {
                model.detach(at);
            }
        }
        Step::Look(n) => look(n % real.tasks.len(), real, model),
        _ => unreachable!("taken above"),
    }
}

fn run(at: usize, real: &mut Real, model: &mut Model) {
    let Some(harness) = &mut real.tasks[at].harness else {
        return;
    };
    if harness.was_pending && model.is_over(at) {
        assert!(harness.is_woken(), "it was not asked");
    }
    // Executors may poll without a wake.
    harness.was_pending = false;
    let poll = harness.poll();
    model.run(at);
    assert_eq!(poll.is_ready(), model.tasks[at].outcome.is_some());
    if poll.is_ready() {
        real.tasks[at].harness = None;
    }
}

fn drop_future(at: usize, real: &mut Real, model: &mut Model) {
    if real.tasks[at].harness.take().is_some() {
        model.complete(at, "cancelled");
    }
}

fn join(at: usize, real: &mut Real, model: &mut Model) {
    if let Some(owner) = &mut real.tasks[at].owner {
        let joined = match owner.poll() {
            Poll::Ready(outcome) => Some(word(outcome.as_ref())),
            Poll::Pending => None,
        };
        assert_eq!(joined, model.join(at));
    }
}

fn watch(at: usize, real: &mut Real, model: &Model) {
    let task = &mut real.tasks[at];
    let fresh = || Polled::new(task.watch.wait());
    let poll = task.wait.get_or_insert_with(fresh).poll();
    assert_eq!(poll.is_ready(), model.tasks[at].outcome.is_some());
    if let Poll::Ready(outcome) = poll {
        assert_eq!(Some(word(outcome.as_ref())), model.tasks[at].outcome);
        task.wait = None;
    }
}

fn look(at: usize, real: &Real, model: &Model) {
    let watch = &real.tasks[at].watch;
    assert_eq!(watch.state(), model.state(at));
    let error = watch.error().map(|error| word::<()>(Err(&error)));
    let expected = model.tasks[at].outcome.filter(|word| *word != "value");
    assert_eq!(error, expected);
}

/// Executors drop what is left, and everything ends.
fn end_all(real: &mut Real, model: &mut Model) {
    for at in 0..real.tasks.len() {
        drop_future(at, real, model);
        join(at, real, model);
        watch(at, real, model);
        look(at, real, model);
    }
    let mut finish = Box::pin(real.contexts[0].finish());
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(finished) = finish.as_mut().poll(&mut cx) else {
        panic!("nothing runs, and it waits")
    };
    assert_eq!(finished.completed, model.count(&["value"]));
    assert_eq!(finished.failed, model.count(&["failed", "panicked"]));
    assert_eq!(finished.cancelled, model.count(&["cancelled"]));
}

fn compare(real: &Real, model: &mut Model) {
    assert_eq!(*real.calls.lock().unwrap(), model.calls);
    assert_eq!(*real.reports.lock().unwrap(), model.reports);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn tasks_do_what_a_slow_model_does(steps in prop::collection::vec(step(), 1..120)) {
        let (mut real, mut model) = (Real::new(), Model::default());
        for step in steps {
            take(step, &mut real, &mut model);
            compare(&real, &mut model);
        }
        end_all(&mut real, &mut model);
        compare(&real, &mut model);
    }
}
