//! Joining tasks: [`join_tasks`], and the policies that say when a join is decided.
//!
//! # Invariants
//!
//! 1. Until the join is decided every outcome goes to the policy, once.
//! 2. From then on the tasks that are left are cancelled, and the join ends after the last of them.
//! 3. What the policy does not want to see any more is left in its task, so that the task reports a
//!    failure that nobody sees.

mod all;
mod some;

use std::{
    fmt,
    future::Future,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll, ready},
};

use futures::{StreamExt as _, stream::FuturesUnordered};

pub use self::{
    all::{AllSettled, FailFast, Within},
    some::{AtLeast, FirstSuccess, NotEnough, Quorum, Won},
};
use crate::{Result, Task, TaskDone};

/// When a join is decided, and what it gives.
///
/// Ours are [`AllSettled`], [`FailFast`], [`FirstSuccess`], [`AtLeast`] and [`Within`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::ops::ControlFlow;
///     use windlass::{JoinPolicy, Result, join_tasks};
///
///     /// Adds up values until there is enough.
///     struct Until(u32);
///
///     impl JoinPolicy<u32> for Until {
///         type Output = u32; // what is still missing
///
///         fn begin(&mut self, _size: usize) -> ControlFlow<()> {
///             ControlFlow::Continue(())
///         }
///         fn take(&mut self, _index: usize, outcome: Result<u32>) -> ControlFlow<()> {
///             self.0 = self.0.saturating_sub(outcome.unwrap_or(0));
///             if self.0 == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
///         }
///         fn finish(self) -> u32 {
///             self.0
///         }
///     }
///
///     let tasks = [5, 6, 7].map(|n| sim.ctx.spawn(async move { n }));
///     assert_eq!(join_tasks(tasks, Until(10)).await, 0);
/// });
/// ```
pub trait JoinPolicy<T> {
    /// What the join gives.
    type Output;

    /// Hears, before anything else, how many tasks there are. `Break` decides the join.
    fn begin(&mut self, size: usize) -> ControlFlow<()>;

    /// Takes the outcome of the task at `index`. `Break` decides the join.
    fn take(&mut self, index: usize, outcome: Result<T>) -> ControlFlow<()>;

    /// Gets ready if the join is to be decided now, for another reason than an outcome.
    ///
    /// It is polled when no outcome is there.
    fn poll_cut(&mut self, _cx: &mut Context<'_>) -> Poll<()> {
        Poll::Pending // only an outcome will wake the join
    }

    /// Says whether it takes the outcomes of the tasks that were cancelled, too.
    fn wants_rest(&self) -> bool {
        false
    }

    /// Gives the result, once every task has ended.
    fn finish(self) -> Self::Output;
}

/// Waits for `tasks` as `policy` says, cancels what is left, and waits for that, too.
///
/// When it returns, every task has ended: has returned, or was dropped. Outcomes are looked at in
/// the order in which the tasks ended; of those that have ended before, in the order of the set. A
/// task that was cancelled because the join was decided and then fails in some other way is
/// reported, as every failure that nobody sees.
///
/// # Cancel safety
///
/// Dropping the future cancels the tasks, without waiting for them; their contexts still own them.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "embedded")] {
/// use windlass::{AllSettled, AtLeast, Ctx, FailFast, FirstSuccess, join_tasks, adapters::Embedded};
///
/// # futures::executor::block_on(async {
/// let ctx = Ctx::root("app", Embedded::global());
/// let parse = |text: &'static str| ctx.try_spawn(async move { text.parse::<u32>() });
///
/// let all = join_tasks([parse("1"), parse("2")], FailFast::new()).await;
/// assert_eq!(all.unwrap(), [1, 2]);
///
/// let settled = join_tasks([parse("1"), parse("x")], AllSettled::new()).await;
/// assert!(settled[0].is_ok() && settled[1].is_err());
///
/// let won = join_tasks([parse("x"), parse("2")], FirstSuccess::new()).await.unwrap();
/// assert_eq!((won.index, won.value), (1, 2));
///
/// let too_few = join_tasks([parse("1"), parse("x")], AtLeast::new(2)).await.unwrap_err();
/// assert_eq!(too_few.to_string(), "2 successes were wanted, 1 failed");
/// # });
/// # }
/// ```
pub fn join_tasks<T, P: JoinPolicy<T>>(
    tasks: impl IntoIterator<Item = Task<T>>,
    mut policy: P,
) -> JoinTasks<T, P> {
    let tasks = tasks.into_iter().enumerate();
    let running: FuturesUnordered<_> = tasks.map(|(index, task)| Member { index, task }).collect();
    let verdict = policy.begin(running.len());
    let mut join = JoinTasks {
        running,
        rest: None,
        policy: Some(policy),
    };
    if verdict.is_break() {
        join.decide();
    }
    join
}

/// The future of [`join_tasks`].
///
/// # Cancel safety
///
/// Dropping it cancels the tasks, without waiting for them.
#[must_use = "dropping a join cancels its tasks; await it"]
pub struct JoinTasks<T, P> {
    running: FuturesUnordered<Member<T>>,
    /// There once the join is decided.
    rest: Option<Rest<T>>,
    /// There until the result is given.
    policy: Option<P>,
}

/// What is left when a join is decided.
enum Rest<T> {
    /// Still in `running`: the policy takes their outcomes.
    Wanted,
    /// Their outcomes stay in the tasks.
    Unwanted(FuturesUnordered<Ending<T>>),
}

struct Member<T> {
    index: usize,
    task: Task<T>,
}

/// Waits for a task's end, and holds the task and its outcome until then.
struct Ending<T> {
    done: TaskDone,
    _task: Task<T>,
}

// ===== impl JoinTasks =====

impl<T, P: JoinPolicy<T>> JoinTasks<T, P> {
    /// Cancels what is left.
    fn decide(&mut self) {
        for member in &self.running {
            member.task.cancel();
        }
        let wants_rest = self.policy.as_ref().is_some_and(P::wants_rest);
        self.rest = Some(if wants_rest {
            Rest::Wanted
        } else {
            let left = std::mem::take(&mut self.running);
            Rest::Unwanted(left.into_iter().map(Ending::new).collect())
        });
    }

    /// Hands outcomes to the policy until the join is decided or nothing runs.
    fn poll_decision(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(policy) = &mut self.policy else {
            return Poll::Ready(());
        };
        while self.rest.is_none() {
            let verdict = match self.running.poll_next_unpin(cx) {
                Poll::Ready(None) => return Poll::Ready(()),
                Poll::Ready(Some((index, outcome))) => policy.take(index, outcome),
                // Pending: the tasks will wake us, or what cuts the join.
                Poll::Pending => {
                    ready!(policy.poll_cut(cx));
                    ControlFlow::Break(())
                }
            };
            if verdict.is_break() {
                self.decide();
                break;
            }
        }
        Poll::Ready(())
    }

    /// Waits for what is left.
    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match (&mut self.rest, &mut self.policy) {
            (Some(Rest::Unwanted(left)), _) => while ready!(left.poll_next_unpin(cx)).is_some() {},
            (Some(Rest::Wanted), Some(policy)) => {
                while let Some((index, outcome)) = ready!(self.running.poll_next_unpin(cx)) {
                    let _ = policy.take(index, outcome);
                }
            }
            _ => {}
        }
        Poll::Ready(())
    }
}

impl<T, P> Unpin for JoinTasks<T, P> {}

impl<T, P: JoinPolicy<T>> Future for JoinTasks<T, P> {
    type Output = P::Output;

    /// # Panics
    ///
    /// When it is polled after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<P::Output> {
        ready!(self.poll_decision(cx));
        ready!(self.poll_rest(cx)); // pending: the tasks that are left will wake us
        match self.policy.take() {
            Some(policy) => Poll::Ready(policy.finish()),
            None => panic!("a join was polled after it was ready"),
        }
    }
}

impl<T, P> Drop for JoinTasks<T, P> {
    fn drop(&mut self) {
        // What is in `rest` was cancelled when the join was decided.
        for member in &self.running {
            member.task.cancel();
        }
    }
}

impl<T, P> fmt::Debug for JoinTasks<T, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinTasks")
            .field("running", &self.running.len())
            .field("is_decided", &self.rest.is_some())
            .finish()
    }
}

// ===== the parts =====

impl<T> Future for Member<T> {
    type Output = (usize, Result<T>);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<(usize, Result<T>)> {
        let outcome = ready!(Pin::new(&mut self.task).poll(cx)); // pending: the task will wake us
        Poll::Ready((self.index, outcome))
    }
}

impl<T> Ending<T> {
    fn new(member: Member<T>) -> Self {
        let Member { task, .. } = member;
        let done = task.watch().wait();
        Ending { done, _task: task }
    }
}

impl<T> Future for Ending<T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.done).poll(cx).map(drop) // pending: the task will wake us
    }
}
