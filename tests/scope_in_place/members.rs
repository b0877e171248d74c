//! What members do, how they end, and what the scope gives.

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::executor::block_on;
use windlass::{Error, InPlaceScope, ok, scope_in_place, testing::simulate};

use crate::{Noted, root, yields};

#[test]
fn it_polls_what_borrows_and_is_not_send_and_waits_for_all() {
    let (log, shared) = (RefCell::new(Vec::new()), Rc::new(Cell::new(0)));
    let text = String::from("borrowed");
    let value = block_on(scope_in_place(&root(), async |tasks| {
        for n in 0..3 {
            let (log, shared, text) = (&log, Rc::clone(&shared), &text);
            drop(tasks.spawn(async move {
                yields(n).await;
                shared.set(shared.get() + text.len());
                log.borrow_mut().push(n);
            }));
        }
        ok(tasks.spawn(async { 5 }).await?)
    }));
    assert_eq!(value.unwrap(), 5);
    assert_eq!(
        *log.borrow(),
        [0, 1, 2],
        "all of them, in the order in which they end"
    );
    assert_eq!(shared.get(), 24);
}

#[test]
fn members_run_together_in_virtual_time_and_spawn_more() {
    simulate(async |sim| {
        let start = sim.ctx.now();
        let ctx = &sim.ctx;
        let total = scope_in_place(ctx, async |tasks: &InPlaceScope<'_>| {
            let naps = [3, 1, 2].map(|n| {
                tasks.try_spawn(async move {
                    ctx.sleep(Duration::from_secs(n)).await?;
                    Ok::<_, Error>(n)
                })
            });
            let mut sum = 0;
            for nap in naps {
                sum += nap.await?;
            }
            ok(sum)
        })
        .await;
        assert_eq!(total.unwrap(), 6);
        assert_eq!(sim.ctx.now() - start, Duration::from_secs(3));
    });
}

#[test]
fn an_error_or_a_panic_of_the_body_drops_the_members() {
    let log = RefCell::new(Vec::new());
    let noted = || Noted(&log, "dropped");
    let failed = block_on(scope_in_place(&root(), async |tasks| {
        let noted = noted();
        drop(tasks.spawn(async move {
            let _noted = noted;
            pending::<()>().await;
        }));
        yields(1).await;
        Err::<(), _>(io::Error::other("the body fails"))
    }));
    assert_eq!(failed.unwrap_err().to_string(), "the body fails");
    assert_eq!(log.take(), ["dropped"]);

    let panicked = block_on(scope_in_place(&root(), async |tasks| {
        let noted = noted();
        drop(tasks.spawn(async move {
            let _noted = noted;
            pending::<()>().await;
        }));
        yields(1).await;
        if tasks.spawn(async { true }).await? {
            panic!("the body panics");
        }
        ok(())
    }));
    assert!(panicked.unwrap_err().is_panic());
    assert_eq!(log.take(), ["dropped"]);
}

#[test]
fn the_end_of_the_context_drops_body_and_members_also_when_the_body_is_over() {
    for body_is_over in [false, true] {
        let (ctx, log) = (root(), RefCell::new(Vec::new()));
        let mut scope = pin!(scope_in_place(&ctx, async |tasks| {
            let noted = Noted(&log, "member");
            drop(tasks.spawn(async move {
                let _noted = noted;
                pending::<()>().await;
            }));
            if !body_is_over {
                let _noted = Noted(&log, "body");
                pending::<()>().await;
            }
            ok(())
        }));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(scope.as_mut().poll(&mut cx).is_pending());
        assert!(log.borrow().is_empty());
        ctx.cancel_with("enough");
        let Poll::Ready(outcome) = scope.as_mut().poll(&mut cx) else {
            panic!("it goes on after the end of its context");
        };
        assert_eq!(
            outcome.unwrap_err().to_string(),
            "cancelled at root by enough"
        );
        assert_eq!(log.borrow().contains(&"body"), !body_is_over);
        assert!(log.borrow().contains(&"member"));
    }
}

#[test]
fn failures_go_to_whoever_awaits_them_and_are_reported_otherwise() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let list = told.clone();
    let reporter = move |failure: &windlass::Failure<'_>| {
        list.lock()
            .unwrap()
            .push(format!("{}: {}", failure.path, failure.error));
    };
    let ctx = root().build("app").reporter(reporter).start();
    let fails = |text: &'static str| async move { Err::<(), _>(io::Error::other(text)) };
    block_on(scope_in_place(&ctx, async |tasks| {
        let awaited = tasks.try_spawn(fails("awaited"));
        assert_eq!(awaited.await.unwrap_err().to_string(), "awaited");
        drop(tasks.try_spawn(fails("detached")));
        let late = tasks.try_spawn(fails("dropped late"));
        yields(2).await;
        drop(late);
        let panics = tasks.spawn(async { panic!("on purpose") });
        let panicked: Result<(), _> = panics.await;
        assert!(panicked.unwrap_err().is_panic());
        ok(())
    }))
    .unwrap();
    let told = told.lock().unwrap();
    assert_eq!(*told, ["root-->app: detached", "root-->app: dropped late"]);
}

#[test]
fn a_member_that_panics_takes_nobody_along() {
    let value = block_on(scope_in_place(&root(), async |tasks| {
        let panics = tasks.spawn(async { panic!("on purpose") });
        let lives = tasks.spawn(async {
            yields(3).await;
            1
        });
        let panicked: Result<(), _> = panics.await;
        assert!(panicked.is_err());
        ok(lives.await?)
    }));
    assert_eq!(value.unwrap(), 1);
}

#[test]
fn on_a_done_context_nothing_is_polled_and_a_dropped_scope_drops_all() {
    let ctx = root();
    ctx.cancel();
    let polled = Cell::new(false);
    let outcome = block_on(scope_in_place(&ctx, async |_| {
        polled.set(true);
        ok(())
    }));
    assert!(outcome.unwrap_err().is_cancelled());
    assert!(!polled.get());

    let (ctx, log) = (root(), RefCell::new(Vec::new()));
    let mut scope = Box::pin(scope_in_place(&ctx, async |tasks| {
        let noted = Noted(&log, "member");
        drop(tasks.spawn(async move {
            let _noted = noted;
            pending::<()>().await;
        }));
        pending::<windlass::Result<()>>().await
    }));
    assert!(
        scope
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_pending()
    );
    drop(scope);
    assert_eq!(*log.borrow(), ["member"]);
}

#[test]
fn many_members_are_polled_only_when_they_are_woken() {
    let polls = Cell::new(0);
    block_on(scope_in_place(&root(), async |tasks| {
        for _ in 0..1000 {
            let polls = &polls;
            drop(tasks.spawn(async move {
                let mut inner = pin!(yields(1));
                poll_fn(|cx| {
                    polls.set(polls.get() + 1);
                    inner.as_mut().poll(cx)
                })
                .await;
            }));
        }
        ok(())
    }))
    .unwrap();
    assert_eq!(polls.get(), 2000);
}

#[test]
fn a_taken_value_is_gone() {
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        block_on(scope_in_place(&root(), async |tasks| {
            let mut task = tasks.spawn(async { 1 });
            assert_eq!((&mut task).await.unwrap(), 1);
            assert!(task.await.unwrap_err().is_failed());
            ok(())
        }))
    }));
    outcome.unwrap().unwrap();
}
