//! Resources and `stop_stream`: behaviours FUT-71 to FUT-85, quirks Q-33 and Q-34.

use std::{
    future::{Future, pending},
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
    time::Duration,
};

use futures::{Stream, StreamExt as _, stream};
use windlass::{
    BoxError, Ctx, Error, Event, Resource, Result, ok, stop_stream, testing::SimRuntime,
    with_resource, with_resources,
};

// ===== helpers =====

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

/// What a part of a resource does.
#[derive(Clone, Copy, PartialEq)]
enum Does {
    Return,
    Fail,
    Panic,
    Hang,
    /// Takes a second.
    Sleep,
}

struct Res {
    name: &'static str,
    log: Log,
    ctx: Ctx,
    start: Does,
    finish: Does,
}

impl Res {
    async fn act(&self, what: Does, step: &'static str) -> Result<(), BoxError> {
        match what {
            Does::Return => {}
            Does::Fail => return Err(format!("{step} of {} failed", self.name).into()),
            Does::Panic => panic!("{step} of {} panicked", self.name),
            Does::Hang => pending().await,
            Does::Sleep => {
                // A context of its own: the one around it may have ended.
                let root = Ctx::root("clock", self.ctx.runtime().clone());
                root.sleep(Duration::from_secs(1)).await?;
            }
        }
        self.log.note(format!("{} {step}ed", self.name));
        ok(())
    }
}

#[windlass::async_trait]
impl Resource for Res {
    async fn start(&mut self) -> Result<(), BoxError> {
        self.log.note(format!("{} start", self.name));
        self.act(self.start, "start").await
    }

    async fn finish(&mut self, why: Option<&Error>) -> Result<(), BoxError> {
        let why = why.map_or("none".to_owned(), Error::to_string);
        self.log.note(format!("{} finish: {why}", self.name));
        self.act(self.finish, "finish").await
    }
}

impl Drop for Res {
    fn drop(&mut self) {
        self.log.note(format!("{} gone", self.name));
    }
}

/// A simulation with a context whose unseen failures go to the log.
struct Sim {
    rt: SimRuntime,
    root: Ctx,
    ctx: Ctx,
    log: Log,
}

impl Sim {
    fn new() -> Sim {
        let (rt, log) = (SimRuntime::new(), Log::default());
        let inner = log.clone();
        let root = Ctx::root("root", rt.clone())
            .build("app")
            .reporter(move |failure| inner.note(format!("reported {}", failure.error)))
            .start();
        let ctx = root.child("work");
        Sim { rt, root, ctx, log }
    }

    fn res(&self, start: Does, finish: Does) -> Res {
        self.named("r", start, finish)
    }

    fn named(&self, name: &'static str, start: Does, finish: Does) -> Res {
        let (log, ctx) = (self.log.clone(), self.ctx.clone());
        Res {
            name,
            log,
            ctx,
            start,
            finish,
        }
    }

    /// Runs a body that does `what` with a resource.
    fn run(&self, res: Res, what: Does) -> Result<u32> {
        self.rt.block_on(self.scope(res, what))
    }

    fn scope(&self, res: Res, what: Does) -> impl Future<Output = Result<u32>> + use<> {
        let (ctx, log) = (self.ctx.clone(), self.log.clone());
        async move {
            with_resource(&ctx, res, async |res| {
                let _body = Noted(log.clone(), "body gone");
                log.note("body");
                res.act(what, "body").await?;
                ok(5)
            })
            .await
        }
    }
}

struct Noted(Log, &'static str);

impl Drop for Noted {
    fn drop(&mut self) {
        self.0.note(self.1);
    }
}

use Does::{Fail, Hang, Panic, Return, Sleep};

// ===== one resource =====

#[test]
fn fut_83_on_success_finish_runs_once_after_the_body_with_no_error() {
    let sim = Sim::new();
    assert_eq!(sim.run(sim.res(Return, Return), Return).unwrap(), 5);
    let all = [
        "r start",
        "r started",
        "body",
        "r bodyed",
        "body gone",
        "r finish: none",
        "r finished",
        "r gone",
    ];
    assert_eq!(sim.log.all(), all);
}

#[test]
fn fut_81_82_and_84_a_failed_start_is_finished_and_its_error_given() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Fail, Return), Return).unwrap_err();
    assert_eq!(error.to_string(), "start of r failed");
    let all = [
        "r start",
        "r finish: start of r failed",
        "r finished",
        "r gone",
    ];
    assert_eq!(sim.log.all(), all);
}

/// Bug Q-33: an exit hook that failed hid the error that led to it.
#[test]
fn q_33_an_error_in_finish_does_not_hide_the_first_one_and_is_reported() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Return, Fail), Fail).unwrap_err();
    assert_eq!(error.to_string(), "body of r failed");
    let log = sim.log.all();
    assert!(
        log.contains(&"r finish: body of r failed".to_owned()),
        "{log:?}"
    );
    assert!(
        log.contains(&"reported finish of r failed".to_owned()),
        "{log:?}"
    );
}

#[test]
fn an_error_in_finish_after_a_success_is_given_and_not_reported() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Return, Fail), Return).unwrap_err();
    assert_eq!(error.to_string(), "finish of r failed");
    let error = sim.run(sim.res(Return, Panic), Return).unwrap_err();
    assert!(error.is_panic());
    assert!(
        !sim.log
            .all()
            .iter()
            .any(|line| line.starts_with("reported"))
    );
}

#[test]
fn a_panic_in_start_or_body_becomes_an_error_after_the_finish() {
    for (start, body, text) in [
        (Panic, Return, "start of r panicked"),
        (Return, Panic, "body of r panicked"),
    ] {
        let sim = Sim::new();
        let error = sim.run(sim.res(start, Return), body).unwrap_err();
        assert!(error.is_panic() && error.to_string().contains(text));
        let finishes = |line: &&String| line.starts_with("r finish:") && line.contains(text);
        assert_eq!(sim.log.all().iter().filter(finishes).count(), 1);
    }
}

#[test]
fn when_the_context_ends_the_body_is_dropped_and_finish_can_still_wait() {
    let sim = Sim::new();
    let scope = sim.scope(sim.res(Return, Sleep), Hang);
    let ctx = sim.ctx.clone();
    let outcome = sim.rt.block_on(async {
        futures::join!(scope, async {
            ctx.cancel_with("enough");
        })
        .0
    });
    let error = outcome.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cancelled at root-->app-->work by enough"
    );
    let all = [
        "r start",
        "r started",
        "body",
        "body gone",
        "r finish: cancelled at root-->app-->work by enough",
        "r finished",
        "r gone",
    ];
    assert_eq!(sim.log.all(), all);
    assert_eq!(sim.rt.clock().elapsed(), Duration::from_secs(1));
}

/// Bug Q-33: a start that was cancelled leaked what it had made. Behaviour FUT-85.
#[test]
fn q_33_fut_85_a_start_that_the_context_cuts_short_is_finished() {
    let sim = Sim::new();
    let scope = sim.scope(sim.res(Hang, Return), Return);
    let ctx = sim.ctx.clone();
    let outcome = sim
        .rt
        .block_on(async { futures::join!(scope, async { ctx.cancel() }).0 });
    assert!(outcome.unwrap_err().is_cancelled());
    assert_eq!(
        sim.log.all(),
        [
            "r start",
            "r finish: cancelled at root-->app-->work",
            "r finished",
            "r gone"
        ]
    );
}

#[test]
fn fut_80_what_was_not_begun_is_not_finished() {
    let sim = Sim::new();
    drop(sim.scope(sim.res(Return, Return), Return));
    sim.ctx.cancel();
    let outcome = sim.run(sim.res(Return, Return), Return);
    assert!(outcome.unwrap_err().is_cancelled());
    sim.rt.run_until_stalled();
    assert_eq!(sim.log.all(), ["r gone", "r gone"]);
}

#[test]
fn dropped_after_any_number_of_polls_it_finishes_exactly_once() {
    for polls in 1..8 {
        let sim = Sim::new();
        let mut scope = Box::pin(sim.scope(sim.res(Sleep, Sleep), Sleep));
        for _ in 0..polls {
            let mut cx = Context::from_waker(Waker::noop());
            if scope.as_mut().poll(&mut cx).is_ready() {
                break;
            }
            sim.rt
                .block_on(sim.root.sleep(Duration::from_millis(600)))
                .unwrap();
        }
        drop(scope);
        sim.rt
            .block_on(sim.root.sleep(Duration::from_secs(5)))
            .unwrap();
        let log = sim.log.all();
        let count = |start: &str| log.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(
            (count("r finish:"), count("r finished"), count("r gone")),
            (1, 1, 1),
            "{log:?}"
        );
        assert_eq!(log.last().unwrap(), "r gone");
    }
}

#[test]
fn dropped_in_its_body_it_says_so_to_finish_and_a_shutdown_above_waits_for_that() {
    let sim = Sim::new();
    let mut scope = Box::pin(sim.scope(sim.res(Return, Sleep), Hang));
    let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(scope);
    let report = sim.rt.block_on(sim.root.shutdown(Duration::from_secs(10)));
    assert!(report.dropped.is_empty(), "{report:?}");
    let log = sim.log.all();
    assert_eq!(
        log[4],
        "r finish: cancelled at root-->app-->work by its scope being dropped"
    );
    assert_eq!(log[5..], ["r finished", "r gone"]);
}

#[test]
fn a_finish_that_hangs_is_dropped_after_thirty_seconds() {
    let sim = Sim::new();
    let error = sim.run(sim.res(Return, Hang), Return).unwrap_err();
    assert!(error.is::<windlass::TimedOut>(), "{error:?}");
    assert_eq!(sim.rt.clock().elapsed(), Duration::from_secs(30));
    assert_eq!(sim.log.all().last().unwrap(), "r gone");
}

#[test]
fn with_the_executor_gone_nothing_hangs_and_nothing_is_kept() {
    let Sim { rt, root, ctx, log } = Sim::new();
    let sim = Sim { rt, root, ctx, log };
    let mut scope = Box::pin(sim.scope(sim.res(Return, Return), Hang));
    let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let Sim { rt, log, .. } = sim;
    drop(rt);
    drop(scope);
    assert_eq!(log.all().last().unwrap(), "r gone");
    assert!(!log.all().iter().any(|line| line.starts_with("r finish")));
}

#[test]
fn a_scope_can_run_in_a_task() {
    let sim = Sim::new();
    let task = sim
        .ctx
        .try_spawn(sim.scope(sim.res(Return, Return), Return));
    assert_eq!(sim.rt.block_on(task).unwrap(), 5);
    let ctx = sim.ctx.clone();
    let res: Box<dyn Resource> = Box::new(sim.res(Return, Return));
    let task = sim
        .ctx
        .try_spawn(async move { with_resources(&ctx, vec![res], async || ok(6)).await });
    assert_eq!(sim.rt.block_on(task).unwrap(), 6);
}

// ===== several =====

fn five(sim: &Sim, third: (Does, Does)) -> Vec<Box<dyn Resource>> {
    let names = ["a", "b", "c", "d", "e"];
    let make = |name| {
        let (start, finish) = if name == "c" { third } else { (Return, Return) };
        Box::new(sim.named(name, start, finish)) as Box<dyn Resource>
    };
    names.into_iter().map(make).collect()
}

/// The lines of the log that start or finish something, in short.
fn steps(sim: &Sim) -> String {
    let step = |line: &String| {
        let (name, rest) = line.split_once(' ')?;
        let mark = match rest.split(':').next()? {
            "start" => "+",
            "finish" => "-",
            _ => return None,
        };
        Some(format!("{mark}{name}"))
    };
    sim.log.all().iter().filter_map(step).collect()
}

#[test]
fn several_start_in_order_and_finish_in_reverse() {
    let sim = Sim::new();
    let scope = with_resources(&sim.ctx, five(&sim, (Return, Return)), async || {
        sim.log.note("body start");
        ok(1)
    });
    assert_eq!(sim.rt.block_on(scope).unwrap(), 1);
    assert_eq!(steps(&sim), "+a+b+c+d+e+body-e-d-c-b-a");
    let nothing = with_resources(&sim.ctx, Vec::new(), async || ok(2));
    assert_eq!(sim.rt.block_on(nothing).unwrap(), 2);
}

#[test]
fn when_the_third_of_five_cannot_be_started_three_are_finished() {
    for (start, text) in [(Fail, "start of c failed"), (Panic, "start of c panicked")] {
        let sim = Sim::new();
        let scope = with_resources(&sim.ctx, five(&sim, (start, Return)), async || {
            sim.log.note("body start");
            ok(1)
        });
        let error = sim.rt.block_on(scope).unwrap_err();
        assert!(error.to_string().contains(text));
        assert_eq!(steps(&sim), "+a+b+c-c-b-a");
        let gone = sim
            .log
            .all()
            .iter()
            .filter(|line| line.ends_with("gone"))
            .count();
        assert_eq!(gone, 5);
    }
}

#[test]
fn a_finish_that_fails_panics_or_hangs_does_not_keep_the_others_from_being_called() {
    for finish in [Fail, Panic, Hang] {
        let sim = Sim::new();
        let scope = with_resources(&sim.ctx, five(&sim, (Return, finish)), async || ok(1));
        assert!(sim.rt.block_on(scope).is_err());
        assert_eq!(steps(&sim), "+a+b+c+d+e-e-d-c-b-a");
        assert!(sim.log.all().contains(&"a finished".to_owned()));
    }
}

#[test]
fn several_are_finished_when_the_scope_is_dropped() {
    let sim = Sim::new();
    let mut scope = Box::pin(with_resources(
        &sim.ctx,
        five(&sim, (Return, Sleep)),
        async || {
            pending::<()>().await;
            ok(1)
        },
    ));
    let _ = scope.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    drop(scope);
    sim.ctx.cancel();
    sim.rt
        .block_on(sim.root.sleep(Duration::from_secs(5)))
        .unwrap();
    assert_eq!(steps(&sim), "+a+b+c+d+e-e-d-c-b-a");
    assert!(sim.log.all().contains(&"a finished".to_owned()));
}

// ===== stop_stream =====

/// Counts from 0 and notes its cleanup.
fn counting(log: &Log) -> impl Stream<Item = u32> + use<> {
    let cleanup = Noted(log.clone(), "cleanup");
    stream::unfold((0, cleanup), |(at, cleanup)| async move {
        cleanup.0.note(at.to_string());
        (at < 3).then_some((at, (at + 1, cleanup)))
    })
}

#[test]
fn fut_76_and_78_stopping_runs_the_cleanup_and_produces_nothing_more() {
    let (sim, log) = (Sim::new(), Log::default());
    sim.rt.block_on(async {
        let mut numbers = Box::pin(counting(&log));
        assert_eq!(numbers.next().await, Some(0));
        assert_eq!(numbers.next().await, Some(1));
        stop_stream(numbers).await;
    });
    assert_eq!(log.all(), ["0", "1", "cleanup"]);
}

/// Bug Q-34: stopping gave its own reason back to the caller, who had to expect it.
#[test]
fn q_34_fut_73_to_75_and_80_stopping_is_quiet() {
    let (sim, log) = (Sim::new(), Log::default());
    sim.rt.block_on(async {
        let never_polled = counting(&log);
        let (): () = stop_stream(never_polled).await;
        assert_eq!(log.all(), ["cleanup"]);
        let mut exhausted = Box::pin(counting(&log));
        while exhausted.next().await.is_some() {}
        stop_stream(exhausted).await;
    });
    assert_eq!(log.all(), ["cleanup", "0", "1", "2", "3", "cleanup"]);
}

#[test]
fn a_cleanup_that_panics_goes_no_further() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad destructor");
        }
    }
    let bad = stream::unfold(Bad, |bad| async move { Some((1, bad)) });
    Sim::new().rt.block_on(stop_stream(bad));
}

#[test]
fn those_who_hear_of_the_stop_get_their_turn_before_it_returns() {
    let sim = Sim::new();
    let (dropped, heard) = (Event::new(), Event::new());
    struct Sets(Event);
    impl Drop for Sets {
        fn drop(&mut self) {
            self.0.set();
        }
    }
    let sets = Sets(dropped.clone());
    let watched = stream::poll_fn(move |_| {
        let _ = &sets;
        std::task::Poll::<Option<()>>::Pending
    });
    let (waits, says) = (dropped.wait(), heard.clone());
    let task = sim.ctx.spawn(async move {
        waits.await;
        says.set();
    });
    sim.rt.block_on(async {
        let mut yielded = pin!(sim.ctx.sleep(Duration::ZERO));
        yielded.as_mut().await.unwrap();
        stop_stream(watched).await;
        assert!(heard.is_set());
        task.await.unwrap();
    });
}
