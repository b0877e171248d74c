//! Parts that meet in one small holder: tasks, calls, slots, deadlines, resources, limits that
//! change, and ends from above while all that goes on. Drawn by lot, replayed by seed.

use std::{
    cell::Cell,
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use windlass::{
    BoxError, Ctx, Error, Resource, Task, TaskHolder, async_trait, ok,
    testing::{Sim, assert_no_leaks, explore},
    with_resource, with_resources,
};

/// Counts how many are open.
#[derive(Clone, Default)]
struct Door(Arc<AtomicUsize>);

#[async_trait]
impl Resource for Door {
    async fn start(&mut self) -> Result<(), BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    async fn finish(&mut self, _: Option<&Error>) -> Result<(), BoxError> {
        self.0.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    }
}

/// Draws numbers; the same for the same seed.
struct Lot(Cell<u64>);

impl Lot {
    fn below(&self, n: u64) -> u64 {
        let step = |mut x: u64| {
            x ^= x << 13;
            x ^= x >> 7;
            x ^ x << 17
        };
        self.0.set(step(self.0.get()));
        self.0.get() % n
    }

    fn millis(&self) -> Duration {
        Duration::from_millis(self.below(4))
    }
}

struct Storm {
    lot: Lot,
    holder: TaskHolder,
    doors: Door,
    tasks: Vec<Task<()>>,
    calls: Arc<AtomicUsize>,
}

impl Storm {
    fn act(&mut self) {
        let (lot, holder, d) = (&self.lot, &self.holder, self.lot.millis());
        match lot.below(9) {
            0 => self.tasks.push(holder.spawn(async {})),
            1 => self
                .tasks
                .push(holder.task("timed").timeout(d).spawn(pending())),
            2 => {
                let task: Task<()> = holder.task("slow").grace(d).spawn(pending());
                holder.call_later(d, move || assert!(task.cancel() || task.is_done()));
            }
            3 => self.opens(1, d),
            4 => self.opens(3, d),
            5 => self.waits_for_a_call(d),
            6 => {
                let slot = holder.try_reserve();
                self.tasks
                    .extend(slot.map(|slot| slot.task("slot").spawn(async {})));
            }
            7 => {
                let victim = lot.below(5) as usize;
                let _ = self.tasks.get(victim).map(Task::cancel);
            }
            _ => holder.set_limit(1 + lot.below(3) as usize),
        }
    }

    fn opens(&mut self, n: usize, d: Duration) {
        let door = self.doors.clone();
        self.tasks
            .push(self.holder.try_spawn_with(async move |ctx: Ctx| {
                if n == 1 {
                    return with_resource(&ctx, door, async |_| ctx.sleep(d).await).await;
                }
                let all = (0..n).map(|_| Box::new(door.clone()) as Box<dyn Resource>);
                with_resources(&ctx, all.collect(), async || ctx.sleep(d).await).await
            }));
    }

    /// With the room that it takes up.
    fn waits_for_a_call(&mut self, d: Duration) {
        let calls = Arc::clone(&self.calls);
        self.tasks
            .push(self.holder.try_spawn_with(async move |ctx: Ctx| {
                let called = windlass::Event::new();
                let set = called.clone();
                ctx.call_later(d, move || set.set());
                called.wait().await;
                calls.fetch_add(1, Ordering::SeqCst);
                ok(())
            }));
    }
}

async fn storm(sim: &Sim, seeds: &Cell<u64>) -> usize {
    seeds.set(seeds.get() + 1);
    let lot = Lot(Cell::new(
        seeds.get().wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1,
    ));
    let root = sim.ctx.child("root");
    let app = root.build("app").reporter(|_| ()).start();
    let mut storm = Storm {
        holder: TaskHolder::new(&app, "holder").limit(1 + lot.below(3) as usize),
        lot,
        doors: Door::default(),
        tasks: Vec::new(),
        calls: Arc::default(),
    };
    for _ in 0..30 {
        storm.act();
        if storm.lot.below(4) == 0 {
            sim.ctx.sleep(storm.lot.millis()).await.unwrap();
        }
    }
    let end = storm.lot.below(4);
    match end {
        0 => drop(storm.holder.cancel().then(|| app.cancel())),
        1 => drop(storm.holder.shutdown(storm.lot.millis()).await),
        2 => assert!(app.cancel()),
        _ => drop(storm.holder.finish().await),
    }
    for task in storm.tasks.drain(..) {
        let outcome = task.await;
        assert!(end < 3 || outcome.is_ok() || outcome.is_err_and(|e| !e.is_failed()));
    }
    let finished = root.shutdown(Duration::from_secs(60)).await;
    assert!(finished.dropped.is_empty(), "{finished}");
    assert_eq!(storm.doors.0.load(Ordering::SeqCst), 0, "left open");
    assert_eq!(storm.holder.pending(), 0);
    drop(storm.holder);
    assert_no_leaks(&root);
    storm.calls.load(Ordering::SeqCst)
}

#[test]
fn whatever_meets_in_a_holder_ends_and_what_was_opened_is_closed() {
    let (seeds, calls) = (Cell::new(0), Cell::new(0));
    explore(0..400, async |sim| {
        calls.set(calls.get() + storm(sim, &seeds).await);
    });
    assert!(calls.get() > 100, "{}", calls.get());
}
