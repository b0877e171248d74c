//! The simulated runtime: its executor, its owner and handles, and what it says when it stalls.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::{Future, pending},
    marker::PhantomData,
    panic::{AssertUnwindSafe, catch_unwind},
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

use futures::{StreamExt, channel::oneshot, future::poll_fn, stream::FuturesUnordered};
use windlass::{
    AnyRuntime, BlockOn, LocalSpawner, NestedRun, Spawner, Timer,
    testing::{SimRuntime, Stalled},
};

// ===== helpers

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().unwrap().to_string(),
    }
}

#[derive(Clone, Default)]
struct Drops(Arc<AtomicUsize>);

impl Drops {
    fn count(&self) -> usize {
        self.0.load(SeqCst)
    }
    fn token(&self) -> Token {
        Token(self.clone())
    }
}

/// Counts when it is dropped.
struct Token(Drops);

impl Drop for Token {
    fn drop(&mut self) {
        self.0.0.fetch_add(1, SeqCst);
    }
}

/// The order in which `n` tasks that yield a few times are polled.
fn order(rt: &SimRuntime, n: usize) -> Vec<usize> {
    let order = Arc::new(Mutex::new(Vec::new()));
    for i in 0..n {
        let order = order.clone();
        rt.spawn(async move {
            for _ in 0..3 {
                order.lock().unwrap().push(i);
                yield_now().await;
            }
        });
    }
    rt.run_until_stalled();
    let order = order.lock().unwrap().clone();
    assert_eq!(order.len(), 3 * n);
    order
}

// ===== running

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

// ===== local tasks

#[test]
fn local_tasks_run_among_the_others_in_order() {
    let rt = SimRuntime::new();
    let order = Rc::new(RefCell::new(Vec::new()));
    for i in 0..3 {
        let (order, handle) = (order.clone(), rt.clone());
        rt.spawn_local(async move {
            order.borrow_mut().push((i, 0));
            handle.sleep(ms(10 - i)).await;
            order
                .borrow_mut()
                .push((i, handle.clock().elapsed().as_millis() as u64));
        });
    }
    rt.block_on(rt.sleep(ms(20)));
    assert_eq!(
        *order.borrow(),
        [(0, 0), (1, 0), (2, 0), (2, 8), (1, 9), (0, 10)]
    );
    assert_eq!(Rc::strong_count(&order), 1, "finished tasks are gone");
}

#[test]
fn a_local_task_may_spawn_local_tasks() {
    let rt = SimRuntime::new();
    let seen = Rc::new(Cell::new(0));
    let (handle, inner) = (rt.clone(), seen.clone());
    rt.spawn_local(async move {
        let deeper = inner.clone();
        handle.spawn_local(async move { deeper.set(deeper.get() + 1) });
        inner.set(inner.get() + 10);
    });
    rt.run_until_stalled();
    assert_eq!(seen.get(), 11);
}

#[test]
fn local_tasks_of_another_thread_wait_for_that_thread() {
    let rt = SimRuntime::new();
    let ran = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        let (handle, inner) = (rt.clone(), ran.clone());
        let ask = scope.spawn({
            let handle = rt.clone();
            move || {
                let waits = Rc::new(());
                handle.spawn_local(async move {
                    let _waits = waits;
                    inner.fetch_add(1, SeqCst);
                });
                thread::park();
                handle.run_until_stalled();
            }
        });
        while handle.clone().tasks() == 0 {
            thread::yield_now();
        }
        handle.run_until_stalled();
        assert_eq!(ran.load(SeqCst), 0);
        let report = BlockOn::block_on(&handle, pending::<()>())
            .unwrap_err()
            .to_string();
        assert!(report.contains("runs on another thread only"), "{report}");
        ask.thread().unpark();
    });
    assert_eq!(ran.load(SeqCst), 1);
}

/// How many tasks a runtime has, as its `Debug` tells.
trait Tasks {
    fn tasks(&self) -> usize;
}

impl Tasks for SimRuntime {
    fn tasks(&self) -> usize {
        let text = format!("{self:?}");
        let digits = text.split("tasks: ").nth(1).unwrap();
        digits
            .split(',')
            .next()
            .unwrap()
            .parse()
            .unwrap_or(usize::MAX)
    }
}

// ===== owner and handles

#[test]
fn the_owner_drops_its_tasks_although_they_hold_handles() {
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let (token, handle) = (drops.token(), rt.clone());
    rt.spawn(async move {
        let _kept = (token, handle);
        pending::<()>().await;
    });
    let (token, handle) = (drops.token(), rt.clone());
    let not_send = Rc::new(());
    rt.spawn_local(async move {
        let _kept = (token, handle, not_send);
        pending::<()>().await;
    });
    let token = drops.token(); // never polled
    rt.run_until_stalled();
    rt.spawn(async move { drop(token) });
    assert_eq!(drops.count(), 0);
    drop(rt);
    assert_eq!(drops.count(), 3);
}

#[test]
fn what_is_spawned_after_the_owner_has_gone_is_dropped_at_once() {
    let rt = SimRuntime::new();
    let handle = rt.clone();
    let erased = AnyRuntime::new(rt.clone());
    drop(rt);
    let drops = Drops::default();
    let (a, b, c, d) = (drops.token(), drops.token(), drops.token(), drops.token());
    handle.spawn(async move { drop(a) });
    handle.spawn_blocking(move || drop(b));
    handle.spawn_local(async move { drop(c) });
    erased.spawn(async move { drop(d) });
    assert_eq!(drops.count(), 4);
    // It still drives, and its clock still goes.
    handle.block_on(handle.sleep(ms(3)));
    assert_eq!(handle.clock().elapsed(), ms(3));
}

#[test]
fn the_owner_may_go_while_its_runtime_runs() {
    let rt = SimRuntime::new();
    let handle = rt.clone();
    let drops = Drops::default();
    let token = drops.token();
    rt.spawn(async move {
        let _token = token;
        pending::<()>().await;
    });
    let kept = Arc::new(Mutex::new(None));
    handle.block_on(async {
        yield_now().await;
        // In a task of its own runtime, which is being polled right now, and whose waker stays.
        let (token, inner) = (drops.token(), kept.clone());
        let mut rt = Some(rt);
        rt.clone().unwrap().spawn(poll_fn(move |cx| {
            let _token = &token;
            *inner.lock().unwrap() = Some(cx.waker().clone());
            drop(rt.take());
            Poll::Pending
        }));
        yield_now().await;
        yield_now().await;
        assert_eq!(drops.count(), 2);
    });
    kept.lock().unwrap().take().unwrap().wake();
    assert_eq!(drops.count(), 2);
}

#[test]
fn destructors_that_panic_or_spawn_do_not_stop_the_owner_from_dropping_the_rest() {
    struct Bad(SimRuntime, Drops);
    impl Drop for Bad {
        fn drop(&mut self) {
            let token = self.1.token();
            self.0.spawn(async move { drop(token) });
            panic!("a destructor that panics (this is part of a test)");
        }
    }
    let rt = SimRuntime::new();
    let drops = Drops::default();
    for _ in 0..2 {
        let (bad, token) = (Bad(rt.clone(), drops.clone()), drops.token());
        rt.spawn(async move {
            let _kept = (bad, token);
            pending::<()>().await;
        });
    }
    rt.run_until_stalled();
    drop(rt);
    assert_eq!(drops.count(), 4);
}

#[test]
fn local_tasks_are_dropped_by_their_own_thread() {
    let rt = SimRuntime::new();
    let handle = rt.clone();
    let (gone, is_gone) = std::sync::mpsc::channel::<()>();
    let dropped_by = Arc::new(Mutex::new(None));
    struct Note(Arc<Mutex<Option<thread::ThreadId>>>, PhantomData<Rc<()>>);
    impl Drop for Note {
        fn drop(&mut self) {
            *self.0.lock().unwrap() = Some(thread::current().id());
        }
    }
    let (spawned, is_spawned) = std::sync::mpsc::channel();
    let (inner, seen) = (dropped_by.clone(), dropped_by.clone());
    let other = thread::spawn(move || {
        let note = Note(inner, PhantomData);
        handle.spawn_local(async move {
            let _note = note;
            pending::<()>().await;
        });
        spawned.send(()).unwrap();
        is_gone.recv().unwrap();
        SimRuntime::new().run_until_stalled(); // anything of a simulation sweeps
        (thread::current().id(), *seen.lock().unwrap())
    });
    is_spawned.recv().unwrap();
    drop(rt);
    assert_eq!(*dropped_by.lock().unwrap(), None);
    gone.send(()).unwrap();
    let (id, seen) = other.join().unwrap();
    assert_eq!(seen, Some(id), "before it ended");
}

#[test]
fn a_thread_that_ends_drops_its_local_tasks_even_if_their_destructors_panic_and_spawn() {
    struct Bad(SimRuntime, Drops, PhantomData<Rc<()>>);
    impl Drop for Bad {
        fn drop(&mut self) {
            let token = self.1.token();
            // The thread keeps nothing any more: what is spawned now is dropped at once.
            self.0.spawn_local(async move { drop(token) });
            panic!("a destructor that panics (this is part of a test)");
        }
    }
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let (handle, counted) = (rt.clone(), drops.clone());
    let other = thread::spawn(move || {
        for _ in 0..2 {
            let bad = Bad(handle.clone(), counted.clone(), PhantomData);
            let token = counted.token();
            handle.spawn_local(async move {
                let _kept = (bad, token);
                pending::<()>().await;
            });
        }
    });
    other.join().unwrap();
    assert_eq!(drops.count(), 4);
    rt.run_until_stalled();
}

// ===== panics

#[test]
fn a_panic_of_a_task_comes_out_and_the_runtime_stays_usable() {
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let token = drops.token();
    // It belongs to the future itself, so that no unwinding drops it.
    rt.spawn(poll_fn(move |_| {
        let _token = &token;
        panic!("boom (this is part of a test)");
    }));
    let (send, receive) = oneshot::channel();
    rt.spawn(async move { send.send(1).unwrap() });
    assert_eq!(
        message(|| rt.block_on(pending())),
        "boom (this is part of a test)"
    );
    assert_eq!(drops.count(), 1);
    assert_eq!(rt.block_on(receive), Ok(1));
}

#[test]
fn a_panic_of_the_future_comes_out_and_the_runtime_stays_usable() {
    let rt = SimRuntime::new();
    let text = message(|| rt.block_on(async { panic!("main (this is part of a test)") }));
    assert_eq!(text, "main (this is part of a test)");
    assert_eq!(rt.block_on(async { 5 }), 5);
}

// ===== nested use

#[test]
fn blocking_on_the_runtime_that_runs_us_is_refused_and_says_what_to_do() {
    let rt = SimRuntime::new();
    let handle = rt.clone();
    let error = rt.block_on(async { BlockOn::block_on(&handle, async {}).unwrap_err() });
    assert!(error.is::<NestedRun>());
    assert!(
        error.to_string().contains("await the future instead"),
        "{error}"
    );
    let text = message(|| rt.block_on(async { handle.block_on(async {}) }));
    assert!(text.contains("await the future instead"), "{text}");
    let text = message(|| rt.block_on(async { handle.run_until_stalled() }));
    assert!(text.contains("await the future instead"), "{text}");
    assert_eq!(rt.block_on(async { 5 }), 5);
}

#[test]
fn another_simulation_may_run_inside_one() {
    let outer = SimRuntime::new();
    let inner = SimRuntime::new();
    let got = outer.block_on(async {
        outer.sleep(ms(1)).await;
        let got = inner.block_on(async {
            inner.clock().advance(ms(100)).await;
            inner.sleep(ms(100)).await;
            5
        });
        outer.clock().advance(ms(1)).await;
        got
    });
    assert_eq!(
        (got, outer.clock().elapsed(), inner.clock().elapsed()),
        (5, ms(2), ms(200))
    );
    // What waits for the outer one can never be woken while the inner one blocks.
    outer.block_on(async {
        let error = BlockOn::block_on(&inner, outer.sleep(ms(1))).unwrap_err();
        assert!(error.is::<Stalled>(), "{error}");
    });
}

#[test]
fn blocking_on_a_runtime_that_another_thread_runs_is_refused() {
    let rt = SimRuntime::new();
    let error = rt.block_on(async {
        let handle = rt.clone();
        thread::scope(|scope| {
            let other = scope.spawn(move || BlockOn::block_on(&handle, async {}).unwrap_err());
            other.join().unwrap()
        })
    });
    assert!(
        error.to_string().contains("another thread is running"),
        "{error}"
    );
}

// ===== other threads

#[test]
fn a_wake_from_another_thread_is_waited_for_on_request() {
    let rt = SimRuntime::new();
    rt.wait_for_threads(Duration::MAX);
    let (send, receive) = oneshot::channel();
    let (task_send, task_receive) = oneshot::channel();
    rt.spawn(async move {
        let n: i32 = task_receive.await.unwrap();
        send.send(n + 1).unwrap();
    });
    let other = thread::spawn(move || task_send.send(1).unwrap());
    assert_eq!(rt.block_on(receive), Ok(2));
    other.join().unwrap();
}

#[test]
fn other_threads_may_spawn_and_arm_timers() {
    let rt = SimRuntime::new();
    rt.wait_for_threads(Duration::MAX);
    let (send, receive) = oneshot::channel();
    let handle = rt.clone();
    let other = thread::spawn(move || {
        let inner = handle.clone();
        handle.spawn(async move {
            inner.sleep(ms(5)).await;
            send.send(inner.clock().elapsed()).unwrap();
        });
    });
    assert_eq!(rt.block_on(receive), Ok(ms(5)));
    other.join().unwrap();

    // Timers that only another executor waits for move the clock as well, whether they come
    // before or after the simulation has fallen asleep.
    for _ in 0..20 {
        let handle = rt.clone();
        let (send, receive) = oneshot::channel();
        let other = thread::spawn(move || {
            futures::executor::block_on(handle.sleep(ms(5)));
            send.send(()).unwrap();
        });
        assert_eq!(rt.block_on(receive), Ok(()));
        other.join().unwrap();
    }
    assert_eq!(rt.clock().elapsed(), ms(105));
}

// ===== stalling

#[test]
fn a_state_in_which_nothing_can_become_ready_is_an_error_that_lists_who_waits() {
    let rt = SimRuntime::new();
    rt.spawn(pending());
    let first = line!() - 1;
    rt.spawn_local(pending());
    rt.spawn(async {});
    rt.clock().auto_jump(true);
    rt.block_on(rt.sleep(ms(1500)));
    let error = BlockOn::block_on(&rt, pending::<()>()).unwrap_err();
    let blocked = line!() - 1;
    let text = error.to_string();
    let expected = format!(
        "the simulation has stalled at 1.5s: nothing is ready, no timer is pending, and no other \
         thread is being waited for; waiting are\n  \
         the future that was entered at tests/sim.rs:{blocked}:17\n  \
         a task without a context, spawned at tests/sim.rs:{first}:8\n  \
         a task without a context, spawned at tests/sim.rs:{}:8",
        first + 2
    );
    assert_eq!(text, expected);
    let stalled = error.downcast_ref::<Stalled>().unwrap();
    assert_eq!((stalled.at, stalled.waiting.len()), (ms(1500), 2));
    assert_eq!(message(|| rt.block_on(pending())).lines().count(), 4);
    assert_eq!(rt.block_on(async { 5 }), 5, "and the runtime stays usable");
}

#[test]
fn a_stalled_future_is_dropped() {
    let rt = SimRuntime::new();
    let drops = Drops::default();
    let token = drops.token();
    let stalled = BlockOn::block_on(&rt, async {
        let _token = token;
        pending::<()>().await;
    });
    assert!(stalled.is_err());
    assert_eq!(drops.count(), 1);
}

#[test]
fn debug_never_blocks_and_tells_the_state() {
    let rt = SimRuntime::new();
    rt.spawn(pending());
    let text = format!("{rt:?}");
    assert!(
        text.contains("tasks: 1") && text.contains("elapsed: 0ns"),
        "{text}"
    );
    assert!(format!("{:?}", rt.settle()).starts_with("Settle"));
}

#[test]
fn parts_that_are_polled_with_wakers_of_their_own_are_woken() {
    // `FuturesUnordered` hands its own wakers down, which in turn wake ours.
    let rt = SimRuntime::new();
    let parts: FuturesUnordered<Pin<Box<dyn Future<Output = ()>>>> = FuturesUnordered::new();
    parts.push(Box::pin(rt.sleep(ms(10))));
    parts.push(Box::pin(rt.clock().advance(ms(20))));
    parts.push(Box::pin(rt.settle()));
    let ended = rt.block_on(parts.map(|()| rt.clock().elapsed()).collect::<Vec<_>>());
    assert_eq!(ended, [ms(0), ms(10), ms(20)]);
}
