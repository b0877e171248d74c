//! A small server that shuts down in two phases: Ctrl-C once asks it to finish, twice ends it.
//!
//! `cargo run --release --example shutdown` serves made-up requests until Ctrl-C; with a number, for
//! so many milliseconds, and then asks itself to stop. Most requests take a moment; one in fifty
//! hangs, and is what the shutdown has to wait for, name, and drop.

use std::{
    future::pending,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use windlass::{BlockOn, Ctx, Result, ShutdownProgress, TaskHolder, adapters::Embedded, ok};

/// How long requests have to finish once the server is asked to stop.
const GRACE: Duration = Duration::from_millis(500);

/// How long what is left then may take to go.
const DROP_WITHIN: Duration = Duration::from_millis(500);

fn main() -> ExitCode {
    let serves_for = std::env::args().nth(1).and_then(|arg| arg.parse().ok());
    let rt = Embedded::global();
    let app = Ctx::root("app", rt.clone());
    on_ctrl_c(&app);
    if let Some(millis) = serves_for {
        let asks = app.clone();
        app.call_later(Duration::from_millis(millis), move || {
            asks.stop();
        });
    }
    match rt.block_on(serve(&app)) {
        Ok(Ok(())) => ExitCode::SUCCESS,
        Ok(Err(error)) | Err(error) => {
            eprintln!("shutdown: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The first Ctrl-C asks, the second ends.
fn on_ctrl_c(app: &Ctx) {
    let (app, times) = (app.clone(), AtomicUsize::new(0));
    let handler = move || match times.fetch_add(1, Ordering::SeqCst) {
        0 => {
            eprintln!("finishing; press Ctrl-C again to drop everything");
            app.stop();
        }
        _ => {
            app.cancel_with("Ctrl-C, twice");
        }
    };
    if let Err(error) = ctrlc::set_handler(handler) {
        eprintln!("shutdown: Ctrl-C will just end the program: {error}");
    }
}

async fn serve(app: &Ctx) -> Result<()> {
    let requests = TaskHolder::new(app, "requests").limit(64);
    let served = Arc::new(AtomicU64::new(0));
    accept(&requests, &served).await;
    let finished = requests
        .phased_shutdown(GRACE)
        .drop_within(DROP_WITHIN)
        .on_progress(Duration::from_millis(100), tell)
        .run()
        .await;
    println!("{finished}");
    let served = served.load(Ordering::Relaxed);
    println!("served {served} requests");
    assert_eq!(
        finished.completed as u64, served,
        "what was begun was finished, or is named"
    );
    assert!(finished.left.is_empty(), "nothing here blocks a thread");
    Ok(())
}

/// Takes requests until the server is asked to stop; waits for room for each of them.
async fn accept(requests: &TaskHolder, served: &Arc<AtomicU64>) {
    let mut arrivals = requests.ticker(Duration::from_millis(2)).no_min_wait();
    while let Some(tick) = arrivals.next().await {
        if requests.is_stopping() {
            return;
        }
        let Ok(room) = requests.reserve().await else {
            return; // everything was dropped
        };
        let (ctx, served) = (requests.handle(), Arc::clone(served));
        let name = format!("request {}", tick.iteration);
        // Nobody awaits a request: what fails is reported.
        drop(room.task(name).try_spawn(async move {
            if tick.iteration % 50 == 49 {
                pending::<()>().await; // its client has gone
            }
            ctx.sleep(Duration::from_millis(5)).await?;
            served.fetch_add(1, Ordering::Relaxed);
            ok(())
        }));
    }
}

fn tell(progress: &ShutdownProgress) {
    let waits_for = progress.waits_for.len();
    eprintln!("{:?}: waiting for {waits_for} requests", progress.phase);
}
