//! Several.

use std::{
    future::{Future, pending},
    task::{Context, Waker},
    time::Duration,
};

use Does::{Fail, Hang, Panic, Return, Sleep};
use windlass::{Resource, ok, with_resources};

use crate::{Does, Sim};

fn five(sim: &Sim, third: (Does, Does)) -> Vec<Box<dyn Resource>> {
    let names = ["a", "b", "c", "d", "e"];
    let make = |name| {
        let (start, finish) = if name == "c" { third } else { (Return, Return) };
        Box::new(sim.named(name, start, finish)) as Box<dyn Resource>
    };
    names.into_iter().map(make).collect()
}

/// The lines of the log that start or finish something, in short.
fn steps(sim: &Sim) -> String {
    let step = |line: &String| {
        let (name, rest) = line.split_once(' ')?;
        let mark = match rest.split(':').next()? {
            "start" => "+",
            "finish" => "-",
            _ => return None,
        };
        Some(format!("{mark}{name}"))
    };
    sim.log.all().iter().filter_map(step).collect()
}

#[test]
fn several_start_in_order_and_finish_in_reverse() {
    let sim = Sim::new();
    let scope = with_resources(&sim.ctx, five(&sim, (Return, Return)), async || {
        sim.log.note("body start");
        ok(1)
    });
    assert_eq!(sim.rt.block_on(scope).unwrap(), 1);
    assert_eq!(steps(&sim), "+a+b+c+d+e+body-e-d-c-b-a");
    let nothing = with_resources(&sim.ctx, Vec::new(), async || ok(2));
    assert_eq!(sim.rt.block_on(nothing).unwrap(), 2);
}

#[test]
fn when_the_third_of_five_cannot_be_started_three_are_finished() {
    for (start, text) in [(Fail, "start of c failed"), (Panic, "start of c panicked")] {
        let sim = Sim::new();
        let scope = with_resources(&sim.ctx, five(&sim, (start, Return)), async || {
            sim.log.note("body start");
            ok(1)
        });
        let error = sim.rt.block_on(scope).unwrap_err();
        assert!(error.to_string().contains(text));
        assert_eq!(steps(&sim), "+a+b+c-c-b-a");
        let gone = sim
            .log
            .all()
            .iter()
            .filter(|line| line.ends_with("gone"))
            .count();
        assert_eq!(gone, 5);
    }
}

#[test]
fn a_finish_that_fails_panics_or_hangs_does_not_keep_the_others_from_being_called() {
    for finish in [Fail, Panic, Hang] {
        let sim = Sim::new();
        let scope = with_resources(&sim.ctx, five(&sim, (Return, finish)), async || ok(1));
        assert!(sim.rt.block_on(scope).is_err());
        assert_eq!(steps(&sim), "+a+b+c+d+e-e-d-c-b-a");
        assert!(sim.log.all().contains(&"a finished".to_owned()));
    }
}

#[test]
fn several_are_finished_when_the_scope_is_dropped() {
    let sim = Sim::new();
    let mut scope = Box::pin(with_resources(
        &sim.ctx,
        five(&sim, (Return, Sleep)),
        async || {
            pending::<()>().await;
            ok(1)
        },
    ));
    let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(scope);
    sim.ctx.cancel();
    sim.rt
        .block_on(sim.root.sleep(Duration::from_secs(5)))
        .unwrap();
    assert_eq!(steps(&sim), "+a+b+c+d+e-e-d-c-b-a");
    assert!(sim.log.all().contains(&"a finished".to_owned()));
}

#[test]
fn of_several_that_go_wrong_in_finish_the_first_is_given_and_the_others_are_reported() {
    let sim = Sim::new();
    let parts =
        ["a", "b", "c"].map(|name| Box::new(sim.named(name, Return, Fail)) as Box<dyn Resource>);
    let scope = with_resources(&sim.ctx, Vec::from(parts), async || ok(1));
    let error = sim.rt.block_on(scope).unwrap_err();
    assert_eq!(error.to_string(), "finish of c failed");
    let reported: Vec<_> = sim.log.all();
    let reported: Vec<_> = reported
        .iter()
        .filter(|l| l.starts_with("reported"))
        .collect();
    assert_eq!(
        reported,
        ["reported finish of b failed", "reported finish of a failed"]
    );
}

#[test]
fn each_of_several_is_told_why_it_is_finished() {
    let sim = Sim::new();
    let scope = with_resources(&sim.ctx, five(&sim, (Return, Return)), async || {
        Err::<(), _>("the body failed")
    });
    sim.rt.block_on(scope).unwrap_err();
    let all = sim.log.all();
    let told = all
        .iter()
        .filter(|line| line.ends_with(" finish: the body failed"));
    assert_eq!(told.count(), 5);
}
