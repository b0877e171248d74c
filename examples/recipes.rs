//! The recipes of asyncio, each in a few lines, each on a clock of its own that never waits.
//!
//! `cargo run --example recipes --features test-util` runs them all; every one asserts what happens
//! when.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use windlass::{
    Ctx, EventLoop, Promise, Until, ok, run_returning,
    testing::{SimRuntime, simulate},
    try_run,
};

fn main() {
    for (name, recipe) in RECIPES {
        recipe();
        println!("{name}");
    }
}

const RECIPES: [(&str, fn()); 9] = [
    ("start without awaiting", start_without_awaiting),
    ("call soon, later, at", call_soon_later_at),
    (
        "make an ordinary function awaitable",
        make_a_function_awaitable,
    ),
    (
        "follow up from an ordinary function",
        follow_up_from_a_function,
    ),
    ("wait for all, with a timeout", wait_for_all_with_a_timeout),
    ("wait for the first", wait_for_the_first),
    ("run until complete", run_until_complete),
    ("run several, some may fail", run_several_some_may_fail),
    ("run for ever", run_for_ever),
];

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What happened, and in which second.
#[derive(Clone)]
struct Timeline {
    ctx: Ctx,
    entries: Arc<Mutex<Vec<String>>>,
    start: std::time::Instant,
}

impl Timeline {
    fn new(ctx: &Ctx) -> Self {
        Timeline {
            ctx: ctx.clone(),
            entries: Arc::default(),
            start: ctx.now(),
        }
    }

    fn note(&self, what: &str) {
        let second = (self.ctx.now() - self.start).as_secs();
        self.entries
            .lock()
            .unwrap()
            .push(format!("{second}: {what}"));
    }

    #[track_caller]
    fn is(&self, expected: &[&str]) {
        assert_eq!(*self.entries.lock().unwrap(), expected);
    }
}

fn start_without_awaiting() {
    simulate(async |sim| {
        let line = Timeline::new(&sim.ctx);
        let (notes, ctx) = (line.clone(), sim.ctx.clone());
        let task = sim.ctx.try_spawn(async move {
            notes.note("task begins");
            ctx.sleep(secs(2)).await?;
            notes.note("task ends");
            ok(7)
        });
        line.note("main goes on");
        sim.ctx.sleep(secs(1)).await.unwrap();
        line.note("main waits");
        assert_eq!(task.await.unwrap(), 7);
        line.is(&[
            "0: main goes on",
            "0: task begins",
            "1: main waits",
            "2: task ends",
        ]);
    });
}

fn call_soon_later_at() {
    simulate(async |sim| {
        let line = Timeline::new(&sim.ctx);
        let note = |what| {
            let line = line.clone();
            move || line.note(what)
        };
        sim.ctx.call_later(secs(2), note("later"));
        sim.ctx.call_at(sim.ctx.now() + secs(1), note("at"));
        sim.ctx.call_soon(note("soon"));
        let never = sim.ctx.call_later(secs(1), note("never"));
        assert!(never.cancel());
        line.note("now");
        sim.ctx.sleep(secs(3)).await.unwrap();
        line.is(&["0: now", "0: soon", "1: at", "2: later"]);
    });
}

/// A function that calls back becomes something to await.
fn make_a_function_awaitable() {
    simulate(async |sim| {
        let ctx = sim.ctx.clone();
        let ask = move |answer: Box<dyn FnOnce(u32) + Send>| {
            ctx.call_later(secs(3), move || answer(42));
        };
        let promise = Promise::new();
        let answer = promise.wait();
        ask(Box::new(move |value| assert!(promise.set(value))));
        let line = Timeline::new(&sim.ctx);
        line.note(&answer.await.unwrap().to_string());
        line.is(&["3: 42"]);
    });
}

/// An ordinary function cannot await; it says what is to follow.
fn follow_up_from_a_function() {
    fn begin(ctx: &Ctx, line: &Timeline) -> windlass::Task<u32> {
        let (inner, follow) = (ctx.clone(), line.clone());
        let task = ctx.try_spawn(async move {
            inner.sleep(secs(2)).await?;
            ok(5)
        });
        task.on_done(move |outcome| follow.note(&format!("followed up on {:?}", outcome.ok())));
        task
    }
    simulate(async |sim| {
        let line = Timeline::new(&sim.ctx);
        let task = begin(&sim.ctx, &line);
        line.note("begun");
        assert_eq!(task.await.unwrap(), 5);
        line.is(&["0: begun", "2: followed up on Some(5)"]);
    });
}

fn wait_for_all_with_a_timeout() {
    simulate(async |sim| {
        let naps = [1, 2, 9].map(|n| {
            let ctx = sim.ctx.clone();
            sim.ctx.try_spawn(async move { ctx.sleep(secs(n)).await })
        });
        let line = Timeline::new(&sim.ctx);
        let waited = sim
            .ctx
            .wait(&naps, Until::All)
            .timeout(secs(3))
            .await
            .unwrap();
        line.note(&format!(
            "{:?} done, {:?} pending",
            waited.done, waited.pending
        ));
        line.is(&["3: [0, 1] done, [2] pending"]);
        windlass::cancel_and_wait(&naps).await; // those that are pending go on otherwise
    });
}

fn wait_for_the_first() {
    simulate(async |sim| {
        let naps = [5, 2].map(|n| {
            let ctx = sim.ctx.clone();
            sim.ctx.try_spawn(async move { ctx.sleep(secs(n)).await })
        });
        let line = Timeline::new(&sim.ctx);
        let first = windlass::wait_for_first(&naps).await;
        line.note(&format!("{first:?}"));
        line.is(&["2: Some(1)"]);
        windlass::cancel_and_wait(&naps).await;
    });
}

fn run_until_complete() {
    let l = EventLoop::new(SimRuntime::new());
    let start = l.ctx().now();
    let (a, b) = l
        .run((async { 1 }, async {
            l.ctx().sleep(secs(2)).await.unwrap();
            2
        }))
        .unwrap();
    assert_eq!((a, b), (1, 2));
    assert_eq!(l.ctx().now() - start, secs(2));
}

fn run_several_some_may_fail() {
    let rt = SimRuntime::new();
    let texts = ["1", "x", "3"];
    let parse = |text: &'static str| async move { text.parse::<u8>() };
    assert!(
        try_run(&rt, texts.map(parse)).is_err(),
        "the first error drops the rest"
    );
    let each = run_returning(&rt, texts.map(parse), |_| true).unwrap();
    assert_eq!(each.map(|outcome| outcome.ok()), [Some(1), None, Some(3)]);
}

fn run_for_ever() {
    let l = EventLoop::new(SimRuntime::new());
    let start = l.ctx().now();
    let ctx = l.ctx().clone();
    drop(l.ctx().try_spawn(async move {
        let mut ticks = ctx.ticker(secs(1));
        while let Some(tick) = ticks.next().await {
            if tick.iteration == 3 {
                ctx.stop();
            }
        }
        ok(())
    }));
    l.run_forever().unwrap();
    assert_eq!((l.ctx().now() - start).as_secs(), 2, "ticks at 0, 1 and 2");
}
