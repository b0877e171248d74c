//! The entries of a simulated test: `simulate`, `explore`, and what they find left over.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeSet,
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{Arc, Mutex},
    time::Duration,
};

use windlass::{
    Ctx, Plain, Spawner, TaskHolder, Timer, WithTimer,
    testing::{Sim, SimRuntime, VirtualClock, assert_no_leaks, explore, simulate},
};

// ===== helpers

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What `run` panics with.
fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().unwrap().to_string(),
    }
}

/// Starts a task that waits for ever, and lets go of it.
#[track_caller]
fn leave<R: Spawner>(ctx: &Ctx<R>, name: &'static str) {
    drop(ctx.task(name).spawn(pending::<()>()));
}

async fn yield_now() {
    let mut yielded = false;
    futures::future::poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return std::task::Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

// ===== simulate

#[test]
fn simulate_returns_what_the_test_returns_and_the_test_may_borrow() {
    let text = String::from("borrowed");
    let not_send = Rc::new(5);
    let got = simulate(async |sim| {
        sim.ctx.sleep(ms(10)).await.unwrap();
        (text.len() + *not_send, sim.clock.elapsed())
    });
    assert_eq!(got, (13, ms(10)));
}

#[test]
fn the_parts_of_a_sim_belong_together() {
    simulate(async |sim| {
        assert_eq!(sim.ctx.path(), "sim");
        assert_eq!(sim.rt.now(), sim.clock.now());
        assert_eq!(sim.ctx.now(), sim.clock.now());
        let other: Sim = sim.clone();
        let task = sim.ctx.spawn(async move {
            other.ctx.sleep(ms(3)).await.unwrap();
            other.clock.elapsed()
        });
        assert_eq!(task.await.unwrap(), ms(3));
    });
}

#[test]
fn a_panic_of_the_test_is_the_panic_that_comes_out() {
    // what the body failed with was masked by a complaint about what it had left.
    let text = message(|| {
        simulate(async |sim| {
            leave(&sim.ctx, "left");
            sim.rt.settle().await;
            panic!("the body's own (this is part of a test)");
        });
    });
    assert_eq!(text, "the body's own (this is part of a test)");
}

// ===== leaks

#[test]
fn a_task_that_outlives_the_test_is_named_with_its_path_and_place() {
    let line = Cell::new(0);
    let text = message(|| {
        simulate(async |sim| {
            let server = sim.ctx.child("server");
            leave(&server, "conn");
            line.set(line!() - 1);
        });
    });
    let at = format!("tests/simulate.rs:{}:13", line.get());
    assert_eq!(
        text,
        format!("1 task outlives the test:\n  sim-->server-->conn, spawned at {at}")
    );
}

/// The message once had five gigabytes: a line for each, with the whole path.
#[test]
fn of_a_thousand_tasks_in_a_chain_the_first_are_named_by_the_ends_of_their_paths() {
    let text = message(|| {
        simulate(async |sim| {
            let mut at = sim.ctx.clone();
            for _ in 0..1000 {
                at = at.child("n");
                leave(&at, "task");
            }
        });
    });
    assert!(
        text.starts_with("1000 tasks outlive the test:\n  sim-->n-->task, "),
        "{text}"
    );
    assert!(text.ends_with("\n  and 900 more"), "{text}");
    assert!(text.lines().all(|line| line.len() < 200), "{text}");
}

#[test]
fn every_task_that_outlives_the_test_is_named_whatever_its_kind() {
    let text = message(|| {
        simulate(async |sim| {
            let sleeping = sim.ctx.clone();
            let sleep = async move { sleeping.sleep(ms(1)).await.is_ok() };
            drop(sim.ctx.task("sleeping").spawn(sleep));
            let local = Rc::new(());
            let on_sim = sim.ctx.on(sim.rt.clone());
            let local = async move {
                let _local = local;
                pending::<()>().await;
            };
            drop(on_sim.task("local").spawn_local(local));
            sim.ctx.call_later(ms(5), || ());
            sim.rt.spawn(pending());
            leave(&Ctx::root("other", sim.rt.clone()), "strange");
        });
    });
    assert!(text.starts_with("5 tasks outlive the test:\n"), "{text}");
    for path in [
        "sim-->sleeping, ",
        "sim-->local, ",
        "sim-->call, ",
        "other-->strange, ",
    ] {
        assert!(
            text.contains(&format!("\n  {path}spawned at tests/simulate.rs:")),
            "{text}"
        );
    }
    assert!(
        text.contains("\n  a task without a context, spawned at tests/simulate.rs:"),
        "{text}"
    );
}

#[test]
fn a_task_that_ends_without_time_passing_does_not_outlive_the_test() {
    simulate(async |sim| {
        drop(sim.ctx.spawn(async {
            for _ in 0..100 {
                yield_now().await;
            }
        }));
    });
    simulate(async |sim| {
        let ctx = sim.ctx.child("cancelled");
        leave(&ctx, "task");
        sim.rt.settle().await;
        ctx.cancel(); // the task is asked, and dropped when it is next polled
    });
    simulate(async |sim| {
        let _guard = sim.ctx.child("guarded").guard();
        leave(_guard.ctx(), "task");
    });
}

#[test]
fn helpers_of_ours_are_no_leak() {
    simulate(async |sim| {
        // The driver of the deadline sleeps on.
        let ctx = sim
            .ctx
            .build("late")
            .timeout(Duration::from_secs(3600))
            .start();
        sim.rt.settle().await;
        sim.ctx.on_done(move |_| drop(ctx));
    });
}

#[test]
fn a_task_that_spins_for_ever_is_found_too() {
    let text = message(|| {
        simulate(async |sim| {
            let spinning = async {
                loop {
                    yield_now().await;
                }
            };
            drop(sim.ctx.task("spinning").spawn::<_, Plain>(spinning));
            sim.ctx.sleep(Duration::ZERO).await.unwrap();
        });
    });
    assert!(text.contains("sim-->spinning"), "{text}");
}

#[test]
fn a_grace_that_goes_on_outlives_the_test() {
    let text = message(|| {
        simulate(async |sim| {
            let ctx = sim.ctx.child("ctx");
            drop(ctx.task("graceful").grace(ms(10)).spawn(pending::<()>()));
            sim.rt.settle().await;
            ctx.cancel();
        });
    });
    assert!(text.contains("sim-->ctx-->graceful"), "{text}");
    simulate(async |sim| {
        let ctx = sim.ctx.child("ctx");
        drop(ctx.task("graceful").grace(ms(10)).spawn(pending::<()>()));
        sim.rt.settle().await;
        ctx.cancel_and_wait().await;
        assert_eq!(sim.clock.elapsed(), ms(10));
    });
}

#[test]
fn assert_no_leaks_names_what_runs_below_a_context() {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    assert_no_leaks(&ctx);
    let db = ctx.child("db");
    leave(&db, "pool");
    let line = line!() - 1;
    assert_eq!(
        message(|| assert_no_leaks(&ctx)),
        "1 task outlives app:\n  1 that the executor has not polled yet"
    );
    rt.run_until_stalled();
    let at = format!("tests/simulate.rs:{line}:5");
    let named = |end| format!("1 task outlives {end}:\n  app-->db-->pool, spawned at {at}");
    assert_eq!(message(|| assert_no_leaks(&ctx)), named("app"));
    assert_eq!(message(|| assert_no_leaks(&db)), named("app-->db"));
    assert_no_leaks(&ctx.child("other"));
    db.cancel();
    assert_eq!(
        message(|| assert_no_leaks(&ctx)),
        named("app"),
        "asked, but not gone"
    );
    rt.run_until_stalled();
    assert_no_leaks(&ctx);
}

#[test]
fn assert_no_leaks_works_on_any_runtime_and_any_handle() {
    #[derive(Clone)]
    struct Never(Arc<Mutex<Vec<Box<dyn std::any::Any + Send>>>>);
    impl Spawner for Never {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.lock().unwrap().push(Box::new(future));
        }
    }
    let never = Never(Arc::default());
    let ctx = Ctx::root_on("app", WithTimer::new(never.clone(), VirtualClock::new()));
    for _ in 0..3 {
        leave(&ctx.child("child"), "task");
    }
    let text = message(|| assert_no_leaks(&ctx.on(())));
    assert_eq!(
        text,
        "3 tasks outlive app:\n  3 that the executor has not polled yet"
    );
    never.0.lock().unwrap().clear();
    assert_no_leaks(&ctx.on(()));
}

// ===== stalls

#[test]
fn a_stall_names_the_paths_of_those_who_wait() {
    let line = Cell::new(0);
    let text = message(|| {
        simulate(async |sim| {
            let db = sim.ctx.child("db");
            leave(&db, "pool");
            line.set(line!() - 1);
            let holder = TaskHolder::new(&sim.ctx, "held").limit(1);
            leave(&holder.handle(), "first");
            leave(&holder.handle(), "queued");
            sim.ctx.sleep(ms(7)).await.unwrap();
            holder.finish().await;
        });
    });
    assert!(
        text.starts_with("the simulation has stalled at 7ms: nothing is ready, "),
        "{text}"
    );
    let at = format!("tests/simulate.rs:{}:13", line.get());
    assert!(
        text.contains(&format!("\n  sim-->db-->pool, spawned at {at}")),
        "{text}"
    );
    assert!(
        text.contains("\n  sim-->held-->first, spawned at tests/simulate.rs:"),
        "{text}"
    );
    assert!(
        text.contains("\n  sim-->held-->queued, spawned at tests/simulate.rs:"),
        "{text}"
    );
    let entered = format!(
        "\n  the future that was entered at tests/simulate.rs:{}:9",
        line.get() - 2
    );
    assert!(text.contains(&entered), "{text}");
}

#[test]
fn a_stall_in_explore_names_the_place_of_the_test() {
    let text = message(|| explore(3..4, async |_| pending().await));
    let entered = format!("entered at tests/simulate.rs:{}:27", line!() - 1);
    assert!(text.contains(&entered), "{text}");
}

// ===== explore

/// The order in which five tasks run that are woken by the same timer.
async fn race(sim: &Sim) -> Vec<usize> {
    let order = Arc::new(Mutex::new(Vec::new()));
    for i in 0..5 {
        let (order, ctx) = (order.clone(), sim.ctx.clone());
        drop(sim.ctx.spawn(async move {
            ctx.sleep(ms(10)).await.unwrap();
            order.lock().unwrap().push(i);
        }));
    }
    sim.ctx.finish().await;
    Arc::into_inner(order).unwrap().into_inner().unwrap()
}

#[test]
fn explore_runs_each_seed_once_and_each_in_its_own_order() {
    let orders = RefCell::new(Vec::new());
    explore(10..40, async |sim| {
        let order = race(sim).await;
        orders.borrow_mut().push(order);
    });
    let orders = orders.into_inner();
    assert_eq!(orders.len(), 30);
    let different: BTreeSet<_> = orders.iter().collect();
    assert!(
        different.len() > 20,
        "ties of timers vary too: {different:?}"
    );
    assert_eq!(
        simulate(race),
        [0, 1, 2, 3, 4],
        "without a seed: first come, first served"
    );
}

#[test]
fn explore_replays_a_seed_alone() {
    let all = RefCell::new(Vec::new());
    explore(0..10, async |sim| {
        let order = race(sim).await;
        all.borrow_mut().push(order);
    });
    for seed in 0..10 {
        explore(seed..seed + 1, async |sim| {
            assert_eq!(race(sim).await, all.borrow()[seed as usize]);
        });
    }
}

#[test]
fn explore_finds_an_order_that_breaks_a_wrong_program_and_goes_no_further() {
    // The reader takes for granted that the writer comes first.
    async fn wrong(sim: &Sim) {
        let cell = Arc::new(Mutex::new(None));
        let (write, read) = (cell.clone(), cell);
        drop(
            sim.ctx
                .spawn(async move { *write.lock().unwrap() = Some(1) }),
        );
        let reader = sim.ctx.spawn(async move { *read.lock().unwrap() });
        assert_eq!(reader.await.unwrap(), Some(1), "(this is part of a test)");
    }
    simulate(wrong); // which is how such things survive
    let runs = Cell::new(0);
    let text = message(|| {
        explore(0..100, async |sim| {
            runs.set(runs.get() + 1);
            wrong(sim).await;
        });
    });
    assert!(text.contains("(this is part of a test)"), "{text}");
    assert!((1..20).contains(&runs.get()), "{}", runs.get());
}

#[test]
fn explore_finds_leaks_as_well() {
    let text = message(|| {
        explore(0..5, async |sim| {
            leave(&sim.ctx, "left");
        });
    });
    assert!(
        text.starts_with("1 task outlives the test:\n  sim-->left, "),
        "{text}"
    );
}

#[test]
fn explore_without_a_seed_is_refused() {
    let text = message(|| explore(7..7, async |_| ()));
    assert_eq!(text, "`explore` was given no seeds: 7..7");
}
