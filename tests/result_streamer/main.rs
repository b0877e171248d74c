//! The result streamer: behaviours STREAM and the regressions.
#![cfg(feature = "test-util")]

#[path = "../kit/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod kit;

/// Runs a script twice, each time in a simulation of its own: with sources that run as tasks, and
/// with sources that the streamer polls.
macro_rules! both {
    (|$sim:ident, $merge:ident| $script:block) => {{
        windlass::testing::simulate(async |$sim| {
            let $merge = windlass::Merge::new(&$sim.ctx, "results");
            $script;
            $sim.rt.settle().await;
            windlass::testing::assert_no_leaks(&$sim.ctx);
        });
        windlass::testing::simulate(async |$sim| {
            let $merge = windlass::Merge::in_place(&$sim.ctx, "results");
            $script;
            $sim.rt.settle().await;
            windlass::testing::assert_no_leaks(&$sim.ctx);
        });
    }};
}

mod bugs;
mod ends;
mod made;
mod work;

use std::fmt;

use futures::StreamExt;
use windlass::{Driver, Error, ResultStreamer, StreamedResult};

use self::kit::Log;

fn word<T: ToString, L>(result: &StreamedResult<T, L>) -> String {
    match &result.value {
        Ok(value) => value.to_string(),
        Err(error) => format!("failed({})", text(error)),
    }
}

fn text(error: &Error) -> String {
    if error.is_cancelled() {
        "cancelled".into()
    } else {
        error.to_string()
    }
}

/// The words of all results until the end.
async fn rest<T: ToString, L: Clone, D: Driver>(results: &mut ResultStreamer<T, L, D>) -> String {
    let words: Vec<_> = results.map(|result| word(&result)).collect().await;
    words.join(" ")
}

/// A catcher that notes each error, with its label.
fn noting<L: fmt::Display>(log: &Log) -> impl FnMut(&Error, &L) + Send + 'static + use<L> {
    let log = log.clone();
    move |error, label| log.add(format!("{label}:{}", text(error)))
}

/// Notes how a source ended.
fn ended(log: &Log) -> impl FnOnce(windlass::Result<(), &Error>) + Send + 'static + use<> {
    let log = log.clone();
    move |how| match how {
        Ok(()) => log.add("done"),
        Err(error) => log.add(format!("done: {}", text(error))),
    }
}
