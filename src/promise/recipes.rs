//! Recipes on promises: carrying outcomes from one to another, and looking at several at once.

use std::collections::HashSet;

use super::Promise;
use crate::{Error, Result};

/// Makes a callback that gives `to` the outcome of what it is registered on.
///
/// Values are cloned; an error arrives as the very error, so a cancellation cancels `to`. If `to`
/// has an outcome by then, nothing happens. Until it is called, the callback counts as one who may
/// still set `to`.
///
/// What is to happen only after a transfer, register on `to`.
///
/// # Examples
///
/// ```
/// use windlass::{Promise, promise::recipes::transfer_result};
///
/// let (from, to) = (Promise::new(), Promise::new());
/// from.on_done(transfer_result(&to));
/// from.set(vec![1, 2]);
/// assert_eq!(to.outcome().unwrap().unwrap(), &[1, 2]);
/// ```
pub fn transfer_result<T: Clone + Send + Sync + 'static>(
    to: &Promise<T>,
) -> impl FnOnce(Result<&T, &Error>) + Send + 'static + use<T> {
    let to = to.another_setter();
    move |outcome| {
        if !to.is_done() {
            let _: bool = to.cell.set(outcome.cloned().map_err(Error::clone));
        }
    }
}

/// Makes a callback that gives `to` the error of what it is registered on, if that ends with one.
///
/// An error arrives as the very error, so a cancellation cancels `to`. A value leaves `to` as it
/// is. Until it is called, the callback counts as one who may still set `to`.
///
/// # Examples
///
/// ```
/// use windlass::{Promise, promise::recipes::transfer_errors};
///
/// let (from, to) = (Promise::<u32>::new(), Promise::<String>::new());
/// from.on_done(transfer_errors(&to));
/// from.fail("disk full");
/// assert_eq!(to.outcome().unwrap().unwrap_err().to_string(), "disk full");
/// ```
pub fn transfer_errors<S, T: Send + Sync + 'static>(
    to: &Promise<T>,
) -> impl FnOnce(Result<&S, &Error>) + Send + 'static + use<S, T> {
    let to = to.another_setter();
    move |outcome| {
        if let Err(error) = outcome {
            to.end(error.clone());
        }
    }
}

/// Finds one outcome and gives it to `last` and all others that are pending.
///
/// It is the first that there is of these: the outcome of `last`, whatever it is; the first
/// failure in `all`; the first value; the first cancellation. If there is none, nothing happens.
///
/// True if this call gave `last` its outcome.
///
/// # Examples
///
/// ```
/// use windlass::{Promise, find_and_apply_result};
///
/// let (last, all) = (Promise::new(), [Promise::new(), Promise::new()]);
/// assert!(!find_and_apply_result(&last, &all));
/// all[1].set(5);
/// assert!(find_and_apply_result(&last, &all));
/// assert_eq!(last.outcome().unwrap().unwrap(), &5);
/// assert_eq!(all[0].outcome().unwrap().unwrap(), &5);
/// ```
pub fn find_and_apply_result<T: Clone>(last: &Promise<T>, all: &[Promise<T>]) -> bool {
    let Some(found) = last.outcome().or_else(|| find(all)) else {
        return false;
    };
    let found = || found.cloned().map_err(Error::clone);
    for pending in all.iter().filter(|promise| !promise.is_done()) {
        let _: bool = pending.cell.set(found()); // or somebody else was first
    }
    !last.is_done() && last.cell.set(found())
}

/// The outcome that counts: a failure before a value before a cancellation.
fn find<T>(all: &[Promise<T>]) -> Option<Result<&T, &Error>> {
    let done = || all.iter().filter_map(Promise::outcome);
    let is_failure = |outcome: &Result<&T, &Error>| outcome.is_err_and(|e| !e.is_cancelled());
    done()
        .find(is_failure)
        .or_else(|| done().find(|outcome| outcome.is_ok()))
        .or_else(|| done().next())
}

/// Collects the values and the errors there are, each in the order of `all`.
///
/// What is pending or cancelled is left out. An error that several share is listed once, at its
/// first place; errors that merely read the same are different.
///
/// # Examples
///
/// ```
/// use windlass::{Promise, noncancelled_results};
///
/// let all: [Promise<u32>; 4] = std::array::from_fn(|_| Promise::new());
/// all[0].set(1);
/// all[1].cancel();
/// all[2].fail("disk full");
/// let (values, errors) = noncancelled_results(&all);
/// assert_eq!(values, [&1]);
/// assert_eq!(errors[0].to_string(), "disk full");
/// assert_eq!(errors.len(), 1);
/// ```
pub fn noncancelled_results<T>(all: &[Promise<T>]) -> (Vec<&T>, Vec<&Error>) {
    let (mut values, mut errors) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for outcome in all.iter().filter_map(Promise::outcome) {
        match outcome {
            Ok(value) => values.push(value),
            Err(error) if error.is_cancelled() => {}
            Err(error) if seen.insert(error.address()) => errors.push(error),
            Err(_) => {}
        }
    }
    (values, errors)
}
