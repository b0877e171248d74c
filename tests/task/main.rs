//! Tasks: behaviours TASK-xx, the calls of LOOP-06 … LOOP-11, and the regressions of Q-19 … Q-25.

mod callbacks;
mod calls;
mod ending;
mod executors;
mod model;
mod reporting;
mod shutdown;
mod values;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../kit/mod.rs"]
mod kit;

use windlass::{Ctx, testing::Sim};

use self::kit::Log;

/// Says so when it is dropped.
struct OnDrop(Log, &'static str);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.add(self.1);
    }
}

/// A context whose unseen failures go to the log.
fn reporting(sim: &Sim) -> (Ctx, Log) {
    let log = Log::default();
    let told = log.clone();
    let report = move |failure: &windlass::Failure<'_>| {
        told.add(format!("{}: {}", failure.path, failure.error));
    };
    (sim.ctx.build("app").reporter(report).start(), log)
}
