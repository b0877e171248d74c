//! Callbacks and views.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Wake, Waker},
};

use windlass::{FutureStatus, WaitSlot, testing::simulate};

use crate::kit::{Log, secs, yield_now};

#[test]
fn callbacks_see_the_outcome_before_the_joiner_in_order() {
    // LOOP-14, with our decision: inline, once, in order of registration.
    simulate(async |sim| {
        let log = Log::default();
        let task = sim.ctx.spawn(async { 7 });
        let watch = task.watch();
        for name in ["one", "two"] {
            let (log, watch) = (log.clone(), watch.clone());
            task.on_done(move |value| {
                log.add(format!("{name} {value:?} {}", watch.is_done()));
            });
        }
        let (never, told) = (log.clone(), log.clone());
        let removed = task.on_done(move |_| never.add("removed"));
        task.on_done(|_| panic!("a callback that panics"));
        assert!(task.has_on_done(removed) && task.remove_on_done(removed));
        assert!(!task.remove_on_done(removed));
        let joiner = sim.ctx.spawn(async move {
            told.add(format!("joined {:?}", task.await.ok()));
        });
        joiner.await.unwrap();
        assert_eq!(
            log.take(),
            ["one Ok(7) true", "two Ok(7) true", "joined Some(7)"]
        );
        watch.wait().await.unwrap();
    });
}

#[test]
fn late_callback_runs_at_once_and_leaves_the_value() {
    simulate(async |sim| {
        let mut task = sim.ctx.spawn(async { "value".to_owned() });
        task.watch().wait().await.unwrap();
        let log = Log::default();
        let told = log.clone();
        task.on_done(move |value| told.add(format!("{value:?}")));
        assert_eq!(log.take(), [r#"Ok("value")"#]);
        assert_eq!((&mut task).await.unwrap(), "value");
        let told = log.clone();
        task.on_done(move |value| told.add(value.unwrap_err().to_string()));
        assert_eq!(log.take(), ["the task's value was taken before"]);
        assert!(
            (&mut task).await.is_err(),
            "polled once more: an error, no panic"
        );
    });
}

#[test]
fn callback_may_register_another_and_drop_the_task() {
    simulate(async |sim| {
        let log = Log::default();
        let task = Arc::new(Mutex::new(Some(sim.ctx.spawn(async { 1 }))));
        let (inside, told) = (Arc::clone(&task), log.clone());
        task.lock().unwrap().as_ref().unwrap().on_done(move |_| {
            let task = inside.lock().unwrap().take().unwrap();
            let second = told.clone();
            task.on_done(move |value| second.add(format!("second {value:?}")));
            told.add("first");
        });
        yield_now().await;
        assert_eq!(log.take(), ["first", "second Ok(1)"]);
    });
}

#[test]
fn dropped_task_goes_on() {
    simulate(async |sim| {
        let flag = Arc::new(AtomicBool::new(false));
        let set = Arc::clone(&flag);
        let inside = sim.ctx.clone();
        drop(sim.ctx.spawn(async move {
            inside.sleep(secs(1)).await.unwrap();
            set.store(true, Ordering::SeqCst);
        }));
        sim.ctx.sleep(secs(2)).await.unwrap();
        assert!(flag.load(Ordering::SeqCst));
    });
}

#[test]
fn finished_handles_wait_for_nothing_and_ids_differ() {
    simulate(async |sim| {
        let (a, b) = (sim.ctx.spawn(async {}), sim.ctx.spawn(async {}));
        assert_ne!(a.id(), b.id());
        assert_eq!(a.watch().id(), a.id());
        let (finished, name) = (sim.ctx.finish().await, a.name().to_owned());
        assert_eq!((finished.completed, name.as_str()), (2, "task"));
        assert!(a.is_done() && !a.cancel() && a.error().is_none());
    });
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn those_who_come_while_a_callback_runs_are_woken_after_it() {
    // Also when it runs late: the outcome is lent to it meanwhile.
    simulate(async |sim| {
        for is_late in [false, true] {
            let (wakes, task) = (
                Arc::new(Wakes::default()),
                Arc::new(sim.ctx.spawn(async { 1 })),
            );
            if is_late {
                task.watch().wait().await.unwrap();
            }
            let joined = Arc::new(Mutex::new((task.watch().wait(), WaitSlot::default())));
            let (inside, seen, waker) =
                (Arc::clone(&task), Arc::clone(&joined), Arc::clone(&wakes));
            task.on_done(move |_| {
                let waker = Waker::from(waker);
                let mut cx = Context::from_waker(&waker);
                let (wait, slot) = &mut *seen.lock().unwrap();
                assert!(inside.is_done(), "from the start of the callbacks");
                assert!(Pin::new(wait).poll(&mut cx).is_pending());
                assert_eq!(inside.poll_done(slot, &mut cx).is_pending(), !is_late);
            });
            yield_now().await;
            let woken = if is_late { 1 } else { 2 };
            assert_eq!(wakes.0.load(Ordering::SeqCst), woken, "late: {is_late}");
            let (wait, slot) = &mut *joined.lock().unwrap();
            let mut cx = Context::from_waker(Waker::noop());
            assert!(Pin::new(wait).poll(&mut cx).is_ready());
            assert!(task.poll_done(slot, &mut cx).is_ready());
        }
    });
}
