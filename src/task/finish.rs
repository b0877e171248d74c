//! The end of a task: why it ends, and in which order the rest is told.

use std::{panic::Location, task::Waker};

use super::{
    options::Options,
    state::{Callback, Step, Stored, TaskCore},
};
use crate::{
    Error, Result,
    ctx::{ending::Ending, firing::wake_all, rare::Loss, tree::Node},
    error::Cancelled,
    registry::Taken,
    report::{isolate, report},
    sync::Arc,
};

/// Why a task has to end before its future does.
#[derive(Clone, Copy)]
pub(super) enum Reason {
    /// `cancel` was called on it.
    Owner,
    /// Its context has ended.
    Context,
}

impl Reason {
    pub(super) fn of<T>(core: &TaskCore<T>) -> Option<Reason> {
        if core.is_asked() {
            Some(Reason::Owner)
        } else if core.node().is_done() {
            Some(Reason::Context)
        } else {
            None
        }
    }

    /// An end that `stop` has announced leaves no grace: it was given before.
    pub(super) fn leaves_grace<T>(self, core: &TaskCore<T>) -> bool {
        match self {
            Reason::Owner => true,
            Reason::Context => !core.node().live().is_some_and(|live| live.was_stopping()),
        }
    }
}

/// Fixes the outcome and tells everybody; `None` where the future gave none.
pub(super) fn complete<T: Send + 'static>(core: &Arc<TaskCore<T>>, returned: Option<Result<T>>) {
    let returned = match returned {
        Some(Ok(value)) => match succeed(core, value) {
            Ok(()) => return,
            Err(value) => Some(Ok(value)),
        },
        None if stop_with_context(core) => return,
        other => other,
    };
    let outcome = match returned {
        Some(Err(error)) => Err(own_or_cancelled(core, error)),
        Some(value) => value,
        None => Err(dropped(core)),
    };
    let loss = outcome.as_ref().err().map(Loss::of);
    let Some(woken) = fix(core, outcome) else {
        return;
    };
    if let Some(live) = core.node().live() {
        live.depart(loss);
    }
    woken.wake();
}

/// The end of most tasks: a value, which only the joiner waits for, or nobody. Else hands it back.
///
/// It leaves its group in any case, before anybody can see that it is done.
///
/// All in one, because what the general way hands on from step to step is costly to move.
#[inline]
fn succeed<T: Send + 'static>(core: &Arc<TaskCore<T>>, value: T) -> Result<(), T> {
    if has_wishes(core) {
        return Err(value);
    }
    delist(core); // before anybody can see that the task is done
    let live = core.node().live();
    if let Some((live, group)) = live.and_then(|live| Some((live, live.group()?))) {
        group.left(&**core, live.starts_group(), None);
    }
    let Stored { joiner, unwanted } = core.store_value(value)?;
    if let Some(unwanted) = unwanted.filter(|_| std::mem::needs_drop::<T>()) {
        isolate("the destructor of a task's value", || drop(unwanted));
    }
    if let Some(live) = live {
        live.depart(None);
    }
    if let Some(joiner) = joiner {
        isolate("a waker", || joiner.wake());
    }
    Ok(())
}

/// The end of most tasks that end before their future does; false: it is not that simple.
fn stop_with_context<T: Send + 'static>(core: &Arc<TaskCore<T>>) -> bool {
    if core.is_asked() || !is_plain(core) {
        return false;
    }
    let stopped_by = core.node().ending().map(Ending::error);
    if stopped_by.is_none_or(|end| is_own_deadline(core, end)) {
        return false;
    }
    delist(core); // before anybody can see that the task is done
    let Some(joiner) = core.store_stopped() else {
        return false;
    };
    if let Some(live) = core.node().live() {
        live.depart(Some(Loss::Cancelled));
    }
    if let Some(joiner) = joiner {
        isolate("a waker", || joiner.wake());
    }
    true
}

/// Makes the outcome final; `None` if it was before. What is given back is woken last.
fn fix<T: Send + 'static>(core: &Arc<TaskCore<T>>, outcome: Result<T>) -> Option<Woken> {
    delist(core); // before anybody can see that the task is done
    let outcome = match outcome {
        plain if is_plain(core) => match core.complete_quietly(plain) {
            Ok(step) => return finished(core, step).ok(),
            Err(outcome) => outcome,
        },
        other => other,
    };
    if !core.begin_completion() {
        isolate("the destructor of a task's value", || drop(outcome));
        return None;
    }
    leave(core, outcome.as_ref().err());
    if core.options().is_some_and(|options| options.always_reports) {
        report_failure(core, &outcome);
    }
    Some(settle(core, outcome))
}

/// Whether the end of the task is its joiner's business only.
fn is_plain<T>(core: &TaskCore<T>) -> bool {
    let is_grouped = core
        .node()
        .live()
        .is_some_and(|live| live.group().is_some());
    !is_grouped && !has_wishes(core)
}

fn has_wishes<T>(core: &TaskCore<T>) -> bool {
    let has_wishes = |options: &Options| options.owns_node || options.always_reports;
    core.options().is_some_and(has_wishes)
}

fn delist<T: Send + 'static>(core: &Arc<TaskCore<T>>) {
    if core.take_listed() {
        if let Some(live) = core.node().live() {
            live.delist(&**core);
        }
    }
}

/// Takes the task out of its group, and ends a node of its own.
fn leave<T: Send + 'static>(core: &Arc<TaskCore<T>>, error: Option<&Error>) {
    let node = core.node();
    if let Some((live, group)) = node.live().and_then(|live| Some((live, live.group()?))) {
        group.left(&**core, live.starts_group(), error);
    }
    if core.options().is_some_and(|options| options.owns_node) {
        let reason = Some("its task has ended".into());
        node.end(|| node.cancelled(reason, core.spawned_at(), error.cloned()));
    }
}

/// Those who are woken when all is done.
pub(super) struct Woken {
    joiner: Option<Waker>,
    waiters: Taken<Waker>,
}

impl Woken {
    pub(super) fn wake(self) {
        if let Some(joiner) = self.joiner {
            isolate("a waker", || joiner.wake());
        }
        wake_all(self.waiters);
    }
}

/// Calls the callbacks on the outcome, until there are none, and puts it back.
pub(super) fn settle<T>(core: &TaskCore<T>, outcome: Result<T>) -> Woken {
    let mut outcome = outcome;
    loop {
        match finished(core, core.put_back(outcome)) {
            Ok(woken) => return woken,
            Err((lent, callbacks)) => {
                for callback in callbacks.into_iter() {
                    isolate("a done-callback of a task", || callback(lent.as_ref()));
                }
                outcome = lent;
            }
        }
    }
}

type Calls<T> = (Result<T>, Taken<Callback<T>>);

/// What is left to be woken; or to be called first.
fn finished<T>(core: &TaskCore<T>, step: Step<T>) -> Result<Woken, Calls<T>> {
    match step {
        Step::Call(lent, callbacks) => Err((lent, callbacks)),
        Step::Stored {
            joiner,
            waiters,
            unwanted,
        } => {
            if let Some(unwanted) = unwanted {
                discard(core, unwanted);
            }
            Ok(Woken { joiner, waiters })
        }
    }
}

/// Drops an outcome that nobody will see; a failure is reported.
pub(super) fn discard<T>(core: &TaskCore<T>, outcome: Result<T>) {
    let options = core.options();
    if !options.is_some_and(|options| options.is_silent || options.always_reports) {
        report_failure(core, &outcome);
    }
    isolate("the destructor of a task's value", || drop(outcome));
}

fn report_failure<T>(core: &TaskCore<T>, outcome: &Result<T>) {
    if let Err(error) = outcome {
        if !error.is_cancelled() {
            let reporter = nearest_reporter(core.node());
            report(reporter, &core.path(), core.spawned_at(), error);
        }
    }
}

/// Tells the reporter that is nearest above `node` of a failure that is not a task's.
pub(crate) fn report_below(node: &Node, path: &str, at: &'static Location<'static>, error: &Error) {
    report(nearest_reporter(node), path, at, error);
}

fn nearest_reporter(node: &Node) -> Option<&crate::report::Reporter> {
    node.path_up()
        .find_map(|node| node.extras()?.reporter.as_ref())
}

// ===== reasons =====

/// A task that returns the very error its context ended with was cancelled, and did not fail.
fn own_or_cancelled<T>(core: &TaskCore<T>, error: Error) -> Error {
    match core.node().ending() {
        Some(end) if end.error().is_same(&error) => end.stopped(),
        _ => error,
    }
}

/// Why a future was dropped before it returned.
fn dropped<T>(core: &TaskCore<T>) -> Error {
    match (Reason::of(core), core.node().ending()) {
        (Some(Reason::Context), Some(end)) if is_own_deadline(core, end.error()) => {
            end.error().clone()
        }
        (Some(Reason::Context), Some(end)) => end.stopped(),
        (Some(_), _) => cancelled(core, None, core.asked_at().unwrap_or(core.spawned_at())),
        (None, _) => cancelled(core, Some("executor shut down"), core.spawned_at()),
    }
}

/// A deadline of the task itself is its own end, not one that came from outside.
fn is_own_deadline<T>(core: &TaskCore<T>, end: &Error) -> bool {
    let own = core
        .node()
        .extras()
        .and_then(|extras| extras.deadline.as_ref());
    match (end, own) {
        (Error::TimedOut(timed_out), Some(own)) => timed_out.deadline() == own.at,
        _ => false,
    }
}

fn cancelled<T>(
    core: &TaskCore<T>,
    reason: Option<&'static str>,
    location: &'static std::panic::Location<'static>,
) -> Error {
    let reason = reason.map(Into::into);
    Error::Cancelled(Cancelled::new(core.error_path(), reason, location, None))
}
