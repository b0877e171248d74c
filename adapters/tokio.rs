//! [`Tokio`]: a handle on a tokio runtime.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, Instant},
};

use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use self::sleep::guarded;
use crate::{
    BlockOn, Error, NestedRun, Result, Spawner, Timer,
    runtime::{IN_A_ROW, Kept, deadline_after},
};

mod local;
mod sleep;

pub use self::{local::TokioLocal, sleep::TokioSleep};

/// A handle on a tokio runtime, of either flavour.
///
/// It works from any thread, also outside the runtime, and honours a paused clock there too. The
/// runtime owns the tasks: when it is dropped or shut down, so are they; what is spawned later is
/// dropped inside the call, and waits for a deadline end as
/// [orphans](crate::Sleep::is_orphaned).
///
/// # Panics
///
/// `spawn_blocking` panics if the system refuses tokio a thread and it has none, as tokio's own.
///
/// # Examples
///
/// ```
/// use windlass::{Spawner, adapters::Tokio};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let rt = Tokio::current();
/// let (send, receive) = tokio::sync::oneshot::channel();
/// rt.spawn(async { send.send(7).unwrap() });
/// assert_eq!(receive.await, Ok(7));
/// # });
/// ```
#[derive(Clone)]
pub struct Tokio(Handle);

// ===== impl Tokio =====

impl Tokio {
    /// Returns the runtime in whose context this is called.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, and in one without timers. Use [`try_current`](Self::try_current)
    /// where that can happen, or [`Tokio::from`] with a handle at hand.
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Ok(rt) => rt,
            Err(refusal) => panic!("`Tokio::current`: {refusal} (`try_current` does not panic)"),
        }
    }

    /// Returns the runtime in whose context this is called, if there is one and it has timers.
    ///
    /// # Errors
    ///
    /// Outside a tokio runtime, and in one that was built without `enable_time` or `enable_all`.
    /// Tokio tells of the latter by a panic only. It is caught here, but the panic hook has seen
    /// it by then, and a program built with `panic = "abort"` ends there.
    ///
    /// # Examples
    ///
    /// ```
    /// use windlass::adapters::Tokio;
    ///
    /// let error = Tokio::try_current().unwrap_err();
    /// assert!(error.to_string().starts_with("no tokio runtime here"));
    /// let rt = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    /// assert!(rt.block_on(async { Tokio::try_current() }).is_ok());
    /// ```
    pub fn try_current() -> Result<Self> {
        let Ok(handle) = Handle::try_current() else {
            return Err(Error::failed(
                "no tokio runtime here: call this inside one, or use `Tokio::from(handle)`",
            ));
        };
        match guarded(|| drop(tokio::time::sleep_until(tokio::time::Instant::now()))) {
            Some(()) => Ok(Tokio(handle)),
            None => Err(Error::failed(
                "this tokio runtime has no timers: build it with `enable_time` or `enable_all`",
            )),
        }
    }
}

impl From<Handle> for Tokio {
    /// A handle on that runtime.
    ///
    /// If it was built without timers, its tasks work, and each wait for a deadline ends at once
    /// as an [orphan](crate::Sleep::is_orphaned), after tokio's message to the panic hook.
    fn from(handle: Handle) -> Self {
        Tokio(handle)
    }
}

impl Spawner for Tokio {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.0.spawn(future));
    }

    fn spawn_kept<F>(&self, future: F) -> Kept
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let handle = self.0.spawn(future);
        match self.0.runtime_flavor() {
            // The thread that ends the task frees it while it is at hand; nobody competes.
            RuntimeFlavor::CurrentThread => Kept::default(),
            _ => handle.into(),
        }
    }

    // A worker keeps what was spawned or woken last for itself, until the poll is over.
    fn in_a_row(&self) -> usize {
        match self.0.runtime_flavor() {
            RuntimeFlavor::CurrentThread => IN_A_ROW,
            _ => 1,
        }
    }

    fn spawn_blocking<W>(&self, work: W)
    where
        W: FnOnce() + Send + 'static,
    {
        drop(self.0.spawn_blocking(work));
    }
}

impl Timer for Tokio {
    type Sleep = TokioSleep;

    fn now(&self) -> Instant {
        // Tokio pauses the clocks of current-thread runtimes only: `pause` refuses all others.
        if self.0.runtime_flavor() == RuntimeFlavor::MultiThread {
            return Instant::now();
        }
        // A paused clock is found through the context. Looking whether we are in it is cheaper than
        // entering it.
        let is_here = |here: Handle| here.id() == self.0.id();
        if Handle::try_current().is_ok_and(is_here) {
            return tokio::time::Instant::now().into_std();
        }
        // It is missing only while the variables of a thread are being dropped.
        guarded(|| {
            let _context = self.0.enter();
            tokio::time::Instant::now().into_std()
        })
        .unwrap_or_else(Instant::now)
    }

    fn sleep_until(&self, deadline: Instant) -> TokioSleep {
        TokioSleep::new(self.0.clone(), |_now| deadline)
    }

    fn into_sleep(self, duration: Duration, deadline: &mut Option<Instant>) -> TokioSleep {
        // One look at the clock, and no further clone of the handle.
        TokioSleep::new(self.0, |now| {
            *deadline.insert(deadline_after(now, duration))
        })
    }

    fn put_sleep(
        self,
        duration: Duration,
        deadline: &mut Option<Instant>,
        place: Pin<&mut Option<TokioSleep>>,
    ) {
        TokioSleep::put(self.0, place, |now| {
            *deadline.insert(deadline_after(now, duration))
        });
    }
}

impl BlockOn for Tokio {
    /// Runs `future` to its end; the threads of the runtime run the tasks meanwhile.
    ///
    /// # Errors
    ///
    /// [`NestedRun`] inside any tokio context (a task, a `block_on`, `spawn_blocking`, or the guard
    /// of `Handle::enter`), and on a runtime of the current-thread flavour: it has no thread of its
    /// own, and a handle cannot drive it. The `Runtime` itself can.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        refuse_context()?;
        match self.0.runtime_flavor() {
            RuntimeFlavor::CurrentThread => Err(NestedRun::new(
                "a handle cannot drive a current-thread tokio runtime: \
                 give the `Runtime` itself, or build a multi-thread one",
            )
            .into()),
            _ => Ok(self.0.block_on(future)),
        }
    }
}

impl BlockOn for Runtime {
    /// Runs `future` to its end, and the tasks of the runtime meanwhile.
    ///
    /// # Errors
    ///
    /// [`NestedRun`] inside any tokio context, as for [`Tokio`].
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        refuse_context()?;
        Ok(Runtime::block_on(self, future))
    }
}

/// Tokio panics when a thread that runs tasks is blocked. It cannot be asked whether this one does,
/// so every context of it is refused.
fn refuse_context() -> Result<()> {
    match Handle::try_current() {
        Err(_) => Ok(()),
        Ok(_) => Err(NestedRun::new(
            "it is in the context of a tokio runtime: `.await` the future there, \
             or block on it from a thread of `std::thread::spawn`",
        )
        .into()),
    }
}

impl fmt::Debug for Tokio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokio").field(&self.0.id()).finish()
    }
}
