//! What a holder keeps of the tasks that it has run: nothing (HOLD-15, Q-56). Not to be seen from
//! outside.

use std::future::{pending, poll_fn, ready};

use super::TaskHolder;
use crate::{
    sync::{Arc, AtomicUsize, Ordering},
    testing::simulate,
};

/// Goes on in its second poll, so that it is listed in between.
async fn yield_once() {
    let mut has_yielded = false;
    poll_fn(|cx| crate::ctx::yield_once(&mut has_yielded, cx)).await;
}

/// A list that is empty may keep so many places.
const SPARE: usize = 64;

/// No list of the holder and of its node is longer than that of a holder which ran one task.
fn assert_small(holder: &TaskHolder) {
    let live = holder.node().live().expect("something ran");
    let (members, [tasks, children, others]) = (holder.members.places(), live.places());
    assert!(members[0] <= SPARE, "members: {}", members[0]);
    assert_eq!(members[1..3], [0, 0], "adopted and queued ones");
    assert!(
        members[3] <= SPARE,
        "those who wait for a slot: {}",
        members[3]
    );
    assert!(tasks <= SPARE && children <= SPARE && others <= SPARE);
}

#[test]
fn a_hundred_thousand_short_tasks_one_after_the_other_leave_it_as_small_as_one() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        for _ in 0..100_000 {
            holder.spawn(ready(())).await.unwrap();
        }
        assert_small(&holder);
        assert_eq!(holder.finish().await.completed, 100_000);
    });
}

#[test]
fn many_at_once_leave_it_as_small_as_one() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        for round in 1..=3 {
            (0..20_000).for_each(|_| drop(holder.spawn(yield_once())));
            assert_eq!(holder.pending(), 20_000);
            let finished = holder.handle().finish().await; // the context's: it ends nothing
            assert_eq!(finished.completed, round * 20_000);
            assert_small(&holder);
        }
        holder.finish().await;
    });
}

#[test]
fn queued_failed_cancelled_adopted_and_nested_ones_leave_it_as_small_as_one() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(8);
        for _ in 0..5_000 {
            drop(
                holder
                    .task("fails")
                    .silent()
                    .try_spawn(ready(Err::<(), _>("no"))),
            );
            drop(
                holder
                    .child("below")
                    .spawn_with(|own| async move { drop(own) }),
            );
            drop(holder.adopt(sim.ctx.spawn(ready(()))));
            let cancelled = holder.spawn(pending::<()>());
            cancelled.cancel();
        }
        let finished = holder.handle().finish().await;
        assert_eq!((finished.failed, finished.cancelled), (5_000, 5_000));
        assert_eq!(finished.completed, 10_000);
        for _ in 0..5_000 {
            let slot = holder.reserve().await.unwrap();
            drop(slot.task("through a slot").spawn(ready(())));
        }
        holder.handle().finish().await;
        assert_small(&holder);
        holder.finish().await;
    });
}

#[test]
fn a_few_that_stay_among_many_that_go_keep_the_lists_in_proportion() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let mut stay = Vec::new();
        for n in 0..50_000 {
            if n % 100 == 0 {
                stay.push(holder.spawn(pending::<()>()));
            } else {
                drop(holder.spawn(ready(())));
            }
        }
        while holder.pending() > stay.len() {
            sim.ctx
                .sleep(std::time::Duration::from_secs(1))
                .await
                .unwrap();
        }
        let live = holder.node().live().expect("tasks run");
        let (members, tasks) = (holder.members.places()[0], live.places()[0]);
        // A place is some bytes, a task some hundreds: all in all this is within twice what lives.
        assert!(members <= 4 * stay.len(), "{members} for {}", stay.len());
        assert!(tasks <= 4 * stay.len(), "{tasks} for {}", stay.len());
        holder.cancel();
        assert_eq!(holder.finish().await.cancelled, 500);
    });
}

/// Counts how often it is dropped.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn holder_that_threads_have_met_in_keeps_nothing_of_the_users_and_holds_nothing_when_it_has_gone() {
    simulate(async |sim| {
        let dropped = Arc::new(AtomicUsize::new(0));
        let holder = TaskHolder::new(&sim.ctx, "holder");
        holder.members.spread();
        let (node, members) = (
            Arc::downgrade(holder.node()),
            Arc::downgrade(&holder.members),
        );
        for round in 1..=3 {
            for _ in 0..100 {
                let (captured, value) = (Counted(dropped.clone()), Counted(dropped.clone()));
                drop(holder.spawn(async move {
                    yield_once().await;
                    drop(captured);
                    value
                }));
            }
            assert_eq!(holder.handle().finish().await.completed, round * 100);
            assert_eq!(dropped.load(Ordering::Relaxed), round * 200);
        }
        holder.spawn(pending::<()>()).cancel();
        holder.handle().finish().await;
        drop(holder);
        assert!(node.upgrade().is_none(), "nothing keeps the context");
        assert!(members.upgrade().is_none());
    });
}
