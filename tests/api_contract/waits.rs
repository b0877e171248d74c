//! Waiting, timeouts, events.

use std::{fmt::Debug, time::Duration};

use windlass::{
    AnyRuntime, BoxError, Event, EventWait, FutureStatus, Result, Timeout, Timer, Until, Wait,
    WaitSet, Waited, cancel_and_wait, wait_for_all, wait_for_first,
};

use super::{is_copy, is_debug, is_default, is_handle, is_send, is_static, sends, shapes};

async fn functions<W: WaitSet + Clone>(set: W) -> (Option<usize>, (), ()) {
    let first = wait_for_first(set.clone()).await;
    (
        first,
        wait_for_all(set.clone()).await,
        cancel_and_wait(set).await,
    )
}

fn functions_send<W: FutureStatus + Sync>(set: &[W]) {
    drop(sends(wait_for_first(set)));
    drop(sends(wait_for_all(set)));
    drop(sends(cancel_and_wait(set)));
}

/// A departure: `R` is the runtime, not its sleep.
fn in_a_context<R: Timer, W: WaitSet, F: Future, E: Into<BoxError>>() {
    fn gives<F: Future<Output = T> + Debug, T>() {}
    gives::<Wait<R, W>, Result<Waited>>();
    gives::<Timeout<R, F>, Result<F::Output>>();
    shapes! {
        Wait::<R, W>::timeout => fn(Wait<R, W>, Duration) -> Wait<R, W>;
        Timeout::<R, F>::error => fn(Timeout<R, F>, E) -> Timeout<R, F>;
        Timeout::<R, F>::notify => fn(Timeout<R, F>, &Event) -> Timeout<R, F>;
    }
}

fn in_a_context_send<
    R: windlass::Runtime,
    W: WaitSet + Send + 'static,
    F: Future + Send + 'static,
>() {
    is_send::<Wait<R, W>>();
    is_static::<Wait<R, W>>();
    is_send::<Timeout<R, F>>();
    is_static::<Timeout<R, F>>();
}

fn waited(waited: Waited) -> (Vec<usize>, Vec<usize>) {
    (waited.done, waited.pending)
}

fn event() {
    fn gives<F: Future<Output = ()>>() {}
    gives::<EventWait>();
    shapes! {
        Event::new => fn() -> Event;
        Event::set => fn(&Event);
        Event::clear => fn(&Event);
        Event::is_set => fn(&Event) -> bool;
        Event::wait => fn(&Event) -> EventWait;
    }
    is_handle::<Event>();
    is_default::<Event>();
    is_send::<EventWait>();
    is_static::<EventWait>();
    is_debug::<EventWait>();
}

#[test]
fn waits_timeouts_and_events() {
    type Ready = std::future::Ready<u8>;
    let _ = (functions::<&[Event]>, functions_send::<Event>, waited);
    in_a_context::<AnyRuntime, [Event; 2], Ready, &'static str>();
    in_a_context_send::<AnyRuntime, [Event; 2], Ready>();
    event();
    is_copy::<Until>();
    is_debug::<Until>();
    is_debug::<Waited>();
    let [_, _, _] = [Until::All, Until::First, Until::FirstError];
}
