//! Deadlines of contexts: one driver a tree, with one sleep.
//!
//! # Invariants
//!
//! 1. An entry is in `entries` until it is due, or its node ends or goes.
//! 2. While there are entries, a driver is running, or about to be spawned by whoever made the
//!    first entry. It ends, under the lock, when it finds none.
//! 3. The driver is woken when an earlier entry comes, and when the earliest goes: its sleep never
//!    stays armed for something that is no longer there.
//! 4. Entries hold nodes weakly, and the driver holds none.

use std::{
    collections::BTreeMap,
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use super::{extras::Deadline, rare::Undo, tree::Node};
use crate::{
    Error, Runtime, Sleep,
    error::TimedOut,
    report::isolate,
    sync::{Arc, Mutex, Weak, lock},
};

/// The deadlines below one root.
#[derive(Default)]
pub(crate) struct Deadlines(Mutex<Schedule>);

#[derive(Default)]
struct Schedule {
    entries: BTreeMap<Place, Weak<Node>>,
    is_driven: bool,
    /// The driver's, while it sleeps.
    waker: Option<Waker>,
}

/// Due when, and among those due then, registered when.
type Place = (Instant, u64);

/// A node's deadline on the list; [`cancel`](Self::cancel) takes it off.
pub(crate) struct Entry {
    deadlines: Arc<Deadlines>,
    place: Place,
}

/// Registers the deadline that `node` was built with.
pub(super) fn arm<R: Runtime>(node: &Arc<Node>, rt: &R) {
    let Some(deadline) = node.extras().and_then(|extras| extras.deadline) else {
        return;
    };
    if deadline.after.is_zero() {
        node.end(|| timed_out(node, deadline));
        return;
    }
    let Ok(live) = node.link() else {
        return;
    };
    let Some(deadlines) = of_root(node) else {
        return;
    };
    let place = (deadline.at, crate::ids::next());
    live.add_undo(Undo::Deadline(Entry {
        deadlines: Arc::clone(&deadlines),
        place,
    }));
    deadlines.insert(place, Arc::downgrade(node), rt);
    if live.verdict().is_done() {
        deadlines.remove(place); // it ended in between, and found nothing to take off
    }
}

fn of_root(node: &Node) -> Option<Arc<Deadlines>> {
    let root = node.path_up().last()?.live()?;
    Some(root.with_rare(|rare| Arc::clone(rare.deadlines.get_or_insert_default())))
}

fn timed_out(node: &Node, deadline: Deadline) -> Error {
    Error::TimedOut(TimedOut::new(
        node.error_path(),
        deadline.after,
        deadline.at,
    ))
}

impl Deadlines {
    fn insert<R: Runtime>(self: &Arc<Self>, place: Place, node: Weak<Node>, rt: &R) {
        let mut schedule = lock(&self.0);
        let is_earliest = schedule
            .entries
            .first_key_value()
            .is_none_or(|(first, _)| place < *first);
        schedule.entries.insert(place, node);
        if !schedule.is_driven {
            schedule.is_driven = true;
            drop(schedule);
            rt.spawn(Driver::new(self, rt));
        } else if is_earliest {
            let waker = schedule.waker.take();
            drop(schedule);
            wake(waker);
        }
    }

    fn remove(&self, place: Place) {
        let mut schedule = lock(&self.0);
        let was_earliest = schedule
            .entries
            .first_key_value()
            .is_some_and(|(first, _)| *first == place);
        schedule.entries.remove(&place);
        let waker = if was_earliest {
            schedule.waker.take()
        } else {
            None
        };
        drop(schedule);
        wake(waker);
    }

    /// Takes out what is due; or says when the next is, and keeps `waker` for when that changes.
    fn next(&self, now: Instant, waker: &Waker) -> Next {
        let fresh = waker.clone(); // user code: outside the lock
        let mut schedule = lock(&self.0);
        let later = schedule.entries.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut schedule.entries, later);
        if !due.is_empty() {
            return Next::Due(due.into_values().collect());
        }
        let next = schedule.entries.first_key_value().map(|((at, _), _)| *at);
        schedule.is_driven = next.is_some(); // invariant 2
        let old = schedule.waker.replace(fresh);
        drop(schedule);
        drop(old);
        next.map_or(Next::Nothing, Next::At)
    }

    /// Ends what is left: nobody watches the time any more.
    fn orphan(&self) {
        let mut schedule = lock(&self.0);
        let left = std::mem::take(&mut schedule.entries);
        schedule.is_driven = false;
        let waker = schedule.waker.take();
        drop(schedule);
        drop(waker);
        for node in left.into_values().filter_map(|node| node.upgrade()) {
            let reason = Some("executor shut down".into());
            node.end(|| node.cancelled(reason, node.created_at(), None));
        }
    }
}

enum Next {
    Due(Vec<Weak<Node>>),
    At(Instant),
    Nothing,
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        isolate("a waker", || waker.wake());
    }
}

impl Entry {
    pub(crate) fn cancel(self) {
        self.deadlines.remove(self.place);
    }
}

/// The task that ends the nodes of one tree when they are due.
struct Driver<R: Runtime> {
    deadlines: Arc<Deadlines>,
    rt: R,
    /// Boxed: it is made late and must not move.
    sleep: Option<(Instant, Pin<Box<R::Sleep>>)>,
    /// It found nothing left; whoever comes next has spawned another driver.
    is_over: bool,
}

impl<R: Runtime> Unpin for Driver<R> {}

impl<R: Runtime> Future for Driver<R> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match self.deadlines.next(self.rt.now(), cx.waker()) {
                Next::Nothing => {
                    self.is_over = true;
                    return Poll::Ready(());
                }
                Next::Due(nodes) => nodes.iter().filter_map(Weak::upgrade).for_each(end_overdue),
                Next::At(at) => match self.poll_sleep(at, cx) {
                    // The sleep will wake us, or whoever changes what is earliest.
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Clock::Gone) => return Poll::Ready(()), // the drop ends the rest
                    Poll::Ready(Clock::Runs) => {}
                },
            }
        }
    }
}

enum Clock {
    Runs,
    Gone,
}

impl<R: Runtime> Driver<R> {
    fn new(deadlines: &Arc<Deadlines>, rt: &R) -> Self {
        Driver {
            deadlines: Arc::clone(deadlines),
            rt: rt.clone(),
            sleep: None,
            is_over: false,
        }
    }

    /// Sleeps until `at`, on the one sleep that there is.
    fn poll_sleep(&mut self, at: Instant, cx: &mut Context<'_>) -> Poll<Clock> {
        let fresh = || (at, Box::pin(self.rt.sleep_until(at)));
        let (armed, sleep) = self.sleep.get_or_insert_with(fresh);
        if *armed != at {
            sleep.as_mut().reset(at);
            *armed = at;
        }
        let poll = sleep.as_mut().poll(cx);
        let is_gone = sleep.is_orphaned();
        if poll.is_ready() {
            self.sleep = None; // fired: should it be early, it is made anew
        }
        poll.map(|()| if is_gone { Clock::Gone } else { Clock::Runs })
    }
}

fn end_overdue(node: Arc<Node>) {
    if let Some(deadline) = node.extras().and_then(|extras| extras.deadline) {
        node.end(|| timed_out(&node, deadline));
    }
}

impl<R: Runtime> Drop for Driver<R> {
    /// The executor drops it, or the clock has gone: nobody watches the time any more.
    fn drop(&mut self) {
        if !self.is_over {
            self.deadlines.orphan();
        }
    }
}
