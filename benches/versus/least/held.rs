//! The least that a holder can be: tasks that are counted, listed and ended together, and a wait
//! until none is left. No order, no errors, no names, no numbers, no limit, no callbacks, one lock
//! for all; so it says what the lists, the records and the handles cost alone.

use std::{
    future::{Future, poll_fn},
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use pin_project::{pin_project, pinned_drop};

use super::lock;

#[derive(Default)]
pub(crate) struct BareHolder {
    ended: AtomicBool,
    running: AtomicUsize,
    members: Mutex<Members>,
    idle: Mutex<Option<Waker>>,
}

/// Places of which the free ones are chained.
#[derive(Default)]
struct Members {
    places: Vec<Place>,
    free: usize,
}

enum Place {
    Taken(Arc<dyn Asked>),
    Free(usize),
}

/// A member as its holder sees it.
trait Asked: Send + Sync {
    fn ask(&self);
}

/// What a task and its handle share.
struct Record<T> {
    holder: Arc<BareHolder>,
    place: AtomicUsize,
    inner: Mutex<Inner<T>>,
}

struct Inner<T> {
    /// The executor's, while the task is pending.
    waker: Option<Waker>,
    value: Option<T>,
    is_wanted: bool,
}

/// The handle; dropping it detaches the task.
pub(crate) struct HeldTask<T>(Arc<Record<T>>);

impl BareHolder {
    pub(crate) fn spawn<F>(self: &Arc<Self>, future: F) -> HeldTask<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let (waker, value, is_wanted) = (None, None, true);
        let record = Arc::new(Record {
            holder: Arc::clone(self),
            place: AtomicUsize::new(0),
            inner: Mutex::new(Inner {
                waker,
                value,
                is_wanted,
            }),
        });
        self.running.fetch_add(1, Ordering::AcqRel);
        let place = lock(&self.members).insert(Arc::<Record<F::Output>>::clone(&record));
        record.place.store(place, Ordering::Relaxed);
        let (future, task) = (Some(future), Arc::clone(&record));
        drop(tokio::spawn(Held {
            future,
            record: task,
        }));
        HeldTask(record)
    }

    /// Ends all that run.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Release);
        let members = lock(&self.members);
        let taken = members.places.iter().filter_map(|place| match place {
            Place::Taken(member) => Some(Arc::clone(member)),
            Place::Free(_) => None,
        });
        let taken: Vec<_> = taken.collect();
        drop(members);
        taken.into_iter().for_each(|member| member.ask());
    }

    /// Waits until nothing runs.
    pub(crate) async fn finish(&self) {
        poll_fn(|cx| {
            let fresh = Some(cx.waker().clone());
            let old = mem::replace(&mut *lock(&self.idle), fresh);
            drop(old);
            match self.running.load(Ordering::Acquire) {
                0 => Poll::Ready(()),
                _ => Poll::Pending, // who ends last will wake us
            }
        })
        .await;
        self.end();
    }

    fn depart(&self) {
        if self.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            let waker = lock(&self.idle).take();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

impl Members {
    fn insert(&mut self, member: Arc<dyn Asked>) -> usize {
        let at = self.free;
        match self.places.get_mut(at) {
            Some(place) => {
                if let Place::Free(next) = mem::replace(place, Place::Taken(member)) {
                    self.free = next;
                }
            }
            None => {
                self.places.push(Place::Taken(member));
                self.free = self.places.len();
            }
        }
        at
    }

    fn remove(&mut self, at: usize) -> Option<Place> {
        let free = mem::replace(&mut self.free, at);
        Some(mem::replace(self.places.get_mut(at)?, Place::Free(free)))
    }
}

impl<T: Send> Asked for Record<T> {
    fn ask(&self) {
        let waker = lock(&self.inner).waker.take();
        waker.into_iter().for_each(Waker::wake);
    }
}

impl<T> Record<T> {
    /// Leaves the list, then leaves the value, then counts as gone.
    fn complete(&self, value: Option<T>) {
        let place = self.place.load(Ordering::Relaxed);
        let gone = lock(&self.holder.members).remove(place);
        drop(gone);
        let mut inner = lock(&self.inner);
        let unwanted = if inner.is_wanted {
            inner.value = value;
            None
        } else {
            value
        };
        let waker = inner.waker.take();
        drop(inner);
        drop((waker, unwanted));
        self.holder.depart();
    }
}

impl<T> Drop for HeldTask<T> {
    fn drop(&mut self) {
        let mut inner = lock(&self.0.inner);
        inner.is_wanted = false;
        let value = inner.value.take();
        drop(inner);
        drop(value);
    }
}

/// The task: its future until it returns, panics, or the holder ends.
#[pin_project(PinnedDrop)]
struct Held<F: Future> {
    #[pin]
    future: Option<F>,
    record: Arc<Record<F::Output>>,
}

impl<F: Future> Future for Held<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(()); // it has ended
        };
        let value = match catch_unwind(AssertUnwindSafe(|| future.poll(cx))) {
            Ok(Poll::Ready(value)) => Some(value),
            Ok(Poll::Pending) => {
                let fresh = Some(cx.waker().clone());
                let old = mem::replace(&mut lock(&this.record.inner).waker, fresh);
                drop(old);
                if !this.record.holder.ended.load(Ordering::Acquire) {
                    return Poll::Pending; // the future will wake us, or the end of the holder
                }
                None
            }
            Err(_) => None,
        };
        this.future.set(None);
        this.record.complete(value);
        Poll::Ready(())
    }
}

#[pinned_drop]
impl<F: Future> PinnedDrop for Held<F> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if this.future.is_some() {
            this.future.set(None);
            this.record.complete(None);
        }
    }
}
