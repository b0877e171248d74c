//! The holder: behaviours HOLD-xx and the regressions of Q-49 … Q-58.

// the documentation used methods that there were not. Its examples run as tests here.

mod adopting;
mod blocking;
mod ending;
mod finishing;
mod limits;
mod scopes;
#[cfg(feature = "tokio")]
mod threads;
mod waiting;

#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
#[path = "../kit/mod.rs"]
mod kit;

use windlass::{Ctx, Task, ok};

use self::kit::{Log, secs};

/// A task that ends after `n` seconds and says so.
fn after(ctx: &Ctx, log: &Log, n: u64) -> Task<u64> {
    let (inside, log) = (ctx.clone(), log.clone());
    ctx.try_spawn(async move {
        inside.sleep(secs(n)).await?;
        log.add(n.to_string());
        ok(n)
    })
}
