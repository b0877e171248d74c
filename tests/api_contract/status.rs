//! The view of what ends once; and the sets that the wait functions take.

use std::task::{Context, Poll};

use windlass::{
    ChildPromise, Ctx, CtxGuard, Error, Event, FutureStatus, Promise, ResettablePromise, State,
    Task, TaskWatch, WaitSet, WaitSlot,
};

use super::{Mute, is_copy, is_debug, is_default, is_equal, shapes};

/// A foreign type, with only what is required.
struct Foreign<P>(P);

impl<P: FutureStatus> FutureStatus for Foreign<P> {
    fn state(&self) -> State {
        self.0.state()
    }
    fn error(&self) -> Option<Error> {
        self.0.error()
    }
    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_done(slot, cx)
    }
}

fn status<S: FutureStatus + ?Sized>() {
    shapes! {
        S::state => fn(&S) -> State;
        S::error => fn(&S) -> Option<Error>;
        S::poll_done => fn(&S, &mut WaitSlot, &mut Context<'_>) -> Poll<()>;
        S::cancel => fn(&S) -> bool;
        S::is_done => fn(&S) -> bool;
        S::is_cancelled => fn(&S) -> bool;
        S::is_failed => fn(&S) -> bool;
    }
}

fn set<W: WaitSet>() {}

fn who_has_one<R, T>() {
    status::<dyn FutureStatus>();
    status::<Ctx<R>>();
    status::<CtxGuard<R>>();
    status::<TaskWatch>();
    status::<Event>();
    status::<Promise<T>>();
    status::<ChildPromise<T>>();
    status::<ResettablePromise<T>>();
    status::<&Event>();
    status::<&dyn FutureStatus>();
    status::<Foreign<Event>>();
}

/// `Send` is enough.
fn tasks<T: Send>() {
    status::<Task<T>>();
}

fn sets<'a, W: FutureStatus + 'a>() {
    set::<&'a [W]>();
    set::<&'a Vec<W>>();
    set::<&'a [W; 3]>();
    set::<[W; 3]>();
    set::<[W; 0]>();
    set::<Vec<W>>();
}

fn tuples<'a, W: FutureStatus>() {
    set::<(W,)>();
    set::<(W, &'a dyn FutureStatus)>();
    set::<(W, W, W)>();
    set::<(W, W, W, W)>();
    set::<(W, W, W, W, W)>();
    set::<(W, W, W, W, W, W)>();
    set::<(W, W, W, W, W, W, W)>();
    set::<(W, W, W, W, W, W, W, W)>();
    set::<(W, W, W, W, W, W, W, W, W)>();
    set::<(W, W, W, W, W, W, W, W, W, W)>();
    set::<(W, W, W, W, W, W, W, W, W, W, W)>();
    set::<(W, W, W, W, W, W, W, W, W, W, W, &'a dyn FutureStatus)>();
}

#[test]
fn view_and_sets() {
    who_has_one::<Mute, Mute>();
    tasks::<std::cell::Cell<u8>>();
    sets::<Foreign<Event>>();
    sets::<&dyn FutureStatus>();
    tuples::<Event>();
    is_copy::<State>();
    is_equal::<State>();
    is_debug::<State>();
    is_default::<WaitSlot>();
    is_debug::<WaitSlot>();
    let [_, _, _] = [State::Pending, State::Stopping, State::Done];
}
