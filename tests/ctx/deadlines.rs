//! Deadlines, ends with another, cleanup.

use std::{sync::Arc, time::Duration};

use windlass::{
    Ctx, TimedOut,
    testing::{Sim, simulate},
    wait_for_all,
};

use crate::{
    Broken,
    kit::{Log, secs, yield_now},
    note, root,
};

#[test]
fn also_ends_with_another_and_forgets_it() {
    // every short-lived context left a closure at the long-lived one.
    let (mine, other) = (root(), root());
    let both = mine.build("both").also_ends_with(&other).start();
    other.fail(Broken("elsewhere"));
    assert!(both.error().unwrap().is::<Broken>() && !mine.is_done());
    let other = root();
    let held = Arc::new(());
    for _ in 0..1000 {
        drop(
            mine.build("brief")
                .value(Arc::clone(&held))
                .also_ends_with(&other)
                .start(),
        );
    }
    assert_eq!(Arc::strong_count(&held), 1, "nothing is left behind");
    let done = mine.build("born done").also_ends_with(&both).start();
    assert!(done.error().unwrap().is::<Broken>());
}

#[test]
fn deadlines_end_with_timed_out_and_the_earliest_counts() {
    simulate(async |sim: &Sim| {
        let outer = sim.ctx.build("outer").timeout(secs(5)).start();
        let inner = outer.build("inner").timeout(secs(60)).start();
        assert_eq!(inner.deadline(), outer.deadline());
        assert_eq!(inner.remaining(), Some(secs(5)));
        let error = inner.done().await;
        assert_eq!(sim.clock.elapsed(), secs(5));
        let late = error
            .downcast_ref::<TimedOut>()
            .expect("it was the deadline")
            .clone();
        assert_eq!((late.path(), late.after()), ("sim-->outer", secs(5)));
        assert_eq!(inner.remaining(), Some(Duration::ZERO));
        let zero = sim.ctx.build("zero").timeout(Duration::ZERO).start();
        assert!(zero.error().unwrap().is_timed_out(), "done at once");
        let past = sim
            .ctx
            .build("past")
            .deadline(sim.ctx.now() - secs(1))
            .start();
        assert!(past.error().unwrap().is_timed_out());
        let huge = sim.ctx.build("huge").timeout(Duration::MAX).start();
        assert!(!huge.is_done() && huge.remaining().unwrap() > secs(900_000_000));
    });
}

#[test]
fn deadline_leaves_the_list_with_its_context_and_does_not_drag_the_clock() {
    // Q-98, for our own timers.
    simulate(async |sim: &Sim| {
        let short = sim.ctx.build("short").timeout(secs(10)).start();
        let gone = sim.ctx.build("gone").timeout(secs(20)).start();
        sim.ctx.sleep(secs(1)).await.unwrap();
        assert!(short.cancel());
        drop(gone);
        sim.ctx.sleep(secs(1)).await.unwrap();
        let again = sim.ctx.build("again").timeout(secs(3)).start();
        again.done().await;
        assert_eq!(sim.clock.elapsed(), secs(5));
    });
}

#[test]
fn deadlines_below_an_ended_context_do_not_drag_the_clock() {
    // Q-98, where the contexts with the deadlines are still held, and end with one above.
    simulate(async |sim: &Sim| {
        let server = sim.ctx.child("server");
        let conns: Vec<_> = (0..3).map(|_| server.child("conn")).collect();
        let request = |n: u64| conns[n as usize % 3].build("request").timeout(secs(n));
        let requests: Vec<_> = (10..40).map(|n| request(n).start()).collect();
        let alive = sim.ctx.build("alive").timeout(secs(15)).start();
        sim.clock.record_fired();
        sim.ctx.sleep(secs(1)).await.unwrap();
        assert!(conns[2].cancel() && requests[1].is_done() && !requests[0].is_done());
        assert!(server.cancel() && requests.iter().all(|request| request.is_done()));
        alive.done().await;
        sim.ctx.sleep(secs(100)).await.unwrap();
        let fired = [1, 15, 115].map(secs);
        assert_eq!(sim.clock.fired(), fired, "nothing that had ended");
        drop(requests);
    });
}

#[test]
fn context_with_a_deadline_is_freed_when_its_last_handle_goes() {
    simulate(async |sim: &Sim| {
        let held = Arc::new(());
        for n in 1..=1000 {
            let wish = sim.ctx.build("n").timeout(secs(n));
            drop(wish.value(Arc::clone(&held)).start());
        }
        assert_eq!(Arc::strong_count(&held), 1, "no entry holds its node");
        sim.ctx.sleep(secs(2000)).await.unwrap();
    });
}

#[test]
fn timer_of_a_deadline_goes_with_its_context_however_that_goes() {
    // of a context that has ended, and of one that is just not there any more.
    simulate(async |sim: &Sim| {
        let ways: [fn(&Ctx, Ctx) -> bool; 4] = [
            |_, timed| timed.cancel(),
            |parent, _| parent.cancel(),
            |_, timed| timed.fail("broken"),
            |_, timed| {
                drop(timed);
                true
            },
        ];
        for goes in ways {
            let start = sim.clock.elapsed();
            sim.clock.record_fired();
            let parent = sim.ctx.child("parent");
            let timed = parent.build("timed").timeout(secs(10)).start();
            let kept = sim.ctx.build("kept").timeout(secs(40)).start();
            yield_now().await; // the driver has armed its timer
            assert!(goes(&parent, timed));
            kept.done().await;
            assert_eq!(sim.clock.fired().last(), Some(&(start + secs(40))));
            assert!(!sim.clock.fired().contains(&(start + secs(10))));
        }
    });
}

#[test]
fn earlier_deadline_that_comes_later_ends_at_its_time() {
    simulate(async |sim: &Sim| {
        let late = sim.ctx.build("late").timeout(secs(60)).start();
        sim.ctx.sleep(secs(1)).await.unwrap();
        let early = sim.ctx.build("early").timeout(secs(4)).start();
        assert!(early.done().await.is_timed_out());
        assert_eq!(sim.clock.elapsed(), secs(5));
        assert!(!late.is_done());
        let between = sim.ctx.build("between").timeout(secs(10)).start();
        assert!(late.done().await.is_timed_out() && between.is_done());
        assert_eq!(sim.clock.elapsed(), secs(60));
    });
}

#[test]
fn deadlines_at_the_same_instant_all_end_in_the_order_in_which_they_were_made() {
    simulate(async |sim: &Sim| {
        let (log, at) = (Log::default(), sim.ctx.now() + secs(5));
        let same: Vec<_> = ["one", "two", "three"]
            .into_iter()
            .map(|name| {
                let ctx = sim.ctx.build(name).deadline(at).start();
                ctx.on_done(note(&log, name));
                ctx
            })
            .collect();
        let gone = sim.ctx.build("gone").deadline(at).start();
        yield_now().await;
        drop(gone);
        wait_for_all(&same).await;
        assert_eq!(sim.clock.elapsed(), secs(5));
        assert_eq!(log.take(), ["one", "two", "three"]);
    });
}

#[test]
fn many_deadlines_end_in_their_order() {
    simulate(async |sim: &Sim| {
        let log = Log::default();
        let mut all = Vec::new();
        for n in (1..=20_u64).rev() {
            let ctx = sim.ctx.build("n").timeout(secs(n)).start();
            let (log, clock) = (log.clone(), sim.clock.clone());
            ctx.on_done(move |_| log.add(format!("{n} at {}", clock.elapsed().as_secs())));
            all.push(ctx);
        }
        wait_for_all(&all).await;
        let expected: Vec<_> = (1..=20).map(|n| format!("{n} at {n}")).collect();
        assert_eq!(log.take(), expected);
    });
}

#[test]
fn cleanup_is_live_below_the_nearest_live_ancestor_and_bounded() {
    simulate(async |sim: &Sim| {
        let server = sim.ctx.child("server");
        let conn = server.child("conn");
        server.cancel();
        let cleanup = conn.cleanup(secs(2));
        assert_eq!(cleanup.path(), "sim-->cleanup of conn");
        assert!(cleanup.done().await.is_timed_out());
        assert_eq!(sim.clock.elapsed(), secs(2));
        sim.ctx.cancel();
        let alone = conn.cleanup(secs(2));
        assert!(!alone.is_done(), "live, although all above have ended");
    });
}

#[test]
fn wait_for_all_counts_each_context_of_a_shared_ancestor() {
    // two contexts with a common ancestor were counted as one, and the wait never ended.
    simulate(async |sim: &Sim| {
        let (x, y) = (sim.ctx.child("x"), sim.ctx.child("y"));
        let parent = sim.ctx.child("parent");
        let below = parent.child("below");
        let ending = sim.ctx.spawn({
            let (x, y, parent) = (x.clone(), y.clone(), parent.clone());
            async move { [x.cancel(), y.cancel(), parent.cancel()] }
        });
        wait_for_all((&x, &y, &parent, &below)).await;
        assert_eq!(ending.await.unwrap(), [true; 3]);
    });
}

#[test]
fn cleanup_of_a_live_context_outlives_it_and_is_waited_for_above() {
    simulate(async |sim: &Sim| {
        let server = sim.ctx.child("server");
        let conn = server.child("conn");
        let cleanup = conn.cleanup(secs(60));
        assert_eq!(cleanup.path(), "sim-->server-->cleanup of conn");
        conn.cancel();
        let inside = cleanup.clone();
        drop(cleanup.try_spawn(async move { inside.sleep(secs(2)).await }));
        assert_eq!(server.finish().await.completed, 1);
        assert_eq!(sim.clock.elapsed(), secs(2));
        server.cancel();
        assert!(cleanup.is_done());
    });
}
