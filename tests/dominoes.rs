//! Dominoes: DOMINO-02 to DOMINO-14 and the quirks.

use std::{
    future::pending,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::poll_fn;
use windlass::{
    Ctx, Error, FutureStatus, WithTimer,
    adapters::EmbeddedPool,
    testing::{Dominoes, Sim, SimRuntime, VirtualClock, explore, simulate},
    wait_for_all,
};

// ===== helpers

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn yield_times(n: usize) {
    let mut left = n;
    poll_fn(|cx| {
        if left == 0 {
            return std::task::Poll::Ready(());
        }
        left -= 1;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// Starts a task that waits for domino `i`, works on for `rounds`, and notes both.
fn follow<R: windlass::Spawner>(
    ctx: &Ctx<R>,
    dominoes: &Dominoes,
    i: usize,
    rounds: usize,
    log: &Log,
) {
    let (domino, log) = (dominoes.get(i), log.clone());
    drop(ctx.spawn(async move {
        match domino.await {
            Ok(()) => log.note(format!("{i} fell")),
            Err(error) => return log.note(format!("{i}: {error}")),
        }
        yield_times(rounds).await;
        log.note(format!("{i} rests"));
    }));
}

fn message(run: impl FnOnce()) -> String {
    let payload = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    *payload.downcast::<String>().unwrap()
}

fn in_order(n: usize) -> Vec<String> {
    (1..=n)
        .flat_map(|i| [format!("{i} fell"), format!("{i} rests")])
        .collect()
}

// ===== falling

#[test]
fn domino_02_and_07_each_falls_once_all_that_the_last_one_set_in_motion_rests() {
    // In whatever order the tasks run and were spawned.
    explore(0..30, async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 4);
        let log = Log::default();
        for (i, rounds) in [(3, 5), (1, 40), (4, 0), (2, 17)] {
            follow(&sim.ctx, &dominoes, i, rounds, &log);
        }
        dominoes.begin();
        dominoes.finished().await.unwrap();
        log.note("finished");
        let mut expected = in_order(4);
        expected.push("finished".into());
        assert_eq!(log.lines(), expected);
        dominoes.check().unwrap();
    });
}

#[test]
fn domino_03_nothing_falls_before_begin() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 1);
        let first = dominoes.get(1);
        sim.rt.settle().await;
        assert!(!dominoes.has_begun() && first.outcome().is_none());
        dominoes.begin();
        assert!(
            dominoes.has_begun() && first.outcome().is_none(),
            "not inside the call"
        );
        sim.rt.settle().await;
        assert!(matches!(first.outcome(), Some(Ok(()))));
        dominoes.begin(); // once more is harmless
        dominoes.finished().await.unwrap();
    });
}

#[test]
fn domino_04_and_14_there_are_n_dominoes_counted_from_one() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 2);
        for i in [0, 3, usize::MAX] {
            let expected =
                format!("only expected up to 2 dominoes, counted from 1: there is no domino {i}");
            assert_eq!(message(|| drop(dominoes.get(i))), expected);
        }
    });
}

#[test]
fn domino_05_a_domino_falls_only_once_it_was_retrieved() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 3);
        let log = Log::default();
        dominoes.begin();
        follow(&sim.ctx, &dominoes, 2, 0, &log);
        follow(&sim.ctx, &dominoes, 3, 0, &log);
        sim.rt.settle().await;
        assert_eq!(log.lines(), [""; 0], "the first one was not retrieved");
        follow(&sim.ctx, &dominoes, 1, 0, &log);
        sim.rt.settle().await;
        assert_eq!(log.lines(), in_order(3));
    });
}

#[test]
fn domino_06_waiting_for_the_last_one_takes_all_to_be_retrieved() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 3);
        dominoes.begin();
        let third = dominoes.get(3);
        let (one, clone) = (dominoes.get(1), dominoes.clone());
        drop(sim.ctx.spawn(async move {
            yield_times(100).await;
            let _two = clone.get(2);
        }));
        third.await.unwrap();
        assert!(one.outcome().is_some());
    });
}

#[test]
fn dominoes_fall_in_order_on_another_executor() {
    // One thread: there "at rest" is a matter of giving way.
    let pool = EmbeddedPool::new(1);
    let ctx = Ctx::root("app", WithTimer::new(pool.handle(), VirtualClock::new()));
    let dominoes = Dominoes::new(&ctx, 3);
    let log = Log::default();
    for i in [2, 3, 1] {
        follow(&ctx, &dominoes, i, 3, &log);
    }
    dominoes.begin();
    futures::executor::block_on(async {
        dominoes.finished().await.unwrap();
        ctx.cancel_and_wait().await;
    });
    assert_eq!(log.lines(), in_order(3));
}

#[test]
fn a_row_of_none_is_finished_once_it_has_begun() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 0);
        dominoes.check().unwrap();
        dominoes.begin();
        dominoes.finished().await.unwrap();
    });
}

// ===== what was not made use of

#[test]
fn domino_09_and_10_check_lists_first_what_was_not_retrieved_then_what_has_not_fallen() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 4);
        let complaint = || dominoes.check().unwrap_err().to_string();
        let log = Log::default();
        dominoes.begin();
        follow(&sim.ctx, &dominoes, 1, 0, &log);
        follow(&sim.ctx, &dominoes, 2, 0, &log);
        sim.rt.settle().await;
        assert_eq!(complaint(), "dominoes [3, 4] were never retrieved");
        let _four = dominoes.get(4);
        assert_eq!(complaint(), "dominoes [3] were never retrieved");
        let _three = dominoes.get(3);
        assert_eq!(complaint(), "dominoes [3, 4] have not fallen");
        assert_eq!(log.lines(), in_order(2));
        assert!(
            format!("{dominoes:?}").contains("standing: [3, 4]"),
            "{dominoes:?}"
        );
    });
}

#[test]
fn q_100_a_domino_that_fell_while_nobody_waited_for_it_is_complained_about() {
    // One that was retrieved and never awaited passed, if only the scope stayed open long enough.
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 4);
        let _unseen = dominoes.get(1);
        let awaited = dominoes.get(2);
        let listened = dominoes.get(3);
        let log = Log::default();
        let inner = log.clone();
        listened.on_done(move |_| inner.note("listened"));
        let looked_at = dominoes.get(4);
        dominoes.begin();
        awaited.await.unwrap();
        wait_for_all(&[looked_at]).await;
        dominoes.finished().await.unwrap();
        let complaint = dominoes.check().unwrap_err().to_string();
        assert_eq!(complaint, "dominoes [1] fell while nobody waited");
        assert_eq!(log.lines(), ["listened"]);
    });
}

#[test]
fn domino_11_each_retrieval_fall_and_end_is_logged_once() {
    let seen = Log::default();
    // With one subscriber alone, `tracing` asks whichever thread comes first whether it listens.
    let _second = tracing::Dispatch::new(Events(Log::default()));
    tracing::subscriber::with_default(Events(seen.clone()), || {
        simulate(async |sim| {
            let dominoes = Dominoes::new(&sim.ctx, 2);
            drop((dominoes.get(2), dominoes.get(1), dominoes.get(2)));
            dominoes.begin();
            dominoes.finished().await.unwrap();
            let early = Dominoes::new(&sim.ctx, 1);
            early.get(1).fail("by hand");
            early.begin();
            early.finished().await.unwrap_err();
        });
    });
    let expected = [
        "INFO domino 2 was retrieved",
        "INFO domino 1 was retrieved",
        "INFO domino 1 fell",
        "INFO domino 2 fell",
        "INFO the dominoes are finished",
        "INFO domino 1 was retrieved",
        "INFO the dominoes ended early: by hand",
    ];
    assert_eq!(seen.lines(), expected);
}

/// Notes the messages of this crate's events.
struct Events(Log);

impl tracing::Subscriber for Events {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0
            .note(format!("{} {}", event.metadata().level(), message.0));
    }
}

// ===== outcomes by hand, and ends

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
        text.contains("sim-->dominoes-->topple, spawned at tests/dominoes.rs:"),
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

// ===== wishes

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
