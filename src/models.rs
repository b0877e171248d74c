//! Runs the models of the production files: `models.rs` beside what each examines.
//!
//! `RUSTFLAGS="--cfg windlass_loom"` (or `windlass_shuttle`) `cargo test --release --lib models`.
//! Loom tries every interleaving with at most four preemptions; shuttle tries many at random.
//! Each model runs as it is, and must hold in more than a floor of executions; and once with each
//! of its mutants, which must make it fail.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use crate::sync::with_mutant;

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
pub(crate) fn check(mutants: &[&'static str], model: fn()) {
    let executions = with_mutant(None, || explore(model));
    println!("{executions} executions");
    assert!(
        executions > FLOOR,
        "only {executions} interleavings were explored"
    );
    for mutant in mutants {
        let outcome = with_mutant(Some(mutant), || {
            catch_unwind(AssertUnwindSafe(|| explore(model)))
        });
        assert!(
            outcome.is_err(),
            "the model does not notice the mutant {mutant}"
        );
    }
}

fn explore(model: fn()) -> usize {
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
    let model = Arc::new(model);
    let random = Arc::clone(&model);
    shuttle::check_random(move || random(), 3_000);
    shuttle::check_pct(move || model(), 3_000, 3);
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
