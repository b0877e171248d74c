//! Runs the models of the production files: `models.rs` beside what each examines.
//!
//! `RUSTFLAGS="--cfg windlass_loom"` (or `windlass_shuttle`) `cargo test --release --lib models`.
//! Loom tries every interleaving with at most four preemptions; shuttle tries many, drawn from
//! seeds that stand below, so that a run can be repeated. Each model runs as it is, and must hold
//! in more than a floor of executions; and once with each of its mutants, which must make it fail.
//!
//! A mutant runs in a process of its own: a wrong tree may panic while it is being dropped, which
//! ends the whole process, and that must count as the failure it is.

use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use crate::sync::MUTANT;

/// Threads of the model checker.
#[cfg(windlass_loom)]
pub(crate) use loom::thread;
#[cfg(windlass_shuttle)]
pub(crate) use shuttle::thread;

/// Starts a thread at a point where the checker may switch.
///
/// Loom does not go back to before a thread whose first step is a load; so the first step of both
/// sides is a write to one cell.
pub(crate) fn spawn<T: Send + 'static>(
    run: impl FnOnce() -> T + Send + 'static,
) -> thread::JoinHandle<T> {
    let gate = Arc::new(crate::sync::AtomicUsize::new(0));
    let mine = Arc::clone(&gate);
    let handle = thread::spawn(move || {
        mine.fetch_add(1, crate::sync::Ordering::SeqCst);
        run()
    });
    gate.fetch_add(1, crate::sync::Ordering::SeqCst);
    handle
}

/// How many interleavings are explored at least.
#[cfg(windlass_loom)]
const FLOOR: usize = 10;
#[cfg(windlass_shuttle)]
const FLOOR: usize = 4_000;

/// Checks that `model` holds, and that it fails with each of `mutants`.
///
/// It is called with a closure of the test itself, whose name says which test to run again.
pub(crate) fn check<F>(mutants: &[&'static str], model: F)
where
    F: Fn() + Copy + Send + Sync + 'static,
{
    let executions = explore(model);
    if std::env::var_os(MUTANT).is_some() {
        return; // The process that was started for the mutant: it has not noticed it.
    }
    println!("{executions} executions");
    assert!(
        executions > FLOOR,
        "only {executions} interleavings were explored"
    );
    let test = test_of::<F>();
    for mutant in mutants {
        assert!(
            fails_with(mutant, &test),
            "the model does not notice the mutant {mutant}"
        );
    }
}

/// The test in which the closure `F` stands, as the test runner calls it.
fn test_of<F>() -> String {
    let path = std::any::type_name::<F>().trim_end_matches("::{{closure}}");
    let (_crate, test) = path.split_once("::").expect("a path of this crate");
    test.to_owned()
}

fn fails_with(mutant: &str, test: &str) -> bool {
    let program = std::env::current_exe().expect("the test runner knows its own file");
    let run = Command::new(program)
        .args([test, "--exact"])
        .env(MUTANT, mutant)
        .env("RUST_BACKTRACE", "0")
        .output()
        .expect("the test runner starts again");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(said.contains("running 1 test"), "no test {test}: {said}");
    !run.status.success()
}

fn explore(model: impl Fn() + Copy + Send + Sync + 'static) -> usize {
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    run(move || {
        counter.fetch_add(1, Ordering::Relaxed);
        model();
    });
    count.load(Ordering::Relaxed)
}

#[cfg(windlass_loom)]
fn run(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(4);
    builder.check(model);
}

#[cfg(windlass_shuttle)]
fn run(model: impl Fn() + Send + Sync + 'static) {
    use shuttle::{
        Runner,
        scheduler::{PctScheduler, RandomScheduler},
    };

    let model = Arc::new(model);
    let random = Arc::clone(&model);
    Runner::new(RandomScheduler::new_from_seed(1, 3_000), Default::default()).run(move || random());
    Runner::new(PctScheduler::new_from_seed(2, 3, 3_000), Default::default()).run(move || model());
}

/// A waker that counts.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> Arc<Wakes> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn poll<T>(self: &Arc<Self>, poll: impl FnOnce(&mut Context<'_>) -> T) -> T {
        poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
