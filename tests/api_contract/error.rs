//! The one error, its kinds, and what becomes one.

use std::{
    any::Any,
    borrow::Cow,
    error::Error as StdError,
    io,
    panic::Location,
    time::{Duration, Instant},
};

use windlass::{BoxError, Cancelled, Error, Failed, Name, NestedRun, Panicked, TimedOut, ok};

use super::{is_debug, is_error, is_name, shapes};

fn aliases<T, E>() {
    let _: fn(Box<dyn StdError + Send + Sync>) -> BoxError = |error| error;
    let _: fn(Cow<'static, str>) -> Name = |name| name;
    let _: fn(Result<T, Error>) -> windlass::Result<T> = |result| result;
    let _: fn(Result<T, E>) -> windlass::Result<T, E> = |result| result;
    shapes! { ok::<T> => fn(T) -> windlass::Result<T, BoxError>; }
    is_name::<&'static str>();
    is_name::<String>();
    is_name::<Name>();
}

fn kinds() {
    shapes! {
        Error::Cancelled => fn(Cancelled) -> Error;
        Error::TimedOut => fn(TimedOut) -> Error;
        Error::Panicked => fn(Panicked) -> Error;
        Error::Failed => fn(Failed) -> Error;
        Cancelled::path => fn(&Cancelled) -> &str;
        Cancelled::reason => fn(&Cancelled) -> Option<&str>;
        Cancelled::location => fn(&Cancelled) -> &'static Location<'static>;
        TimedOut::path => fn(&TimedOut) -> &str;
        TimedOut::after => fn(&TimedOut) -> Duration;
        TimedOut::deadline => fn(&TimedOut) -> Instant;
        Panicked::message => fn(&Panicked) -> &str;
        Panicked::into_panic => fn(Panicked) -> windlass::Result<Box<dyn Any + Send>, Panicked>;
        Failed::get_ref => fn(&Failed) -> &(dyn StdError + Send + Sync + 'static);
    }
    is_error::<Error>();
    is_error::<Cancelled>();
    is_error::<TimedOut>();
    is_error::<Panicked>();
    is_debug::<Failed>();
    is_debug::<NestedRun>();
}

fn questions<E: StdError + 'static, I: Into<BoxError>>() {
    shapes! {
        Failed::downcast_ref::<E> => fn(&Failed) -> Option<&E>;
        Error::failed => fn(I) -> Error;
        Error::is::<E> => fn(&Error) -> bool;
        Error::downcast_ref::<E> => fn(&Error) -> Option<&E>;
        Error::is_cancelled => fn(&Error) -> bool;
        Error::is_timed_out => fn(&Error) -> bool;
        Error::is_panic => fn(&Error) -> bool;
        Error::is_failed => fn(&Error) -> bool;
        Error::resume_panic => fn(Error) -> Error;
    }
}

fn conversions() {
    shapes! {
        <Error as From<io::Error>>::from => fn(io::Error) -> Error;
        <Error as From<BoxError>>::from => fn(BoxError) -> Error;
        <Error as From<&'static str>>::from => fn(&'static str) -> Error;
        <Error as From<String>>::from => fn(String) -> Error;
        <io::Error as From<Error>>::from => fn(Error) -> io::Error;
        <BoxError as From<Error>>::from => fn(Error) -> BoxError;
    }
}

/// `?` in both directions, and `ok` at the end of a body with errors of several types.
fn several_types(text: &str) -> Result<i32, BoxError> {
    let body = || {
        let _: usize = text.parse()?;
        Err::<(), _>(Error::from("ours"))?;
        ok(1)
    };
    body()
}

#[test]
fn kinds_questions_and_conversions() {
    aliases::<super::Mute, super::Mute>();
    kinds();
    questions::<io::Error, BoxError>();
    questions::<std::fmt::Error, &'static str>();
    questions::<Error, Error>();
    conversions();
    assert_eq!(several_types("1").unwrap_err().to_string(), "ours");
}
