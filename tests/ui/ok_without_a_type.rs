//! `Ok(())` at the end of a body with `?` leaves the error's type open; `ok(())` closes it.

use windlass::{AnyRuntime, Ctx};

fn start(ctx: &Ctx<AnyRuntime>) {
    let _task = ctx.try_spawn(async {
        std::fs::read("file")?;
        Ok(())
    });
}

fn main() {}
