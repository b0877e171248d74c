//! Handles that outlive their scope, and destructors.

use std::{
    cell::RefCell,
    future::{pending, poll_fn},
    pin::pin,
    task::Poll,
};

use futures::executor::block_on;
use windlass::{InPlaceScope, ok, scope_in_place};

use crate::{Hand, Noted, root, yields};

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
