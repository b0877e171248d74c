//! Scopes.

use std::{
    future::{pending, ready},
    sync::Arc,
    time::Duration,
};

use windlass::{TaskHolder, ok, testing::simulate};

use crate::{
    after,
    kit::{Log, secs, yield_now},
};

#[test]
fn scope_waits_for_its_tasks_and_gives_the_bodys_value() {
    simulate(async |sim| {
        let log = Log::default();
        let value = TaskHolder::new(&sim.ctx, "scope")
            .scope(async |tasks| {
                drop(after(tasks, &log, 3));
                ok("value")
            })
            .await;
        assert_eq!(
            (value.unwrap(), log.take()),
            ("value", vec!["3".to_owned()])
        );
    });
}

#[test]
fn failing_and_panicking_bodies_cancel_the_tasks_and_wait_for_them() {
    // HOLD-24; Q-49: leaving through an error waited for ever.
    simulate(async |sim| {
        for panics in [false, true] {
            let dropped = Arc::new(());
            let held = Arc::clone(&dropped);
            let error = TaskHolder::new(&sim.ctx, "scope")
                .scope(async |tasks| {
                    drop(tasks.spawn(async move {
                        let _held = held;
                        pending::<()>().await;
                    }));
                    yield_now().await;
                    assert!(!panics, "the body panics");
                    Err::<(), _>("the body fails")
                })
                .await
                .unwrap_err();
            assert_eq!((error.is_panic(), error.is_failed()), (panics, !panics));
            assert_eq!(Arc::strong_count(&dropped), 1, "its task is gone");
        }
        assert_eq!(sim.clock.elapsed(), Duration::ZERO);
    });
}

#[test]
fn early_drop_of_a_scope_cancels_its_tasks() {
    simulate(async |sim| {
        let parent = sim.ctx.child("parent");
        let scope = TaskHolder::new(&parent, "scope").scope(async |tasks| {
            drop(tasks.spawn(pending::<()>()));
            pending::<()>().await;
            ok(())
        });
        assert!(
            sim.ctx
                .timeout(secs(1), scope)
                .await
                .unwrap_err()
                .is_timed_out()
        );
        assert_eq!(parent.finish().await.cancelled, 0, "they are the scope's");
    });
}

#[test]
fn scope_ends_with_its_context_and_with_a_failure_under_fail_fast() {
    simulate(async |sim| {
        let failed = TaskHolder::new(&sim.ctx, "scope")
            .fail_fast()
            .scope(async |tasks| {
                drop(
                    tasks
                        .task("failing")
                        .silent()
                        .try_spawn(ready(Err::<(), _>("broken"))),
                );
                pending::<()>().await;
                ok(())
            });
        assert_eq!(failed.await.unwrap_err().to_string(), "broken");
        let parent = sim.ctx.child("parent");
        let ending = parent.clone();
        sim.ctx
            .call_later(secs(1), move || assert!(ending.cancel()));
        let ended = TaskHolder::new(&parent, "scope").scope(async |_| {
            pending::<()>().await;
            ok(())
        });
        assert!(ended.await.unwrap_err().is_cancelled());
        assert_eq!(sim.clock.elapsed(), secs(1));
    });
}

#[test]
fn body_that_ends_its_holder_and_returns_a_value_gives_it() {
    // The bug: it gave the error that it had brought about itself.
    simulate(async |sim| {
        for way in ["cancel", "finish"] {
            let (log, holder) = (Log::default(), TaskHolder::new(&sim.ctx, "scope"));
            let value = holder
                .scope(async |tasks| {
                    drop(after(tasks, &log, 3));
                    match way {
                        "cancel" => assert!(tasks.cancel()),
                        _ => drop(tasks.finish().await),
                    }
                    ok(way)
                })
                .await;
            assert_eq!(value.unwrap(), way);
            assert_eq!(log.take().len(), usize::from(way == "finish"));
        }
        // What comes from above or from a task is not the body's.
        let parent = sim.ctx.child("parent");
        let ended = TaskHolder::new(&parent, "scope")
            .scope(async |_| {
                parent.cancel();
                ok(())
            })
            .await;
        assert!(ended.unwrap_err().is_cancelled());
        let failed = TaskHolder::new(&sim.ctx, "scope")
            .scope(async |tasks| {
                tasks.fail("no");
                ok(())
            })
            .await;
        assert_eq!(failed.unwrap_err().to_string(), "no");
        let handle = std::sync::Mutex::new(None);
        let late = TaskHolder::new(&sim.ctx, "scope").scope(async |tasks| {
            drop(tasks.spawn(pending::<()>()));
            *handle.lock().unwrap() = Some(tasks.handle());
            ok(())
        });
        let cancels = async {
            sim.ctx.sleep(secs(1)).await.unwrap();
            assert!(handle.lock().unwrap().take().unwrap().cancel());
        };
        let (late, ()) = futures::join!(late, cancels);
        assert!(
            late.unwrap_err().is_cancelled(),
            "it came while the scope waited"
        );
    });
}

#[test]
fn body_whose_destructor_panics_is_cut_and_its_tasks_are_waited_for() {
    struct Bad;
    impl Drop for Bad {
        fn drop(&mut self) {
            panic!("a bad destructor");
        }
    }
    simulate(async |sim| {
        let (parent, log) = (sim.ctx.child("parent"), Log::default());
        let (told, cleanup) = (log.clone(), sim.ctx.cleanup(secs(60)));
        let ending = parent.clone();
        sim.ctx
            .call_later(secs(1), move || assert!(ending.cancel()));
        let ended = TaskHolder::new(&parent, "scope")
            .scope(async |tasks| {
                let _bad = Bad;
                drop(tasks.task("graceful").grace(secs(9)).spawn(async move {
                    cleanup.sleep(secs(3)).await.unwrap();
                    told.add("cleaned up");
                }));
                pending::<()>().await;
                ok(())
            })
            .await;
        assert!(ended.is_err());
        assert_eq!(log.take(), ["cleaned up"]);
    });
}
