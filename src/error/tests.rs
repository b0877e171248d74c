//! What only this crate can make or ask: the four kinds, and whether two errors are one.

mod chains;
mod panics;
mod texts;
mod travelling;
#[cfg(feature = "anyhow")]
mod whole;

use std::{
    error::Error as StdError,
    io,
    panic::Location,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{BoxError, Cancelled, Error, Panicked, TimedOut};

fn cancelled() -> Error {
    cancelled_because(None)
}

fn cancelled_because(cause: Option<Error>) -> Error {
    let reason = Some("shutdown requested".into());
    let here = Location::caller();
    Error::Cancelled(Cancelled::new(
        "app-->server".to_owned(),
        reason,
        here,
        cause,
    ))
}

fn timed_out() -> Error {
    let after = Duration::from_millis(1500);
    Error::TimedOut(TimedOut::new(
        "app-->request".to_owned(),
        after,
        Instant::now(),
    ))
}

fn panicked() -> Error {
    Error::Panicked(Panicked::new(Box::new("boom")))
}

#[derive(Debug, thiserror::Error)]
#[error("the disk is full")]
struct DiskFull;

fn failed() -> Error {
    Error::failed(DiskFull)
}

fn each_kind() -> [Error; 4] {
    [cancelled(), timed_out(), panicked(), failed()]
}

const CARRIERS: &[Carrier] = &[
    ("a box", |e| e.into()),
    ("two boxes", |e| Box::new(e) as BoxError),
    ("a box of a box", |e| Box::new(Box::new(e))),
    ("an Arc", |e| Box::new(Arc::new(e))),
    ("an Arc of an Arc<dyn Error>", |e| {
        Box::new(Arc::new(Arc::new(e) as Arc<dyn StdError + Send + Sync>))
    }),
    ("io::Error::other", |e| io::Error::other(e).into()),
    ("io::Error::other twice", |e| {
        io::Error::other(io::Error::other(e)).into()
    }),
    ("io::Error::from", |e| io::Error::from(e).into()),
    ("anyhow", |e| anyhow::Error::from(e).into()),
    ("anyhow with context", |e| {
        anyhow::Error::from(e).context("while serving").into()
    }),
    ("anyhow with two contexts", |e| {
        anyhow::Error::from(e)
            .context("while serving")
            .context(7)
            .into()
    }),
    ("anyhow in io in anyhow", |e| {
        anyhow::Error::from(io::Error::other(anyhow::Error::from(e))).into()
    }),
    ("eyre", |e| eyre::Report::from(e).into()),
    ("eyre with context", |e| {
        eyre::Report::from(e).wrap_err("while serving").into()
    }),
    ("thiserror source", |e| AppError::Serving(e).into()),
    ("thiserror transparent", |e| AppError::Transparent(e).into()),
    ("thiserror, deep", |e| {
        AppError::Deeper(Box::new(AppError::Serving(e))).into()
    }),
    ("thiserror, deep and transparent", |e| {
        AppError::Deeper(Box::new(AppError::Transparent(e))).into()
    }),
    ("thiserror in anyhow in eyre", |e| {
        let report = anyhow::Error::from(AppError::Transparent(e)).context("while serving");
        eyre::Report::from(io::Error::other(report))
            .wrap_err("again")
            .into()
    }),
];

/// What applications do with errors: each takes one of ours and gives back a box.
type Carrier = (&'static str, fn(Error) -> BoxError);

#[derive(Debug, thiserror::Error)]
enum AppError {
    #[error("while serving")]
    Serving(#[source] Error),
    #[error(transparent)]
    Transparent(Error),
    #[error("deeper")]
    Deeper(#[source] Box<AppError>),
}
