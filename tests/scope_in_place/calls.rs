//! Who is called when a task is over.

use std::{
    cell::{Cell, RefCell},
    future::{pending, poll_fn},
    pin::pin,
    task::{Context, Poll, Waker},
};

use futures::{StreamExt, executor::block_on, stream::FuturesUnordered};
use windlass::{InPlaceScope, InPlaceTask, ok, scope_in_place};

use crate::{Hand, root, yields};

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
