//! Promises and the recipes on them.

use windlass::{
    BoxError, CallbackId, ChildPromise, Error, Name, Promise, ResettablePromise, Result,
    find_and_apply_result, noncancelled_results, transfer_errors, transfer_result,
};

use super::{Mute, is_debug, is_send, is_sync, shapes};

fn promise<T, N: Into<Name>, E: Into<BoxError>>() {
    shapes! {
        Promise::<T>::new => fn() -> Promise<T>;
        Promise::<T>::named => fn(N) -> Promise<T>;
        Promise::<T>::set => fn(&Promise<T>, T) -> bool;
        Promise::<T>::try_set => fn(&Promise<T>, T) -> Result<(), T>;
        Promise::<T>::fail => fn(&Promise<T>, E) -> bool;
        Promise::<T>::cancel => fn(&Promise<T>) -> bool;
        Promise::<T>::wait => fn(&Promise<T>) -> Promise<T>;
        Promise::<T>::outcome => fn(&Promise<T>) -> Option<Result<&T, &Error>>;
        Promise::<T>::remove_on_done => fn(&Promise<T>, CallbackId) -> bool;
        Promise::<T>::has_on_done => fn(&Promise<T>, CallbackId) -> bool;
        ChildPromise::<T>::cancel_parent => fn(&ChildPromise<T>) -> bool;
        noncancelled_results::<T> => fn(&[Promise<T>]) -> (Vec<&T>, Vec<&Error>);
    }
    is_debug::<Promise<T>>();
    is_debug::<ChildPromise<T>>();
    is_debug::<ResettablePromise<T>>();
}

fn resettable<T, E: Into<BoxError>>() {
    shapes! {
        ResettablePromise::<T>::new => fn() -> ResettablePromise<T>;
        ResettablePromise::<T>::set => fn(&ResettablePromise<T>, T) -> bool;
        ResettablePromise::<T>::fail => fn(&ResettablePromise<T>, E) -> bool;
        ResettablePromise::<T>::cancel => fn(&ResettablePromise<T>) -> bool;
        ResettablePromise::<T>::wait => fn(&ResettablePromise<T>) -> Promise<T>;
        ResettablePromise::<T>::reset => fn(&ResettablePromise<T>) -> bool;
        ResettablePromise::<T>::force_reset => fn(&ResettablePromise<T>);
    }
}

/// A departure: callbacks may wait for their turn on a thread's list, so `T` borrows nothing.
fn callbacks<T: 'static, F: FnOnce(Result<&T, &Error>) + Send + 'static>() {
    shapes! { Promise::<T>::on_done::<F> => fn(&Promise<T>, F) -> CallbackId; }
}

/// A departure: the parent may end on any thread, and ends the child there.
fn child<T: Send + Sync + 'static>() {
    fn is<D: std::ops::Deref<Target = T>, T>() {}
    shapes! { Promise::<T>::child => fn(&Promise<T>) -> ChildPromise<T>; }
    is::<ChildPromise<T>, Promise<T>>();
    is_send::<Promise<T>>();
    is_sync::<Promise<T>>();
    is_send::<ChildPromise<T>>();
    is_send::<ResettablePromise<T>>();
    is_sync::<ResettablePromise<T>>();
}

fn awaiting<T: Clone>() {
    fn gives<F: Future<Output = T>, T>() {}
    gives::<Promise<T>, Result<T>>();
    gives::<ChildPromise<T>, Result<T>>();
    shapes! { find_and_apply_result::<T> => fn(&Promise<T>, &[Promise<T>]) -> bool; }
}

/// What the recipes give holds nothing of the reference it is made of.
fn recipes<S, T: Clone + Send + Sync + 'static>(
    promise: Promise<T>,
) -> impl FnOnce(Result<&S, &Error>) + Send + 'static + use<S, T> {
    fn is<T, F: FnOnce(Result<&T, &Error>) + Send + 'static>(f: F) -> F {
        f
    }
    drop(is::<T, _>(transfer_result(&promise)));
    is(transfer_errors::<S, T>(&promise))
}

#[test]
fn promises_and_recipes() {
    let _ = recipes::<u8, u8>;
    promise::<Mute, &'static str, &'static str>();
    promise::<std::rc::Rc<()>, String, BoxError>();
    resettable::<Mute, BoxError>();
    callbacks::<Mute, fn(Result<&Mute, &Error>)>();
    child::<Mute>();
    awaiting::<std::rc::Rc<()>>();
}
