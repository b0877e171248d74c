//! Local tasks.

use std::{
    cell::{Cell, RefCell},
    future::pending,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use windlass::{BlockOn, LocalSpawner, Timer, testing::SimRuntime};

use crate::ms;

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
