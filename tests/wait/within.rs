//! Waits of a context, and of things that are not ours.

use std::{
    cell::Cell,
    future::pending,
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use windlass::{
    Ctx, Error, Event, FutureStatus, Promise, State, Until, WaitSlot, ok,
    testing::{SimRuntime, simulate},
    wait_for_first,
};

use crate::{
    Wakes, contexts,
    kit::{secs, yield_now},
};

#[test]
fn wait_reports_done_and_pending() {
    // LOOP-18, LOOP-19, LOOP-20, LOOP-21
    simulate(async |sim| {
        let ctx = &sim.ctx;
        let after = |n: u64, fails: bool| {
            let inside = ctx.clone();
            ctx.task("after").silent().try_spawn(async move {
                inside.sleep(secs(n)).await?;
                if fails { Err("failed".into()) } else { ok(n) }
            })
        };
        let set = [
            after(3, false),
            after(1, false),
            after(2, true),
            after(9, false),
        ];
        let first = ctx.wait(&set, Until::First).await.unwrap();
        assert_eq!((first.done, first.pending), (vec![1], vec![0, 2, 3]));
        let failed = ctx.wait(&set, Until::FirstError).await.unwrap();
        assert_eq!((failed.done, sim.clock.elapsed()), (vec![1, 2], secs(2)));
        let late = ctx.wait(&set, Until::All).timeout(secs(2)).await.unwrap();
        assert_eq!((late.done, late.pending), (vec![0, 1, 2], vec![3]));
        assert_eq!(sim.clock.elapsed(), secs(4));
        assert!(!set[3].is_done(), "nothing is cancelled");
        let all = ctx.wait(&set, Until::All).await.unwrap();
        assert_eq!((all.done.len(), sim.clock.elapsed()), (4, secs(9)));
        let zero = ctx
            .wait((&Event::new(), &set[0]), Until::All)
            .timeout(Duration::ZERO)
            .await;
        assert_eq!(zero.unwrap().done, [1]);
    });
}

#[test]
fn cancellation_is_no_error_for_a_wait() {
    // LOOP-21
    simulate(async |sim| {
        let (stopped, other) = (sim.ctx.spawn(pending::<()>()), Event::new());
        stopped.cancel();
        let waited = sim
            .ctx
            .wait((&stopped, &other), Until::FirstError)
            .timeout(secs(1))
            .await;
        assert_eq!(
            (waited.unwrap().pending, sim.clock.elapsed()),
            (vec![1], secs(1))
        );
    });
}

#[test]
fn wait_ends_with_its_context() {
    simulate(async |sim| {
        let ctx = sim.ctx.child("ends");
        let waiting = ctx.clone();
        let task = sim
            .ctx
            .try_spawn(async move { waiting.wait([Event::new()], Until::All).await });
        yield_now().await;
        ctx.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
    });
}

#[test]
fn own_types_delegate_to_what_they_wait_for() {
    struct Job(Ctx<()>, &'static str);
    impl FutureStatus for Job {
        fn state(&self) -> windlass::State {
            self.0.state()
        }
        fn error(&self) -> Option<Error> {
            self.0.error()
        }
        fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
            self.0.poll_done(slot, cx)
        }
    }
    let [a, b] = contexts();
    let jobs = [Job(a.clone(), "a"), Job(b, "b")];
    let wakes = Arc::new(Wakes::default());
    let mut wait = Box::pin(wait_for_first(&jobs));
    assert!(wakes.poll(wait.as_mut()).is_pending());
    a.fail("over");
    let Poll::Ready(Some(first)) = wakes.poll(wait.as_mut()) else {
        panic!("it hangs")
    };
    assert!(jobs[first].1 == "a" && jobs[first].is_failed() && !jobs[first].cancel());
    let erased: Vec<&dyn FutureStatus> = vec![&jobs[0], &a];
    assert!(erased.iter().all(|status| status.is_done()));
}

#[test]
fn a_wait_for_all_that_runs_out_of_time_lists_what_is_done_behind_what_is_pending() {
    simulate(async |sim| {
        let (pending, late) = (sim.ctx.child("pending"), sim.ctx.child("late"));
        let done = sim.ctx.child("done");
        done.cancel();
        let ends = late.clone();
        sim.ctx
            .call_later(Duration::from_secs(1), move || assert!(ends.cancel()));
        let set = [&pending, &done, &late];
        let wait = sim
            .ctx
            .wait(&set, Until::All)
            .timeout(Duration::from_secs(2));
        let waited = wait.await.unwrap();
        assert_eq!((waited.done, waited.pending), (vec![1, 2], vec![0]));
    });
}

#[test]
fn wait_that_is_satisfied_already_yields_once_whatever_it_is_for() {
    let ctx = Ctx::root("app", SimRuntime::new());
    let [failed, pending] = contexts();
    failed.fail("before");
    for until in [Until::First, Until::FirstError, Until::All] {
        let both = [
            &failed,
            if until == Until::All {
                &failed
            } else {
                &pending
            },
        ];
        let wakes = Arc::new(Wakes::default());
        let mut wait = Box::pin(ctx.wait(both, until));
        assert!(wakes.poll(wait.as_mut()).is_pending(), "{until:?}");
        assert_eq!(wakes.count(), 1, "it has woken itself");
        assert!(wakes.poll(wait.as_mut()).is_ready());
    }
}

#[test]
fn end_that_is_taken_back_meanwhile_is_listed_as_done() {
    // WAIT-26: what was complete once counts, although it is not when the wait is over.
    simulate(async |sim| {
        let [event, never] = [Event::new(), Event::new()];
        for until in [Until::All, Until::First, Until::FirstError] {
            event.clear();
            let flips = event.clone();
            sim.ctx.call_later(secs(1), move || {
                flips.set();
                flips.clear();
            });
            let wait = sim.ctx.wait((&event, &never), until).timeout(secs(2));
            let waited = wait.await.unwrap();
            assert_eq!(
                (waited.done, waited.pending),
                (vec![0], vec![1]),
                "{until:?}"
            );
        }
    });
}

/// Counts how often it is asked whether it has ended.
struct Counted<'a>(Promise<()>, &'a Cell<usize>);

impl FutureStatus for Counted<'_> {
    fn state(&self) -> State {
        self.0.state()
    }

    fn error(&self) -> Option<Error> {
        self.0.error()
    }

    fn poll_done(&self, slot: &mut WaitSlot, cx: &mut Context<'_>) -> Poll<()> {
        self.1.set(self.1.get() + 1);
        self.0.poll_done(slot, cx)
    }
}

/// Each wake looked at all that had not ended: two thousand that ended one by one took a million looks.
#[test]
fn waiting_for_the_first_error_costs_as_much_for_each_that_ends_however_many_there_are() {
    for until in [Until::FirstError, Until::All] {
        simulate(async |sim| {
            const MANY: usize = 2000;
            let looks = Cell::new(0);
            let promises: Vec<_> = (0..MANY).map(|_| Promise::new()).collect();
            let set: Vec<_> = promises
                .iter()
                .map(|p| Counted(p.clone(), &looks))
                .collect();
            let mut wait = pin!(sim.ctx.wait(&set, until));
            for promise in promises.iter().rev() {
                assert!(futures::poll!(wait.as_mut()).is_pending());
                promise.set(());
            }
            assert_eq!(wait.await.unwrap().done.len(), MANY);
            assert!(looks.get() <= 4 * MANY, "{} looks, {until:?}", looks.get());
        });
    }
}

#[test]
fn the_first_error_among_many_is_seen_at_once_and_a_cancellation_is_none() {
    simulate(async |sim| {
        let promises: Vec<_> = (0..100).map(|_| Promise::<()>::new()).collect();
        let mut wait = pin!(sim.ctx.wait(&promises, Until::FirstError));
        assert!(futures::poll!(wait.as_mut()).is_pending());
        promises[70].set(());
        promises[3].cancel();
        assert!(futures::poll!(wait.as_mut()).is_pending());
        promises[50].fail("broken");
        promises[60].set(());
        let waited = wait.await.unwrap();
        assert_eq!(waited.done, [3, 50, 60, 70]);
        assert_eq!(waited.pending.len(), 96);
        let again = sim.ctx.wait(&promises, Until::FirstError).await.unwrap();
        assert_eq!(again, waited);
    });
}

#[test]
fn many_of_which_none_fails_are_waited_for_and_a_wait_that_is_dropped_leaves_no_trace() {
    simulate(async |sim| {
        let promises: Vec<_> = (0..100).map(|_| Promise::<()>::new()).collect();
        let mut wait = Box::pin(sim.ctx.wait(&promises, Until::FirstError));
        assert!(futures::poll!(wait.as_mut()).is_pending());
        drop(wait);
        let (ctx, set) = (sim.ctx.clone(), promises.clone());
        let sets = sim.ctx.spawn(async move {
            for promise in set {
                ctx.sleep(secs(1)).await.unwrap();
                promise.set(());
            }
        });
        let waited = sim.ctx.wait(&promises, Until::FirstError).await.unwrap();
        assert_eq!((waited.done.len(), sim.clock.elapsed()), (100, secs(100)));
        sets.await.unwrap();
    });
}
