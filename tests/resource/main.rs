//! Resources and `stop_stream`: behaviours FUT-71 to FUT-85, quirks Q-33 and Q-34.

mod ends_above;
mod one;
mod several;
mod stop;

use std::{
    future::{Future, pending},
    sync::{Arc, Mutex},
    time::Duration,
};

use windlass::{BoxError, Ctx, Error, Resource, Result, ok, testing::SimRuntime, with_resource};

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
