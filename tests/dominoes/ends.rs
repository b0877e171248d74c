//! Outcomes by hand, ends, wishes.

use std::{
    future::pending,
    panic::catch_unwind,
    sync::{Arc, Mutex},
    time::Duration,
};

use windlass::{
    Ctx, Error, FutureStatus,
    testing::{Dominoes, Sim, SimRuntime, simulate},
};

use crate::{Log, follow, in_order};

#[test]
fn domino_12_a_value_by_hand_counts_once_it_is_its_turn() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 3);
        let log = Log::default();
        let second = dominoes.get(2);
        assert!(second.set(()));
        assert!(second.is_done() && !second.is_failed());
        dominoes.begin();
        follow(&sim.ctx, &dominoes, 3, 0, &log);
        sim.rt.settle().await;
        assert_eq!(log.lines(), [""; 0], "the first one stands");
        follow(&sim.ctx, &dominoes, 1, 0, &log);
        dominoes.finished().await.unwrap();
        assert_eq!(log.lines(), ["1 fell", "1 rests", "3 fell", "3 rests"]);
        dominoes.check().unwrap();
    });
}

#[test]
fn domino_14_and_q_101_an_error_by_hand_comes_out_of_finished_and_nobody_hangs() {
    // Setting an outcome by hand made the driver fail, and those behind it wait for ever.
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 3);
        let log = Log::default();
        for i in 1..=3 {
            follow(&sim.ctx, &dominoes, i, 0, &log);
        }
        assert!(dominoes.get(2).fail("glued to the floor"));
        dominoes.begin();
        let error = dominoes.finished().await.unwrap_err();
        assert!(error.is_failed());
        assert_eq!(error.to_string(), "glued to the floor");
        assert_eq!(
            dominoes.check().unwrap_err().to_string(),
            "glued to the floor"
        );
        sim.ctx.finish().await;
        let mut lines = log.lines();
        lines.sort();
        assert_eq!(
            lines,
            [
                "1 fell",
                "1 rests",
                "2: glued to the floor",
                "3: glued to the floor"
            ]
        );
    });
}

#[test]
fn domino_12_a_cancellation_by_hand_stays_one() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 2);
        let second = dominoes.get(2);
        assert!(dominoes.get(1).cancel());
        dominoes.begin();
        assert!(dominoes.finished().await.unwrap_err().is_cancelled());
        assert!(second.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn domino_13_the_end_of_the_context_ends_the_row() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ctx");
        let dominoes = Dominoes::new(&ctx, 2);
        let second = dominoes.get(2);
        dominoes.begin();
        sim.rt.settle().await;
        ctx.cancel_with("enough");
        for error in [
            dominoes.finished().await.unwrap_err(),
            second.await.unwrap_err(),
        ] {
            assert_eq!(error.to_string(), "cancelled at sim-->ctx by enough");
        }
        // On a context that has ended it is born ended.
        let late = Dominoes::new(&ctx, 1);
        assert!(late.get(1).await.unwrap_err().is_cancelled());
        assert!(late.finished().await.unwrap_err().is_cancelled());
    });
}

#[test]
fn dropping_the_last_handle_ends_the_row_and_leaves_no_task() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 2);
        let clone = dominoes.clone();
        let (first, second) = (dominoes.get(1), dominoes.get(2));
        drop(dominoes);
        clone.begin();
        first.await.unwrap();
        let waits = second.wait();
        drop((clone, second));
        assert!(waits.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn the_row_ends_with_its_executor() {
    let rt = SimRuntime::new();
    let ctx = Ctx::root("app", rt.clone());
    let dominoes = Dominoes::new(&ctx, 1);
    let first = dominoes.get(1);
    drop(rt);
    assert!(
        futures::executor::block_on(dominoes.finished())
            .unwrap_err()
            .is_cancelled()
    );
    assert!(
        futures::executor::block_on(first)
            .unwrap_err()
            .is_cancelled()
    );
}

#[test]
fn q_101_a_failing_body_is_not_masked_by_what_it_left_standing() {
    // The complaint about dominoes that were not accessed took the place of the body's error.
    let text = catch_unwind(|| {
        simulate(async |sim: &Sim| {
            let dominoes = Dominoes::new(&sim.ctx, 3);
            let _first = dominoes.get(1);
            dominoes.begin();
            dominoes.finished().await.unwrap_err(); // would stall: the second is never retrieved
        });
    })
    .unwrap_err();
    let text = text.downcast::<String>().unwrap();
    assert!(
        text.contains("sim-->dominoes-->topple, spawned at tests/dominoes/ends.rs:"),
        "{text}"
    );
    let text = catch_unwind(|| {
        simulate(async |sim: &Sim| {
            let _dominoes = Dominoes::new(&sim.ctx, 3);
            panic!("the body's own (this is part of a test)");
        });
    })
    .unwrap_err();
    assert_eq!(
        text.downcast_ref(),
        Some(&"the body's own (this is part of a test)")
    );
}

#[test]
fn q_102_time_does_not_pass_while_dominoes_fall_and_a_sleeper_holds_nothing_up() {
    // Idleness was read off a private list, which is never empty while a timer's driver spins.
    simulate(async |sim| {
        let ctx = sim.ctx.clone();
        let sleeper = sim
            .ctx
            .spawn(async move { ctx.sleep(Duration::from_secs(1)).await.is_ok() });
        let dominoes = Dominoes::new(&sim.ctx, 3);
        let log = Log::default();
        for i in 1..=3 {
            follow(&sim.ctx, &dominoes, i, 2, &log);
        }
        dominoes.begin();
        dominoes.finished().await.unwrap();
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
        assert!(sleeper.await.unwrap());
    });
}

#[test]
fn all_that_can_fall_do_so_before_a_clock_moves_and_before_other_settled_work() {
    simulate(async |sim| {
        sim.rt.settle().await; // the next turn would be that of a clock
        let dominoes = Dominoes::new(&sim.ctx, 5);
        let log = Log::default();
        for i in 1..=5 {
            follow(&sim.ctx, &dominoes, i, 2, &log);
        }
        let (inner, rt) = (log.clone(), sim.rt.clone());
        drop(sim.ctx.spawn(async move {
            rt.settle().await;
            inner.note("settled");
        }));
        let (ctx, inner) = (sim.ctx.clone(), log.clone());
        drop(sim.ctx.spawn(async move {
            ctx.sleep(Duration::from_millis(1)).await.unwrap();
            inner.note("slept");
        }));
        dominoes.begin();
        sim.clock.advance(Duration::from_secs(1)).await;
        let mut lines = log.lines();
        assert_eq!(lines[..10], in_order(5));
        lines[10..].sort(); // these two take turns
        assert_eq!(lines[10..], ["settled", "slept"]);
    });
}

#[test]
fn q_103_the_public_name_is_the_row() {
    // The alias pointed to the type of a single domino. Here the name is that of the row.
    let name = std::any::type_name::<Dominoes>();
    assert_eq!(name, "windlass::testing::dominoes::Dominoes");
    fn check<T: Clone + Send + Sync + 'static>() {}
    check::<Dominoes>();
}

#[test]
fn domino_14_the_row_may_begin_at_the_first_retrieval() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 2).begin_on_get();
        sim.rt.settle().await;
        assert!(!dominoes.has_begun());
        dominoes.get(1).await.unwrap();
        assert!(dominoes.has_begun());
        dominoes.get(2).await.unwrap();
        dominoes.finished().await.unwrap();
    });
}

#[test]
fn domino_14_a_hook_is_called_before_each_next_domino() {
    simulate(async |sim| {
        let log = Log::default();
        let inner = log.clone();
        let before = move |i| inner.note(format!("before {i}"));
        let dominoes = Dominoes::new(&sim.ctx, 2).before_each(before);
        follow(&sim.ctx, &dominoes, 1, 3, &log);
        follow(&sim.ctx, &dominoes, 2, 0, &log);
        dominoes.begin();
        dominoes.finished().await.unwrap();
        let all = [
            "before 1", "1 fell", "1 rests", "before 2", "2 fell", "2 rests",
        ];
        assert_eq!(log.lines(), all);
    });
}

#[test]
fn a_hook_may_use_the_dominoes_and_a_panic_in_it_comes_out_of_finished() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 2);
        let clone = Arc::new(Mutex::new(None));
        let inner = clone.clone();
        let dominoes = dominoes.before_each(move |i| {
            let row: Option<Dominoes> = inner.lock().unwrap().take();
            match i {
                1 => drop(row.unwrap().get(2)),
                _ => panic!("a hook that panics (this is part of a test)"),
            }
        });
        *clone.lock().unwrap() = Some(dominoes.clone());
        let first = dominoes.get(1);
        dominoes.begin();
        first.await.unwrap();
        let error: Error = dominoes.finished().await.unwrap_err();
        assert!(error.is_panic(), "{error}");
    });
}

/// Retrieves the second domino when it is dropped.
struct Retrieves(Arc<Mutex<Option<Dominoes>>>);

impl Drop for Retrieves {
    fn drop(&mut self) {
        let row = self.0.lock().unwrap().take();
        drop(row.expect("the row is there").get(2));
    }
}

/// The former one was dropped under the lock: if that used the row, it waited for itself.
#[test]
fn a_hook_may_put_another_one_in_its_place() {
    simulate(async |sim| {
        let log = Log::default();
        let inner = log.clone();
        let row = Arc::new(Mutex::new(None));
        let retrieves = Retrieves(row.clone());
        let hook = move |i| {
            let row = retrieves.0.lock().unwrap().clone();
            let inner = inner.clone();
            inner.note(format!("one {i}"));
            drop(row.map(|row| row.before_each(move |i| inner.note(format!("other {i}")))));
        };
        let dominoes = Dominoes::new(&sim.ctx, 2).before_each(hook);
        *row.lock().unwrap() = Some(dominoes.clone());
        drop(dominoes.get(1));
        dominoes.begin();
        dominoes.finished().await.unwrap();
        assert_eq!(log.lines(), ["one 1", "other 2"]);
    });
}

#[test]
fn what_waits_for_a_domino_that_never_falls_is_named_in_the_stall() {
    let text = catch_unwind(|| {
        simulate(async |sim: &Sim| {
            let dominoes = Dominoes::new(&sim.ctx, 2);
            dominoes.begin();
            let second = dominoes.get(2);
            let _waits = sim.ctx.task("waits").try_spawn(second);
            pending::<()>().await;
        });
    })
    .unwrap_err();
    let text = text.downcast::<String>().unwrap();
    assert!(text.contains("\n  sim-->waits, spawned at "), "{text}");
}
