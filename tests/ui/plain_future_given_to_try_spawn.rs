//! A plain future has no error to be tried for.

use windlass::{AnyRuntime, Ctx};

fn start(ctx: &Ctx<AnyRuntime>) {
    let _task = ctx.try_spawn(async { 5 });
}

fn main() {}
