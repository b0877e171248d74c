//! What the clauses are written with.

use std::{
    cell::Cell,
    future::{Future, poll_fn},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Poll, Wake, Waker},
};

use futures::{channel::oneshot, future::BoxFuture};

use crate::{LocalSpawner, Spawner};

/// A handle under test, of either kind.
pub(super) trait Starts: Clone + 'static {
    /// Hands `future` to the executor.
    fn start(&self, future: BoxFuture<'static, ()>);

    /// Starts a task that calls `call` with the handle.
    fn start_calling(&self, moment: Moment, call: Call<Self>);
}

/// When a task makes its call.
#[derive(Clone, Copy)]
pub(super) enum Moment {
    /// When it is first polled; then it ends.
    Poll,
    /// When it is dropped; it ends when it is first polled.
    End,
    /// When it is dropped; it does not end by itself.
    Drop,
}

pub(super) type Call<H> = Box<dyn FnOnce(&H) + Send>;

#[derive(Clone)]
pub(super) struct Threaded<S>(pub(super) S);

#[derive(Clone)]
pub(super) struct Local<S>(pub(super) S);

impl<S: Spawner> Starts for Threaded<S> {
    fn start(&self, future: BoxFuture<'static, ()>) {
        in_call(|| self.0.spawn(future));
    }

    fn start_calling(&self, moment: Moment, call: Call<Self>) {
        let task = calling(self.clone(), moment, call);
        in_call(|| self.0.spawn(task));
    }
}

impl<S: LocalSpawner> Starts for Local<S> {
    fn start(&self, future: BoxFuture<'static, ()>) {
        in_call(|| self.0.spawn_local(future));
    }

    fn start_calling(&self, moment: Moment, call: Call<Self>) {
        let task = calling(self.clone(), moment, call);
        in_call(|| self.0.spawn_local(task));
    }
}

fn calling<H: 'static>(
    handle: H,
    moment: Moment,
    call: Call<H>,
) -> impl Future<Output = ()> + use<H> {
    let mut on_drop = Some(OnDrop::new(move || call(&handle)));
    poll_fn(move |_| match moment {
        Moment::Poll => {
            drop(on_drop.take());
            Poll::Ready(())
        }
        Moment::End => Poll::Ready(()),
        // Pending: for ever, as long as nobody drops it.
        Moment::Drop => Poll::Pending,
    })
}

// ===== being inside a call =====

thread_local! {
    static IN_CALL: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as being inside a call of the executor under test.
pub(super) fn in_call<T>(call: impl FnOnce() -> T) -> T {
    let before = IN_CALL.replace(true);
    let _restore = OnDrop::new(move || IN_CALL.set(before));
    call()
}

/// Whether this code runs inside such a call, on the thread that makes it.
pub(super) fn is_in_call() -> bool {
    IN_CALL.get()
}

// ===== small parts =====

/// Calls a function when it is dropped.
pub(super) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(super) fn new(call: F) -> Self {
        OnDrop(Some(call))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}

/// Counts: wakes when it is a waker, else whatever a clause counts.
#[derive(Default)]
pub(super) struct Count(AtomicUsize);

impl Count {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Counts when what it returns is dropped.
    pub(super) fn on_drop(self: &Arc<Self>) -> impl Send + use<> {
        let count = Arc::clone(self);
        OnDrop::new(move || count.add())
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}

/// Gives way to the other tasks once.
pub(super) async fn yield_now() {
    let mut yielded = false;
    poll_fn(move |cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        // Pending: we have just woken ourselves.
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A task that shows its waker at its first poll and ends when it is polled again: the future, the
/// waker to come, and the end to come.
pub(super) fn parked() -> (
    BoxFuture<'static, ()>,
    oneshot::Receiver<Waker>,
    oneshot::Receiver<()>,
) {
    let (show, shown) = oneshot::channel();
    let (end, ended) = oneshot::channel();
    let (mut show, mut end) = (Some(show), Some(end));
    let future = poll_fn(move |cx| {
        if let Some(show) = show.take() {
            let _ = show.send(cx.waker().clone());
            // Pending: whoever gets the waker wakes us.
            return Poll::Pending;
        }
        let _ = end.take().map(|end| end.send(()));
        Poll::Ready(())
    });
    (Box::pin(future), shown, ended)
}
