//! The clauses that [`Spawner`](crate::Spawner) and [`LocalSpawner`](crate::LocalSpawner) share.

use std::{
    cell::Cell,
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    task::Poll,
    thread,
    time::Duration,
};

use futures::{
    StreamExt,
    channel::{mpsc, oneshot},
};

use super::{
    harness::{Moment, OnDrop, Starts, is_in_call, parked, yield_now},
    watch::ends,
};
use crate::BlockOn;

pub(super) fn check<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    spawn_does_not_poll(&make);
    spawn_inside_a_task_does_not_poll(&make);
    a_task_runs_to_its_end(&make);
    all_of_many_tasks_run(&make);
    one_poll_at_a_time(&make);
    a_finished_future_is_dropped_before_the_executor_goes_on(&make);
    a_wake_from_a_foreign_thread_is_heard(&make);
    a_wake_while_the_driver_waits_is_heard(&make);
    a_wake_from_a_foreign_thread_during_the_poll_is_heard(&make);
    a_task_that_wakes_itself_starves_nobody(&make);
    a_destructor_can_spawn(&make);
}

/// Clause 1.
fn spawn_does_not_poll<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "`spawn` does not poll inside the call";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    handle.start(Box::pin(async move {
        let _ = tell.send(is_in_call());
    }));
    assert_eq!(ends(&driver, clause, told), Ok(false), "{clause}");
}

/// Clause 1.
fn spawn_inside_a_task_does_not_poll<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "`spawn` does not poll inside the call, inside a task either";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    let call = move |handle: &H| {
        handle.start(Box::pin(async move {
            let _ = tell.send(is_in_call());
        }));
    };
    handle.start_calling(Moment::Poll, Box::new(call));
    assert_eq!(ends(&driver, clause, told), Ok(false), "{clause}");
}

/// Clauses 2 and 4.
fn a_task_runs_to_its_end<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a task is polled until it ends";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    handle.start(Box::pin(async move {
        for _ in 0..10 {
            yield_now().await;
        }
        let _ = tell.send(());
    }));
    assert_eq!(ends(&driver, clause, told), Ok(()), "{clause}");
}

/// Clause 2.
fn all_of_many_tasks_run<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "each of many tasks runs to its end";
    let (handle, driver) = make();
    let (tell, told) = mpsc::unbounded();
    for n in 0..1000_usize {
        let tell = tell.clone();
        handle.start(Box::pin(async move {
            yield_now().await;
            let _ = tell.unbounded_send(n);
        }));
    }
    drop(tell);
    let mut all: Vec<_> = ends(&driver, clause, told.collect());
    all.sort_unstable();
    assert!(all.into_iter().eq(0..1000), "{clause}");
}

/// Clause 3.
fn one_poll_at_a_time<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a task is polled by one thread at a time, and not inside its own poll";
    let (handle, driver) = make();
    let (share, mut wakers) = mpsc::unbounded();
    let (tell, told) = oneshot::channel();
    let (polling, mut tell, mut left) = (AtomicBool::new(false), Some(tell), 300);
    handle.start(Box::pin(poll_fn(move |cx| {
        let overlap = polling.swap(true, SeqCst);
        let _ = share.unbounded_send(cx.waker().clone());
        cx.waker().wake_by_ref();
        thread::yield_now();
        polling.store(false, SeqCst);
        left -= 1;
        if left > 0 && !overlap {
            // Pending: woken just above, and by the other thread.
            return Poll::Pending;
        }
        let _ = tell.take().map(|tell| tell.send(overlap));
        Poll::Ready(())
    })));
    let waking = thread::spawn(move || {
        futures_lite::future::block_on(async {
            while let Some(waker) = wakers.next().await {
                waker.wake_by_ref();
                waker.wake();
            }
        });
    });
    assert_eq!(ends(&driver, clause, told), Ok(false), "{clause}");
    drop((handle, driver));
    assert!(waking.join().is_ok(), "{clause}: a wake panicked");
}

thread_local! {
    /// Whether a future has ended on this thread and not been dropped yet.
    static OWED: Cell<bool> = const { Cell::new(false) };
}

/// Clause 5.
fn a_finished_future_is_dropped_before_the_executor_goes_on<H: Starts, B: BlockOn>(
    make: impl Fn() -> (H, B),
) {
    let clause = "a finished future is dropped before the executor goes on";
    let (handle, driver) = make();
    let (open, mut dropped) = mpsc::unbounded::<bool>();
    for _ in 0..100 {
        let open = open.clone();
        let late = Arc::new(AtomicBool::new(false));
        let note = Arc::clone(&late);
        let on_drop = OnDrop::new(move || {
            // Dropped elsewhere, or after another poll: neither is at once.
            let at_once = OWED.replace(false) && !note.load(SeqCst);
            let _ = open.unbounded_send(at_once);
        });
        let mut polls = 0;
        handle.start(Box::pin(poll_fn(move |cx| {
            let _keep = &on_drop;
            late.fetch_or(OWED.get(), SeqCst);
            polls += 1;
            if polls < 3 {
                // Pending: woken here.
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            OWED.set(true);
            Poll::Ready(())
        })));
    }
    drop(open);
    let all_at_once = ends(&driver, clause, async {
        let mut at_once = true;
        while let Some(each) = dropped.next().await {
            at_once &= each && !OWED.get();
        }
        at_once
    });
    assert!(all_at_once, "{clause}");
}

/// Clause 4.
fn a_wake_from_a_foreign_thread_is_heard<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a wake from another thread, while nobody drives, is heard";
    let (handle, driver) = make();
    let (task, waker, ended) = parked();
    handle.start(task);
    let Ok(waker) = ends(&driver, clause, waker) else {
        panic!("{clause}: the task was dropped");
    };
    let woke = thread::spawn(move || waker.wake()).join();
    assert!(woke.is_ok(), "{clause}: the wake panicked");
    assert_eq!(ends(&driver, clause, ended), Ok(()), "{clause}");
}

/// Clause 4.
fn a_wake_while_the_driver_waits_is_heard<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a wake from another thread, while the driver waits for it, is heard";
    let (handle, driver) = make();
    let (task, waker, ended) = parked();
    handle.start(task);
    let waking = thread::spawn(move || {
        let waker = futures_lite::future::block_on(waker);
        // Long enough for the driver to find that it has nothing to do.
        thread::sleep(Duration::from_millis(5));
        waker.map(|waker| waker.wake())
    });
    assert_eq!(ends(&driver, clause, ended), Ok(()), "{clause}");
    assert!(waking.join().is_ok(), "{clause}: the wake panicked");
}

/// Clause 4.
fn a_wake_from_a_foreign_thread_during_the_poll_is_heard<H: Starts, B: BlockOn>(
    make: impl Fn() -> (H, B),
) {
    let clause = "a wake from another thread during the poll is heard";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    let mut tell = Some(tell);
    let mut polls = 0;
    handle.start(Box::pin(poll_fn(move |cx| {
        polls += 1;
        if polls < 4 {
            let waker = cx.waker().clone();
            let woke = thread::spawn(move || waker.wake()).join();
            assert!(woke.is_ok(), "the wake panicked");
            // Pending: woken just above, by the other thread.
            return Poll::Pending;
        }
        let _ = tell.take().map(|tell| tell.send(()));
        Poll::Ready(())
    })));
    assert_eq!(ends(&driver, clause, told), Ok(()), "{clause}");
}

/// Clause 6.
fn a_task_that_wakes_itself_starves_nobody<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "a task that wakes itself starves neither the others nor the driver";
    let (handle, driver) = make();
    let stop = Arc::new(AtomicBool::new(false));
    let (go, gone) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let stopped = Arc::clone(&stop);
    handle.start(Box::pin(async move {
        while !stopped.load(SeqCst) {
            yield_now().await;
        }
        let _ = tell.send(());
    }));
    handle.start(Box::pin(async move {
        let _ = go.send(());
    }));
    ends(&driver, clause, async {
        assert_eq!(gone.await, Ok(()), "{clause}");
        stop.store(true, SeqCst);
        assert_eq!(told.await, Ok(()), "{clause}");
    });
}

/// Clause 8.
fn a_destructor_can_spawn<H: Starts, B: BlockOn>(make: impl Fn() -> (H, B)) {
    let clause = "the destructor of a future can spawn";
    let (handle, driver) = make();
    let (tell, told) = oneshot::channel();
    let call = move |handle: &H| {
        handle.start(Box::pin(async move {
            let _ = tell.send(());
        }));
    };
    handle.start_calling(Moment::End, Box::new(call));
    assert_eq!(ends(&driver, clause, told), Ok(()), "{clause}");
}
