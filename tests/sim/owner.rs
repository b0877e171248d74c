//! The owner and its handles.

use std::{
    future::pending,
    marker::PhantomData,
    rc::Rc,
    sync::{Arc, Mutex},
    task::Poll,
    thread,
};

use futures::future::poll_fn;
use windlass::{AnyRuntime, LocalSpawner, Spawner, Timer, testing::SimRuntime};

use crate::{Drops, ms, yield_now};

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
