//! What a task and its handles share: its states and the ways between them.
//!
//! # States of the outcome
//!
//! | state | set by | next |
//! |---|---|---|
//! | `Running` | spawning | `Lent`, when the future has finished or was dropped |
//! | `Lent` | the thread that runs callbacks on the outcome | `Ready`, or `Gone` if detached |
//! | `Ready` | that thread, when no callback is left | `Lent` for a late callback, `Gone` |
//! | `Gone` | the owner that took the value, or the drop of its handle | final |
//!
//! An error stays: its owner gets a clone, and `TAKEN` says so. A task that its context stopped
//! keeps none: its outcome is `Gone`, and `STOPPED` says that the context has the error.
//!
//! # Invariants
//!
//! 1. `DONE` is set once, with the step out of `Running`; the outcome is fixed from then on.
//! 2. While the outcome is `Lent`, one thread has it, and that thread alone calls callbacks; those
//!    that are registered meanwhile are called by it before it puts the outcome back.
//! 3. Joiners are woken after the last callback, and after the task has left its node and group.
//! 4. The waker of the executor is held only while the task is parked: the cycle from task to
//!    waker to task ends when it completes.

mod complete;
mod owner;

use std::{panic::Location, task::Waker};

use super::{TaskId, options::Options};
use crate::{
    Error, Result,
    ctx::tree::Node,
    registry::{Registry, Taken},
    runtime::Kept,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicU8, AtomicU32, AtomicU64, Mutex, Ordering, lock},
};

pub(super) use self::owner::Register;

const ASKED: u8 = 1;
const DONE: u8 = 2;
/// The owner's handle is gone.
const DETACHED: u8 = 4;
/// The owner has the outcome; of an error a clone is left.
const TAKEN: u8 = 8;
/// The callbacks have run, and the outcome is where it stays.
const OVER: u8 = 16;
/// Its context stopped it: the error is the one that the context has for all of its tasks.
const STOPPED: u8 = 32;

const POLLED: u8 = 1;
const LISTED: u8 = 2;
const BARE: u8 = 4;

pub(crate) type Callback<T> = Box<dyn FnOnce(Result<&T, &Error>) + Send>;

pub(crate) struct TaskCore<T> {
    /// Given at birth, or by the group that the task joins.
    id: AtomicU64,
    node: Arc<Node>,
    spawned_at: &'static Location<'static>,
    options: Option<Box<Options>>,
    slot: AtomicU32,
    /// `ASKED` to `OVER`. Written under the lock, which saves a read-modify-write for each.
    flags: AtomicU8,
    /// `POLLED` to `BARE`: the business of whoever spawns, polls and ends the task, one at a time.
    steps: AtomicU8,
    list: AtomicU8,
    shared: Mutex<Shared<T>>,
}

struct Shared<T> {
    /// The executor's, while the task is parked.
    waker: Option<Waker>,
    owner: Owner,
    outcome: Outcome<T>,
    rest: Option<Box<Rest<T>>>,
}

enum Outcome<T> {
    Running,
    Lent,
    Ready(Result<T>),
    Gone,
}

/// What the owner has here.
enum Owner {
    /// It waits for the outcome.
    Joiner(Waker),
    /// It has gone, or does not wait; what its handle kept goes with the task.
    Kept { _kept: Kept },
}

impl Default for Owner {
    fn default() -> Self {
        Owner::Kept {
            _kept: Kept::default(),
        }
    }
}

/// What few tasks have.
struct Rest<T> {
    callbacks: Registry<Callback<T>>,
    waiters: Waiters,
    asked_at: Option<&'static Location<'static>>,
}

/// What is to be done with the outcome, outside the lock.
pub(super) enum Step<T> {
    /// Call these, then ask again.
    Call(Result<T>, Taken<Callback<T>>),
    /// It is put back; wake these. What nobody wants any more comes along.
    Stored {
        joiner: Option<Waker>,
        waiters: Taken<Waker>,
        unwanted: Option<Result<T>>,
    },
}

/// What is left to be done when a value was stored.
pub(super) struct Stored<T> {
    /// The owner's, who will take the value.
    pub(super) joiner: Option<Waker>,
    /// The value, if there is no owner any more.
    pub(super) unwanted: Option<T>,
}

// ===== birth and reading =====

impl<T> TaskCore<T> {
    #[inline(always)]
    pub(crate) fn new(
        node: Arc<Node>,
        spawned_at: &'static Location<'static>,
        options: Option<Box<Options>>,
    ) -> Self {
        let shared = Shared {
            waker: None,
            owner: Owner::default(),
            outcome: Outcome::Running,
            rest: None,
        };
        TaskCore {
            id: AtomicU64::new(0),
            node,
            spawned_at,
            options,
            slot: AtomicU32::new(0),
            flags: AtomicU8::new(0),
            steps: AtomicU8::new(0),
            list: AtomicU8::new(0),
            shared: Mutex::new(shared),
        }
    }

    pub(crate) fn id(&self) -> TaskId {
        TaskId::new(self.id.load(Ordering::Relaxed)) // set before anybody else has the task
    }

    pub(crate) fn set_id(&self, id: u64) {
        self.id.store(id, Ordering::Relaxed);
    }

    pub(crate) fn node(&self) -> &Arc<Node> {
        &self.node
    }

    pub(crate) fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    pub(crate) fn options(&self) -> Option<&Options> {
        self.options.as_deref()
    }

    pub(crate) fn slot(&self) -> &AtomicU32 {
        &self.slot
    }

    pub(crate) fn list(&self) -> &AtomicU8 {
        &self.list
    }

    pub(crate) fn is_done(&self) -> bool {
        self.has(DONE)
    }

    /// Whether those who wait for the end need not wait.
    pub(super) fn is_over(&self) -> bool {
        self.has(OVER)
    }

    pub(crate) fn is_asked(&self) -> bool {
        self.has(ASKED)
    }

    fn has(&self, flag: u8) -> bool {
        // Acquire: partner of the Release in `set`; who sees DONE sees what led to it.
        self.flags.load(Ordering::Acquire) & flag != 0
    }

    /// Sets flags; says whether they were clear.
    fn set(&self, _locked: &Shared<T>, flags: u8) -> bool {
        let before = self.flags.load(Ordering::Relaxed);
        self.flags.store(before | flags, Ordering::Release);
        before & flags == 0
    }

    /// Whether the future was not pending in a poll before.
    pub(super) fn is_first_poll(&self) -> bool {
        self.steps() & POLLED == 0
    }

    pub(super) fn set_polled(&self) {
        self.set_steps(self.steps() | POLLED);
    }

    pub(crate) fn is_listed(&self) -> bool {
        self.steps() & LISTED != 0
    }

    /// Says yes once, if the task is listed: the caller takes it off.
    pub(super) fn take_listed(&self) -> bool {
        let is_listed = self.is_listed();
        self.set_steps(self.steps() & !LISTED);
        is_listed
    }

    pub(super) fn set_listed(&self) {
        self.set_steps(self.steps() | LISTED);
    }

    /// Says that the task is small; that it has no options is seen.
    pub(crate) fn set_small(&self) {
        if self.options.is_none() {
            self.set_steps(BARE);
        }
    }

    pub(super) fn is_bare(&self) -> bool {
        self.steps() & BARE != 0
    }

    fn steps(&self) -> u8 {
        // Relaxed, here and below: one poll happens before the next.
        self.steps.load(Ordering::Relaxed)
    }

    fn set_steps(&self, steps: u8) {
        self.steps.store(steps, Ordering::Relaxed);
    }

    /// Why there is no value; `None` while the task runs and after success.
    pub(crate) fn error(&self) -> Option<Error> {
        match &lock(&self.shared).outcome {
            Outcome::Ready(Err(error)) => return Some(error.clone()),
            Outcome::Gone => {}
            _ => return None,
        }
        self.stopped()
    }
}

// ===== stopping =====

impl<T> TaskCore<T> {
    /// Asks the task to stop; true for the first request, unless it has ended.
    pub(crate) fn cancel(&self, location: &'static Location<'static>) -> bool {
        if self.is_done() {
            return false;
        }
        let mut shared = lock(&self.shared);
        // Under the lock: whoever sees ASKED there finds the place, too.
        let is_first = self.set(&shared, ASKED) && !self.is_done();
        if is_first {
            shared.rest().asked_at = Some(location);
        }
        let waker = shared.waker.take();
        drop(shared);
        wake(waker);
        is_first
    }

    /// Wakes the task up: its node has ended, or its group admits it.
    pub(crate) fn ask(&self) {
        let waker = lock(&self.shared).waker.take();
        wake(waker);
    }

    /// Where `cancel` was called.
    pub(super) fn asked_at(&self) -> Option<&'static Location<'static>> {
        lock(&self.shared).rest.as_ref()?.asked_at
    }

    /// Keeps the executor's waker, for `cancel` and `ask`.
    ///
    /// Whoever asks does so after setting what it asks for; so either it finds this waker, or the
    /// caller, who looks at what is asked for after this call, sees it.
    pub(super) fn park(&self, waker: &Waker) {
        let is_kept = |kept: &Waker| kept.will_wake(waker);
        if !self.is_first_poll() && lock(&self.shared).waker.as_ref().is_some_and(is_kept) {
            return;
        }
        let fresh = waker.clone(); // user code: outside the lock
        let old = lock(&self.shared).waker.replace(fresh);
        drop(old);
    }

    /// Drops the waker again (invariant 4).
    pub(super) fn unpark(&self) {
        let waker = lock(&self.shared).waker.take();
        drop(waker);
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        crate::report::isolate("a waker", || waker.wake());
    }
}

// ===== what is behind the lock =====

impl<T> Shared<T> {
    fn rest(&mut self) -> &mut Rest<T> {
        self.rest.get_or_insert_with(|| {
            let (callbacks, waiters) = (Registry::default(), Registry::default());
            Box::new(Rest {
                callbacks,
                waiters,
                asked_at: None,
            })
        })
    }

    /// Takes the owner's waker, if it waits.
    #[inline]
    fn take_joiner(&mut self) -> Option<Waker> {
        match &self.owner {
            Owner::Kept { .. } => None,
            Owner::Joiner(_) => match std::mem::take(&mut self.owner) {
                Owner::Joiner(joiner) => Some(joiner),
                Owner::Kept { .. } => None,
            },
        }
    }

    /// Takes the value out for good, if it is there.
    #[inline]
    fn take_value(&mut self) -> Option<T> {
        match std::mem::replace(&mut self.outcome, Outcome::Gone) {
            Outcome::Ready(Ok(value)) => Some(value),
            other => {
                self.outcome = other;
                None
            }
        }
    }

    /// Takes the outcome out, to be put back, if it is there.
    fn lend(&mut self) -> Option<Result<T>> {
        match std::mem::replace(&mut self.outcome, Outcome::Lent) {
            Outcome::Ready(outcome) => Some(outcome),
            other => {
                self.outcome = other;
                None
            }
        }
    }
}

impl<T: Send> WaitList for TaskCore<T> {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut shared = lock(&self.shared);
        let is_over = matches!(shared.outcome, Outcome::Ready(_) | Outcome::Gone);
        visit(&mut shared.rest().waiters, is_over);
    }
}
