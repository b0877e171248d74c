//! Stopping a stream.

use std::{pin::pin, time::Duration};

use futures::{Stream, StreamExt as _, stream};
use windlass::{Event, stop_stream};

use crate::{Log, Noted, Sim};

/// Counts from 0 and notes its cleanup.
fn counting(log: &Log) -> impl Stream<Item = u32> + use<> {
    let cleanup = Noted(log.clone(), "cleanup");
    stream::unfold((0, cleanup), |(at, cleanup)| async move {
        cleanup.0.note(at.to_string());
        (at < 3).then_some((at, (at + 1, cleanup)))
    })
}

#[test]
fn fut_76_and_78_stopping_runs_the_cleanup_and_produces_nothing_more() {
    let (sim, log) = (Sim::new(), Log::default());
    sim.rt.block_on(async {
        let mut numbers = Box::pin(counting(&log));
        assert_eq!(numbers.next().await, Some(0));
        assert_eq!(numbers.next().await, Some(1));
        stop_stream(numbers).await;
    });
    assert_eq!(log.all(), ["0", "1", "cleanup"]);
}

/// Bug Q-34: stopping gave its own reason back to the caller, who had to expect it.
#[test]
fn q_34_fut_73_to_75_and_80_stopping_is_quiet() {
    let (sim, log) = (Sim::new(), Log::default());
    sim.rt.block_on(async {
        let never_polled = counting(&log);
        let (): () = stop_stream(never_polled).await;
        assert_eq!(log.all(), ["cleanup"]);
        let mut exhausted = Box::pin(counting(&log));
        while exhausted.next().await.is_some() {}
        stop_stream(exhausted).await;
    });
    assert_eq!(log.all(), ["cleanup", "0", "1", "2", "3", "cleanup"]);
}

#[test]
fn a_cleanup_that_panics_goes_no_further() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad destructor");
        }
    }
    let bad = stream::unfold(Bad, |bad| async move { Some((1, bad)) });
    Sim::new().rt.block_on(stop_stream(bad));
}

#[test]
fn those_who_hear_of_the_stop_get_their_turn_before_it_returns() {
    let sim = Sim::new();
    let (dropped, heard) = (Event::new(), Event::new());
    struct Sets(Event);
    impl Drop for Sets {
        fn drop(&mut self) {
            self.0.set();
        }
    }
    let sets = Sets(dropped.clone());
    let watched = stream::poll_fn(move |_| {
        let _ = &sets;
        std::task::Poll::<Option<()>>::Pending
    });
    let (waits, says) = (dropped.wait(), heard.clone());
    let task = sim.ctx.spawn(async move {
        waits.await;
        says.set();
    });
    sim.rt.block_on(async {
        let mut yielded = pin!(sim.ctx.sleep(Duration::ZERO));
        yielded.as_mut().await.unwrap();
        stop_stream(watched).await;
        assert!(heard.is_set());
        task.await.unwrap();
    });
}

/// There is no reason to be raised inside: what stops a stream in Rust is that it is dropped.
#[test]
fn fut_71_72_a_stream_in_the_midst_of_a_wait_is_cleaned_up() {
    let (sim, log) = (Sim::new(), Log::default());
    let cleanup = Noted(log.clone(), "finally");
    let ctx = sim.ctx.clone();
    let waits = stream::once(async move {
        cleanup.0.note("wait");
        ctx.sleep(Duration::from_secs(60)).await.unwrap();
        cleanup.0.note("not reached");
    });
    sim.rt.block_on(async {
        let mut waits = Box::pin(waits);
        assert!(futures::poll!(waits.next()).is_pending());
        let (): () = stop_stream(waits).await;
    });
    assert_eq!(log.all(), ["wait", "finally"]);
}

#[test]
fn fut_77_stopping_what_ended_by_a_cancellation_inside_is_quiet() {
    let (sim, log) = (Sim::new(), Log::default());
    let inner = sim.ctx.child("inner");
    let (ends, cleanup) = (inner.clone(), Noted(log.clone(), "finally"));
    let counts = stream::unfold((0, inner, cleanup), |(at, inner, cleanup)| async move {
        cleanup.0.note(at.to_string());
        inner.sleep(Duration::from_secs(1)).await.ok()?;
        Some((at, (at + 1, inner, cleanup)))
    });
    sim.rt.block_on(async {
        let mut counts = Box::pin(counts);
        assert_eq!(counts.next().await, Some(0));
        ends.cancel();
        assert_eq!(counts.next().await, None);
        assert_eq!(log.all(), ["0", "1", "finally"]);
        stop_stream(counts).await;
    });
    assert_eq!(log.all(), ["0", "1", "finally"]);
}

#[test]
fn fut_79_every_part_is_cleaned_up_also_when_the_first_one_panics() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad destructor");
        }
    }
    let (sim, log) = (Sim::new(), Log::default());
    let parts = (Bad, Noted(log.clone(), "second"));
    let bad = stream::unfold(parts, |parts| async move { Some((1, parts)) });
    sim.rt.block_on(async {
        let mut bad = Box::pin(bad);
        assert_eq!(bad.next().await, Some(1));
        stop_stream(bad).await;
    });
    assert_eq!(log.all(), ["second"]);
}
