//! Adopted tasks, and shutting down.

use std::future::pending;

use windlass::{Task, TaskHolder, testing::simulate};

use crate::{
    after,
    kit::{Log, secs, yield_now},
};

#[test]
fn adopted_task_is_waited_for_and_cancelled_with_the_holder() {
    // HOLD-22, Q-55
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let finishing = holder.adopt(after(&sim.ctx, &log, 2));
        let finishing = holder.adopt(finishing);
        assert_eq!(
            (holder.pending(), holder.contains(finishing.id())),
            (1, true)
        );
        let finished = holder.finish().await;
        assert_eq!(
            (sim.clock.elapsed(), finished.completed, log.take().len()),
            (secs(2), 1, 1)
        );
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let endless = holder.adopt(sim.ctx.spawn(pending::<()>()));
        yield_now().await;
        holder.cancel();
        assert_eq!(holder.finish().await.cancelled, 1);
        assert!(endless.is_cancelled());
        let late = holder.adopt(sim.ctx.spawn(pending::<()>()));
        assert!(
            late.await.unwrap_err().is_cancelled(),
            "the holder has ended"
        );
    });
}

#[test]
fn tasks_are_told_in_order_of_insertion_whatever_way_they_came() {
    // HOLD-12, HOLD-13
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let below = holder.child("below");
        let mut came = Vec::new();
        for _ in 0..3 {
            came.push(sim.ctx.spawn(pending::<()>())); // older than what is spawned next
            let own = holder.spawn(pending::<()>());
            let in_child = below.spawn(pending::<()>());
            let adopted = holder.adopt(came.pop().unwrap());
            came.extend([own, in_child, adopted]);
        }
        let ids = |tasks: &[Task<()>]| tasks.iter().map(|task| task.id()).collect::<Vec<_>>();
        let held = || {
            holder
                .tasks()
                .iter()
                .map(|task| task.id())
                .collect::<Vec<_>>()
        };
        assert_eq!(held(), ids(&came));
        for at in [7, 3, 2, 0] {
            let gone = came.remove(at);
            let id = gone.id();
            assert!(holder.contains(id));
            gone.cancel_and_wait().await.unwrap_err();
            assert!(!holder.contains(id));
            assert_eq!(held(), ids(&came));
        }
        assert_eq!(holder.pending(), 5);
        assert!(came.iter().all(|task| holder.contains(task.id())));
        holder.cancel();
        holder.finish().await;
        assert_eq!(held(), []);
    });
}

#[test]
fn shutdown_names_whom_it_dropped() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        drop(holder.task("stubborn").spawn(pending::<()>()));
        let foreign = holder.adopt(sim.ctx.task("adopted").spawn(pending::<()>()));
        yield_now().await;
        let report = holder.shutdown(secs(2)).await;
        let mut paths: Vec<_> = report.dropped.iter().map(|s| s.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, ["sim-->adopted", "sim-->holder-->stubborn"]);
        assert_eq!((sim.clock.elapsed(), report.cancelled), (secs(2), 2));
        assert!(foreign.is_done());
    });
}

#[test]
fn long_lived_holder_does_not_grow() {
    // HOLD-15, Q-56: what is counted is what lives.
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let idle: Vec<_> = (0..100).map(|_| holder.spawn(pending::<()>())).collect();
        for _ in 0..20_000 {
            holder.spawn(yield_now()).await.unwrap();
        }
        assert_eq!((holder.pending(), holder.tasks().len()), (100, 100));
        holder.cancel();
        assert_eq!(holder.finish().await.completed, 20_000);
        drop(idle);
    });
}
