//! Futures that share a task: one takes them up, until one of them has to wait.

use std::{
    future::{Future, pending, ready},
    pin::Pin,
    sync::{Arc, Mutex},
};

use windlass::{
    Ctx, Fed, Feeder, Merge, Spawner, Streamer,
    testing::{assert_no_leaks, simulate},
};

use crate::kit::{Hand, word};

/// Keeps what is spawned, for the test to poll or to drop.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<Vec<Boxed>>>);

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

impl Spawner for Keeper {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.lock().unwrap().push(Box::pin(future));
    }

    // As if this machine had one processor.
    fn width(&self) -> usize {
        1
    }

    // As if nothing ever waited for the end of a poll.
    fn in_a_row(&self) -> usize {
        64
    }
}

impl Keeper {
    fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn take(&self) -> Vec<Boxed> {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// Polls each task once; keeps those that wait.
    fn poll_all(&self) {
        for mut task in self.take() {
            if Hand::default().poll(task.as_mut()).is_pending() {
                self.0.lock().unwrap().push(task);
            }
        }
    }
}

fn words(items: &mut Streamer<u32>) -> Vec<String> {
    items.remaining().iter().map(word).collect()
}

#[test]
fn futures_that_are_ready_share_one_task() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    for i in 0..3 {
        feeder.future(ready(i));
    }
    assert_eq!(keeper.len(), 1, "one is called for all");
    let mut called = keeper.take();
    assert!(Hand::default().poll(called[0].as_mut()).is_ready());
    assert_eq!(words(&mut items), ["0", "1", "2"]);
    assert_eq!(keeper.len(), 1, "another one was called when it began");
    keeper.poll_all();
    assert_eq!(keeper.len(), 0, "it found nothing, and ended");
    feeder.future(ready(3));
    keeper.poll_all();
    assert_eq!(words(&mut items), ["3"], "and again");
    assert_no_leaks(&ctx);
}

#[test]
fn the_rest_get_tasks_of_their_own_when_one_has_to_wait() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    feeder.future(ready(0));
    feeder.future(pending());
    feeder.future(ready(2));
    feeder.future(pending());
    let mut first = keeper.take();
    assert!(Hand::default().poll(first[0].as_mut()).is_pending());
    assert_eq!(words(&mut items), ["0"]);
    // The one that was called, and one each: nobody waits behind the one that waits.
    assert_eq!(keeper.len(), 3);
    keeper.poll_all();
    assert_eq!(words(&mut items), ["2"]);
    assert_eq!(keeper.len(), 1, "the other one that waits");
    drop(first);
    let [failure] = &words(&mut items)[..] else {
        panic!("one was dropped")
    };
    assert_eq!(failure, "failed(cancelled)");
}

#[test]
fn while_one_is_polled_another_task_stands_ready_for_the_rest() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    let (mine, more) = (keeper.clone(), feeder.clone());
    feeder.future(async move {
        let before = mine.len();
        more.future(ready(2)); // somebody else calls a task for it
        let called = mine.len();
        mine.poll_all(); // another thread of the executor
        u32::try_from(called - before).unwrap()
    });
    let mut first = keeper.take();
    assert!(Hand::default().poll(first[0].as_mut()).is_ready());
    assert_eq!(
        words(&mut items),
        ["2", "1"],
        "it did not wait for the first"
    );
}

#[test]
fn a_task_gives_way_after_a_number_of_futures_and_the_rest_are_not_lost() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    for i in 0..200 {
        feeder.future(ready(i));
    }
    keeper.poll_all();
    let some = items.remaining().len();
    assert!((1..200).contains(&some), "{some} in one poll");
    while keeper.len() > 0 {
        keeper.poll_all();
    }
    assert_eq!(some + items.remaining().len(), 200);
}

#[test]
fn a_task_that_is_dropped_before_it_began_ends_what_it_was_called_for() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").max_running(1).split();
    for i in 0..3 {
        feeder.future(ready(i));
    }
    drop(keeper.take()); // each end lets one go on that is over the limit
    let ended = items.remaining();
    assert_eq!(ended.len(), 3);
    for item in ended {
        let Fed::Failure { error, .. } = item else {
            panic!("{item:?}")
        };
        let said = error.to_string();
        assert!(said.ends_with("by executor shut down"), "{said}");
    }
    assert_eq!(keeper.len(), 0);
    assert_no_leaks(&ctx);
}

#[test]
fn what_nobody_has_begun_with_when_the_context_ends_is_never_polled() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    for _ in 0..3 {
        feeder.future(async { unreachable!("the context has ended") });
    }
    ctx.cancel();
    assert!(words(&mut items).is_empty(), "their task sees to it");
    keeper.poll_all();
    assert_eq!(words(&mut items), ["failed(cancelled)"; 3]);
    assert_no_leaks(&ctx);
}

#[test]
fn a_future_counts_as_a_task_from_when_it_is_fed() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let (feeder, mut items) = Merge::new(&ctx, "merge").split();
    feeder.future(ready(1));
    feeder.future(pending());
    let mut idle = std::pin::pin!(ctx.finish());
    let hand = Hand::default();
    assert!(hand.poll(idle.as_mut()).is_pending(), "two run");
    keeper.poll_all();
    assert!(hand.poll(idle.as_mut()).is_pending(), "one waits");
    assert_eq!(words(&mut items), ["1"]);
    drop(keeper.take());
    assert!(hand.poll(idle.as_mut()).is_ready());
}

#[test]
fn a_context_that_one_of_them_ends_ends_the_rest_and_each_is_counted_once() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let (feeder, mut items) = Merge::new(&app, "merge").split();
        for n in 0..300 {
            let app = app.clone();
            feeder.future(async move {
                if n == 70 {
                    app.cancel(); // in the second poll of a task
                }
                n
            });
        }
        let (mut values, mut ends) = (0, 0);
        while let Some(item) = items.next().await {
            match item {
                Fed::Success { .. } => values += 1,
                Fed::Failure { error, .. } => ends += usize::from(error.is_cancelled()),
                other => assert!(matches!(other, Fed::Stopped { error: Some(_) })),
            }
        }
        assert_eq!((values, ends), (71, 229));
        let finished = app.finish().await;
        assert_eq!((finished.completed, finished.cancelled), (71, 229));
    });
}

#[test]
fn a_source_that_feeds_when_it_is_dropped_keeps_the_merge_open_until_that_has_ended() {
    struct Feeds(Feeder<u32>);
    impl Drop for Feeds {
        fn drop(&mut self) {
            self.0.value(7);
            self.0.future(async { 8 });
        }
    }
    simulate(async |sim| {
        let (feeder, mut items) = Merge::new(&sim.ctx, "merge").split();
        for n in 0..100 {
            let feeds = Feeds(feeder.clone());
            feeder.future(async move {
                let _feeds = feeds;
                assert!(n % 10 > 0, "meant");
                n
            });
        }
        drop(feeder);
        let (mut values, mut failures) = (0, 0);
        while let Some(item) = items.next().await {
            values += usize::from(matches!(item, Fed::Success { .. }));
            failures += usize::from(matches!(item, Fed::Failure { .. }));
        }
        assert_eq!((values, failures), (90 + 200, 10));
    });
}
