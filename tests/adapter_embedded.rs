//! The built-in runtime: the suite, and what is its own.

use std::{
    cell::RefCell,
    convert::Infallible,
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    task::Poll,
    thread,
    time::Duration,
};

use futures::channel::oneshot;
use windlass::{
    BlockOn, Spawner, Timer, WithTimer,
    adapters::{Embedded, EmbeddedPool, FuturesTimer},
    testing::conformance,
};

fn pool(threads: usize) -> (Embedded, EmbeddedPool) {
    let pool = EmbeddedPool::new(threads);
    (pool.handle(), pool)
}

/// Counts when it is dropped.
struct Dropped(Arc<AtomicUsize>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, SeqCst);
    }
}

#[test]
fn a_pool_keeps_the_contract() {
    conformance::check(|| pool(3));
    conformance::check_owner(|| pool(3));
}

#[test]
fn a_pool_of_one_thread_keeps_the_contract() {
    conformance::check(|| pool(1));
    conformance::check_owner(|| pool(1));
}

#[test]
fn the_global_pool_keeps_the_contract() {
    conformance::check(|| (Embedded::global(), Embedded::global()));
}

#[test]
fn futures_timer_keeps_the_contract_beside_any_executor() {
    conformance::check_timer(|| (FuturesTimer, Embedded::global()));
    conformance::check(|| {
        let (handle, pool) = pool(1);
        (WithTimer::new(handle, FuturesTimer), pool)
    });
}

#[test]
fn a_pool_of_no_threads_has_one() {
    let (rt, _pool) = pool(0);
    let (send, receive) = mpsc::channel();
    rt.spawn(async move { send.send(thread::current().id()).unwrap() });
    assert_ne!(receive.recv().unwrap(), thread::current().id());
}

#[test]
fn tasks_run_although_nobody_blocks() {
    let (rt, _pool) = pool(2);
    let (send, receive) = mpsc::channel();
    let clock = rt.clone();
    rt.spawn(async move {
        clock.sleep(Duration::from_millis(1)).await;
        send.send(()).unwrap();
    });
    receive.recv().unwrap();
}

#[test]
fn block_on_inside_a_task_drives_the_pool_as_deep_as_it_goes() {
    fn nest(rt: Embedded, depth: usize) -> usize {
        if depth == 0 {
            return 0;
        }
        let (send, receive) = oneshot::channel();
        let inner = rt.clone();
        rt.spawn(async move { send.send(1 + nest(inner, depth - 1)).unwrap() });
        rt.block_on(receive).unwrap().unwrap()
    }
    let (rt, _pool) = pool(1);
    assert_eq!(nest(rt, 20), 20);
}

#[test]
fn a_pool_dropped_inside_its_own_task_does_not_wait_for_itself() {
    let (rt, pool) = pool(2);
    let count = Arc::new(AtomicUsize::new(0));
    let guard = Dropped(count.clone());
    let (send, receive) = mpsc::channel();
    rt.spawn(async move {
        // Dropped in the reverse order: the count first, then the sender.
        let send = send;
        let _guard = guard;
        drop(pool);
        send.send(()).unwrap();
        pending::<()>().await;
    });
    assert_eq!(receive.recv(), Ok(()));
    // The thread that leaves last drops the task.
    assert!(receive.recv().is_err());
    assert_eq!(count.load(SeqCst), 1);
}

#[test]
fn two_pools_that_drop_each_other_do_not_wait_for_each_other() {
    let ((one, one_pool), (two, two_pool)) = (pool(1), pool(1));
    let both = Arc::new(Barrier::new(2));
    let (send, receive) = mpsc::channel();
    for (rt, other) in [(one, two_pool), (two, one_pool)] {
        let (both, send) = (both.clone(), send.clone());
        rt.spawn(async move {
            both.wait();
            drop(other);
            send.send(()).unwrap();
        });
    }
    receive.recv().unwrap();
    receive.recv().unwrap();
}

#[test]
fn a_pool_dropped_while_another_thread_blocks_on_its_task_ends_the_wait() {
    let (rt, pool) = pool(1);
    let (send, mut receive) = oneshot::channel::<()>();
    let (began, begun) = mpsc::channel();
    let handle = rt.clone();
    let waiting = thread::spawn(move || {
        let mut polls = 0;
        handle.block_on(poll_fn(move |cx| {
            polls += 1;
            match polls {
                1 => cx.waker().wake_by_ref(),
                // By now the thread drives the pool.
                2 => began.send(()).unwrap(),
                _ => {}
            }
            Pin::new(&mut receive).poll(cx)
        }))
    });
    rt.spawn(async move {
        let _send = send;
        pending::<()>().await;
    });
    begun.recv().unwrap();
    drop(pool);
    assert!(waiting.join().unwrap().unwrap().is_err());
}

thread_local! {
    /// Tells of the end of its thread.
    static END: RefCell<Option<mpsc::Sender<Infallible>>> = const { RefCell::new(None) };
}

#[test]
fn a_pool_dropped_while_its_own_thread_blocks_on_a_task_still_runs_that() {
    let (rt, pool) = pool(2);
    let both = Arc::new(Barrier::new(2));
    let (end, ended) = mpsc::channel();
    let (began, begun) = mpsc::channel();
    let (release, released) = oneshot::channel::<()>();
    let (send, receive) = mpsc::channel();
    let (inner, met) = (rt.clone(), both.clone());
    rt.spawn(async move {
        met.wait();
        let (tell, told) = oneshot::channel();
        inner.spawn(async move {
            began.send(()).unwrap();
            released.await.unwrap();
            tell.send(()).unwrap();
        });
        send.send(inner.block_on(told).unwrap()).unwrap();
    });
    rt.spawn(async move {
        both.wait();
        END.set(Some(end));
    });
    begun.recv().unwrap();
    let dropping = thread::spawn(move || drop(pool));
    // The other thread has left, so the pool has been told to stop.
    assert!(ended.recv().is_err());
    release.send(()).unwrap();
    assert_eq!(receive.recv().unwrap(), Ok(()));
    dropping.join().unwrap();
}

#[test]
fn block_on_after_the_pool_has_gone_still_runs_its_future() {
    let (rt, pool) = pool(1);
    drop(pool);
    let clock = rt.clone();
    let slept = rt.block_on(async move { clock.sleep(Duration::from_millis(1)).await });
    assert!(slept.is_ok());
}

#[test]
fn block_on_takes_futures_that_borrow_and_are_not_send() {
    let (rt, _pool) = pool(1);
    let text = String::from("borrowed");
    let local = std::rc::Rc::new(1);
    let length = rt.block_on(async { text.len() + *local }).unwrap();
    assert_eq!(length, 9);
}

#[test]
fn a_spawn_in_progress_while_the_pool_goes_loses_no_destructor() {
    // Whoever holds the engine last drops what is in it, on whatever thread that is.
    for _ in 0..200 {
        let (rt, pool) = pool(2);
        let count = Arc::new(AtomicUsize::new(0));
        let spawning = [(); 2].map(|()| {
            let (rt, count) = (rt.clone(), count.clone());
            thread::spawn(move || {
                for _ in 0..20 {
                    let guard = Dropped(count.clone());
                    rt.spawn(poll_fn(move |_| {
                        let _guard = &guard;
                        Poll::<()>::Pending
                    }));
                }
            })
        });
        drop(pool);
        spawning
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        assert_eq!(count.load(SeqCst), 40);
    }
}

#[test]
fn a_task_that_panics_takes_no_thread_with_it() {
    let (rt, pool) = pool(1);
    for _ in 0..3 {
        rt.spawn(async { std::panic::resume_unwind(Box::new("on purpose")) });
    }
    let (send, receive) = mpsc::channel();
    rt.spawn(async move { send.send(()).unwrap() });
    assert_eq!(receive.recv_timeout(Duration::from_secs(60)), Ok(()));
    assert_eq!(pool.block_on(async { 7 }).unwrap(), 7);
}

#[test]
fn debug_says_what_it_is() {
    let (rt, pool) = pool(2);
    assert_eq!(format!("{rt:?}"), "Embedded { .. }");
    assert_eq!(format!("{pool:?}"), "EmbeddedPool { threads: 2, .. }");
}
