//! Bridges to tokio-util, tokio and hyper.

#![cfg(all(
    feature = "tokio",
    feature = "tokio-util",
    feature = "hyper",
    feature = "test-util"
))]

use std::{
    future::pending,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use hyper::{Request, Response, body::Bytes, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio_util::sync::CancellationToken;
use windlass::{
    BlockOn, Ctx, Runtime, WithTimer,
    adapters::{
        Embedded, FuturesTimer, Tokio,
        bridges::{HyperExecutor, HyperTimer, adopt_join_handle, end_with_token, token_of},
    },
    testing::{SimRuntime, simulate},
};

fn tokio_rt() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

struct SetOnDrop(Arc<AtomicBool>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

// ===== tokens =====

#[test]
fn a_token_of_a_context_is_cancelled_with_it_and_does_nothing_to_it() {
    let parent = Ctx::root_on("app", ());
    let ctx = parent.child("server");
    let token = token_of(&ctx);
    let child = token.child_token();
    child.cancel();
    assert!(!ctx.is_done());
    parent.cancel();
    assert!(token.is_cancelled());
    assert!(token_of(&ctx).is_cancelled(), "made after the end");
}

#[test]
fn a_context_ends_with_a_token() {
    simulate(async |sim| {
        let token = CancellationToken::new();
        let (ctx, other) = (sim.ctx.child("app"), sim.ctx.child("other"));
        end_with_token(&ctx, &token.child_token());
        end_with_token(&other, &token);
        other.cancel_with("earlier");
        token.cancel();
        assert!(ctx.done().await.is_cancelled());
        assert!(other.error().unwrap().to_string().ends_with("earlier"));
        let late = sim.ctx.child("late");
        end_with_token(&late, &token);
        assert!(late.is_done(), "at once");
    });
}

#[test]
fn waiting_for_a_token_holds_no_context_and_ends_with_it() {
    let rt = SimRuntime::new();
    let root = Ctx::root("app", rt.clone());
    let token = CancellationToken::new();
    end_with_token(&root.child("gone"), &token);
    rt.run_until_stalled();
    token.cancel();
    rt.run_until_stalled();
    assert!(!root.is_done());
}

// ===== tokio tasks =====

#[test]
fn an_adopted_task_gives_its_value_its_panic_or_that_it_was_aborted() {
    tokio_rt().block_on(async {
        let app = Ctx::root("app", Tokio::current());
        let value = adopt_join_handle(&app, tokio::spawn(async { 7 }));
        assert_eq!(value.await.unwrap(), 7);
        let panics = adopt_join_handle(&app, tokio::spawn(async { panic!("on purpose") }));
        let error = panics.await.map(|(): ()| ()).unwrap_err();
        assert!(error.is_panic());
        assert!(error.to_string().contains("on purpose"), "{error}");
        let handle = tokio::spawn(pending::<()>());
        handle.abort();
        let error = adopt_join_handle(&app, handle).await.unwrap_err();
        assert!(error.is_cancelled());
        assert!(error.to_string().contains("aborted"), "{error}");
    });
}

#[test]
fn the_end_of_the_context_aborts_an_adopted_task_and_so_does_cancelling_it() {
    tokio_rt().block_on(async {
        let app = Ctx::root("app", Tokio::current());
        for ends in [
            |app: &Ctx, _: &windlass::Task<()>| app.cancel(),
            |_: &Ctx, task: &windlass::Task<()>| task.cancel(),
        ] {
            let ctx = app.child("child");
            let dropped = Arc::new(AtomicBool::new(false));
            let guard = SetOnDrop(dropped.clone());
            let handle = tokio::spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            });
            tokio::task::yield_now().await;
            let task = adopt_join_handle(&ctx, handle);
            tokio::task::yield_now().await;
            assert!(ends(&ctx, &task));
            assert!(task.await.unwrap_err().is_cancelled());
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            assert!(dropped.load(Ordering::SeqCst));
        }
    });
}

// ===== hyper =====

async fn exchange<R: Runtime + Sync>(ctx: Ctx<R>) -> String {
    let (near, far) = tokio::io::duplex(1024);
    let hello = service_fn(async |_: Request<hyper::body::Incoming>| {
        Ok::<_, std::convert::Infallible>(Response::new(String::from("hello")))
    });
    let serving = server::conn::http1::Builder::new()
        .timer(HyperTimer::new(ctx.runtime().clone()))
        .header_read_timeout(Duration::from_secs(30))
        .serve_connection(TokioIo::new(far), hello);
    let executor = HyperExecutor::new(&ctx);
    hyper::rt::Executor::execute(&executor, serving);
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(near))
        .await
        .unwrap();
    hyper::rt::Executor::execute(&executor, connection);
    let request = Request::get("/")
        .header("host", "windlass")
        .body(String::new())
        .unwrap();
    let response = sender.send_request(request).await.unwrap();
    let body: Bytes = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap()
        .to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[test]
fn hyper_serves_on_tokio_on_our_own_pool_and_on_a_clock_put_beside_an_executor() {
    tokio_rt().block_on(async {
        let app = Ctx::root_on("app", Tokio::current());
        assert_eq!(exchange(app).await, "hello");
    });
    let pool = Embedded::global();
    let app = Ctx::root_on("app", pool.clone());
    assert_eq!(pool.block_on(exchange(app)).unwrap(), "hello");
    let rt = WithTimer::new(pool.clone(), FuturesTimer);
    let app = Ctx::root_on("app", rt);
    assert_eq!(pool.block_on(exchange(app)).unwrap(), "hello");
}

#[test]
fn what_hyper_spawns_ends_with_the_context() {
    let rt = SimRuntime::new();
    let app = Ctx::root("app", rt.clone());
    let dropped = Arc::new(AtomicBool::new(false));
    let guard = SetOnDrop(dropped.clone());
    hyper::rt::Executor::execute(&HyperExecutor::new(&app), async move {
        let _guard = guard;
        pending::<u8>().await
    });
    rt.run_until_stalled();
    app.cancel();
    rt.run_until_stalled();
    assert!(dropped.load(Ordering::SeqCst));
}

#[test]
fn hyper_sleeps_on_the_clock_it_is_given() {
    use hyper::rt::Timer;
    simulate(async |sim| {
        let timer = HyperTimer::new(sim.clock.clone());
        let start = sim.ctx.now();
        timer.sleep(Duration::from_secs(3)).await;
        let mut sleep = timer.sleep_until(start + Duration::from_secs(5));
        timer.reset(&mut sleep, start + Duration::from_secs(7));
        sleep.await;
        assert_eq!(sim.clock.elapsed(), Duration::from_secs(7));
    });
}
