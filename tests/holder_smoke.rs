//! The holder on tokio, end to end.
use std::time::Duration;
use windlass::{Ctx, TaskHolder, adapters::Tokio};

#[tokio::test]
async fn tour() {
    let ctx = Ctx::root("app", Tokio::current());
    let holder = TaskHolder::new(&ctx, "h").limit(2);
    let tasks: Vec<_> = (0..10)
        .map(|i| {
            holder.spawn(async move {
                tokio::task::yield_now().await;
                i
            })
        })
        .collect();
    assert_eq!(holder.pending(), 10);
    assert!(holder.contains(tasks[0].id()));
    assert!(holder.try_reserve().is_none());
    let f = holder.finish().await;
    assert_eq!((f.completed, holder.pending()), (10, 0));
    let r = TaskHolder::new(&ctx, "s")
        .fail_fast()
        .scope(async |t| {
            let _x = t.try_spawn(async { Err::<(), _>("bad") });
            std::future::pending::<()>().await;
            windlass::ok(())
        })
        .await;
    assert_eq!(r.unwrap_err().to_string(), "bad");
    let holder = TaskHolder::new(&ctx, "l").limit(1);
    let slot = holder.reserve().await.unwrap();
    assert!(holder.try_reserve().is_none());
    let t = slot.task("one").spawn(std::future::pending::<()>());
    assert!(holder.try_reserve().is_none());
    let q = holder.spawn(async { 3 });
    t.cancel_and_wait().await.unwrap_err();
    assert_eq!(q.await.unwrap(), 3);
    let s = holder.try_reserve().unwrap();
    drop(s);
    assert!(holder.try_reserve().is_some());
    let outside = ctx.spawn(std::future::pending::<()>());
    let outside = holder.adopt(outside);
    assert_eq!(holder.tasks().len(), 1);
    let inner = std::sync::Arc::new(holder);
    let h = inner.clone();
    let me = inner.spawn(async move { h.finish().await.first_error.is_some() });
    inner.set_limit(5);
    assert!(me.await.unwrap());
    let f = inner.shutdown(Duration::from_millis(5)).await;
    assert!(outside.is_done());
    assert_eq!(f.dropped.len(), 0, "{f:?}");
}
