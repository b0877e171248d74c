//! [`Light`]: tasks that nobody has a handle on, and that leave no trace unless they have to wait.
//!
//! For work of ours of which much is over in its first poll, as most sources of a merge are. A
//! light task takes up one [`Shift`] of it after the other, until one has to wait: it is the task
//! of that one from then on. So what is over at once costs no spawn and no allocation, and what
//! waits costs one of each, as it would alone.
//!
//! Each piece counts as a task of its node: from when it is accepted until it is over. If it waits
//! it gets the record by which it is listed, asked to end and named, as any task that is detached.
//!
//! | for what is over in its first poll | a task | a piece of a shift |
//! |---|---|---|
//! | spawns | 1 | a part of one |
//! | allocations, beside the executor's | 1 | 0 |
//! | locks, beside the executor's | 2 | 0 |
//! | counts of its node | 2 | 2 |

use std::{
    future::Future,
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::Pin,
    task::{Context, Poll},
};

use pin_project::{pin_project, pinned_drop};

use super::{
    current,
    finish::complete,
    harness::{self, Always},
    span,
    state::TaskCore,
};
use crate::{
    Error,
    ctx::{live::Live, roll, tree::Node},
    error::Panicked,
    runtime::Kept,
    sync::Arc,
};

/// Pieces of work that light tasks take up. As a future it is the piece that was taken up.
///
/// Each is counted ([`count`]) before it is accepted. Whoever has accepted a piece sees to it that a
/// light task is spawned that has not begun, or spawns one; whoever begins with pieces left does so,
/// too. So a light task may end at any time, also when there is more to do.
pub(crate) trait Shift: Future<Output = ()> + Unpin {
    /// The node that all pieces run in.
    fn node(&self) -> &Arc<Node>;
    /// How many pieces may be taken up in one poll.
    fn in_a_row(&self) -> usize;
    /// Lets go of the piece that is over, and takes up another one if there is one and it `may`.
    ///
    /// When the light task was dropped before it began, `may` says that it is to be ended.
    fn next(&mut self, may: May) -> Next;
    /// The piece has to wait, or has failed: it is the last one.
    fn waits(&mut self);
    /// Ends the piece, whose context has ended or whose executor goes.
    fn interrupt(&mut self);
}

/// What becomes of the next piece.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum May {
    Begin,
    /// The task was dropped: what nobody will begin with is taken up to be interrupted.
    End,
    /// Enough for one poll.
    Wait,
}

/// What a light task does next.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Next {
    /// It runs the piece that was taken up.
    Run,
    /// It comes back: what it has spawned or woken may have to wait until its poll is over.
    Later,
    Over,
}

/// Whether work in `node` may be light. A group is told of each task, a span is that of one task, and
/// an ended node takes none.
#[inline]
pub(crate) fn suits(node: &Node) -> bool {
    let is_plain = |live: &Arc<Live>| live.group().is_none();
    node.live().is_some_and(is_plain) && !span::is_wanted()
}

/// Has `node` count a piece of work.
#[inline]
pub(crate) fn count(node: &Node) {
    if let Some(live) = node.live() {
        live.expect_task();
    }
}

#[pin_project(PinnedDrop)]
pub(crate) struct Light<S: Shift> {
    /// Of the piece.
    id: u64,
    spawned_at: &'static Location<'static>,
    /// There once a piece has waited.
    core: Option<Arc<TaskCore<()>>>,
    shift: Option<S>,
}

impl<S: Shift> Light<S> {
    pub(crate) fn new(shift: S, spawned_at: &'static Location<'static>) -> Self {
        Light {
            id: 0,
            spawned_at,
            core: None,
            shift: Some(shift),
        }
    }
}

/// The record of a piece that has to wait, or did not return.
#[cold]
fn record(id: u64, at: &'static Location<'static>, node: &Arc<Node>) -> Arc<TaskCore<()>> {
    let core = TaskCore::new(Arc::clone(node), at, None);
    core.set_id(id);
    let _none_yet = core.detach(Kept::default());
    Arc::new(core)
}

impl<S: Shift> Future for Light<S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if let Some(core) = this.core {
            return harness::poll::<S, Always, ()>(core, Pin::new(this.shift), cx);
        }
        let Some(shift) = this.shift else {
            return Poll::Ready(()); // polled again after its end
        };
        let in_a_row = shift.in_a_row();
        let mut next = shift.next(May::Begin);
        for taken in 1.. {
            match next {
                Next::Run => {}
                Next::Over => break,
                Next::Later => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending; // woken just now
                }
            }
            *this.id = crate::ids::next_local();
            let first = first_poll(*this.id, shift, cx);
            let error = match first {
                First::Returned => {
                    let may = if taken < in_a_row {
                        May::Begin
                    } else {
                        May::Wait
                    };
                    next = shift.next(may);
                    if let Some(live) = shift.node().live() {
                        live.depart(None);
                    }
                    continue;
                }
                First::TooLate => {
                    interrupt(*this.id, this.spawned_at, shift);
                    next = shift.next(May::Begin);
                    continue;
                }
                First::Failed(error) => Some(Err(error)),
                First::Pending => None,
            };
            shift.waits();
            let core = &*this
                .core
                .insert(record(*this.id, this.spawned_at, shift.node()));
            if error.is_none() && harness::goes_on(core, cx) {
                return Poll::Pending; // the piece will wake us, or whoever asks for the end
            }
            return harness::end(core, Pin::new(this.shift), error);
        }
        Poll::Ready(())
    }
}

enum First {
    Returned,
    Pending,
    Failed(Error),
    /// The context has ended before.
    TooLate,
}

#[inline(always)]
fn first_poll<S: Shift>(id: u64, shift: &mut S, cx: &mut Context<'_>) -> First {
    if shift.node().is_done() {
        return First::TooLate;
    }
    let _current = current::enter_light(id, shift.node());
    match catch_unwind(AssertUnwindSafe(|| Pin::new(shift).poll(cx))) {
        Ok(Poll::Ready(())) => First::Returned,
        Ok(Poll::Pending) => First::Pending,
        Err(payload) => First::Failed(Error::Panicked(Panicked::new(payload))),
    }
}

/// Ends a piece that was never polled.
#[cold]
fn interrupt<S: Shift>(id: u64, at: &'static Location<'static>, shift: &mut S) {
    let core = record(id, at, shift.node());
    shift.interrupt();
    roll::answer(&*core); // before it departs: a shutdown looks at the roll then
    complete(&core, None);
}

#[pinned_drop]
impl<S: Shift> PinnedDrop for Light<S> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if let (Some(core), Some(_)) = (&this.core, &this.shift) {
            let _ = harness::end(core, Pin::new(this.shift), None);
        }
        let Some(shift) = this.shift else {
            return;
        };
        while shift.next(May::End) == Next::Run {
            interrupt(crate::ids::next_local(), this.spawned_at, shift);
        }
    }
}
