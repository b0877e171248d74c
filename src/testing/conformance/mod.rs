//! The contract of the seam as a suite, for anyone's runtime.
//!
//! One function per clause of [`Spawner`], [`LocalSpawner`] and [`Timer`]; the checks below call
//! them all. Each clause calls `make` for a fresh runtime: the handle under test, and what drives
//! it, often the same value twice. A clause that does not hold panics, and says which it is; one
//! that would hang does so after half a minute.
//!
//! | what there is | what to call |
//! |---|---|
//! | a [`Runtime`] | [`check`], which includes [`check_spawner`] and [`check_timer`] |
//! | an executor without a clock | [`check_spawner`] |
//! | an executor for futures that are not `Send` | [`check_local`] |
//! | a clock | [`check_timer`] with any driver |
//! | a value whose drop is the executor's end | in addition [`check_owner`], [`check_local_owner`] |
//!
//! The driver must be able to wait for other threads: a few clauses wake and spawn from them.
//! Futures that panic are not part of the contract; those that this crate spawns never do.
//!
//! # Examples
//!
//! ```
//! use windlass::{adapters::EmbeddedPool, testing::conformance};
//!
//! fn make() -> (windlass::adapters::Embedded, EmbeddedPool) {
//!     let pool = EmbeddedPool::new(2);
//!     (pool.handle(), pool)
//! }
//! conformance::check_spawner(make);
//! conformance::check_owner(make);
//! ```

mod context;
mod harness;
mod local;
mod owner;
mod reset;
mod runtime;
mod spawner;
mod tasks;
mod timer;
mod watch;
mod work;

use self::harness::{Local, Threaded};
use crate::{BlockOn, LocalSpawner, Runtime, Spawner, Timer};

/// Checks the contract of [`Spawner`], but for the end of the executor: see [`check_owner`].
///
/// # Panics
///
/// If a clause does not hold.
pub fn check_spawner<S: Spawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    tasks::check(|| {
        let (handle, driver) = make();
        (Threaded(handle), driver)
    });
    spawner::spawn_from_a_foreign_thread(&make);
    spawner::spawn_blocking_runs_the_work_outside_the_call(&make);
    spawner::spawn_blocking_inside_a_task(&make);
}

/// Checks the contract of [`LocalSpawner`], but for the end of the executor: see
/// [`check_local_owner`].
///
/// # Panics
///
/// If a clause does not hold.
pub fn check_local<S: LocalSpawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    tasks::check(|| {
        let (handle, driver) = make();
        (Local(handle), driver)
    });
    local::tasks_stay_on_their_thread(&make);
    work::check_local(&make);
}

/// Checks the end of an executor, where the driver owns it: dropping the driver drops the tasks.
///
/// # Panics
///
/// If a clause does not hold.
pub fn check_owner<S: Spawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    owner::check(|| {
        let (handle, driver) = make();
        (Threaded(handle), driver)
    });
    spawner::spawn_blocking_after_the_owner_has_gone(&make);
    work::check_end(&make);
}

/// Checks the end of an executor for futures that are not `Send`, where the driver owns it.
///
/// # Panics
///
/// If a clause does not hold.
pub fn check_local_owner<S: LocalSpawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    owner::check(|| {
        let (handle, driver) = make();
        (Local(handle), driver)
    });
}

/// Checks the contract of [`Timer`] and its [`Sleep`](crate::Sleep).
///
/// On a clock that cannot be moved this takes some tens of milliseconds.
///
/// # Panics
///
/// If a clause does not hold.
pub fn check_timer<T: Timer, B: BlockOn>(make: impl Fn() -> (T, B)) {
    timer::now_never_goes_back(&make);
    timer::clones_share_the_clock(&make);
    timer::a_sleep_ends_at_its_deadline_not_before(&make);
    timer::a_past_deadline_is_ready_at_the_first_poll(&make);
    timer::a_sleep_that_has_ended_stays_ready(&make);
    timer::sleeps_end_in_the_order_of_their_deadlines(&make);
    timer::the_last_waker_is_the_one_that_is_woken(&make);
    reset::reset_to_a_later_deadline(&make);
    reset::reset_to_a_sooner_deadline(&make);
    reset::reset_to_a_past_deadline(&make);
    reset::reset_before_the_first_poll(&make);
    reset::reset_after_it_has_ended(&make);
    timer::a_far_deadline_is_waited_for(&make);
    timer::a_dropped_sleep_wakes_nobody(&make);
}

/// Checks a whole runtime: [`check_spawner`], [`check_timer`], both together, and what
/// [`Ctx`](crate::Ctx), [`Task`](crate::Task) and the waits promise on it.
///
/// # Panics
///
/// If a clause does not hold.
///
/// # Examples
///
/// ```
/// use windlass::testing::{SimRuntime, conformance};
///
/// fn make() -> (SimRuntime, SimRuntime) {
///     let owner = SimRuntime::new();
///     owner.wait_for_threads(std::time::Duration::from_secs(30));
///     (owner.clone(), owner)
/// }
/// conformance::check(make);
/// ```
pub fn check<R: Runtime, B: BlockOn>(make: impl Fn() -> (R, B)) {
    check_spawner(&make);
    check_timer(&make);
    runtime::a_task_sleeps(&make);
    runtime::an_erased_runtime_is_the_same(&make);
    context::check(&make);
    work::check(&make);
}
