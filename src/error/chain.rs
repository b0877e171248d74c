//! Walking a chain of sources, and finding our own errors in it.
//!
//! Following `source()` is not enough to find them. Many wrappers (a boxed `anyhow::Error` or
//! `eyre::Report`, `Arc<E>`, `Box<E>`, `#[error(transparent)]`) hide the type of what they hold and
//! hand on *its* source in place of it. But then they call `source()` on it. So while a walk asks a
//! link for its source, each error of ours that is called meanwhile, on this thread, says who it
//! is.

use std::{cell::RefCell, error::Error as StdError, io, iter, mem};

use super::Error;

/// No walk goes further: a chain is user code, and it may be a ring.
const LONGEST: usize = 256;
/// So many causes are printed.
const PRINTED: usize = 32;

type Link<'a> = &'a (dyn StdError + 'static);

/// The first `E` in the chain that starts at `head`.
pub(super) fn find<'a, E: StdError + 'static>(head: Link<'a>) -> Option<&'a E> {
    walk(head).find_map(|(link, _)| link.downcast_ref())
}

/// The errors of ours in the chain that starts at `head`, the hidden ones included.
pub(super) fn ours(head: Link<'_>) -> impl Iterator<Item = Error> {
    walk(head).filter_map(|(_, ours)| ours)
}

/// The text of `head` and of its causes, `outer: inner: innermost`.
///
/// A cause that the text before it ends with already is not repeated.
pub(crate) fn text_with_causes(head: &(dyn StdError + 'static)) -> String {
    let mut text = head.to_string();
    for (cause, _) in walk(head).take(PRINTED).skip(1) {
        let cause = cause.to_string();
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
    }
    text
}

/// Each link of the chain, with the error of ours that it is or hides.
fn walk(head: Link<'_>) -> impl Iterator<Item = (Link<'_>, Option<Error>)> {
    let mut next = Some(head);
    let links = iter::from_fn(move || {
        let link = next.take()?;
        let (source, heard) = listen(|| link.source());
        next = payload(link).or(source);
        Some((link, known(link).or(heard)))
    });
    links.take(LONGEST)
}

/// What an `io::Error` was made of, which its `source()` skips.
fn payload(link: Link<'_>) -> Option<Link<'_>> {
    let payload = link.downcast_ref::<io::Error>()?.get_ref()?;
    Some(payload)
}

fn known(link: Link<'_>) -> Option<Error> {
    if let Some(error) = link.downcast_ref::<Error>() {
        return Some(error.clone());
    }
    let cancelled = || Some(Error::Cancelled(link.downcast_ref().cloned()?));
    let timed_out = || Some(Error::TimedOut(link.downcast_ref().cloned()?));
    let panicked = || Some(Error::Panicked(link.downcast_ref().cloned()?));
    let failed = || Some(Error::Failed(link.downcast_ref().cloned()?));
    cancelled()
        .or_else(timed_out)
        .or_else(panicked)
        .or_else(failed)
}

// ===== who is asked for a source =====

/// What a walk on this thread hears from the errors of ours that are asked for their source.
enum Ear {
    Closed,
    Open,
    Heard(Error),
}

thread_local! {
    static EAR: RefCell<Ear> = const { RefCell::new(Ear::Closed) };
}

/// Runs `ask`; the second part is the first error of ours that it called `source()` on.
fn listen<T>(ask: impl FnOnce() -> T) -> (T, Option<Error>) {
    let before = Before(swap(Ear::Open));
    let answer = ask();
    let heard = match swap(Ear::Closed) {
        Ear::Heard(error) => Some(error),
        Ear::Open | Ear::Closed => None,
    };
    drop(before);
    (answer, heard)
}

/// Says who is being asked for its source, if a walk listens and nobody was quicker.
pub(super) fn answer(error: impl FnOnce() -> Error) {
    // Without thread-locals (the thread is going) there is no walk that listens.
    let _ = EAR.try_with(|ear| {
        let mut ear = ear.borrow_mut();
        if matches!(*ear, Ear::Open) {
            *ear = Ear::Heard(error());
        }
    });
}

/// Puts back what a walk further out was about to hear, also on a panic of the user's `source`.
struct Before(Ear);

impl Drop for Before {
    fn drop(&mut self) {
        drop(swap(mem::replace(&mut self.0, Ear::Closed)));
    }
}

/// Nothing is dropped while the ear is borrowed: errors hold user code.
fn swap(new: Ear) -> Ear {
    EAR.try_with(|ear| mem::replace(&mut *ear.borrow_mut(), new))
        .unwrap_or(Ear::Closed)
}
