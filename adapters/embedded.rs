//! [`Embedded`] and [`EmbeddedPool`]: the built-in runtime.

use std::{
    cell::RefCell,
    convert::Infallible,
    fmt,
    future::{Future, pending},
    io,
    pin::{Pin, pin},
    ptr,
    sync::{
        Arc, OnceLock, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, JoinHandle},
    time::Instant,
};

use async_executor::Executor;
use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, Shared, select},
};
use futures_lite::future::block_on;

use super::{FuturesSleep, FuturesTimer};
use crate::{BlockOn, Result, Spawner, Timer};

/// A handle on an [`EmbeddedPool`]; a runtime for programs that bring none.
///
/// It keeps no task alive: when the pool is dropped, so are its tasks, and what is spawned later is
/// dropped inside the call. Its clock is [`FuturesTimer`].
///
/// # Examples
///
/// ```
/// use windlass::{BlockOn, Spawner, adapters::Embedded};
///
/// let rt = Embedded::global();
/// let (send, receive) = futures::channel::oneshot::channel();
/// rt.spawn(async { send.send("on a thread of the pool").unwrap() });
/// assert_eq!(rt.block_on(receive).unwrap(), Ok("on a thread of the pool"));
/// ```
#[derive(Clone)]
pub struct Embedded(Weak<Engine>);

/// A pool of threads that owns its tasks. Dropping it drops them and stops the threads.
///
/// # Blocking
///
/// The drop waits for the polls in progress. Inside a task or a `block_on` of any pool it does not
/// wait, since it might wait for itself: each thread stops by itself, after its present poll, and
/// the last to leave drops the tasks. A task that is itself in a `block_on` of the pool goes on
/// driving it until that returns.
#[must_use = "dropping the pool drops its tasks; keep it for as long as they should run"]
pub struct EmbeddedPool {
    engine: Arc<Engine>,
    /// Dropping it is the signal to stop.
    stop: Option<oneshot::Sender<Infallible>>,
    threads: Vec<JoinHandle<()>>,
}

/// What the threads share. Only threads that drive it and calls in progress hold it besides the
/// pool, so it goes, and drops the tasks, when the last of them has left.
struct Engine {
    executor: Executor<'static>,
    stopped: Shared<oneshot::Receiver<Infallible>>,
}

thread_local! {
    /// The addresses of the engines that this thread drives, the innermost last. It holds each of
    /// them meanwhile, so no two have the same.
    static DRIVEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

// ===== impl Embedded =====

impl Embedded {
    /// The pool of the whole program: a thread per core, started on first use, never dropped.
    ///
    /// # Panics
    ///
    /// As [`EmbeddedPool::new`], on first use.
    pub fn global() -> Self {
        static GLOBAL: OnceLock<EmbeddedPool> = OnceLock::new();
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        GLOBAL.get_or_init(|| EmbeddedPool::new(cores())).handle()
    }
}

impl Spawner for Embedded {
    fn spawn<F>(&self, future: F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        if let Some(engine) = self.0.upgrade() {
            engine.executor.spawn(future).detach();
        }
    }
}

impl Timer for Embedded {
    type Sleep = FuturesSleep;

    fn now(&self) -> Instant {
        FuturesTimer.now()
    }

    fn sleep_until(&self, deadline: Instant) -> FuturesSleep {
        FuturesTimer.sleep_until(deadline)
    }
}

impl BlockOn for Embedded {
    /// Runs `future` to its end, and tasks of the pool while it waits; never refuses.
    ///
    /// If the pool is dropped meanwhile, or has been before, only `future` is run.
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        let mut future = pin!(future);
        if let Some(output) = poll_while_busy(future.as_mut()) {
            return Ok(output);
        }
        let output = self
            .0
            .upgrade()
            .and_then(|engine| engine.drive(&mut future));
        Ok(output.unwrap_or_else(|| block_on(future)))
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").finish_non_exhaustive()
    }
}

// ===== impl EmbeddedPool =====

impl EmbeddedPool {
    /// Starts a pool of that many threads; none counts as one.
    ///
    /// If the system refuses some of the threads, the pool makes do with those it got.
    ///
    /// # Panics
    ///
    /// If the system refuses every thread.
    pub fn new(threads: usize) -> Self {
        let (stop, stopped) = oneshot::channel();
        let engine = Arc::new(Engine {
            executor: Executor::new(),
            stopped: stopped.shared(),
        });
        let mut started = Vec::new();
        for n in 0..threads.max(1) {
            match Engine::start_thread(&engine, n) {
                Ok(thread) => started.push(thread),
                Err(refusal) if n == 0 => panic!("no thread for the embedded pool: {refusal}"),
                Err(_) => break,
            }
        }
        EmbeddedPool {
            engine,
            stop: Some(stop),
            threads: started,
        }
    }

    /// A handle, which does not keep the pool alive.
    pub fn handle(&self) -> Embedded {
        Embedded(Arc::downgrade(&self.engine))
    }
}

impl BlockOn for EmbeddedPool {
    /// As for [`Embedded`].
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        self.handle().block_on(future)
    }
}

impl Drop for EmbeddedPool {
    fn drop(&mut self) {
        drop(self.stop.take());
        if Driving::is_going_on() {
            return;
        }
        for thread in self.threads.drain(..) {
            // A task that panics does not end its thread, so there is nothing to hear of.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for EmbeddedPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddedPool")
            .field("threads", &self.threads.len())
            .finish_non_exhaustive()
    }
}

// ===== impl Engine =====

impl Engine {
    fn start_thread(engine: &Arc<Self>, n: usize) -> io::Result<JoinHandle<()>> {
        let engine = Arc::clone(engine);
        let thread = thread::Builder::new().name(format!("windlass-{n}"));
        thread.spawn(move || {
            // Ends when the pool is dropped.
            engine.drive(pending::<()>());
        })
    }

    /// Runs tasks on this thread until `future` ends. If the pool is dropped first, leaves and
    /// returns no value; unless this happens inside a task, because then the tasks are not dropped
    /// before that one returns, so somebody has to run them.
    fn drive<F: Future>(&self, future: F) -> Option<F::Output> {
        let driving = Driving::begin(self);
        let future = pin!(future);
        if driving.nested {
            return Some(block_on(self.executor.run(future)));
        }
        match block_on(self.executor.run(select(self.stopped.clone(), future))) {
            Either::Left(_) => None,
            Either::Right((output, _)) => Some(output),
        }
    }
}

/// Up to so many polls of a future that is busy come before tasks of the pool have a turn.
const BUSY_POLLS: u32 = 32;

/// Polls `future` as long as it wakes itself in its polls: what never waits needs no executor.
///
/// It is polled again by whoever drives it next, which sees what has woken it meanwhile.
fn poll_while_busy<F: Future>(mut future: Pin<&mut F>) -> Option<F::Output> {
    let poll = |(busy, waker): &(Arc<Busy>, Waker)| {
        for _ in 0..BUSY_POLLS {
            let poll = future.as_mut().poll(&mut Context::from_waker(waker));
            if let Poll::Ready(output) = poll {
                return Some(output);
            }
            // Nested uses share the flag, and may take a wake for their own: then it is driven.
            if !busy.0.swap(false, Ordering::Relaxed) {
                break;
            }
        }
        None
    };
    BUSY.try_with(poll).ok().flatten() // a thread on its way out has none
}

/// Notes that it was woken.
struct Busy(AtomicBool);

impl Wake for Busy {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

thread_local! {
    static BUSY: (Arc<Busy>, Waker) = {
        let busy = Arc::new(Busy(AtomicBool::new(false)));
        (Arc::clone(&busy), busy.into())
    };
}

/// Keeps an engine in [`DRIVEN`] for as long as it is driven, also if that panics.
struct Driving {
    /// Whether this thread drives the same engine already.
    nested: bool,
}

impl Driving {
    fn begin(engine: &Engine) -> Self {
        let engine = ptr::from_ref(engine).addr();
        let nested = DRIVEN.try_with(|driven| {
            let mut driven = driven.borrow_mut();
            driven.push(engine);
            driven[..driven.len() - 1].contains(&engine)
        });
        Driving {
            nested: nested.unwrap_or(false),
        }
    }

    /// Whether this thread drives any engine.
    fn is_going_on() -> bool {
        // While the thread's variables go, we cannot tell, and act as if it did.
        DRIVEN.try_with(|driven| !driven.borrow().is_empty()) != Ok(false)
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        // Engines are left in the reverse order of entering.
        let _ = DRIVEN.try_with(|driven| driven.borrow_mut().pop());
    }
}
