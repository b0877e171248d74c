//! [`stop_stream`].

use std::{future::poll_fn, task::ready};

use futures::Stream;

use crate::{ctx::yield_once, report::isolate};

/// Stops a stream that is not wanted any more: drops it, and lets those run who heard of it.
///
/// Dropping is what stops a stream in Rust: its cleanup (the destructors of what it holds) has run
/// when this returns, whether it was never polled, is in the midst of something, or has ended. A
/// panic in there is reported and goes no further. It then yields to the executor once, so that
/// tasks that were woken by it get their turn.
///
/// # Cancel safety
///
/// The stream is dropped in the first poll, or with the future.
///
/// # Examples
///
/// ```
/// use futures::{StreamExt as _, channel::mpsc, executor::block_on};
///
/// let (sender, mut numbers) = mpsc::unbounded();
/// sender.unbounded_send(1).unwrap();
/// block_on(async {
///     assert_eq!(numbers.next().await, Some(1));
///     windlass::stop_stream(numbers).await;
///     assert!(sender.is_closed());
/// });
/// ```
pub async fn stop_stream<S: Stream>(stream: S) {
    isolate("the destructor of a stream", || drop(stream));
    let mut has_yielded = false;
    poll_fn(|cx| {
        ready!(yield_once(&mut has_yielded, cx)); // pending: we have woken ourselves
        ().into()
    })
    .await;
}
