//! Contexts above that end while what has to be finished waits for its turn.

use std::time::Duration;

use windlass::{Ctx, Finished, Resource, Task, ok, with_resources};

use crate::{
    Does::{self, Return, Sleep},
    Sim,
};

/// A task in `at` that is in the middle of its body, with resources of these names.
fn begin(sim: &Sim, at: &Ctx, names: [(&'static str, Does); 3]) -> Task<()> {
    let all = names.map(|(name, finish)| {
        let res = sim.named(name, Return, finish);
        Box::new(res) as Box<dyn Resource>
    });
    let task = at.try_spawn_with(async move |ctx| {
        let body = async || {
            std::future::pending::<()>().await;
            ok(())
        };
        with_resources(&ctx, all.into(), body).await
    });
    sim.rt.run_until_stalled();
    task
}

/// What was finished, in order.
fn finished(sim: &Sim) -> String {
    let lines = sim.log.all();
    let finished = lines.iter().filter_map(|line| line.split_once(" finish:"));
    finished.map(|(name, _)| name).collect()
}

#[test]
fn finish_that_has_not_begun_when_the_context_above_ends_goes_further_up() {
    // It was dropped with its task, and never called, although the executor went on.
    let sim = Sim::new();
    let (upper, at) = (sim.ctx.clone(), sim.ctx.child("lower").child("at"));
    let lower = at.clone();
    let task = begin(&sim, &at, [("a", Return), ("b", Return), ("c", Return)]);
    // Called when the task has been dropped: its `finish` waits for its first turn, in a context
    // below `lower` and then below `upper`.
    task.on_done(move |_| {
        lower.cancel();
        upper.cancel();
    });
    at.cancel();
    sim.rt.run_until_stalled();
    assert_eq!(finished(&sim), "cba");
    assert_eq!(sim.rt.block_on(sim.root.finish()).failed, 0);
}

#[test]
fn the_others_are_finished_although_the_context_above_ends_during_the_first() {
    let sim = Sim::new();
    let at = sim.ctx.child("lower").child("at");
    drop(begin(
        &sim,
        &at,
        [("a", Return), ("b", Sleep), ("c", Sleep)],
    ));
    at.cancel();
    sim.rt.run_until_stalled();
    assert_eq!(finished(&sim), "c", "it takes a second");
    sim.ctx.cancel();
    sim.rt.run_until_stalled();
    assert_eq!(
        finished(&sim),
        "cb",
        "the first was cut short, and the next has its turn"
    );
    sim.root.cancel();
    sim.rt.run_until_stalled();
    assert_eq!(finished(&sim), "cba", "in a root of its own");
}

#[test]
fn shutdown_waits_for_what_went_further_up() {
    let sim = Sim::new();
    let at = sim.ctx.child("lower").child("at");
    let task = begin(&sim, &at, [("a", Sleep), ("b", Sleep), ("c", Return)]);
    let upper = sim.ctx.clone();
    task.on_done(move |_| assert!(upper.cancel()));
    at.cancel();
    let report: Finished = sim.rt.block_on(sim.root.shutdown(Duration::from_secs(60)));
    assert_eq!(finished(&sim), "cba");
    assert_eq!(report.took, Duration::from_secs(2));
    assert!(report.dropped.is_empty(), "{report}");
}
