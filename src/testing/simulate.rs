//! The entries of a test: [`simulate`] and [`explore`].

use std::{
    ops::Range,
    panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind},
};

use super::{SimRuntime, VirtualClock, leaks::Leftover};
use crate::Ctx;

/// What a simulated test is given: a context to work in, its runtime, and that one's clock.
///
/// `rt` is a handle; the test's entry owns the runtime.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///
///     let task = sim.ctx.spawn(async { 1 }); // in a context of the test's own
///     sim.rt.settle().await; // everything ready has run
///     assert!(task.is_done());
///     sim.clock.advance(Duration::from_secs(1)).await; // by hand, or by itself where all wait
/// });
/// ```
#[derive(Clone, Debug)]
pub struct Sim {
    /// A root context on `rt`, named `sim`.
    pub ctx: Ctx,
    /// The runtime.
    pub rt: SimRuntime,
    /// The clock of `rt`.
    pub clock: VirtualClock,
}

/// Runs `test` on a deterministic executor with a virtual clock, and returns what it returns.
///
/// The clock jumps when nothing is ready, so waiting takes no time. When `test` has returned, all
/// that is ready still runs, at that same time; no task may be left then, of whichever context.
///
/// # Panics
///
/// If `test` panics, with that panic. If a task outlives it: the message names each, with its path
/// and where it was spawned. If nothing can ever become ready: the message names all that wait.
///
/// # Examples
///
/// ```
/// # use std::time::Duration;
/// use windlass::testing::simulate;
///
/// let day = Duration::from_secs(24 * 3600);
/// simulate(async |sim| {
///     let task = sim.ctx.try_spawn(sim.ctx.sleep(day));
///     assert!(task.await.is_ok());
///     assert_eq!(sim.clock.elapsed(), day);
/// });
/// ```
///
/// A task that is forgotten fails the test:
///
/// ```should_panic
/// # use windlass::testing::simulate;
/// simulate(async |sim| {
///     drop(sim.ctx.task("forgotten").spawn(std::future::pending::<()>()));
/// });
/// ```
#[track_caller]
pub fn simulate<T>(test: impl AsyncFnOnce(&Sim) -> T) -> T {
    run(SimRuntime::new(), Location::caller(), test)
}

/// Runs `test` once with each seed: each draws another order among what is ready.
///
/// It is [`simulate`] otherwise. When a seed fails, its number goes to stderr, and
/// `explore(seed..seed + 1, test)` does the same again.
///
/// # Panics
///
/// Like [`simulate`]. If `seeds` is empty: it would test nothing.
///
/// # Examples
///
/// ```
/// use std::{cell::RefCell, collections::BTreeSet, sync::{Arc, Mutex}};
/// use windlass::testing::explore;
///
/// let seen = RefCell::new(BTreeSet::new());
/// explore(0..50, async |sim| {
///     let order = Arc::new(Mutex::new(String::new()));
///     for name in ["a", "b", "c"] {
///         let order = order.clone();
///         drop(sim.ctx.spawn(async move { order.lock().unwrap().push_str(name) }));
///     }
///     sim.ctx.finish().await;
///     seen.borrow_mut().insert(order.lock().unwrap().clone());
/// });
/// assert_eq!(seen.borrow().len(), 6); // each possible order has come up
/// ```
#[track_caller]
pub fn explore<B>(seeds: Range<u64>, test: B)
where
    B: AsyncFn(&Sim),
{
    assert!(!seeds.is_empty(), "`explore` was given no seeds: {seeds:?}");
    let at = Location::caller();
    for seed in seeds {
        let rt = SimRuntime::seeded(seed);
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| run(rt, at, &test))) {
            let next = seed.saturating_add(1);
            eprintln!("windlass: seed {seed} failed; `explore({seed}..{next}, …)` does it again");
            resume_unwind(panic);
        }
    }
}

fn run<T>(rt: SimRuntime, at: &'static Location<'static>, test: impl AsyncFnOnce(&Sim) -> T) -> T {
    let sim = Sim {
        ctx: Ctx::root("sim", rt.clone()),
        rt: rt.clone(),
        clock: rt.clock().clone(),
    };
    let value = rt.block_on_at(test(&sim), at);
    let left = Leftover::of_test(rt.unfinished());
    assert!(left.is_empty(), "{left}");
    value
}
