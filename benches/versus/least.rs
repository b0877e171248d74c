//! The least that a task with a handle, and a wait with a timeout, can be in safe code: yardsticks
//! beside the peers, which say what is left to be gained.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use pin_project::{pin_project, pinned_drop};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// ===== a task =====

/// A place for a value and for who waits for it: no context, no error, no panic guard, no end.
struct Place<T> {
    value: Option<T>,
    waker: Option<Waker>,
}

/// The handle on a bare task.
pub(crate) struct BareTask<T>(Arc<Mutex<Place<T>>>);

/// A task of smol's that leaves its value in a place.
pub(crate) fn spawn_on_smol<F>(future: F) -> BareTask<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (value, waker) = (None, None);
    let place = Arc::new(Mutex::new(Place { value, waker }));
    let handle = BareTask(Arc::clone(&place));
    let task = async move {
        let value = future.await;
        let mut inner = lock(&place);
        inner.value = Some(value);
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    };
    smol::spawn(task).detach();
    handle
}

impl<T> Future for BareTask<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut inner = lock(&self.0);
        if let Some(value) = inner.value.take() {
            return Poll::Ready(value);
        }
        inner.waker = Some(cx.waker().clone());
        Poll::Pending // the task will wake us
    }
}

// ===== a wait =====

/// Who is to be woken when something ends.
#[derive(Default)]
pub(crate) struct BareList(Mutex<Vec<Option<Waker>>>);

/// A future with a sleep of tokio's, and a place in the list of something that might end: no
/// context, no error, no clock as a value. It polls the future first, as ours.
#[pin_project(PinnedDrop)]
pub(crate) struct BareTimeout<F> {
    #[pin]
    future: F,
    #[pin]
    sleep: Option<tokio::time::Sleep>,
    limit: Duration,
    list: Arc<BareList>,
    place: Option<usize>,
}

impl<F> BareTimeout<F> {
    pub(crate) fn new(limit: Duration, future: F, list: &Arc<BareList>) -> Self {
        let (sleep, list, place) = (None, Arc::clone(list), None);
        BareTimeout {
            future,
            sleep,
            limit,
            list,
            place,
        }
    }
}

impl<F: Future> Future for BareTimeout<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<F::Output>> {
        let mut this = self.project();
        if let Poll::Ready(value) = this.future.poll(cx) {
            return Poll::Ready(Some(value));
        }
        if this.sleep.is_none() {
            this.sleep.set(Some(tokio::time::sleep(*this.limit)));
        }
        let sleep = this.sleep.as_mut().as_pin_mut();
        if sleep.is_none_or(|sleep| sleep.poll(cx).is_ready()) {
            return Poll::Ready(None);
        }
        if this.place.is_none() {
            let waker = Some(cx.waker().clone());
            let mut list = lock(&this.list.0);
            *this.place = Some(list.len());
            list.push(waker);
        }
        Poll::Pending
    }
}

#[pinned_drop]
impl<F> PinnedDrop for BareTimeout<F> {
    fn drop(self: Pin<&mut Self>) {
        let Some(place) = self.place else { return };
        let mut list = lock(&self.list.0);
        let waker = list.get_mut(place).and_then(mem::take);
        while list.last().is_some_and(Option::is_none) {
            list.pop();
        }
        drop(list);
        drop(waker);
    }
}
