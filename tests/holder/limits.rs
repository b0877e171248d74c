//! Limits and slots.

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use windlass::{
    BoxError, Ctx, Error, Event, Resource, TaskHolder, async_trait, ok,
    testing::{Sim, explore, simulate},
    wait_for_all, with_resource, with_resources,
};

use crate::{
    after,
    kit::{Log, secs, yield_now},
};

/// How many run at a time, at the most.
#[derive(Clone, Default)]
struct Peak(Arc<(AtomicUsize, AtomicUsize)>);

impl Peak {
    fn work(&self, ctx: &Ctx) -> impl Future<Output = ()> + Send + 'static + use<> {
        let (peak, ctx) = (self.clone(), ctx.clone());
        async move {
            let now = peak.0.0.fetch_add(1, Ordering::SeqCst) + 1;
            peak.0.1.fetch_max(now, Ordering::SeqCst);
            ctx.sleep(secs(1)).await.unwrap();
            peak.0.0.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}

#[test]
fn limit_holds_and_queued_tasks_start_in_order() {
    simulate(async |sim| {
        let (holder, peak) = (
            TaskHolder::new(&sim.ctx, "holder").limit(3),
            Peak::default(),
        );
        let log = Log::default();
        let tasks: Vec<_> = (0..9)
            .map(|n| {
                let (work, log) = (peak.work(&sim.ctx), log.clone());
                holder.spawn(async move {
                    log.add(n.to_string());
                    work.await;
                })
            })
            .collect();
        assert_eq!(holder.pending(), 9, "queued ones count");
        holder.finish().await;
        assert_eq!((peak.most(), sim.clock.elapsed()), (3, secs(3)));
        assert_eq!(log.take().concat(), "012345678");
        drop(tasks);
    });
}

#[test]
fn limit_of_zero_starts_nothing_until_it_is_raised() {
    simulate(async |sim| {
        let (holder, peak) = (
            TaskHolder::new(&sim.ctx, "holder").limit(0),
            Peak::default(),
        );
        let tasks: Vec<_> = (0..4).map(|_| holder.spawn(peak.work(&sim.ctx))).collect();
        sim.ctx.sleep(secs(5)).await.unwrap();
        assert_eq!(peak.most(), 0);
        holder.set_limit(2);
        sim.ctx.sleep(Duration::from_millis(500)).await.unwrap();
        holder.set_limit(1);
        holder.finish().await;
        assert_eq!(
            (peak.most(), sim.clock.elapsed()),
            (2, secs(8)),
            "2 at once, then 1 by 1"
        );
        drop(tasks);
    });
}

#[test]
fn queued_task_ends_with_the_context_and_on_its_own_request() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(1);
        let (running, queued) = (holder.spawn(pending::<()>()), holder.spawn(async { 1 }));
        let third = holder.spawn(async { 3 });
        yield_now().await;
        queued.cancel();
        assert!(queued.await.unwrap_err().is_cancelled());
        running.cancel();
        assert_eq!(third.await.unwrap(), 3, "the room goes to the next");
        let (blocking, queued) = (holder.spawn(pending::<()>()), holder.spawn(async { 1 }));
        yield_now().await;
        holder.cancel();
        assert_eq!(holder.finish().await.cancelled, 4);
        assert!(blocking.is_done() && queued.is_done());
    });
}

#[test]
fn limit_that_is_set_late_counts_those_who_run_already_wherever_they_do() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        let own = holder.spawn(pending::<()>());
        let below = holder.child("below").spawn(pending::<()>());
        let adopted = holder.adopt(sim.ctx.spawn(pending::<()>()));
        yield_now().await;
        holder.set_limit(3);
        assert!(holder.try_reserve().is_none(), "three run");
        let mut stay = Vec::new();
        for gone in [own, below] {
            let next = holder.spawn(async {});
            stay.push(holder.spawn(pending::<()>())); // takes the room that `next` leaves
            sim.rt.settle().await;
            assert!(!next.is_done(), "there is no room");
            gone.cancel_and_wait().await.unwrap_err();
            next.await.unwrap();
        }
        assert!(holder.try_reserve().is_none());
        adopted.cancel_and_wait().await.unwrap_err();
        let slot = holder.try_reserve().expect("two run");
        holder.set_limit(2);
        drop(slot);
        assert!(holder.try_reserve().is_none(), "it was lowered");
        assert_eq!(holder.pending(), 2);
        holder.cancel();
        assert_eq!(holder.finish().await.completed, 2);
    });
}

#[test]
fn slots_give_back_pressure_and_are_given_back() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(2);
        let (first, second) = (
            holder.reserve().await.unwrap(),
            holder.try_reserve().unwrap(),
        );
        assert!(holder.try_reserve().is_none());
        let late = sim.ctx.timeout(secs(1), holder.reserve()).await;
        assert!(
            late.unwrap_err().is_timed_out(),
            "a dropped wait leaves the line"
        );
        drop(first.task("dropped unused"));
        let first = holder.try_reserve().expect("the room is free again");
        let inside = sim.ctx.clone();
        let task = second
            .task("work")
            .try_spawn(async move { inside.sleep(secs(3)).await });
        assert!(holder.try_reserve().is_none(), "held until the task ends");
        let third = holder.reserve().await.unwrap();
        assert_eq!(sim.clock.elapsed(), secs(4));
        task.await.unwrap();
        drop((first, third));
        let stopped = futures::join!(async { holder.limit_zero_reserve().await }, async {
            yield_now().await;
            holder.stop();
        });
        assert!(
            stopped.0.unwrap_err().is_cancelled(),
            "it ends when the holder is asked to stop"
        );
    });
}

/// Waits for room that there is not.
trait Starve {
    async fn limit_zero_reserve(&self) -> Result<(), Error>;
}

impl Starve for TaskHolder {
    async fn limit_zero_reserve(&self) -> Result<(), Error> {
        self.set_limit(0);
        self.reserve().await.map(drop)
    }
}

#[test]
fn whatever_the_order_no_room_is_lost() {
    explore(0..50, async |sim: &Sim| {
        let (holder, peak) = (
            TaskHolder::new(&sim.ctx, "holder").limit(2),
            Peak::default(),
        );
        let holder = &holder;
        let reserving = (0..10).map(|n| {
            let work = peak.work(&sim.ctx);
            async move {
                if n % 3 == 0 {
                    // One in three gives up while it waits, or right after.
                    let _ = sim
                        .ctx
                        .timeout(Duration::from_millis(n * 300), holder.reserve())
                        .await;
                } else {
                    drop(holder.reserve().await.unwrap().task("work").spawn(work));
                }
            }
        });
        let spawned: Vec<_> = (0..5).map(|_| holder.spawn(peak.work(&sim.ctx))).collect();
        futures::future::join_all(reserving).await;
        let finished = holder.finish().await;
        assert_eq!((finished.completed, peak.most()), (11, 2));
        drop(spawned);
    });
}

/// Ends well within `limit`, with all the room of its holder taken by itself.
async fn alone<F, Fut>(sim: &Sim, task: F) -> u64
where
    F: FnOnce(Ctx) -> Fut,
    Fut: Future<Output = Result<(), BoxError>> + Send + 'static,
{
    let (holder, begun) = (TaskHolder::new(&sim.ctx, "holder").limit(1), sim.ctx.now());
    let task = holder.try_spawn_with(task);
    sim.ctx.timeout(secs(100), task).await.unwrap().unwrap();
    let pending = holder.pending();
    assert_eq!(pending, 0);
    (sim.ctx.now() - begun).as_secs()
}

#[test]
fn calls_wait_for_no_room() {
    // A call is a task, and was queued behind the one that waited for it.
    simulate(async |sim| {
        let waits = async |ctx: Ctx| {
            let (soon, later) = (Event::new(), Event::new());
            let (set_soon, set_later) = (soon.clone(), later.clone());
            ctx.call_soon(move || set_soon.set());
            ctx.call_later(secs(3), move || set_later.set());
            wait_for_all((&soon, &later)).await;
            ok(())
        };
        assert_eq!(alone(sim, waits).await, 3);
    });
}

#[test]
fn resources_of_the_last_that_has_room_are_finished() {
    // `finish` runs in a task of its own, which was queued behind the one that waited for it, and
    // cancelled when the time for cleaning up was over: the resource was never finished.
    struct Tells(Log);
    #[async_trait]
    impl Resource for Tells {
        async fn start(&mut self) -> Result<(), BoxError> {
            Ok(())
        }
        async fn finish(&mut self, _: Option<&Error>) -> Result<(), BoxError> {
            self.0.add("finished");
            Ok(())
        }
    }
    simulate(async |sim| {
        let log = Log::default();
        let (one, more) = (log.clone(), log.clone());
        let task = async move |ctx: Ctx| {
            with_resource(&ctx, Tells(one), async |_| ok(())).await?;
            let more = [more.clone(), more].map(|log| Box::new(Tells(log)) as Box<dyn Resource>);
            with_resources(&ctx, more.into(), async || ok(())).await?;
            ok(())
        };
        assert_eq!(alone(sim, task).await, 0);
        assert_eq!(log.take(), ["finished"; 3]);
    });
}

#[test]
fn what_cleans_up_takes_no_room_and_is_counted() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(1);
        let conn = holder.child("conn");
        conn.cancel();
        let cleanup = conn.cleanup(secs(60));
        let call = holder.call_later(secs(60), || unreachable!("the holder has ended"));
        let cleans = [after(&cleanup, &Log::default(), 5), {
            let own = cleanup.child("deeper");
            after(&own, &Log::default(), 5)
        }];
        let log = Log::default();
        let tasks = [after(&holder, &log, 2), after(&holder, &log, 2)];
        assert_eq!(holder.pending(), 5);
        wait_for_all(&tasks).await;
        assert_eq!(sim.clock.elapsed(), secs(4), "one at a time");
        let full = holder.try_reserve().unwrap();
        assert!(holder.try_reserve().is_none());
        drop(full);
        wait_for_all(&cleans).await;
        assert_eq!((sim.clock.elapsed(), holder.pending()), (secs(5), 1));
        assert!(call.cancel());
        assert_eq!(holder.finish().await.completed, 4);
    });
}

#[test]
fn holder_of_its_own_limits_what_cleans_up() {
    simulate(async |sim| {
        let outer = TaskHolder::new(&sim.ctx, "outer").limit(1);
        let cleanup = outer.child("conn").cleanup(secs(60));
        let own = TaskHolder::new(&cleanup, "own").limit(1);
        let tasks = [1, 1, 1].map(|n| after(&own, &Log::default(), n));
        wait_for_all(&tasks).await;
        assert_eq!(sim.clock.elapsed(), secs(3));
    });
}
