//! Races of holders, promises and joins: whatever the order in which what is ready runs.
//!
//! Everything that races comes to the same instant of the virtual clock; the seed draws the order.

#[path = "../kit/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

mod holders;
mod joins;
mod promises;

use std::{
    cell::RefCell,
    collections::BTreeSet,
    fmt::Debug,
    future::pending,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use windlass::{
    Ctx, Error, Task,
    testing::{Sim, explore},
};

use self::kit::{secs, yield_now};

const SEEDS: Range<u64> = 0..100;

/// Runs a race with each seed. It gives how it went, and has to go more than one way.
fn either_way<T: Ord + Debug>(race: impl AsyncFn(&Sim) -> T) {
    let seen = RefCell::new(BTreeSet::new());
    explore(SEEDS, async |sim: &Sim| {
        let went = race(sim).await;
        seen.borrow_mut().insert(went);
    });
    let seen = seen.into_inner();
    assert!(seen.len() > 1, "always the same: {seen:?}");
}

/// How many futures there are, dropped ones not counted.
#[derive(Clone, Default)]
struct Alive(Arc<AtomicUsize>);

struct One(Alive);

impl Alive {
    fn one(&self) -> One {
        self.0.fetch_add(1, Ordering::SeqCst);
        One(self.clone())
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for One {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A task that gives `value` after a second and a turn, or that error. What ends it in that turn is
/// before the value: one that was ready as its time came would always be.
fn after_a_second<T: Send + 'static>(
    ctx: &Ctx,
    alive: &Alive,
    value: Result<T, &'static str>,
) -> Task<T> {
    let (inside, one) = (ctx.clone(), alive.one());
    ctx.task("after a second").silent().try_spawn(async move {
        let _one = one;
        inside.sleep(secs(1)).await?;
        yield_now().await;
        value.map_err(Error::from)
    })
}

/// A task that ends when it is cancelled.
fn endless<T: Send + 'static>(ctx: &Ctx, alive: &Alive) -> Task<T> {
    let one = alive.one();
    ctx.spawn(async move {
        let _one = one;
        pending().await
    })
}
