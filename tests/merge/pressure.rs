//! Who holds back whom, how much waits, and limits.

use std::{
    future::poll_fn,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::{Stream, StreamExt, stream};
use windlass::{Fed, Merge, Promise, Source, testing::simulate};

use crate::kit::{Counted, Hand, Living, next, rest, settle, word, yield_now};

fn read(count: &AtomicUsize) -> usize {
    count.load(Ordering::SeqCst)
}

fn add(count: &Arc<AtomicUsize>) -> impl FnMut() + Send + 'static {
    let count = count.clone();
    move || {
        count.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_slow_consumer_holds_iterators_and_streams_back_but_not_futures() {
    simulate(async |sim| {
        let (pulled, run) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (feeder, items) = Merge::new(&sim.ctx, "merge").split();
        for _ in 0..3 {
            let (mut iter, mut stream) = (add(&pulled), add(&pulled));
            feeder.iter((0..).inspect(move |_| iter()));
            feeder.stream(stream::repeat(0).inspect(move |_| stream()));
        }
        for _ in 0..50 {
            let mut ran = add(&run);
            feeder.future(async move {
                ran();
                0
            });
        }
        settle(&sim.ctx).await;
        assert_eq!((read(&pulled), read(&run)), (6, 50));
        drop(items);
    });
}

#[test]
fn in_place_one_round_is_pulled_for_each_that_is_read() {
    simulate(async |sim| {
        let pulled = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        for _ in 0..4 {
            let mut count = add(&pulled);
            feeder.iter((0..).inspect(move |_| count()));
        }
        for round in 1..50 {
            for _ in 0..4 {
                next(&mut items).await;
                assert!(read(&pulled) <= 4 * round);
            }
            assert_eq!(read(&pulled), 4 * round);
        }
    });
}

/// Values that count themselves, in the hands of nobody yet.
fn values(living: &Living) -> impl Iterator<Item = Counted> + Send + 'static {
    let living = living.clone();
    std::iter::repeat_with(move || living.one())
}

#[test]
fn at_most_one_item_of_each_iterator_and_stream_waits_at_any_time() {
    // The bound that `Merge` states; sources that make sources are held back like the others.
    both!(|sim, merge| {
        let living = Living::default();
        let (feeder, mut items) = merge.split();
        for _ in 0..10 {
            feeder.iter(values(&living));
            feeder.stream(stream::iter(values(&living)));
            let of = living.clone();
            let inner = move || Source::iter(values(&of).take(2));
            feeder.add(Source::iter_of(std::iter::repeat_with(inner)));
        }
        for _ in 0..2000 {
            let item = items.next().await;
            // 20 plain ones, and of each nest the newest: older ones run dry after two items.
            assert!(living.count() <= 20 + 10 * 3, "{}", living.count());
            drop(item);
        }
        drop((feeder, items));
        settle(&sim.ctx).await;
        assert_eq!(living.count(), 0);
    });
}

#[test]
fn four_sources_that_are_always_ready_get_a_quarter_each() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.stream(stream::repeat(0));
        feeder.iter(std::iter::repeat(1));
        feeder.stream(stream::repeat(2));
        feeder.iter(std::iter::repeat(3));
        let mut counts = [0; 4];
        for _ in 0..4000 {
            let value = items.next().await.and_then(Fed::value).unwrap();
            counts[value] += 1;
        }
        assert_eq!(counts, [1000; 4]);
    });
}

#[test]
fn a_source_that_is_added_late_gets_its_share_at_once() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.stream(stream::repeat(0));
        for _ in 0..1000 {
            assert_eq!(next(&mut items).await, "0");
        }
        feeder.stream(stream::repeat(1));
        let mut counts = [0; 2];
        for _ in 0..100 {
            counts[items.next().await.and_then(Fed::value).unwrap()] += 1;
        }
        assert!(counts[1] >= 48, "{counts:?}");
    });
}

#[test]
fn a_busy_stream_gives_way_to_the_executor() {
    // Without it, what else runs on the thread would starve.
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        feeder.iter(0..);
        let hand = Hand::default();
        let mut in_a_row = 0;
        let mut longest = 0;
        for _ in 0..5000 {
            match hand.next(&mut items) {
                Poll::Ready(item) => {
                    assert!(item.is_some());
                    in_a_row += 1;
                    longest = longest.max(in_a_row);
                }
                Poll::Pending => {
                    in_a_row = 0;
                    settle(&sim.ctx).await;
                    assert!(hand.woken() > 0, "whoever gives way is woken");
                }
            }
        }
        assert!(longest <= 256, "{longest}");
    });
}

/// A turn of the executor is due after 128 items in a row, and one that waits has had it.
#[test]
fn whoever_had_to_wait_is_given_128_items_in_a_row_again() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let hand = Hand::default();
        for _ in 0..3 {
            for i in 0..100 {
                feeder.value(i);
            }
            let taken = (0..100).filter(|_| hand.next(&mut items).is_ready());
            assert_eq!(taken.count(), 100);
            assert!(hand.next(&mut items).is_pending());
        }
    });
}

#[test]
fn a_source_of_nothing_but_empty_sources_does_not_block_the_thread() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.split();
        let empty = || Source::stream_of(stream::empty());
        feeder.add(Source::iter_of(std::iter::repeat_with(empty)));
        feeder.future(async { 1 });
        let mut ends = 0;
        loop {
            match items.next().await.unwrap() {
                Fed::Success { value, .. } => break assert_eq!(value, 1),
                Fed::IterationStop { error: None, .. } => ends += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(ends < 1000, "{ends}");
    });
}

/// A future that counts how many are under way, and how many there were at most.
#[derive(Clone, Default)]
struct Gauge {
    now: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

impl Gauge {
    fn until(&self, go: Promise<()>, value: i32) -> impl Future<Output = i32> + Send + use<> {
        let gauge = self.clone();
        async move {
            let now = gauge.now.fetch_add(1, Ordering::SeqCst) + 1;
            gauge.most.fetch_max(now, Ordering::SeqCst);
            go.await.ok();
            gauge.now.fetch_sub(1, Ordering::SeqCst);
            value
        }
    }
}

#[test]
fn max_running_bounds_the_futures_and_can_be_changed_while_they_run() {
    both!(|sim, merge| {
        let gauge = Gauge::default();
        let (feeder, mut items) = merge.max_running(0).split();
        let gates: Vec<_> = (0..20).map(|_| Promise::<()>::new()).collect();
        for (i, gate) in gates.iter().enumerate() {
            feeder.future(gauge.until(gate.wait(), i as i32));
        }
        let hand = Hand::default();
        assert!(hand.next(&mut items).is_pending());
        settle(&sim.ctx).await;
        assert_eq!(read(&gauge.now), 0, "0 runs none");

        feeder.set_max_running(3);
        assert!(hand.next(&mut items).is_pending());
        settle(&sim.ctx).await;
        assert_eq!(read(&gauge.now), 3);

        feeder.set_max_running(8);
        assert!(hand.next(&mut items).is_pending());
        settle(&sim.ctx).await;
        assert_eq!(read(&gauge.now), 8);

        // Lowered: those that run go on, and none starts until there is room again.
        feeder.set_max_running(2);
        for (i, gate) in gates.iter().enumerate() {
            gate.set(());
            assert_eq!(next(&mut items).await, i.to_string());
            settle(&sim.ctx).await;
            if i < 18 {
                assert!(hand.next(&mut items).is_pending());
            }
            settle(&sim.ctx).await;
            let left = 8_usize.saturating_sub(i + 1);
            assert_eq!(read(&gauge.now), left.max(2).min(19 - i));
        }
        assert_eq!(read(&gauge.most), 8);
        drop(feeder);
        assert_eq!(rest(&mut items).await, "stopped");
    });
}

#[test]
fn the_limit_is_for_futures_only_and_is_given_back_on_every_end() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(1).split();
        feeder.future(async { panic!("meant: a future") });
        feeder.try_future(async { Err::<i32, _>("broke") });
        feeder.add(Source::future_of(async { Source::value(1) }));
        feeder.add(Source::future_of(async {
            Source::future_of(async { Source::future(async { 2 }) })
        }));
        feeder.future(async { 3 });
        feeder.iter([10]);
        feeder.stream(stream::iter([20]));
        feeder.value(30);
        drop(feeder);
        let all = rest(&mut items).await;
        let mut words: Vec<_> = all.split(' ').collect();
        assert_eq!(words.pop(), Some("stopped"));
        words.sort();
        let expected = [
            "1",
            "10",
            "2",
            "20",
            "3",
            "30",
            "end",
            "end",
            "failed(broke)",
            "failed(panic)",
        ];
        assert_eq!(words, expected);
    });
}

/// There is nobody whose end would give them a slot.
#[test]
fn futures_that_wait_under_a_limit_of_zero_end_with_the_merge() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(0).split();
        feeder.future(std::future::pending::<i32>());
        feeder.future(async { 1 });
        assert!(Hand::default().next(&mut items).is_pending());
        items.breaker().set();
        let ends = "failed(cancelled) failed(cancelled) stopped(cancelled)";
        assert_eq!(rest(&mut items).await, ends);
    });
}

#[test]
fn a_future_that_yields_goes_on_although_a_limit_comes_meanwhile() {
    simulate(async |sim| {
        let (feeder, mut items) = Merge::in_place(&sim.ctx, "merge").split();
        let limits = feeder.clone();
        feeder.future(async move {
            limits.set_max_running(0);
            yield_now().await;
            drop(limits);
            2
        });
        feeder.iter([1]);
        feeder.future(async { 3 });
        let mut seen = Vec::new();
        while seen.len() < 3 {
            seen.push(word(&items.next().await.unwrap()));
        }
        seen.sort();
        assert_eq!(seen, ["1", "2", "end"], "it had begun");
        feeder.set_max_running(1);
        assert_eq!(word(&items.next().await.unwrap()), "3", "that one had not");
    });
}

#[test]
fn futures_over_the_limit_that_are_broken_off_never_run() {
    both!(|sim, merge| {
        let (feeder, mut items) = merge.max_running(1).split();
        let living = Living::default();
        feeder.future(std::future::pending::<i32>());
        for _ in 0..1000 {
            let held = living.one();
            feeder.future(async move {
                let _held = held;
                panic!("it ran")
            });
        }
        assert!(Hand::default().next(&mut items).is_pending());
        items.breaker().set();
        let mut failures = 0;
        while let Some(item) = items.next().await {
            match item {
                Fed::Failure { error, .. } if error.is_cancelled() => failures += 1,
                other => assert!(matches!(other, Fed::Stopped { error: Some(_) })),
            }
        }
        assert_eq!((failures, living.count()), (1001, 0));
    });
}

#[test]
fn the_cost_of_an_item_does_not_grow_with_idle_sources() {
    // Counted in polls: idle sources are polled once each, however many items others give.
    both!(|sim, merge| {
        let polls = Arc::new(AtomicUsize::new(0));
        let (feeder, mut items) = merge.split();
        for _ in 0..1000 {
            let mut count = add(&polls);
            feeder.stream(stream::poll_fn(move |_| {
                count();
                Poll::<Option<i32>>::Pending
            }));
        }
        let mut ends = add(&polls);
        feeder.future(poll_fn(move |_| {
            ends();
            Poll::Pending
        }));
        feeder.iter(0..);
        for _ in 0..5000 {
            items.next().await;
        }
        assert_eq!(read(&polls), 1001);
    });
}

/// A consumer that takes each item at once, inside the call of its waker.
struct Eager<T> {
    items: Mutex<T>,
    taken: AtomicUsize,
}

impl<T: Stream + Unpin + Send + 'static> Wake for Eager<T> {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let Ok(mut items) = self.items.try_lock() else {
            return; // it is taking
        };
        while let Poll::Ready(Some(_)) = items.poll_next_unpin(&mut Context::from_waker(&waker)) {
            self.taken.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Nothing held it back, and no other task had a turn until it was over.
#[test]
fn a_source_whose_items_are_taken_at_once_gives_way_to_the_executor() {
    simulate(async |sim| {
        let (feeder, items) = Merge::new(&sim.ctx, "merge").split();
        feeder.iter(0..10_000);
        let eager = Arc::new(Eager {
            items: Mutex::new(items),
            taken: AtomicUsize::new(0),
        });
        eager.clone().wake();
        let seen = eager.clone();
        let other = sim.ctx.spawn(async move { read(&seen.taken) });
        let taken = other.await.unwrap();
        assert!((100..1000).contains(&taken), "{taken}");
        drop(feeder);
    });
}
