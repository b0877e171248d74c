//! [`Dominoes`]: things that happen one after the other.

use std::fmt;

use super::{core::Turn, settle::Settle};
use crate::{
    Ctx, CtxGuard, Error, Promise, Result, Spawner,
    sync::{Arc, Mutex, lock},
};

/// A row of dominoes that fall one after the other, to put the steps of a test in an order.
///
/// They are numbered from 1. A domino falls when [`begin`](Self::begin) was called, it has been
/// retrieved with [`get`](Self::get), all before it have fallen, and everything that the last one
/// set in motion has come to rest. So whoever waits for domino 3 goes on after whoever waits for
/// domino 2 has done what it could.
///
/// When everything has come to rest is known exactly on a [`SimRuntime`](super::SimRuntime). Other
/// executors do not tell; there the dominoes give way to them a number of times.
///
/// Clones share the row. When the last one is dropped, or the context ends, what still stands is
/// cancelled, and [`finished`](Self::finished) with it.
///
/// # Examples
///
/// ```
/// use windlass::testing::{Dominoes, simulate};
///
/// simulate(async |sim| {
///     let dominoes = Dominoes::new(&sim.ctx, 2);
///     let second = dominoes.get(2);
///     let first = dominoes.get(1);
///     let waits = second.wait();
///     let task = sim.ctx.try_spawn(async move { waits.await });
///     dominoes.begin();
///     first.wait().await.unwrap();
///     assert!(second.outcome().is_none()); // not before we wait again
///     dominoes.finished().await.unwrap();
///     assert!(task.await.is_ok());
///     dominoes.check().unwrap();
/// });
/// ```
#[doc(alias = "FutureDominos")]
#[derive(Clone)]
pub struct Dominoes {
    row: Arc<Row>,
    /// Ends the context of the task that topples them.
    _guard: Arc<CtxGuard<()>>,
}

/// What the handles share with the task that topples the dominoes. It holds no context.
struct Row {
    dominoes: Vec<Domino>,
    begun: Promise<()>,
    finished: Promise<()>,
    rules: Mutex<Rules>,
}

struct Domino {
    retrieved: Promise<()>,
    fallen: Promise<()>,
}

#[derive(Default)]
struct Rules {
    begins_on_get: bool,
    before_each: Option<Box<dyn FnMut(usize) + Send>>,
    /// The dominoes that fell while nobody waited for them.
    unseen: Vec<usize>,
}

// ===== impl Dominoes =====

impl Dominoes {
    /// Sets up `n` dominoes. What topples them is a task below `ctx`.
    #[track_caller]
    pub fn new<R: Spawner>(ctx: &Ctx<R>, n: usize) -> Self {
        let row = Arc::new(Row::of(n));
        let ctx = ctx.child("dominoes");
        let guard = ctx.on(()).guard();
        let toppling = Arc::clone(&row).topple_all();
        let task = ctx.task("topple").silent().try_spawn(toppling);
        let ending = Arc::clone(&row);
        task.on_done(move |outcome| ending.end(outcome.err()));
        Dominoes {
            row,
            _guard: Arc::new(guard),
        }
    }

    /// Has the first [`get`](Self::get) begin.
    pub fn begin_on_get(self) -> Self {
        lock(&self.row.rules).begins_on_get = true;
        self
    }

    /// Calls `f` with the number of each domino that is about to fall.
    ///
    /// A panic in it ends the row: [`finished`](Self::finished) returns it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     use std::sync::{Arc, Mutex};
    ///     use windlass::testing::Dominoes;
    ///
    ///     let fell = Arc::new(Mutex::new(Vec::new()));
    ///     let log = Arc::clone(&fell);
    ///     let dominoes = Dominoes::new(&sim.ctx, 3);
    ///     let dominoes = dominoes.before_each(move |n| log.lock().unwrap().push(n));
    ///     let all = [1, 2, 3].map(|n| dominoes.get(n));
    ///     dominoes.begin();
    ///     dominoes.finished().await.unwrap();
    ///     assert_eq!(*fell.lock().unwrap(), [1, 2, 3]);
    ///     assert!(all.iter().all(|domino| domino.is_done()));
    /// });
    /// ```
    pub fn before_each<F>(self, f: F) -> Self
    where
        F: FnMut(usize) + Send + 'static,
    {
        let before = lock(&self.row.rules).before_each.replace(Box::new(f));
        drop(before); // outside the lock
        self
    }

    /// Retrieves domino `i`, which ends when it falls.
    ///
    /// It may be given an outcome by hand. A value counts as having fallen, once it is its turn. An
    /// error or a cancellation ends the row then: the dominoes behind it end with the same error.
    ///
    /// # Panics
    ///
    /// If there is no domino `i`; they are numbered from 1.
    #[track_caller]
    pub fn get(&self, i: usize) -> Promise<()> {
        let n = self.row.dominoes.len();
        let domino = i.checked_sub(1).and_then(|at| self.row.dominoes.get(at));
        let Some(domino) = domino else {
            panic!("only expected up to {n} dominoes, counted from 1: there is no domino {i}");
        };
        if domino.retrieved.set(()) {
            log(format_args!("domino {i} was retrieved"));
        }
        if lock(&self.row.rules).begins_on_get {
            self.begin();
        }
        domino.fallen.clone()
    }

    /// Lets the dominoes fall from now on.
    pub fn begin(&self) {
        self.row.begun.set(());
    }

    /// Says whether [`begin`](Self::begin) was called.
    pub fn has_begun(&self) -> bool {
        self.row.begun.is_done()
    }

    /// Waits until the last domino has fallen, and what it set in motion has come to rest.
    ///
    /// # Errors
    ///
    /// The error that a domino was given by hand; or the one that the context ended with.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the dominoes as they are.
    pub async fn finished(&self) -> Result<()> {
        self.row.finished.wait().await
    }

    /// Says whether the test has made use of all dominoes.
    ///
    /// # Errors
    ///
    /// The error that the row ended with. Else an error that lists the dominoes which were never
    /// retrieved; else those which have not fallen; else those which fell while nobody waited for
    /// them, so that their falling cannot have put anything in order.
    pub fn check(&self) -> Result<()> {
        if let Some(Err(error)) = self.row.finished.outcome() {
            return Err(error.clone());
        }
        let complaints = [
            (
                "were never retrieved",
                self.row.which(|d| !d.retrieved.is_done()),
            ),
            ("have not fallen", self.row.which(|d| !d.fallen.is_done())),
            (
                "fell while nobody waited",
                lock(&self.row.rules).unseen.clone(),
            ),
        ];
        match complaints.into_iter().find(|(_, which)| !which.is_empty()) {
            Some((what, which)) => Err(Error::failed(format!("dominoes {which:?} {what}"))),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Dominoes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dominoes")
            .field("has_begun", &self.has_begun())
            .field("standing", &self.row.which(|d| !d.fallen.is_done()))
            .finish()
    }
}

// ===== impl Row =====

impl Row {
    fn of(n: usize) -> Self {
        let domino = |i| Domino {
            retrieved: Promise::new(),
            fallen: Promise::named(format!("domino {i}")),
        };
        Row {
            dominoes: (1..=n).map(domino).collect(),
            begun: Promise::new(),
            finished: Promise::named("dominoes"),
            rules: Mutex::default(),
        }
    }

    async fn topple_all(self: Arc<Self>) -> Result<()> {
        self.begun.wait().await?;
        for i in 1..=self.dominoes.len() {
            self.topple(i).await?;
        }
        Settle::new(Turn::Eager).await;
        Ok(())
    }

    async fn topple(&self, i: usize) -> Result<()> {
        let Domino { retrieved, fallen } = &self.dominoes[i - 1];
        retrieved.wait().await?;
        Settle::new(Turn::Eager).await;
        self.call_before(i);
        if !fallen.is_done() && !fallen.is_listened() {
            lock(&self.rules).unseen.push(i);
        }
        fallen.set(());
        // What it was given by hand came first.
        if let Some(Err(error)) = fallen.outcome() {
            return Err(error.clone());
        }
        log(format_args!("domino {i} fell"));
        Ok(())
    }

    /// Calls the hook, which is out of its place meanwhile: it may use the dominoes.
    fn call_before(&self, i: usize) {
        let Some(mut before_each) = lock(&self.rules).before_each.take() else {
            return;
        };
        before_each(i);
        let mut rules = lock(&self.rules);
        let replaced = match rules.before_each {
            Some(_) => Some(before_each), // by a call in it
            None => rules.before_each.replace(before_each),
        };
        drop(rules);
        drop(replaced); // outside the lock
    }

    /// The task that topples them is done.
    fn end(&self, error: Option<&Error>) {
        let Some(error) = error else {
            log(format_args!("the dominoes are finished"));
            self.finished.set(());
            return;
        };
        log(format_args!("the dominoes ended early: {error}"));
        for domino in &self.dominoes {
            domino.fallen.fail(error.clone());
        }
        self.finished.fail(error.clone());
    }

    fn which(&self, is_meant: impl Fn(&Domino) -> bool) -> Vec<usize> {
        let numbered = (1..).zip(&self.dominoes);
        numbered
            .filter(|(_, domino)| is_meant(domino))
            .map(|(i, _)| i)
            .collect()
    }
}

/// An event at the level of information, if the feature is on.
fn log(what: fmt::Arguments<'_>) {
    #[cfg(feature = "tracing")]
    tracing::info!("{what}");
    #[cfg(not(feature = "tracing"))]
    let _ = what;
}
