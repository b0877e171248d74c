//! The least that a task with a handle, a holder, a wait with a timeout, and a value that is given
//! once can be in safe code: yardsticks beside the peers, which say what is left to be gained.

pub(crate) mod due;
pub(crate) mod held;
pub(crate) mod tree;

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll, Waker},
    time::Duration,
};

use pin_project::{pin_project, pinned_drop};
use tokio::runtime::Handle;

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

/// Where a bare task leaves its value.
pub(crate) struct BarePlace<T>(Arc<Mutex<Place<T>>>);

/// A place and the handle on it.
fn place<T>() -> (BarePlace<T>, BareTask<T>) {
    let (value, waker) = (None, None);
    let place = Arc::new(Mutex::new(Place { value, waker }));
    (BarePlace(Arc::clone(&place)), BareTask(place))
}

impl<T> BarePlace<T> {
    fn fill(&self, value: T) {
        let mut inner = lock(&self.0);
        inner.value = Some(value);
        let waker = inner.waker.take();
        drop(inner);
        waker.into_iter().for_each(Waker::wake);
    }
}

/// A task of smol's that leaves its value in a place.
pub(crate) fn spawn_on_smol<F>(future: F) -> BareTask<F::Output>
where
    F: Future<Output: Send> + Send + 'static,
{
    let (place, handle) = place();
    smol::spawn(async move { place.fill(future.await) }).detach();
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
/// context, no error. It polls the future first, as ours.
#[pin_project(PinnedDrop)]
pub(crate) struct BareTimeout<F> {
    #[pin]
    future: F,
    #[pin]
    sleep: Option<tokio::time::Sleep>,
    limit: Duration,
    list: Arc<BareList>,
    place: Option<usize>,
    /// The clock as a value: whose timer it is, whatever thread it is polled on.
    clock: Option<Handle>,
}

impl<F> BareTimeout<F> {
    pub(crate) fn new(
        limit: Duration,
        future: F,
        list: &Arc<BareList>,
        clock: Option<&Handle>,
    ) -> Self {
        let (sleep, list, place) = (None, Arc::clone(list), None);
        BareTimeout {
            future,
            sleep,
            limit,
            list,
            place,
            clock: clock.cloned(),
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
            let _context = this.clock.as_ref().map(Handle::enter);
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

// ===== a value given once =====

/// A handle on a value that is given once, lent without a lock, and awaited by any number: no error,
/// no callback, no count of those who may give it, no leaving.
///
/// A write to a `OnceLock` costs two read-modify-writes, as a lock does; what may be written without
/// a lock costs one. That is the distance to a channel that moves its value out.
pub(crate) struct BareOnce<T>(Arc<OnceLock<Given<T>>>);

enum Given<T> {
    Value(T),
    Awaited(Box<Awaited<T>>),
}

struct Awaited<T> {
    value: OnceLock<T>,
    wakers: Mutex<Option<Vec<Waker>>>,
}

impl<T> BareOnce<T> {
    pub(crate) fn new() -> Self {
        BareOnce(Arc::default())
    }

    pub(crate) fn wait(&self) -> Self {
        BareOnce(Arc::clone(&self.0))
    }

    /// Gives the value; for one call.
    pub(crate) fn set(&self, value: T) {
        let mut value = Some(value);
        let mut take = || value.take().expect("one call gives one value");
        let given = self.0.get_or_init(|| Given::Value(take()));
        if let Given::Awaited(awaited) = given {
            awaited.value.get_or_init(take);
            let wakers = lock(&awaited.wakers).take();
            wakers.into_iter().flatten().for_each(Waker::wake);
        }
    }
}

impl<T> Given<T> {
    fn awaited() -> Self {
        Given::Awaited(Box::new(Awaited {
            value: OnceLock::new(),
            wakers: Mutex::new(Some(Vec::new())),
        }))
    }

    fn value(&self) -> Option<&T> {
        match self {
            Given::Value(value) => Some(value),
            Given::Awaited(awaited) => awaited.value.get(),
        }
    }
}

impl<T: Clone> Future for BareOnce<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let given = self.0.get_or_init(Given::awaited);
        if let (None, Given::Awaited(awaited)) = (given.value(), given) {
            let waker = cx.waker().clone();
            if let Some(wakers) = &mut *lock(&awaited.wakers) {
                wakers.push(waker);
                return Poll::Pending; // `set` will wake us
            }
        }
        match given.value() {
            Some(value) => Poll::Ready(value.clone()),
            None => unreachable!("the list goes after the value is there"),
        }
    }
}
