//! What is handed a context does not end it.

use std::{future::pending, time::Duration};

use futures::StreamExt;
use windlass::{
    Ctx, Event, Merge, Queue, TaskHolder, Until,
    testing::{Sim, simulate},
};

use crate::kit::{secs, yield_now};

/// Uses each helper on `ctx` to its end, or drops it half way.
async fn use_helpers(sim: &Sim, ctx: &Ctx) {
    drop(ctx.guard_of_a_child());
    let mut ticker = ctx.ticker(secs(1)).max_iterations(1);
    assert!(ticker.next().await.is_some() && ticker.next().await.is_none());
    drop(ctx.ticker(secs(1)));
    let queue = Queue::new(ctx, "queue");
    queue.append(1);
    assert!(queue.close());
    assert_eq!(queue.stream().collect::<Vec<_>>().await, [1]);
    let holder = TaskHolder::new(ctx, "holder").fail_fast();
    drop(holder.try_spawn(async { Err::<(), _>("fails") }));
    holder.finish().await;
    drop(TaskHolder::new(ctx, "dropped").spawn(pending::<()>()));
    let (feeder, items) = Merge::<u8>::new(ctx, "merge").split();
    drop((feeder, items));
    assert!(ctx.timeout(secs(1), pending::<()>()).await.is_err());
    let wait = ctx.wait([Event::new()], Until::All);
    assert_eq!(wait.timeout(secs(1)).await.unwrap().pending, [0]);
    drop(ctx.sleep(secs(1)));
    drop(sim.ctx.spawn(async {}));
    ctx.cleanup(secs(1)).cancel();
    ctx.finish().await;
}

trait Child {
    fn guard_of_a_child(&self) -> windlass::CtxGuard;
}

impl Child for Ctx {
    fn guard_of_a_child(&self) -> windlass::CtxGuard {
        self.child("scope").guard()
    }
}

#[test]
fn helpers_end_without_ending_the_context_they_were_handed() {
    // CTX-16: a convention there; here the helpers keep it.
    simulate(async |sim| {
        let ctx = sim.ctx.child("handed");
        use_helpers(sim, &ctx).await;
        let ends = [
            ctx.spawn(async { panic!("on purpose") }).await.is_err(),
            ctx.try_spawn(async { Err::<(), _>("on purpose") })
                .await
                .is_err(),
            ctx.task("late")
                .timeout(Duration::ZERO)
                .spawn(async {})
                .await
                .is_err(),
        ];
        assert_eq!(ends, [true; 3]);
        yield_now().await;
        assert!(!ctx.is_done() && !ctx.is_stopping(), "{ctx:?}");
    });
}
