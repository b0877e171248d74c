//! [`Inbox`]: sources that no task has begun with, and the tasks that are called for them.
//!
//! A source that runs as a task need not have one of its own: most futures that were ready when
//! they were fed are over in their first poll, and a task would be made for that alone. So those
//! that are fed wait here, and a task takes up one after the other, until one of them has to wait:
//! the task is that one's from then on, and the rest get tasks of their own at once, so that none
//! is late. Iterators and streams, which take turns with the consumer, get their own from the start.
//!
//! # Invariants
//!
//! 1. While there are sources, so many tasks were spawned for them that have not begun (`called`)
//!    as there are sources, or as run at a time (`width`); at least one after some have begun. So a
//!    task need not come back for the rest, and sources that keep their threads busy run in parallel.
//! 2. Whoever breaks this puts it right: who feeds calls one more, the last one that begins calls
//!    another one, the last one that is dropped before it began interrupts what is here, and comes
//!    back until nothing is.
//! 3. Where a thread keeps for itself what it has spawned or woken last, until the poll that it is in
//!    returns (`in_a_row` is 1), no source is run after that in the same poll: it may be a long one,
//!    and the task that was called, the consumer, or another source would wait for its end. So there
//!    the last one that begins calls another one and comes back, still counted as one that has not
//!    begun; and a task that is over with a source comes back for the next.
//!
//! # What a source costs
//!
//! Beside what the executor does for a task; of futures that are ready in their first poll, and of
//! items of streams.
//!
//! | | a future, in a task of its own | a future | an item of a stream |
//! |---|---|---|---|
//! | tasks of the executor | 1 | 1 of 64, or few | 0 |
//! | allocations | 2 | 1 | 0 |
//! | locks to feed it | 2 | 1 | 0 |
//! | locks to run it | 3 | 1 | 1, and 1 to park |
//! | locks to deliver it | 1 a batch | 1 a batch | 1 a batch |
//! | wakes | 1 a batch | 1 a batch; or 1, and 1 a batch | 1, and 1 a batch |
//!
//! Where there is an "or", what follows it is for executors of invariant 3.

use std::collections::VecDeque;

use super::{
    core::{Core, Locked},
    driver::Driver,
    job::{End, Job},
    lock::Lock,
    queued::KEPT,
    running::Running,
};
use crate::{
    sync::{Arc, mutant},
    task::light::{self, May},
};

/// So many sources at most are given tasks of their own in one poll.
const SPREAD: usize = 256;

/// How a merge has its sources run as tasks.
pub(super) struct Start<T, D: Driver> {
    /// Starts a job as a task, or as a light one.
    pub(super) spawn: Spawn<T, D>,
    /// How many tasks run at the same time, about.
    pub(super) width: usize,
    /// How many sources a task may take up in one poll: more than one, where nothing that it wakes
    /// or spawns meanwhile has to wait for the end of the poll.
    pub(super) in_a_row: usize,
}

type Spawn<T, D> = Box<dyn Fn(Job<T, D>, bool) + Send + Sync>;

pub(super) struct Inbox<S> {
    sources: VecDeque<S>,
    called: usize,
    /// The executor has dropped a task that was called: nobody comes back for another one.
    is_refused: bool,
}

impl<S> Default for Inbox<S> {
    fn default() -> Self {
        Inbox {
            sources: VecDeque::new(),
            called: 0,
            is_refused: false,
        }
    }
}

impl<S> Inbox<S> {
    /// Says whether to call a task.
    fn push(&mut self, source: S, width: usize) -> bool {
        self.sources.push_back(source);
        let must_call = self.called < width.min(self.sources.len());
        self.called += usize::from(must_call);
        must_call
    }

    /// For a task that was called; says whether to call another one. Without a first source it
    /// counts as one that has not begun, and comes back.
    fn begin(&mut self, comes_back: bool) -> (Option<S>, bool) {
        let comes_back = comes_back && !self.is_refused;
        if comes_back && self.called == 1 && self.sources.len() > 1 {
            self.called += 1;
            return (None, true);
        }
        let first = self.pop();
        let must_call = self.called == 1 && !self.sources.is_empty();
        if !must_call && !mutant("begin_without_counting") {
            self.called -= 1;
        }
        (first, must_call)
    }

    /// For a task that was called and is dropped.
    fn refuse(&mut self) -> Option<S> {
        self.is_refused = true;
        let is_last = self.called == 1 && !mutant("refuse_without_looking");
        let next = if is_last { self.pop() } else { None };
        self.called -= usize::from(next.is_none());
        next
    }

    /// The last one gives back the room that a burst took.
    fn pop(&mut self) -> Option<S> {
        let next = self.sources.pop_front();
        if self.sources.is_empty() && self.sources.capacity() > KEPT {
            self.sources = VecDeque::new();
        }
        next
    }

    fn take_some(&mut self) -> Vec<S> {
        let many = self.sources.len().min(SPREAD);
        self.sources.drain(..many).collect()
    }
}

impl<T, D: Driver> Core<T, D> {
    /// Has a task begin with the source; a light one, which takes up several, if it may.
    pub(super) fn start(
        self: &Arc<Self>,
        mut state: Locked<'_, T, D>,
        mut source: Running<T, D>,
        is_light: bool,
    ) {
        if is_light {
            light::count(self.ctx.node());
        }
        if !is_light || source.kind().is_many() {
            drop(state);
            return self.spawn(Job::new(source, Arc::clone(self)), is_light);
        }
        let width = self.start.as_ref().map_or(1, |start| start.width);
        let must_call = state.inbox.push(source, width);
        drop(state);
        if must_call {
            self.call_task();
        }
    }

    fn call_task(self: &Arc<Self>) {
        self.spawn(Job::called(Arc::clone(self)), true);
    }

    fn spawn(&self, job: Job<T, D>, is_light: bool) {
        match &self.start {
            Some(start) => (start.spawn)(job, is_light),
            None => unreachable!("in place, sources go to the streamer"),
        }
    }

    pub(super) fn in_a_row(&self) -> usize {
        self.start.as_ref().map_or(1, |start| start.in_a_row)
    }

    /// The first source for a task that was called; or whether that comes back for it.
    pub(super) fn begin(self: &Arc<Self>) -> (Option<Running<T, D>>, bool) {
        let comes_back = self.in_a_row() == 1;
        let (first, must_call) = self.state.lock().inbox.begin(comes_back);
        if must_call {
            self.call_task();
        }
        let is_later = must_call && first.is_none();
        (first, is_later)
    }

    /// The next source that nobody will begin with, for a task that was called and is dropped.
    pub(super) fn refuse(&self) -> Option<Running<T, D>> {
        self.state.lock().inbox.refuse()
    }

    /// Takes the end of the source that a task was busy with, and gives the next one if it may go
    /// on; or whether it comes back for it.
    pub(super) fn next(
        self: &Arc<Self>,
        last: Option<End<T>>,
        may: May,
    ) -> (Option<Running<T, D>>, bool) {
        let mut state = self.state.lock();
        let has_more = !state.inbox.sources.is_empty();
        let next = match may {
            May::Begin => state.inbox.pop(),
            May::Wait | May::End => None,
        };
        match last {
            Some(End { event, slot }) => self.hand_in(state, event, true, slot),
            None => drop(state),
        }
        (next, has_more && may == May::Wait && self.in_a_row() == 1)
    }

    /// Gives the sources that are here tasks of their own, because one before them has to wait.
    pub(super) fn spread(self: &Arc<Self>) {
        let rest = self.state.lock().inbox.take_some();
        for source in rest {
            self.spawn(Job::new(source, Arc::clone(self)), true);
        }
    }
}
