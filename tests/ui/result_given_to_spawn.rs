//! A `Result` given to `spawn` would lose its error.

use windlass::{AnyRuntime, Ctx};

fn start(ctx: &Ctx<AnyRuntime>) {
    let _task = ctx.spawn(async { Err::<(), _>(std::io::Error::other("lost")) });
}

fn main() {}
