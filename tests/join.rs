//! Joining policies: order, errors, and that losers are cancelled *and* awaited.

use std::{
    future::{Future, pending},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use windlass::{
    AllSettled, AtLeast, Ctx, Error, FailFast, FirstSuccess, JoinPolicy, Result, Task, Within,
    join_tasks, testing::SimRuntime,
};

// ===== helpers =====

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// In alphabetical order: nothing is said about the order in which losers end.
    fn sorted(&self) -> Vec<String> {
        let mut all = self.all();
        all.sort();
        all
    }
}

/// Notes that the future that holds it has gone.
struct Gone(Log, u32);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.note(format!("{} gone", self.1));
    }
}

struct Sim {
    rt: SimRuntime,
    ctx: Ctx,
    log: Log,
}

impl Sim {
    fn new() -> Sim {
        let (rt, log) = (SimRuntime::new(), Log::default());
        let inner = log.clone();
        let ctx = Ctx::root("root", rt.clone())
            .build("app")
            .reporter(move |failure| inner.note(format!("reported {}", failure.error)))
            .start();
        Sim { rt, ctx, log }
    }

    /// A task that gives `after` as a value after so many seconds.
    fn value(&self, after: u32) -> Task<u32> {
        self.task(after, Ok(after))
    }

    /// A task that fails after so many seconds.
    fn failure(&self, after: u32) -> Task<u32> {
        self.task(after, Err(format!("failed after {after}")))
    }

    fn task(&self, after: u32, outcome: Result<u32, String>) -> Task<u32> {
        let (ctx, gone) = (self.ctx.clone(), Gone(self.log.clone(), after));
        self.ctx.try_spawn(async move {
            let _gone = gone;
            ctx.sleep(seconds(after)).await?;
            outcome.map_err(Error::from)
        })
    }

    fn join<P: JoinPolicy<u32>>(&self, tasks: Vec<Task<u32>>, policy: P) -> (P::Output, u64) {
        let output = self.rt.block_on(join_tasks(tasks, policy));
        (output, self.rt.clock().elapsed().as_secs())
    }
}

fn seconds(n: u32) -> Duration {
    Duration::from_secs(n.into())
}

fn texts(failed: &[(usize, Error)]) -> Vec<String> {
    failed
        .iter()
        .map(|(at, error)| format!("{at}: {error}"))
        .collect()
}

// ===== all =====

#[test]
fn all_settled_gives_every_outcome_in_the_order_of_the_set() {
    let sim = Sim::new();
    let tasks = vec![sim.value(3), sim.failure(1), sim.value(2)];
    let (settled, at) = sim.join(tasks, AllSettled::new());
    let settled: Vec<_> = settled
        .into_iter()
        .map(|o| o.map_err(|e| e.to_string()))
        .collect();
    assert_eq!(settled, [Ok(3), Err("failed after 1".to_owned()), Ok(2)]);
    assert_eq!(at, 3);
    assert!(
        !sim.log
            .all()
            .iter()
            .any(|line| line.starts_with("reported"))
    );
}

#[test]
fn fail_fast_gives_all_values_in_the_order_of_the_set() {
    let sim = Sim::new();
    let tasks = vec![sim.value(3), sim.value(1), sim.value(2)];
    let (values, at) = sim.join(tasks, FailFast::new());
    assert_eq!((values.unwrap(), at), (vec![3, 1, 2], 3));
}

#[test]
fn fail_fast_gives_the_first_error_in_time_and_drops_the_others_before_it_returns() {
    let sim = Sim::new();
    let tasks = vec![sim.failure(5), sim.failure(2), sim.value(1), sim.value(9)];
    let (values, at) = sim.join(tasks, FailFast::new());
    assert_eq!(
        (values.unwrap_err().to_string().as_str(), at),
        ("failed after 2", 2)
    );
    assert_eq!(sim.log.sorted(), ["1 gone", "2 gone", "5 gone", "9 gone"]);
}

#[test]
fn a_panic_and_a_cancellation_are_errors_too() {
    let sim = Sim::new();
    let panics = sim
        .ctx
        .spawn(async { if true { panic!("boom") } else { 1 } });
    let (values, _) = sim.join(vec![panics, sim.value(9)], FailFast::new());
    assert!(values.unwrap_err().is_panic());

    let cancelled = sim.value(9);
    cancelled.cancel();
    let (values, at) = sim.join(vec![sim.value(8), cancelled], FailFast::new());
    assert!(values.unwrap_err().is_cancelled() && at == 0);
}

#[test]
fn the_end_of_the_context_ends_a_join() {
    let sim = Sim::new();
    let join = join_tasks([sim.value(5), sim.value(6)], AllSettled::new());
    sim.ctx.cancel();
    let settled = sim.rt.block_on(join);
    assert!(
        settled
            .iter()
            .all(|outcome| outcome.as_ref().is_err_and(Error::is_cancelled))
    );
}

// ===== losers =====

/// A loser with a clean-up that fails: nobody sees it, so it is reported.
#[test]
fn a_loser_is_awaited_and_reported_if_it_fails_while_it_ends() {
    let sim = Sim::new();
    let fails_late = {
        let clock = Ctx::root("clock", sim.rt.clone());
        sim.ctx
            .task("late")
            .grace(seconds(10))
            .try_spawn(async move {
                clock.sleep(seconds(3)).await?;
                Err::<u32, Error>("clean-up failed".into())
            })
    };
    let (won, at) = sim.join(vec![fails_late, sim.value(1)], FirstSuccess::new());
    assert_eq!((won.unwrap().value, at), (1, 3), "it was awaited");
    assert!(
        sim.log
            .all()
            .contains(&"reported clean-up failed".to_owned())
    );
}

#[test]
fn dropping_a_join_cancels_its_tasks() {
    for polls in 0..2 {
        let sim = Sim::new();
        let mut join = join_tasks([sim.value(5), sim.value(6)], FailFast::new());
        for _ in 0..polls {
            sim.rt.run_until_stalled();
            assert!(
                Pin::new(&mut join)
                    .poll(&mut Context::from_waker(Waker::noop()))
                    .is_pending()
            );
        }
        drop(join);
        sim.rt.run_until_stalled();
        assert_eq!(sim.log.sorted(), ["5 gone", "6 gone"]);
        assert_eq!(sim.rt.clock().elapsed(), Duration::ZERO);
    }
}

// ===== first success =====

#[test]
fn first_success_passes_over_failures_and_lists_them() {
    let sim = Sim::new();
    let tasks = vec![sim.value(4), sim.failure(1), sim.value(2), sim.failure(3)];
    let (won, at) = sim.join(tasks, FirstSuccess::new());
    let won = won.unwrap();
    assert_eq!((won.index, won.value, at), (2, 2, 2));
    assert_eq!(texts(&won.failed), ["1: failed after 1"]);
    assert_eq!(sim.log.sorted(), ["1 gone", "2 gone", "3 gone", "4 gone"]);
}

#[test]
fn of_those_that_have_ended_before_the_first_of_the_set_wins() {
    let sim = Sim::new();
    let ready = |n: u32| sim.ctx.spawn(async move { n });
    let tasks = vec![ready(7), ready(8), ready(9)];
    sim.rt.run_until_stalled();
    assert_eq!(sim.join(tasks, FirstSuccess::new()).0.unwrap().value, 7);
}

#[test]
fn first_success_of_failures_only_gives_them_all_and_is_an_error_of_their_kind() {
    let sim = Sim::new();
    let tasks = vec![sim.failure(2), sim.failure(1)];
    let (won, _) = sim.join(tasks, FirstSuccess::new());
    let none = won.unwrap_err();
    assert_eq!(none.to_string(), "1 success was wanted, 2 failed");
    assert_eq!(
        texts(&none.failed),
        ["1: failed after 1", "0: failed after 2"]
    );
    assert!(Error::failed(none).is_failed());

    let cancelled = sim.value(1);
    cancelled.cancel();
    let (won, _) = sim.join(vec![cancelled], FirstSuccess::new());
    assert!(Error::failed(won.unwrap_err()).is_cancelled());
}

// ===== k of n =====

#[test]
fn at_least_gives_the_first_k_in_the_order_in_which_they_came() {
    let sim = Sim::new();
    let tasks = vec![sim.value(4), sim.value(2), sim.failure(1), sim.value(3)];
    let (quorum, at) = sim.join(tasks, AtLeast::new(2));
    let quorum = quorum.unwrap();
    assert_eq!((quorum.values, at), (vec![(1, 2), (3, 3)], 3));
    assert_eq!(texts(&quorum.failed), ["2: failed after 1"]);
    assert_eq!(sim.log.all().last().unwrap(), "4 gone");
}

#[test]
fn at_least_gives_up_as_soon_as_so_many_cannot_be_reached() {
    let sim = Sim::new();
    let tasks = vec![sim.value(9), sim.failure(1), sim.failure(2), sim.value(8)];
    let (quorum, at) = sim.join(tasks, AtLeast::new(3));
    let few = quorum.unwrap_err();
    assert_eq!((few.wanted, texts(&few.failed).len(), at), (3, 2, 2));
    assert_eq!(sim.log.all().len(), 4, "all have ended");
}

#[test]
fn sets_that_decide_at_once_are_cancelled_and_awaited() {
    let sim = Sim::new();
    let (few, at) = sim.join(vec![sim.value(1)], AtLeast::new(2));
    assert_eq!((few.unwrap_err().wanted, at), (2, 0));
    let (quorum, at) = sim.join(vec![sim.value(1)], AtLeast::new(0));
    assert_eq!((quorum.unwrap().values.len(), at), (0, 0));
    assert_eq!(sim.log.all(), ["1 gone", "1 gone"]);
    // Empty sets.
    assert!(sim.join(vec![], AllSettled::new()).0.is_empty());
    assert!(sim.join(vec![], FailFast::new()).0.unwrap().is_empty());
    assert!(
        sim.join(vec![], FirstSuccess::new())
            .0
            .unwrap_err()
            .failed
            .is_empty()
    );
    let within = Within::new(&sim.ctx, seconds(5));
    assert_eq!(sim.join(vec![], within).1, 0);
}

// ===== partial at a deadline =====

#[test]
fn within_gives_what_there_is_at_the_deadline_and_cancels_the_rest() {
    let sim = Sim::new();
    let tasks = vec![sim.value(1), sim.value(9), sim.failure(2), sim.value(3)];
    let within = Within::new(&sim.ctx, seconds(5));
    let (settled, at) = sim.join(tasks, within);
    assert_eq!(at, 5);
    assert!(matches!(settled[0], Ok(1)) && matches!(settled[3], Ok(3)));
    assert!(settled[1].as_ref().is_err_and(Error::is_cancelled));
    assert!(settled[2].as_ref().is_err_and(Error::is_failed));
    assert_eq!(sim.log.all(), ["1 gone", "2 gone", "3 gone", "9 gone"]);
}

#[test]
fn within_ends_early_and_counts_what_returns_in_spite_of_the_cancellation() {
    let sim = Sim::new();
    let within = Within::new(&sim.ctx, seconds(50));
    assert_eq!(sim.join(vec![sim.value(2)], within).1, 2);

    let sim = Sim::new();
    let clock = Ctx::root("clock", sim.rt.clone());
    let stubborn = sim
        .ctx
        .task("late")
        .grace(seconds(10))
        .try_spawn(async move {
            clock.sleep(seconds(7)).await?;
            windlass::ok(7)
        });
    let (settled, at) = sim.join(vec![stubborn], Within::new(&sim.ctx, seconds(5)));
    assert!(matches!(settled[0], Ok(7)) && at == 7);
}

#[test]
fn within_is_over_when_the_context_of_its_clock_ends() {
    let sim = Sim::new();
    let other = sim.ctx.child("other");
    let join = join_tasks([sim.value(9)], Within::new(&other, seconds(50)));
    other.cancel();
    let settled = sim.rt.block_on(join);
    assert!(settled[0].as_ref().is_err_and(Error::is_cancelled));
    assert_eq!(sim.rt.clock().elapsed(), Duration::ZERO);
}

// ===== many =====

#[test]
fn joining_a_hundred_thousand_is_linear_and_a_loser_among_them_is_found() {
    let sim = Sim::new();
    let mut tasks: Vec<Task<u32>> = (0..100_000)
        .map(|n| sim.ctx.spawn(async move { n }))
        .collect();
    tasks.push(sim.ctx.spawn(pending()));
    let (quorum, _) = sim.join(tasks, AtLeast::new(100_000));
    assert_eq!(quorum.unwrap().values.len(), 100_000);
}
