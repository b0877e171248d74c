//! Holders that several workers of tokio meet in, where a few finished tasks are kept.

use std::{
    future::pending,
    sync::{Arc, Weak},
};

use tokio::runtime::{Builder, Runtime};
use windlass::{Ctx, TaskHolder, adapters::Tokio};

use crate::kit::yield_now;

const EACH: usize = 2_000;
const SPAWNERS: usize = 4;

fn workers() -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(SPAWNERS)
        .enable_all()
        .build()
        .unwrap()
}

/// A holder in a context that is still held elsewhere, as a weak reference to what its tasks have.
fn holder(rt: &Runtime) -> (TaskHolder<Tokio>, Ctx<Tokio>, Arc<()>) {
    let ctx = Ctx::root_on("root", Tokio::from(rt.handle().clone()));
    (TaskHolder::new(&ctx, "holder"), ctx, Arc::new(()))
}

/// Spawns from several workers at once, and drops the handles.
async fn spawn_from_all(holder: &TaskHolder<Tokio>, token: &Arc<()>, is_short: bool) {
    let spawners: Vec<_> = (0..SPAWNERS)
        .map(|_| {
            let (ctx, token) = (holder.handle(), Arc::clone(token));
            tokio::spawn(async move {
                for _ in 0..EACH {
                    let token = Arc::clone(&token);
                    drop(ctx.spawn(async move {
                        yield_now().await;
                        if !is_short {
                            pending::<()>().await;
                        }
                        token
                    }));
                }
            })
        })
        .collect();
    for spawner in spawners {
        spawner.await.unwrap();
    }
}

#[test]
fn all_are_counted_and_all_is_freed_when_the_holder_goes() {
    let rt = workers();
    let (holder, _ctx, token) = holder(&rt);
    let weak = holder.downgrade();
    let holder = rt.block_on(async move {
        for round in 1..=3 {
            spawn_from_all(&holder, &token, true).await;
            let finished = holder.handle().finish().await; // the context's: it ends nothing
            assert_eq!(finished.completed, round * SPAWNERS * EACH);
            assert_eq!((holder.pending(), holder.tasks().len()), (0, 0));
            assert_eq!(Arc::strong_count(&token), 1, "values go with their tasks");
        }
        holder
    });
    assert!(weak.upgrade().is_some());
    drop(holder);
    drop(rt); // its workers may be about to let go of the last tasks
    assert!(
        weak.upgrade().is_none(),
        "no task that was kept holds the context"
    );
}

#[test]
fn end_reaches_all_whichever_list_they_are_in() {
    let rt = workers();
    let (holder, _ctx, token) = holder(&rt);
    let weak: Weak<()> = Arc::downgrade(&token);
    rt.block_on(async move {
        spawn_from_all(&holder, &token, false).await;
        assert_eq!(holder.pending(), SPAWNERS * EACH);
        let ids: Vec<_> = holder.tasks().iter().map(|task| task.id()).collect();
        assert!(ids.is_sorted() && ids.iter().all(|id| holder.contains(*id)));
        let finished = holder.cancel_and_wait().await;
        assert_eq!(finished.cancelled, SPAWNERS * EACH);
    });
    assert!(weak.upgrade().is_none());
}

#[test]
fn runtime_that_goes_takes_all_with_it_and_nothing_is_left() {
    let rt = workers();
    let (holder, _ctx, token) = holder(&rt);
    let (weak, held) = (holder.downgrade(), Arc::downgrade(&token));
    rt.block_on(spawn_from_all(&holder, &token, false));
    drop(token);
    drop(rt);
    assert_eq!(holder.pending(), 0, "their futures were dropped");
    assert!(held.upgrade().is_none());
    drop(holder);
    assert!(weak.upgrade().is_none());
}
