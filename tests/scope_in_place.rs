//! The nursery that polls in place: what it borrows, how it ends.

#[path = "kit/hand.rs"]
mod hand;

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, poll_fn},
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    rc::Rc,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use futures::{StreamExt, executor::block_on, stream::FuturesUnordered};
use hand::Hand;
use windlass::{Ctx, Error, InPlaceScope, InPlaceTask, ok, scope_in_place, testing::simulate};

fn root() -> Ctx<()> {
    Ctx::root_on("root", ())
}

struct Noted<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

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

async fn yields(mut times: usize) {
    poll_fn(|cx| match times {
        0 => Poll::Ready(()),
        _ => {
            times -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
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

// ===== who is called when a task is over =====

#[test]
fn a_body_that_awaits_its_tasks_goes_on_in_the_same_poll() {
    let (hand, ctx) = (Hand::default(), root());
    let mut scope = pin!(scope_in_place(&ctx, async |tasks| {
        let mut sum = 0;
        for n in 0..100 {
            sum += tasks
                .spawn(async move {
                    yields(1).await;
                    n
                })
                .await?;
        }
        ok(sum)
    }));
    let Poll::Ready(sum) = hand.poll(scope.as_mut()) else {
        panic!("nothing is left to wait for");
    };
    assert_eq!((sum.unwrap(), hand.woken()), (4950, 0));
}

#[test]
fn a_body_that_finds_its_tasks_over_without_end_lets_the_executor_go_on() {
    let (hand, ctx, rounds) = (Hand::default(), root(), Cell::new(0));
    let mut scope = pin!(scope_in_place(&ctx, async |tasks| {
        loop {
            tasks.spawn(yields(1)).await?;
            rounds.set(rounds.get() + 1);
        }
        #[expect(unreachable_code, reason = "says what the body returns")]
        ok(())
    }));
    for polls in 1..4 {
        assert!(hand.poll(scope.as_mut()).is_pending());
        assert_eq!(hand.woken(), polls, "it asks for the next poll");
        assert!((1..=polls * 200).contains(&rounds.get()));
    }
}

#[test]
fn a_body_that_waits_for_several_at_once_gets_them_as_they_end() {
    let ended = block_on(scope_in_place(&root(), async |tasks| {
        let each = |n| {
            tasks.spawn(async move {
                yields(n).await;
                n
            })
        };
        let mut all: FuturesUnordered<_> = [3, 1, 2].map(each).into_iter().collect();
        let mut ended = Vec::new();
        while let Some(n) = all.next().await {
            ended.push(n?);
        }
        ok(ended)
    }));
    assert_eq!(ended.unwrap(), [1, 2, 3]);
}

/// A handle that several may poll, and the gate that its task waits for.
#[derive(Default)]
struct Shared {
    task: RefCell<Option<InPlaceTask<u32>>>,
    gate: RefCell<Option<Waker>>,
    is_open: Cell<bool>,
}

impl Shared {
    fn spawn<'a>(&'a self, tasks: &InPlaceScope<'a>) {
        let passed = poll_fn(|cx| {
            *self.gate.borrow_mut() = Some(cx.waker().clone());
            match self.is_open.get() {
                true => Poll::Ready(7),
                false => Poll::Pending,
            }
        });
        *self.task.borrow_mut() = Some(tasks.spawn(passed));
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<windlass::Result<u32>> {
        let mut task = self.task.borrow_mut();
        pin!(task.as_mut().expect("it was spawned")).poll(cx)
    }

    fn open(&self) {
        self.is_open.set(true);
        self.gate.take().expect("it is waited for").wake();
    }
}

#[test]
fn a_handle_that_is_polled_outside_the_body_wakes_whoever_polled_it_last() {
    // The body is called without its waker; that must not be taken for a call of somebody else.
    let (hand, other, ctx, shared) = (Hand::default(), Hand::default(), root(), Shared::default());
    let mut scope = pin!(scope_in_place(&ctx, async |tasks| {
        shared.spawn(tasks);
        assert!(poll_fn(|cx| Poll::Ready(shared.poll(cx).is_pending())).await);
        pending::<windlass::Result<()>>().await
    }));
    assert!(hand.poll(scope.as_mut()).is_pending());
    let mut elsewhere = pin!(poll_fn(|cx| shared.poll(cx)));
    assert!(other.poll(elsewhere.as_mut()).is_pending());
    shared.open();
    assert!(hand.poll(scope.as_mut()).is_pending());
    assert_eq!(other.woken(), 1);
    let Poll::Ready(value) = other.poll(elsewhere) else {
        panic!("it was woken");
    };
    assert_eq!(value.unwrap(), 7);
}

#[test]
fn a_handle_that_was_polled_beside_the_scope_wakes_the_task_that_both_are_in() {
    // With the same waker as the body, first; the body's poll must not lose it.
    let (hand, ctx, shared) = (Hand::default(), root(), Shared::default());
    let mut scope = pin!(scope_in_place(&ctx, async |tasks| {
        shared.spawn(tasks);
        yields(1).await;
        poll_fn(|cx| {
            assert!(shared.poll(cx).is_pending());
            Poll::<windlass::Result<()>>::Pending
        })
        .await
    }));
    assert!(hand.poll(scope.as_mut()).is_pending());
    let mut beside = pin!(poll_fn(|cx| shared.poll(cx)));
    assert!(hand.poll(beside.as_mut()).is_pending());
    assert!(hand.poll(scope.as_mut()).is_pending());
    let before = hand.woken();
    shared.open();
    assert!(hand.poll(scope.as_mut()).is_pending());
    assert_eq!(hand.woken() - before, 2, "for the gate, and for the value");
}

#[test]
fn a_task_that_calls_a_body_that_is_over_leaves_the_scope_at_rest() {
    // The call stood for ever, and the scope polled itself again and again for as long as another
    // task was waited for: a thread was lost to it, and the clock of a simulation stood still.
    let (hand, ctx, shared) = (Hand::default(), root(), Shared::default());
    let mut scope = pin!(scope_in_place(&ctx, async |tasks| {
        shared.spawn(tasks);
        drop(tasks.spawn(pending::<()>()));
        assert!(poll_fn(|cx| Poll::Ready(shared.poll(cx).is_pending())).await);
        ok(())
    }));
    assert!(hand.poll(scope.as_mut()).is_pending());
    let before = hand.woken();
    shared.open();
    assert!(hand.poll(scope.as_mut()).is_pending());
    assert_eq!(hand.woken() - before, 1, "for the gate, and for no more");
}

// ===== handles that outlive their scope =====

#[test]
fn a_handle_that_outlives_its_scope_ends() {
    // Whoever awaited it waited for ever: the future was dropped, and its slot stayed empty.
    let (ctx, kept) = (root(), RefCell::new(None));
    let keeps = async |tasks: &InPlaceScope<'_>| {
        *kept.borrow_mut() = Some(tasks.spawn(pending::<()>()));
        yields(1).await;
    };
    let failed = block_on(scope_in_place(&ctx, async |tasks| {
        keeps(tasks).await;
        Err::<(), _>("on purpose")
    }));
    assert_eq!(failed.unwrap_err().to_string(), "on purpose");
    let error = block_on(kept.take().unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cancelled at root by the end of its scope"
    );

    let hand = Hand::default();
    let mut scope = Box::pin(scope_in_place(&ctx, async |tasks| {
        keeps(tasks).await;
        pending::<windlass::Result<()>>().await
    }));
    assert!(hand.poll(scope.as_mut()).is_pending());
    let other = Hand::default();
    let mut task = pin!(kept.take().unwrap());
    assert!(other.poll(task.as_mut()).is_pending());
    drop(scope);
    assert_eq!(other.woken(), 1);
    assert!(other.poll(task).is_ready());

    let app = ctx.child("app");
    let ended = block_on(scope_in_place(&app, async |tasks| {
        keeps(tasks).await;
        app.cancel_with("enough");
        pending::<windlass::Result<()>>().await
    }));
    let error = block_on(kept.take().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "cancelled at root-->app by enough");
    assert_eq!(ended.unwrap_err().to_string(), error.to_string());
}

// ===== destructors =====

struct Breaks;

impl Drop for Breaks {
    fn drop(&mut self) {
        panic!("a destructor, on purpose");
    }
}

#[test]
fn a_destructor_that_panics_takes_nobody_along() {
    // It came through the scope, to whoever polled it.
    let log = RefCell::new(Vec::new());
    let value = block_on(scope_in_place(&root(), async |tasks| {
        let one = tasks.spawn(poll_fn({
            let breaks = Breaks;
            move |_| {
                let _ = &breaks;
                Poll::Ready(1)
            }
        }));
        let two = tasks.spawn(async {
            yields(2).await;
            2
        });
        ok(one.await? + two.await?)
    }));
    assert_eq!(value.unwrap(), 3);

    let failed = block_on(scope_in_place(&root(), async |tasks| {
        for _ in 0..2 {
            let noted = Noted(&log, "dropped");
            drop(tasks.spawn(async move {
                let _both = (Breaks, noted);
                pending::<()>().await;
            }));
        }
        yields(1).await;
        Err::<(), _>("on purpose")
    }));
    assert_eq!(failed.unwrap_err().to_string(), "on purpose");
    assert_eq!(*log.borrow(), ["dropped"; 2]);

    let ctx = root();
    let ended = block_on(scope_in_place(&ctx, async |_| {
        let _breaks = Breaks;
        ctx.cancel();
        pending::<windlass::Result<()>>().await
    }));
    assert!(ended.unwrap_err().is_cancelled());
}
