//! Races of joins: losers, failures, and joins that are dropped.

use windlass::{
    AllSettled, AtLeast, Error, FailFast, FirstSuccess, FutureStatus, TaskHolder, join_tasks,
    testing::{Sim, explore},
};

use super::{Alive, SEEDS, after_a_second, either_way, endless, kit::secs};

#[test]
fn losers_of_k_of_n_are_awaited_whoever_wins() {
    either_way(async |sim: &Sim| {
        let alive = Alive::default();
        let mut tasks: Vec<_> = (0..4)
            .map(|n| after_a_second(&sim.ctx, &alive, Ok(n)))
            .collect();
        tasks.push(after_a_second(&sim.ctx, &alive, Err("no")));
        tasks.push(endless(&sim.ctx, &alive));
        let quorum = join_tasks(tasks, AtLeast::new(2)).await.unwrap();
        assert_eq!(
            (alive.count(), sim.clock.elapsed()),
            (0, secs(1)),
            "the losers have gone"
        );
        assert!(quorum.values.len() == 2 && quorum.failed.len() <= 1);
        assert!(quorum.values.iter().all(|(place, value)| place == value));
        (quorum.values[0].0, quorum.failed.len())
    });
}

#[test]
fn fail_fast_join_against_success_gives_all_or_the_error() {
    explore(SEEDS, async |sim: &Sim| {
        let alive = Alive::default();
        let tasks = [Ok(0), Err("no"), Ok(2)].map(|gave| after_a_second(&sim.ctx, &alive, gave));
        let gave = join_tasks(tasks, FailFast::new()).await;
        assert_eq!(gave.unwrap_err().to_string(), "no");
        assert_eq!(alive.count(), 0);
        let tasks = [0, 1, 2].map(|n| after_a_second(&sim.ctx, &alive, Ok(n)));
        assert_eq!(join_tasks(tasks, FailFast::new()).await.unwrap(), [0, 1, 2]);
    });
}

#[test]
fn first_success_against_the_end_of_the_context_ends_either_way() {
    either_way(async |sim: &Sim| {
        let (parent, alive) = (sim.ctx.child("parent"), Alive::default());
        let mut tasks = Vec::from([0, 1].map(|n| after_a_second(&parent, &alive, Ok(n))));
        tasks.push(endless(&parent.child("below"), &alive));
        let below = tasks[2].watch();
        sim.ctx.call_later(secs(1), move || {
            parent.cancel();
        });
        let outcome = join_tasks(tasks, FirstSuccess::new()).await;
        let has_won = outcome.is_ok();
        match outcome {
            Ok(won) => assert_eq!(won.index, won.value),
            Err(none) => {
                assert_eq!(none.failed.len(), 3);
                assert!(Error::from(none).is_cancelled());
            }
        }
        assert_eq!(alive.count(), 0);
        assert!(below.is_cancelled());
        has_won
    });
}

#[test]
fn dropped_join_against_its_tasks_leaves_none_behind() {
    either_way(async |sim: &Sim| {
        let (holder, alive) = (TaskHolder::new(&sim.ctx, "holder"), Alive::default());
        let mut tasks = Vec::from([0, 1].map(|n| after_a_second(&holder, &alive, Ok(n))));
        tasks.push(endless(&holder, &alive));
        let join = join_tasks(tasks, AllSettled::new());
        let in_time = sim.ctx.timeout(secs(1), join).await;
        assert!(in_time.unwrap_err().is_timed_out());
        let finished = holder.finish().await;
        assert_eq!(
            (alive.count(), finished.completed + finished.cancelled),
            (0, 3)
        );
        finished.completed
    });
}
