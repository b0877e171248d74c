//! A future that holds an `Rc` across an await does not go to other threads.

use std::rc::Rc;

use windlass::{AnyRuntime, Ctx};

fn start(ctx: &Ctx<AnyRuntime>) {
    let _task = ctx.spawn(async {
        let shared = Rc::new(1);
        std::future::ready(()).await;
        drop(shared);
    });
}

fn main() {}
