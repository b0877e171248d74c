//! Odd input, and sources that watch how they are treated.

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures::{FutureExt, Stream, StreamExt, executor::block_on, stream};
use windlass::{Ctx, Fed, Merge, Source, testing::SimRuntime};

use crate::kit::{next, rest, settle, yield_now};

/// A source that must not be touched once it has said that it is over.
#[derive(Default)]
struct Once {
    left: u8,
    is_over: bool,
}

impl Once {
    fn of(left: u8) -> Self {
        Once {
            left,
            is_over: false,
        }
    }

    fn step(&mut self) -> Option<u8> {
        assert!(!self.is_over, "polled after its end");
        self.is_over = self.left == 0;
        self.left = self.left.saturating_sub(1);
        (!self.is_over).then_some(self.left)
    }
}

impl Iterator for Once {
    type Item = u8;
    fn next(&mut self) -> Option<u8> {
        self.step()
    }
}

impl Stream for Once {
    type Item = u8;
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<u8>> {
        Poll::Ready(self.step())
    }
}

impl Future for Once {
    type Output = u8;
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u8> {
        if self.step().is_none() {
            return Poll::Ready(0);
        }
        cx.waker().wake_by_ref(); // twice is once
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[test]
fn nothing_is_polled_after_its_end() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(2).split();
        for left in 0..4 {
            feeder.iter(Once::of(left));
            feeder.stream(Once::of(left));
            feeder.future(Once::of(left));
        }
        drop(feeder);
        let all = rest(&mut items).await;
        assert!(!all.contains("panic"), "{all}");
        // Of each iterator and stream as many values as it has, and an end; of each future a value.
        assert_eq!(all.split(' ').count(), 2 * (1 + 2 + 3) + 8 + 4 + 1);
    });
}

#[test]
fn nothing_is_polled_after_it_has_failed() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let mut has_failed = false;
        feeder.try_stream(stream::poll_fn(move |_| {
            assert!(!std::mem::replace(&mut has_failed, true));
            Poll::Ready(Some(Err::<u8, _>("broke")))
        }));
        let mut has_panicked = false;
        feeder.iter(std::iter::from_fn(move || -> Option<u8> {
            assert!(!has_panicked, "polled after a panic");
            has_panicked = true;
            panic!("meant: a source");
        }));
        drop(feeder);
        let all = rest(&mut items).await;
        assert_eq!(all, "failed(broke) failed(panic) stopped");
    });
}

#[test]
fn a_merge_may_be_a_source_of_another() {
    both!(|sim, merge| {
        let (outer, mut items) = merge.split();
        for part in 0..3 {
            let (inner, values) = Merge::new(&sim.ctx, "inner").split();
            inner.iter(part * 10..part * 10 + 3);
            inner.future(async move { part * 10 + 3 });
            outer.stream(values.filter_map(async |item| item.value()).boxed());
        }
        drop(outer);
        let mut values: Vec<i32> = Vec::new();
        while let Some(item) = items.next().await {
            values.extend(item.value());
        }
        values.sort();
        let expected: Vec<_> = (0..3).flat_map(|part| part * 10..part * 10 + 4).collect();
        assert_eq!(values, expected);
    });
}

#[test]
fn a_merge_in_place_may_be_a_source_of_another_in_place() {
    let ctx = Ctx::root_on("app", ());
    let (outer, mut items) = Merge::in_place(&ctx, "outer").split();
    for part in 0..3 {
        let (inner, values) = Merge::in_place(&ctx, "inner").split();
        inner.future(async move {
            yield_now().await;
            part * 10
        });
        inner.iter([part * 10 + 1, part * 10 + 2]);
        outer.stream(values.filter_map(async |item| item.value()));
    }
    drop(outer);
    let mut all: Vec<_> = Vec::new();
    while let Some(item) = block_on(items.next()) {
        all.extend(item.value());
    }
    all.sort();
    assert_eq!(all, [0, 1, 2, 10, 11, 12, 20, 21, 22]);
}

#[test]
fn wakers_that_outlive_the_merge_are_harmless() {
    both!(|sim, merge| {
        let kept: Arc<Mutex<Vec<Waker>>> = Arc::default();
        let (feeder, mut items) = merge.split();
        for _ in 0..3 {
            let kept = kept.clone();
            feeder.stream(stream::poll_fn(move |cx| {
                kept.lock().unwrap().push(cx.waker().clone());
                Poll::<Option<i32>>::Pending
            }));
        }
        assert!(items.next().now_or_never().is_none());
        settle(&sim.ctx).await;
        let wake_all = || kept.lock().unwrap().iter().for_each(Waker::wake_by_ref);
        wake_all();
        wake_all();
        assert!(items.next().now_or_never().is_none());
        items.breaker().set();
        rest(&mut items).await;
        wake_all();
        assert!(items.next().await.is_none());
        drop(items);
        wake_all();
        kept.lock().unwrap().clear();
    });
}

#[test]
fn sources_and_callbacks_may_break_the_merge_they_are_in() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let breaker = items.breaker().clone();
        feeder.future(async move {
            breaker.set();
            std::future::pending::<i32>().await
        });
        assert_eq!(
            rest(&mut items).await,
            "failed(cancelled) stopped(cancelled)"
        );
    });
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let breaker = items.breaker().clone();
        feeder.add(Source::iter(0..).on_each(move |n: &i32| {
            if *n == 2 {
                breaker.set();
            }
        }));
        let all = rest(&mut items).await;
        assert_eq!(all, "0 1 2 end(cancelled) stopped(cancelled)");
    });
}

#[test]
fn limits_may_be_anything() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(usize::MAX).split();
        feeder.set_max_running(0);
        feeder.set_max_running(usize::MAX);
        feeder.future(async { 1 });
        drop(feeder);
        assert_eq!(rest(&mut items).await, "1 stopped");
    });
    both!(|sim, merge| {
        let (feeder, mut items) = merge.ordered().max_running(0).split();
        feeder.future(async { 1 });
        feeder.value(2);
        feeder.future(async { 3 });
        assert!(items.next().now_or_never().is_none());
        settle(&sim.ctx).await;
        feeder.set_max_running(1);
        drop(feeder);
        assert_eq!(rest(&mut items).await, "1 2 3 stopped");
    });
}

#[test]
fn raising_the_limit_when_the_executor_has_gone_ends_all_that_waited_in_a_loop() {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").max_running(0).split();
    for _ in 0..100_000 {
        feeder.future(async { 1 });
    }
    drop(rt);
    feeder.set_max_running(1);
    drop(feeder);
    let mut failures = 0;
    while let Some(item) = block_on(items.next()) {
        failures += usize::from(matches!(item, Fed::Failure { .. }));
    }
    assert_eq!(failures, 100_000);
}

#[test]
fn a_crowd_that_ends_at_once_is_no_recursion_and_loses_nothing() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(10).split();
        let gate = windlass::Promise::<()>::new();
        for i in 0..20_000 {
            let wait = gate.wait();
            feeder.future(async move {
                wait.await.ok();
                i
            });
        }
        assert!(items.next().now_or_never().is_none());
        gate.set(());
        drop(feeder);
        let mut sum = 0_u64;
        while let Some(item) = items.next().await {
            sum += item.value().unwrap_or(0);
        }
        assert_eq!(sum, (0..20_000).sum::<u64>());
    });
}

#[test]
fn a_source_that_yields_for_ever_starves_nobody() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.future(async {
            loop {
                yield_now().await;
            }
        });
        feeder.iter(0..300);
        feeder.finish_when_empty();
        for expected in 0..300 {
            assert_eq!(next(&mut items).await, expected.to_string());
        }
        assert_eq!(next(&mut items).await, "end");
        items.breaker().set();
        assert_eq!(
            rest(&mut items).await,
            "failed(cancelled) stopped(cancelled)"
        );
    });
}

/// In place, the streamer had looked at what was fed before it polled the source.
#[test]
fn what_a_source_feeds_while_it_begins_to_wait_is_given_at_once() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let mut inside = Some(feeder.clone());
        feeder.future(std::future::poll_fn(move |_| {
            if let Some(feeder) = inside.take() {
                feeder.value(7);
            }
            Poll::<i32>::Pending
        }));
        assert_eq!(next(&mut items).await, "7");
        drop(feeder);
    });
}
