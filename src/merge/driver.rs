//! Who polls the sources: [`Tasks`] or [`InPlace`], and what each [`Takes`].
//!
//! The driver decides the type of the boxes, and so whether sources are `Send` or may borrow.

use std::{cell::RefCell, marker::PhantomData, pin::Pin, task::Context};

use super::{
    found::Found,
    lock::Lock,
    member::{Boxed, Member, State, Turned},
    source::{Held, HeldTask, Pinned, Pull},
};
use crate::{Error, Result, Task, sync::Mutex};

/// Sources run as tasks: in parallel, and also while the consumer is busy.
#[derive(Debug)]
pub enum Tasks {}

/// Sources are polled by the streamer: they may borrow and need not be `Send`.
#[derive(Debug)]
pub struct InPlace<'a>(PhantomData<&'a ()>);

/// What drives sources. Sealed: [`Tasks`] and [`InPlace`].
pub trait Driver: sealed::Sealed + Sized {
    #[doc(hidden)]
    type Feed<T>;
    #[doc(hidden)]
    type Each<T>;
    #[doc(hidden)]
    type OnDone;
    #[doc(hidden)]
    type Lock<S>: Lock<S>;
    #[doc(hidden)]
    fn turn<T>(
        feed: &mut Self::Feed<T>,
        cx: &mut Context<'_>,
        has_calls: bool,
        found: &mut Option<Found<T>>,
    ) -> Turned<T, Self>;
    #[doc(hidden)]
    fn state<T>(feed: &mut Self::Feed<T>) -> &mut State;
    #[doc(hidden)]
    fn clear<T>(feed: &mut Self::Feed<T>);
    #[doc(hidden)]
    fn call_each<T>(each: &mut Self::Each<T>, value: &T);
    #[doc(hidden)]
    fn call_done(done: Self::OnDone, how: Result<(), &Error>);
}

/// A driver that takes sources and callbacks of the type `S`.
#[diagnostic::on_unimplemented(
    message = "`{S}` cannot be fed to a merge whose sources run as tasks",
    note = "sources that run as tasks are `Send + 'static`; `Merge::in_place` takes the others"
)]
pub trait Takes<S>: Driver {
    #[doc(hidden)]
    fn held<T, K: 'static>(source: S) -> Self::Feed<T>
    where
        Held<S, K>: Pull<T, Self>;
    #[doc(hidden)]
    fn pinned<T, K: 'static>(source: S) -> Self::Feed<T>
    where
        Pinned<S, K>: Pull<T, Self>;
    #[doc(hidden)]
    fn task(task: Task<S>) -> Self::Feed<S>;
    #[doc(hidden)]
    fn each<T>(f: S) -> Self::Each<T>
    where
        S: FnMut(&T);
    #[doc(hidden)]
    fn done(f: S) -> Self::OnDone
    where
        S: FnOnce(Result<(), &Error>);
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Tasks {}
    impl Sealed for super::InPlace<'_> {}
}

impl Driver for Tasks {
    type Feed<T> = Pin<Box<dyn Member<T, Tasks> + Send>>;
    type Each<T> = Box<dyn FnMut(&T) + Send>;
    type OnDone = Box<dyn FnOnce(Result<(), &Error>) + Send>;
    type Lock<S> = Mutex<S>;

    #[inline]
    fn turn<T>(
        feed: &mut Self::Feed<T>,
        cx: &mut Context<'_>,
        has_calls: bool,
        found: &mut Option<Found<T>>,
    ) -> Turned<T, Self> {
        feed.as_mut().turn(cx, has_calls, found)
    }
    fn state<T>(feed: &mut Self::Feed<T>) -> &mut State {
        feed.as_mut().state()
    }
    fn clear<T>(feed: &mut Self::Feed<T>) {
        feed.as_mut().clear();
    }
    fn call_each<T>(each: &mut Self::Each<T>, value: &T) {
        each(value);
    }
    fn call_done(done: Self::OnDone, how: Result<(), &Error>) {
        done(how);
    }
}

impl<S: Send + 'static> Takes<S> for Tasks {
    fn held<T, K: 'static>(source: S) -> Self::Feed<T>
    where
        Held<S, K>: Pull<T, Self>,
    {
        Boxed::pin(Held::new(source))
    }
    fn pinned<T, K: 'static>(source: S) -> Self::Feed<T>
    where
        Pinned<S, K>: Pull<T, Self>,
    {
        Boxed::pin(Pinned::new(source))
    }
    fn task(task: Task<S>) -> Self::Feed<S> {
        Boxed::pin(HeldTask(task))
    }
    fn each<T>(f: S) -> Self::Each<T>
    where
        S: FnMut(&T),
    {
        Box::new(f)
    }
    fn done(f: S) -> Self::OnDone
    where
        S: FnOnce(Result<(), &Error>),
    {
        Box::new(f)
    }
}

impl<'a> Driver for InPlace<'a> {
    type Feed<T> = Pin<Box<dyn Member<T, InPlace<'a>> + 'a>>;
    type Each<T> = Box<dyn FnMut(&T) + 'a>;
    type OnDone = Box<dyn FnOnce(Result<(), &Error>) + 'a>;
    type Lock<S> = RefCell<S>;

    #[inline]
    fn turn<T>(
        feed: &mut Self::Feed<T>,
        cx: &mut Context<'_>,
        has_calls: bool,
        found: &mut Option<Found<T>>,
    ) -> Turned<T, Self> {
        feed.as_mut().turn(cx, has_calls, found)
    }
    fn state<T>(feed: &mut Self::Feed<T>) -> &mut State {
        feed.as_mut().state()
    }
    fn clear<T>(feed: &mut Self::Feed<T>) {
        feed.as_mut().clear();
    }
    fn call_each<T>(each: &mut Self::Each<T>, value: &T) {
        each(value);
    }
    fn call_done(done: Self::OnDone, how: Result<(), &Error>) {
        done(how);
    }
}

impl<'a, S: 'a> Takes<S> for InPlace<'a> {
    fn held<T, K: 'static>(source: S) -> Self::Feed<T>
    where
        Held<S, K>: Pull<T, Self>,
    {
        Boxed::pin(Held::new(source))
    }
    fn pinned<T, K: 'static>(source: S) -> Self::Feed<T>
    where
        Pinned<S, K>: Pull<T, Self>,
    {
        Boxed::pin(Pinned::new(source))
    }
    fn task(task: Task<S>) -> Self::Feed<S> {
        Boxed::pin(HeldTask(task))
    }
    fn each<T>(f: S) -> Self::Each<T>
    where
        S: FnMut(&T),
    {
        Box::new(f)
    }
    fn done(f: S) -> Self::OnDone
    where
        S: FnOnce(Result<(), &Error>),
    {
        Box::new(f)
    }
}
