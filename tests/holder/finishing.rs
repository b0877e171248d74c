//! Finishing: what comes while it waits, whoever calls it, and what a scope leaves behind.

use std::{
    future::{Future, pending},
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use windlass::{Ctx, Event, Finished, Task, TaskHolder, ok, testing::simulate};

use crate::{
    after,
    kit::{Log, secs, yield_now},
};

/// A task that says so when it is dropped.
fn stays(ctx: &Ctx, log: &Log, name: &'static str) -> Task<()> {
    struct Gone(Log, &'static str);
    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.add(format!("{} gone", self.1));
        }
    }
    let gone = Gone(log.clone(), name);
    ctx.spawn(async move {
        let _gone = gone;
        pending::<()>().await;
    })
}

fn is_refused(finished: &Finished) -> bool {
    let refusal = finished.first_error.as_ref();
    refusal.is_some_and(|error| error.to_string().contains("cannot wait"))
}

// ===== while it finishes

#[test]
fn task_that_spawns_into_the_holder_while_it_finishes_is_waited_for_with_what_it_spawned() {
    simulate(async |sim| {
        let (holder, log) = (
            Arc::new(TaskHolder::new(&sim.ctx, "holder")),
            Log::default(),
        );
        let (handle, told) = (holder.handle(), log.clone());
        drop(holder.try_spawn(async move {
            handle.sleep(secs(1)).await?;
            drop(after(&handle, &told, 2)); // through a handle
            drop(after(&handle.child("below"), &told, 4)); // further down
            ok(())
        }));
        let finished = holder.finish().await;
        assert_eq!(log.take(), ["2", "4"]);
        assert_eq!((finished.completed, sim.clock.elapsed()), (3, secs(5)));
        assert!(holder.is_done() && holder.pending() == 0);
    });
}

#[test]
fn spawning_and_adopting_work_through_a_shared_reference_while_it_finishes() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let first = after(&holder, &log, 3);
        let foreign = after(&sim.ctx, &log, 6);
        let finish = holder.finish();
        let more = async {
            sim.ctx.sleep(secs(1)).await.unwrap();
            drop(after(&holder, &log, 4));
            drop(holder.adopt(foreign));
            holder.set_limit(2); // live, and adopted ones take up room: 3 and 6 fill it
            drop(after(&holder, &log, 1));
        };
        let (finished, ()) = futures::join!(finish, more);
        assert_eq!(finished.completed, 4);
        assert_eq!((log.take().len(), holder.pending()), (4, 0));
        assert_eq!(first.await.unwrap(), 3);
    });
}

#[test]
fn each_of_several_who_finish_gets_the_sums() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        drop(after(&holder, &log, 2));
        let (a, b) = futures::join!(holder.finish(), holder.finish());
        assert_eq!((a.completed, b.completed), (1, 1));
        assert_eq!(
            holder.finish().await.completed,
            1,
            "and whoever comes later"
        );
    });
}

#[test]
fn end_of_the_parent_while_it_finishes_cancels_the_tasks_and_is_waited_out() {
    simulate(async |sim| {
        let (parent, log) = (sim.ctx.child("parent"), Log::default());
        let holder = TaskHolder::new(&parent, "holder");
        drop(stays(&holder, &log, "task"));
        let (told, cleanup) = (log.clone(), sim.ctx.cleanup(secs(60)));
        drop(holder.task("graceful").grace(secs(9)).spawn(async move {
            cleanup.sleep(secs(3)).await.unwrap();
            told.add("cleaned up");
        }));
        sim.ctx
            .call_later(secs(1), move || assert!(parent.fail("no")));
        let finished = holder.finish().await;
        assert_eq!(log.take(), ["task gone", "cleaned up"]);
        assert_eq!((finished.completed, finished.cancelled), (1, 1));
        assert_eq!(sim.clock.elapsed(), secs(3));
        assert_eq!(holder.error().unwrap().to_string(), "no");
    });
}

// ===== whoever waits for itself

#[test]
fn task_that_waits_for_a_holder_above_or_through_a_handle_is_refused_at_once() {
    // it waited for itself. Also on a plain context, in its first poll, and further down.
    simulate(async |sim| {
        let holder = Arc::new(TaskHolder::new(&sim.ctx, "holder"));
        let (inside, handle) = (Arc::clone(&holder), holder.handle());
        let task = handle.child("below").spawn(async move {
            let through_holder = inside.finish().await;
            let through_handle = handle.finish().await;
            let through_root = handle.child("below").finish().await;
            yield_now().await;
            let later = handle.finish().await;
            (
                [through_holder, through_handle, later].map(|finished| is_refused(&finished)),
                is_refused(&through_root),
            )
        });
        let (refused, beside) = task.await.unwrap();
        assert_eq!(
            (refused, beside),
            ([true; 3], false),
            "a context beside it is waited for"
        );
        assert!(!holder.is_done(), "a refusal ends nothing");
        let plain = sim.ctx.child("plain");
        let waits = plain.clone();
        let task = plain.spawn_with(|own| async move {
            [waits.finish().await, own.finish().await].map(|finished| is_refused(&finished))
        });
        assert_eq!(task.await.unwrap(), [true; 2]);
    });
}

#[test]
fn adopted_task_that_waits_for_its_holder_is_refused() {
    simulate(async |sim| {
        let holder = Arc::new(TaskHolder::new(&sim.ctx, "holder"));
        let (inside, go) = (Arc::clone(&holder), Event::new());
        let adopted = go.clone();
        let task = holder.adopt(sim.ctx.spawn(async move {
            adopted.wait().await;
            [inside.finish().await, inside.shutdown(secs(1)).await].map(|f| is_refused(&f))
        }));
        go.set();
        assert_eq!(task.await.unwrap(), [true; 2]);
        assert!(!holder.is_done());
    });
}

#[test]
fn task_in_a_child_of_the_holder_may_wait_for_what_is_beside_it() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let beside = holder.child("beside");
        drop(after(&beside, &log, 2));
        let task = holder.spawn(async move { beside.finish().await });
        let finished = task.await.unwrap();
        assert!(!is_refused(&finished));
        assert_eq!((finished.completed, sim.clock.elapsed()), (1, secs(2)));
    });
}

#[test]
fn task_that_cancels_its_holder_and_waits_is_dropped_there() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder"), Log::default());
        let (handle, told) = (holder.handle(), log.clone());
        let task = holder.spawn(async move {
            handle.cancel_and_wait().await;
            told.add("not reached");
        });
        assert!(task.await.unwrap_err().is_cancelled());
        assert!(holder.is_done() && log.take().is_empty());
    });
}

// ===== limits and slots at the end

#[test]
fn limit_of_zero_while_it_finishes_waits_until_it_is_raised() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder").limit(0), Log::default());
        drop((after(&holder, &log, 1), after(&holder, &log, 1)));
        let raise = async {
            sim.ctx.sleep(secs(5)).await.unwrap();
            assert_eq!(holder.pending(), 2);
            holder.set_limit(1);
        };
        let (finished, ()) = futures::join!(holder.finish(), raise);
        assert_eq!((finished.completed, sim.clock.elapsed()), (2, secs(7)));
    });
}

#[test]
fn finish_on_a_limit_of_zero_ends_with_the_context_and_starts_nothing() {
    simulate(async |sim| {
        let (holder, log) = (TaskHolder::new(&sim.ctx, "holder").limit(0), Log::default());
        let told = log.clone();
        let task = holder.spawn(async move { told.add("started") });
        let handle = holder.handle();
        sim.ctx
            .call_later(secs(1), move || assert!(handle.cancel()));
        assert_eq!(holder.finish().await.cancelled, 1);
        holder.set_limit(9);
        assert!(task.is_cancelled() && log.take().is_empty());
    });
}

#[test]
fn waiting_for_a_slot_ends_however_the_holder_does() {
    for way in ["stop", "cancel", "parent stops", "parent fails", "finish"] {
        simulate(async |sim| {
            let parent = sim.ctx.child("parent");
            let holder = TaskHolder::new(&parent, "holder").limit(0);
            let end = async {
                sim.ctx.sleep(secs(1)).await.unwrap();
                match way {
                    "stop" => assert!(holder.stop()),
                    "cancel" => assert!(holder.cancel()),
                    "parent stops" => assert!(parent.stop()),
                    "parent fails" => assert!(parent.fail("no")),
                    _ => drop(holder.finish().await),
                }
            };
            let (slot, ()) = futures::join!(holder.reserve(), end);
            let error = slot.unwrap_err();
            assert_eq!(error.is_failed(), way == "parent fails", "{way}: {error}");
            assert_eq!(
                (sim.clock.elapsed(), holder.pending()),
                (secs(1), 0),
                "{way}"
            );
            assert!(holder.reserve().await.is_err() && holder.try_reserve().is_none());
        });
    }
}

#[test]
fn slot_holds_no_finish_up_and_gives_a_task_that_is_cancelled_afterwards() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder").limit(1);
        let slot = holder.reserve().await.unwrap();
        assert_eq!(holder.finish().await.completed, 0);
        let late = slot.task("late").spawn(async { 1 });
        assert!(late.await.unwrap_err().is_cancelled());
        assert_eq!(holder.pending(), 0);
    });
}

// ===== scopes

#[test]
fn scope_waits_out_a_second_cancellation() {
    //
    simulate(async |sim| {
        let (parent, log) = (sim.ctx.child("parent"), Log::default());
        for n in 1..=2 {
            let parent = parent.clone();
            sim.ctx.call_later(secs(n), move || {
                parent.cancel();
            });
        }
        let (told, cleanup) = (log.clone(), sim.ctx.cleanup(secs(60)));
        let ended = TaskHolder::new(&parent, "scope")
            .scope(async |tasks| {
                drop(tasks.task("graceful").grace(secs(9)).spawn(async move {
                    cleanup.sleep(secs(5)).await.unwrap();
                    told.add("cleaned up");
                }));
                pending::<()>().await;
                ok(())
            })
            .await;
        assert!(ended.unwrap_err().is_cancelled());
        assert_eq!(
            (log.take(), sim.clock.elapsed()),
            (vec!["cleaned up".into()], secs(5))
        );
    });
}

#[test]
fn dropped_scope_drops_its_body_and_its_tasks_go_by_themselves() {
    simulate(async |sim| {
        let (parent, log) = (TaskHolder::new(&sim.ctx, "parent"), Log::default());
        let mut scope = Box::pin(TaskHolder::new(&parent, "scope").scope(async |tasks| {
            drop(stays(tasks, &log, "task"));
            pending::<()>().await;
            ok(())
        }));
        let waker = Waker::noop();
        assert!(
            scope
                .as_mut()
                .poll(&mut Context::from_waker(waker))
                .is_pending()
        );
        yield_now().await;
        drop(scope);
        parent.finish().await;
        assert_eq!(
            log.take(),
            ["task gone"],
            "the holder above has waited for it"
        );
    });
}

#[test]
fn handle_that_outlives_its_scope_spawns_nothing_that_runs() {
    //
    simulate(async |sim| {
        let (out, log) = (Mutex::new(None), Log::default());
        let scope = TaskHolder::new(&sim.ctx, "scope");
        let (value, told) = (
            scope.scope(async |tasks| {
                *out.lock().unwrap() = Some(tasks.handle());
                ok(7)
            }),
            log.clone(),
        );
        assert_eq!(value.await.unwrap(), 7);
        let handle = out.into_inner().unwrap().unwrap();
        assert!(handle.is_done());
        assert!(handle.spawn(async move { told.add("ran") }).await.is_err());
        assert!(log.take().is_empty());
    });
}

#[test]
fn finish_that_is_only_made_ends_nothing() {
    simulate(async |sim| {
        let holder = TaskHolder::new(&sim.ctx, "holder");
        drop(Box::pin(holder.finish()));
        assert!(!holder.is_done());
    });
}
