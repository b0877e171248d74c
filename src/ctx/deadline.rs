//! Deadlines of contexts: one driver a tree, with one sleep.
//!
//! A node is not linked for its deadline; its parent is, so that every end above comes by there.
//!
//! # Invariants
//!
//! 1. An entry is in `entries` until it is due, or its node ends or goes. If the node ends with
//!    something above it, the entry may stay until the node goes, but the driver does not sleep for
//!    it: that end, and the driver itself, take off what has ended in front of the first that has
//!    not ([`Deadlines::prune`]).
//! 2. While there are entries, a driver is running, or about to be spawned by whoever made the
//!    first entry. It ends, under the lock, when it finds none.
//! 3. The driver is woken when an earlier entry comes, and when the earliest goes: its sleep never
//!    stays armed for something that is no longer there.
//! 4. Entries hold nodes weakly, and the driver holds none.
//! 5. The parent of a node with an entry has a `Live` half that knows the deadlines. It learned of
//!    them under its lock: before it was done, and its end prunes; or after, and whoever made the
//!    entry sees that end and takes it off. The same goes for an end that prunes before it comes.

mod sorted;

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, Waker},
    time::Instant,
};

use self::sorted::Sorted;
use super::{extras::Deadline, live::Live, tree::Node};
use crate::{
    Error, Runtime, Sleep,
    error::TimedOut,
    report::isolate,
    sync::{Arc, Mutex, Weak, lock, mutant},
};

/// The deadlines below one root.
#[derive(Default)]
pub(crate) struct Deadlines(Mutex<Schedule>);

#[derive(Default)]
struct Schedule {
    entries: Sorted<Place, Weak<Node>>,
    registered: u64,
    is_driven: bool,
    /// The driver's, while it sleeps.
    waker: Option<Waker>,
}

/// Due when, and among those due then, registered when (from 1 on).
type Place = (Instant, u64);

/// Registers the deadline that `node` was built with.
pub(super) fn arm<R: Runtime>(node: &Arc<Node>, rt: &R) {
    let Some(deadline) = node.extras().and_then(|extras| extras.deadline.as_ref()) else {
        return;
    };
    if deadline.after.is_zero() {
        node.end(|| timed_out(node, deadline));
        return;
    }
    let Some(deadlines) = node.parent().and_then(|parent| of_tree(parent)) else {
        return; // the parent has ended, and the node with it
    };
    let registered = deadlines.insert(deadline.at, Arc::downgrade(node), rt);
    deadline.set_registered(registered);
    // Invariant 5: what ended above has found the entry, or one of the locks has shown us that end.
    if node.is_done() && !mutant("arm_without_looking") {
        deadlines.remove((deadline.at, registered));
    }
}

/// Takes the entry of `node` off the list, if it has one there.
pub(super) fn disarm(node: &Node) {
    let deadline = node.extras().and_then(|extras| extras.deadline.as_ref());
    let Some((deadline, registered)) = deadline.and_then(|d| Some((d, d.registered()?))) else {
        return;
    };
    let above = node.parent().and_then(|parent| parent.live());
    if let Some(deadlines) = above.and_then(|above| above.deadlines()) {
        deadlines.remove((deadline.at, registered));
    }
}

/// The deadlines of the tree, which `parent` knows from here on; `None` if it has ended.
fn of_tree(parent: &Node) -> Option<&Arc<Deadlines>> {
    let live = parent.link().ok()?;
    if live.deadlines().is_none() {
        let root: &Live = parent.path_up().last()?.live()?;
        if root.deadlines().is_none() {
            root.learn_deadlines(Arc::default());
        }
        live.learn_deadlines(Arc::clone(root.deadlines()?));
    }
    live.deadlines()
}

fn timed_out(node: &Node, deadline: &Deadline) -> Error {
    Error::TimedOut(TimedOut::new(
        node.error_path(),
        deadline.after,
        deadline.at,
    ))
}

impl Deadlines {
    /// Makes an entry; the second part of its place.
    fn insert<R: Runtime>(self: &Arc<Self>, at: Instant, node: Weak<Node>, rt: &R) -> u64 {
        let mut schedule = lock(&self.0);
        schedule.registered += 1;
        let place = (at, schedule.registered);
        let is_earliest = schedule.first().is_none_or(|first| place < first);
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
        place.1
    }

    fn remove(&self, place: Place) {
        let mut schedule = lock(&self.0);
        let was_earliest = schedule.first() == Some(place);
        let gone = schedule.entries.remove(&place);
        let waker = if was_earliest {
            schedule.waker.take()
        } else {
            None
        };
        drop(schedule);
        drop(gone);
        wake(waker);
    }

    /// Takes off what has ended in front of the first that has not: something above it ended.
    pub(crate) fn prune(&self) {
        loop {
            let first = lock(&self.0).entries.first().map(copied);
            let Some((place, node)) = first else {
                return;
            };
            // The node may go right here, outside the lock.
            if node.upgrade().is_some_and(|node| !node.is_done()) {
                return;
            }
            self.remove(place); // one less: the loop ends
        }
    }

    #[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).first().is_none()
    }

    /// Takes out what is due; or says when the next is, and keeps `waker` for when that changes.
    fn next(&self, now: Instant, waker: &Waker) -> Next {
        let fresh = waker.clone(); // user code: outside the lock
        let mut schedule = lock(&self.0);
        if schedule.first().is_some_and(|(at, _)| at <= now) {
            return Next::Due(schedule.entries.take_until(&(now, u64::MAX)));
        }
        let next = schedule.first().map(|(at, _)| at);
        schedule.is_driven = next.is_some(); // invariant 2
        let old = schedule.waker.replace(fresh);
        drop(schedule);
        drop(old);
        next.map_or(Next::Nothing, Next::At)
    }

    /// Ends what is left: nobody watches the time any more.
    fn orphan(&self) {
        let mut schedule = lock(&self.0);
        let left = schedule.entries.take_all();
        schedule.is_driven = false;
        let waker = schedule.waker.take();
        drop(schedule);
        drop(waker);
        for node in left.into_iter().filter_map(|node| node.upgrade()) {
            let reason = Some("executor shut down".into());
            node.end(|| node.cancelled(reason, node.created_at(), None));
        }
    }
}

impl Schedule {
    fn first(&self) -> Option<Place> {
        self.entries.first().map(|(place, _)| place)
    }
}

fn copied((place, node): (Place, &Weak<Node>)) -> (Place, Weak<Node>) {
    (place, Weak::clone(node))
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
            self.deadlines.prune();
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
    if let Some(deadline) = node.extras().and_then(|extras| extras.deadline.as_ref()) {
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
