//! [`Pauser`]: holds tickers back.

use std::{
    fmt,
    task::{Context, Poll},
};

use crate::{
    WaitSlot,
    report::isolate,
    status::{WaitList, Waiters},
    sync::{Arc, AtomicBool, Mutex, Ordering, lock},
};

/// Holds back the tickers that were given it, until it resumes.
///
/// While it is paused, such a ticker gives no tick: neither a new one nor the one that is being
/// waited for. Slots that pass meanwhile are dropped. When it resumes there is one tick at once if
/// a slot has passed, and then the schedule goes on as it would have. Everything else about a
/// ticker goes on while it is paused: it ends with its context and at its
/// [`max_time`](crate::Ticker::max_time).
///
/// Clones are the same pauser, and one pauser may hold back many tickers. When the last clone
/// goes it resumes, since nobody could do so later; the tickers themselves do not count.
///
/// # Examples
///
/// ```
/// use windlass::Pauser;
///
/// let pauser = Pauser::new();
/// assert!(pauser.pause());
/// assert!(!pauser.clone().pause(), "it is paused already");
/// assert!(pauser.is_paused());
/// assert!(pauser.resume());
/// assert!(!pauser.resume());
/// ```
#[derive(Clone, Default)]
pub struct Pauser(Arc<Handle>);

/// Shared by the clones; resumes when the last of them goes.
#[derive(Default)]
struct Handle(Arc<Gate>);

/// What a pauser and its tickers have in common.
#[derive(Default)]
pub(super) struct Gate {
    /// Written under the lock of `held`. The Acquire load in `is_paused` pairs with the Release
    /// stores, so what a thread did before it resumed is visible to the tick that follows.
    is_paused: AtomicBool,
    held: Mutex<Waiters>,
}

// ===== impl Pauser =====

impl Pauser {
    /// Creates a pauser that is not paused.
    pub fn new() -> Self {
        Self::default()
    }

    /// Holds the tickers back from here on. True if this call did it.
    pub fn pause(&self) -> bool {
        self.gate().pause()
    }

    /// Lets the tickers go on. True if this call did it.
    pub fn resume(&self) -> bool {
        self.gate().resume()
    }

    /// Says whether the tickers are held back.
    pub fn is_paused(&self) -> bool {
        self.gate().is_paused()
    }

    pub(super) fn gate(&self) -> &Arc<Gate> {
        &self.0.0
    }
}

impl fmt::Debug for Pauser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_paused = self.is_paused();
        f.debug_struct("Pauser")
            .field("is_paused", &is_paused)
            .finish()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.resume();
    }
}

// ===== impl Gate =====

impl Gate {
    pub(super) fn is_paused(&self) -> bool {
        self.is_paused.load(Ordering::Acquire)
    }

    fn pause(&self) -> bool {
        let _held = lock(&self.held);
        !self.is_paused.swap(true, Ordering::Release)
    }

    fn resume(&self) -> bool {
        let (was_paused, held) = {
            let mut held = lock(&self.held);
            let was_paused = self.is_paused.swap(false, Ordering::Release);
            (was_paused, held.take())
        };
        for waker in held.into_iter() {
            isolate("the waker of a ticker", || waker.wake());
        }
        was_paused
    }

    /// Ready once the gate has been open since `slot` was registered, though it may be closed
    /// again; pending: `resume` will wake us.
    pub(super) fn poll_resumed(
        self: &Arc<Self>,
        slot: &mut WaitSlot,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        slot.poll_in(|| Arc::<Gate>::clone(self), cx)
    }
}

impl WaitList for Gate {
    fn visit(&self, visit: &mut dyn FnMut(&mut Waiters, bool)) {
        let mut held = lock(&self.held);
        // Relaxed: the lock is the one under which it is written.
        let is_open = !self.is_paused.load(Ordering::Relaxed);
        visit(&mut held, is_open);
    }
}
