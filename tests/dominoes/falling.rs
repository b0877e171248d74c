//! Falling.

use windlass::{
    Ctx, WithTimer,
    adapters::EmbeddedPool,
    testing::{Dominoes, VirtualClock, explore, simulate},
};

use crate::{Log, follow, in_order, message, yield_times};

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
