//! The simulated runtime keeps the same contract as the others.

use std::time::Duration;

use windlass::testing::{SimRuntime, VirtualClock, conformance};

/// A simulation that waits for the threads which the suite starts.
fn waiting(rt: SimRuntime) -> (SimRuntime, SimRuntime) {
    rt.wait_for_threads(Duration::from_secs(10));
    (rt.clone(), rt)
}

fn simulated() -> (SimRuntime, SimRuntime) {
    waiting(SimRuntime::new())
}

#[test]
fn the_simulated_runtime_keeps_the_contract() {
    conformance::check(simulated);
    conformance::check_owner(simulated);
    conformance::check_local(simulated);
    conformance::check_local_owner(simulated);
}

#[test]
fn so_it_does_in_any_order_drawn_by_lot() {
    for seed in 0..20 {
        let seeded = || waiting(SimRuntime::seeded(seed));
        conformance::check(seeded);
        conformance::check_owner(seeded);
        conformance::check_local(seeded);
        conformance::check_local_owner(seeded);
    }
}

#[test]
fn the_virtual_clock_is_a_timer_of_its_own() {
    conformance::check_timer(|| -> (VirtualClock, SimRuntime) {
        let rt = SimRuntime::new();
        (rt.clock().clone(), rt)
    });
}
