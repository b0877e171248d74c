//! Running tasks, and in which order.

use std::{
    collections::BTreeSet,
    future::Future,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    thread,
    time::Duration,
};

use futures::{channel::oneshot, future::poll_fn};
use windlass::{Spawner, Timer, testing::SimRuntime};

use crate::{Drops, ms, order, yield_now};

#[test]
fn block_on_returns_what_the_future_returns_and_it_may_borrow() {
    let rt = SimRuntime::new();
    let text = String::from("borrowed");
    let local = Rc::new(3);
    let len = rt.block_on(async { text.len() + *local });
    assert_eq!(len, 11);
}

#[test]
fn handles_are_clone_send_and_sync() {
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<SimRuntime>();
    check::<windlass::testing::VirtualClock>();
    fn is_send<T: Send>(_: T) {}
    let rt = SimRuntime::new();
    is_send(rt.clock().advance(ms(1)));
    is_send(rt.settle());
    is_send(rt.sleep(ms(1)));
}

#[test]
fn spawn_does_not_poll_inside_the_call() {
    let rt = SimRuntime::new();
    let ran = Arc::new(AtomicUsize::new(0));
    let inner = ran.clone();
    rt.spawn(async move {
        inner.fetch_add(1, SeqCst);
    });
    assert_eq!(ran.load(SeqCst), 0);
    rt.run_until_stalled();
    assert_eq!(ran.load(SeqCst), 1);
}

#[test]
fn ready_tasks_run_first_come_first_served() {
    let rt = SimRuntime::new();
    assert_eq!(order(&rt, 3), [0, 1, 2, 0, 1, 2, 0, 1, 2]);
}

#[test]
fn a_seed_draws_the_same_order_each_time_and_seeds_differ() {
    let orders: Vec<_> = (0..8)
        .map(|seed| order(&SimRuntime::seeded(seed), 6))
        .collect();
    let again: Vec<_> = (0..8)
        .map(|seed| order(&SimRuntime::seeded(seed), 6))
        .collect();
    assert_eq!(orders, again);
    let different: BTreeSet<_> = orders.into_iter().collect();
    assert_eq!(different.len(), 8);
}

#[test]
fn seeds_reach_every_order_of_three_tasks() {
    let first = |seed| {
        let mut seen = order(&SimRuntime::seeded(seed), 3);
        let mut met = BTreeSet::new();
        seen.retain(|i| met.insert(*i));
        seen
    };
    let all: BTreeSet<_> = (0..100).map(first).collect();
    assert_eq!(all.len(), 6);
}

#[test]
fn a_task_that_wakes_itself_in_its_poll_is_polled_again_and_several_wakes_count_once() {
    let rt = SimRuntime::new();
    let polls = Arc::new(AtomicUsize::new(0));
    let inner = polls.clone();
    rt.spawn(poll_fn(move |cx| {
        cx.waker().wake_by_ref();
        cx.waker().wake_by_ref();
        match inner.fetch_add(1, SeqCst) {
            4 => Poll::Ready(()),
            _ => Poll::Pending,
        }
    }));
    rt.run_until_stalled();
    assert_eq!(polls.load(SeqCst), 5);
}

#[test]
fn a_finished_future_is_dropped_before_the_executor_goes_on() {
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let seen = Arc::new(AtomicUsize::new(99));
    let token = drops.token();
    rt.spawn(async move {
        let _token = &token;
    });
    let (inner, count) = (seen.clone(), drops.clone());
    rt.spawn(async move { inner.store(count.count(), SeqCst) });
    rt.run_until_stalled();
    assert_eq!(seen.load(SeqCst), 1);
}

#[test]
fn tasks_go_on_in_the_next_block_on() {
    let rt = SimRuntime::new();
    let (send, receive) = oneshot::channel();
    rt.spawn(async move {
        yield_now().await;
        yield_now().await;
        send.send(7).unwrap();
    });
    rt.block_on(yield_now());
    assert_eq!(rt.block_on(receive), Ok(7));
}

#[test]
fn a_waker_of_an_earlier_block_on_disturbs_no_later_one() {
    let rt = SimRuntime::new();
    let mut kept = None;
    rt.block_on(poll_fn(|cx| {
        kept = Some(cx.waker().clone());
        Poll::Ready(())
    }));
    kept.as_ref().unwrap().wake_by_ref();
    let mut polls = 0;
    rt.block_on(poll_fn(|cx| {
        polls += 1;
        if let Some(waker) = kept.take() {
            waker.wake();
        }
        if polls == 1 {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    }));
    assert_eq!(polls, 2);
}

#[test]
fn spawn_blocking_runs_as_a_task_in_its_turn() {
    let rt = SimRuntime::new();
    let here = thread::current().id();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (a, b) = (order.clone(), order.clone());
    rt.spawn(async move { a.lock().unwrap().push(("task", here)) });
    rt.spawn_blocking(move || b.lock().unwrap().push(("blocking", thread::current().id())));
    assert!(order.lock().unwrap().is_empty());
    rt.run_until_stalled();
    assert_eq!(*order.lock().unwrap(), [("task", here), ("blocking", here)]);
}

#[test]
fn run_until_stalled_does_not_move_the_clock() {
    let rt = SimRuntime::new();
    let done = Arc::new(AtomicUsize::new(0));
    let (handle, inner) = (rt.clone(), done.clone());
    rt.spawn(async move {
        inner.fetch_add(1, SeqCst);
        handle.sleep(ms(10)).await;
        inner.fetch_add(1, SeqCst);
    });
    rt.run_until_stalled();
    assert_eq!(
        (done.load(SeqCst), rt.clock().elapsed()),
        (1, Duration::ZERO)
    );
    let handle = rt.clone();
    rt.spawn(async move { handle.clock().advance(ms(10)).await });
    rt.run_until_stalled();
    assert_eq!((done.load(SeqCst), rt.clock().elapsed()), (2, ms(10)));
}

#[test]
fn settle_waits_until_every_other_task_waits() {
    let rt = SimRuntime::new();
    let log = Arc::new(Mutex::new(Vec::new()));
    for (name, rounds) in [("long", 40), ("short", 2)] {
        let log = log.clone();
        rt.spawn(async move {
            for _ in 0..rounds {
                yield_now().await;
            }
            log.lock().unwrap().push(name);
        });
    }
    // Those who settle come one after the other, each with all that it starts.
    for name in ["settled 1", "settled 2"] {
        let (handle, log) = (rt.clone(), log.clone());
        rt.spawn(async move {
            handle.settle().await;
            log.lock().unwrap().push(name);
            let inner = log.clone();
            handle.spawn(async move {
                yield_now().await;
                inner.lock().unwrap().push("started after");
            });
        });
    }
    rt.run_until_stalled();
    let expected = [
        "short",
        "long",
        "settled 1",
        "started after",
        "settled 2",
        "started after",
    ];
    assert_eq!(*log.lock().unwrap(), expected);
}

#[test]
fn a_settle_that_is_dropped_leaves_no_trace() {
    let rt = SimRuntime::new();
    let wakes = Arc::new(Wakes::default());
    rt.block_on(async {
        let waker = Waker::from(wakes.clone());
        let mut settle = rt.settle();
        assert!(
            Pin::new(&mut settle)
                .poll(&mut Context::from_waker(&waker))
                .is_pending()
        );
        drop(settle);
        rt.settle().await;
    });
    assert_eq!(wakes.0.load(SeqCst), 0);
    // On an executor that cannot tell it ends all the same.
    futures::executor::block_on(rt.settle());
}

#[test]
fn a_settle_wakes_whoever_polled_last() {
    let rt = SimRuntime::new();
    rt.block_on(async {
        let mut settle = rt.settle();
        let noop = Waker::noop();
        assert!(
            Pin::new(&mut settle)
                .poll(&mut Context::from_waker(noop))
                .is_pending()
        );
        settle.await;
    });
}

/// Counts its wakes.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}
