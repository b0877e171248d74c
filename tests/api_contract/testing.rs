//! The test kit.

use std::{ops::Range, time::Duration};

use windlass::{
    BlockOn, Ctx, LocalSpawner, Promise, Runtime, Spawner, Timer,
    testing::{
        Dominoes, Sim, SimRuntime, VirtualClock, assert_no_leaks, conformance, explore, simulate,
    },
};

use super::{Mute, is_debug, is_handle, sends, shapes};

fn sim_runtime<F: Future>() {
    fn is<R: Spawner + BlockOn + Timer<Sleep: Send>>() {}
    is::<SimRuntime>();
    shapes! {
        SimRuntime::new => fn() -> SimRuntime;
        SimRuntime::seeded => fn(u64) -> SimRuntime;
        SimRuntime::clock => fn(&SimRuntime) -> &VirtualClock;
        SimRuntime::block_on::<F> => fn(&SimRuntime, F) -> F::Output;
        <SimRuntime as BlockOn>::block_on::<F> => fn(&SimRuntime, F) -> windlass::Result<F::Output>;
        SimRuntime::run_until_stalled => fn(&SimRuntime);
        VirtualClock::elapsed => fn(&VirtualClock) -> Duration;
        VirtualClock::auto_jump => fn(&VirtualClock, bool);
    }
    fn tells_time<T: Timer<Sleep: Send>>() {}
    tells_time::<VirtualClock>();
}

async fn advance(clock: &VirtualClock) {
    sends(clock.advance(Duration::ZERO)).await
}

fn parts(sim: Sim) -> (Ctx, SimRuntime, VirtualClock) {
    (sim.ctx, sim.rt, sim.clock)
}

fn simulating<T, B: AsyncFnOnce(&Sim) -> T>(body: B) -> T {
    simulate(body)
}

fn exploring<B: AsyncFn(&Sim)>(seeds: Range<u64>, body: B) {
    explore(seeds, body);
}

fn leaks<R>(ctx: &Ctx<R>) {
    assert_no_leaks::<R>(ctx);
}

fn dominoes<R: Spawner>() {
    shapes! {
        Dominoes::new::<R> => fn(&Ctx<R>, usize) -> Dominoes;
        Dominoes::get => fn(&Dominoes, usize) -> Promise<()>;
        Dominoes::begin => fn(&Dominoes);
    }
    is_debug::<Dominoes>();
}

/// A departure: it says whether they have fallen.
async fn fallen(dominoes: &Dominoes) -> windlass::Result<()> {
    sends(dominoes.finished()).await
}

fn suites<S: Spawner, L: LocalSpawner, T: Timer, R: Runtime, B: BlockOn>(
    [s, l, t, r]: [bool; 4],
    spawner: impl Fn() -> (S, B),
    local: impl Fn() -> (L, B),
    timer: impl Fn() -> (T, B),
    runtime: impl Fn() -> (R, B),
) {
    match (s, l, t, r) {
        (true, ..) => conformance::check_spawner::<S, B>(spawner),
        (_, true, ..) => conformance::check_local::<L, B>(local),
        (_, _, true, _) => conformance::check_timer::<T, B>(timer),
        (.., true) => conformance::check::<R, B>(runtime),
        _ => (),
    }
}

#[test]
fn simulations_dominoes_and_suites() {
    let _ = (advance, parts, fallen);
    sim_runtime::<std::future::Pending<Mute>>();
    dominoes::<SimRuntime>();
    assert_eq!(simulating(async |sim: &Sim| sim.ctx.depth()), 0);
    exploring(0..2, async |_| ());
    leaks(&Ctx::root_on("app", NoRuntime));
    let make = || (SimRuntime::new(), SimRuntime::new());
    suites([false; 4], make, make, make, make);
    is_handle::<SimRuntime>();
    is_handle::<VirtualClock>();
}

/// No runtime at all.
#[derive(Clone)]
struct NoRuntime;
