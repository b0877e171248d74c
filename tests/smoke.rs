//! The core on real runtimes, end to end.
use std::time::Duration;
use windlass::{
    Ctx, Error, Event,
    adapters::{Embedded, Tokio},
    wait_for_all, wait_for_first,
};

async fn tour(ctx: Ctx) {
    assert_eq!(ctx.spawn(async { 5 }).await.unwrap(), 5);
    let e = ctx
        .try_spawn(async { Err::<(), _>(std::io::Error::other("no")) })
        .await
        .unwrap_err();
    assert!(e.is_failed());
    let p = ctx
        .spawn(async {
            if true {
                panic!("boom")
            }
        })
        .await
        .unwrap_err();
    assert!(p.is_panic());
    let child = ctx.child("child");
    let t = child.spawn(std::future::pending::<()>());
    let d = child.done();
    assert!(child.cancel_with("enough"));
    assert!(!child.cancel());
    assert!(t.await.unwrap_err().is_cancelled());
    assert_eq!(d.await.to_string(), "cancelled at app-->child by enough");
    assert!(matches!(
        ctx.timeout(Duration::from_millis(5), std::future::pending::<()>())
            .await,
        Err(Error::TimedOut(_))
    ));
    let t = ctx.build("slow").timeout(Duration::from_millis(5)).start();
    let e = t.done().await;
    assert!(e.is_timed_out(), "{e}");
    let ev = Event::new();
    let ev2 = ev.clone();
    let a = ctx.spawn(async move {
        ev2.wait().await;
        1
    });
    ev.set();
    wait_for_all((&a, &ev)).await;
    assert_eq!(wait_for_first([&a]).await, Some(0));
    let t = ctx
        .task("late")
        .timeout(Duration::from_millis(3))
        .spawn(std::future::pending::<()>());
    assert!(t.await.unwrap_err().is_timed_out());
    let b = ctx.spawn_blocking(|stop| stop.is_done());
    assert!(!b.await.unwrap());
    let fin = ctx.shutdown(Duration::from_millis(10)).await;
    assert!(fin.dropped.is_empty(), "{fin:?}");
    assert!(ctx.spawn(async {}).await.unwrap_err().is_cancelled());
}

#[test]
fn embedded() {
    let rt = Embedded::global();
    use windlass::BlockOn;
    rt.block_on(tour(Ctx::root("app", rt.clone()))).unwrap();
}

#[tokio::test]
async fn tokio_ct() {
    tour(Ctx::root("app", Tokio::current())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tokio_mt() {
    tour(Ctx::root("app", Tokio::current())).await;
    let ctx = Ctx::root("app", Tokio::current());
    let ts: Vec<_> = (0..10_000)
        .map(|i| {
            ctx.spawn(async move {
                tokio::task::yield_now().await;
                i
            })
        })
        .collect();
    let never: Vec<_> = (0..1000)
        .map(|_| ctx.spawn(std::future::pending::<()>()))
        .collect();
    wait_for_all(&ts).await;
    let f = ctx.cancel_and_wait().await;
    assert_eq!((f.completed, f.failed, f.cancelled), (10_000, 0, 1000));
    drop(never);
}
