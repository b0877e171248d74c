//! The executor of a pool, and the threads that drive it.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, pending},
    io,
    pin::pin,
    ptr,
    sync::Arc,
    thread::{self, JoinHandle},
};

use async_executor::Executor;
use futures::{
    FutureExt,
    channel::oneshot,
    future::{Either, Shared, select},
};
use futures_lite::future::block_on;

/// What the threads share. Only threads that drive it and calls in progress hold it besides the
/// pool, so it goes, and drops the tasks, when the last of them has left.
pub(super) struct Engine {
    pub(super) executor: Executor<'static>,
    /// Resolves when the pool is dropped.
    stopped: Shared<oneshot::Receiver<Infallible>>,
}

thread_local! {
    /// The addresses of the engines that this thread drives, the innermost last. It holds each of
    /// them meanwhile, so no two have the same.
    static DRIVEN: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

// ===== impl Engine =====

impl Engine {
    pub(super) fn new(stopped: oneshot::Receiver<Infallible>) -> Self {
        Engine {
            executor: Executor::new(),
            stopped: stopped.shared(),
        }
    }

    /// Starts a thread that drives `engine` until the pool is dropped.
    pub(super) fn start_thread(engine: &Arc<Self>, n: usize) -> io::Result<JoinHandle<()>> {
        let engine = Arc::clone(engine);
        let thread = thread::Builder::new().name(format!("windlass-{n}"));
        thread.spawn(move || {
            engine.drive(pending::<()>());
        })
    }

    /// Runs tasks on this thread until `future` ends. If the pool is dropped first, leaves and
    /// returns no value; unless this happens inside a task, because then the tasks are not dropped
    /// before that one returns, so somebody has to run them.
    pub(super) fn drive<F: Future>(&self, future: F) -> Option<F::Output> {
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
}

/// Whether this thread drives any engine.
pub(super) fn is_driving() -> bool {
    // While the thread's variables go, we cannot tell, and act as if it did.
    DRIVEN.try_with(|driven| !driven.borrow().is_empty()) != Ok(false)
}

impl Drop for Driving {
    fn drop(&mut self) {
        // Engines are left in the reverse order of entering.
        let _ = DRIVEN.try_with(|driven| driven.borrow_mut().pop());
    }
}
