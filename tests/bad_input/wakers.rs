//! Wakers that come back into what wakes them, and wakers that panic.

use std::{
    future::pending,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use windlass::{
    Ctx, Event, FutureStatus, Merge, Pauser, Queue, TaskHolder, testing::VirtualClock,
    wait_for_all, wait_for_first,
};

use crate::{Keeper, at_once, poll_once};

/// Calls `back` when it wakes, and counts how often it does, and how often that came to its end: a
/// panic in a waker is caught, so an assertion in it shows nowhere else.
struct Calls<F> {
    back: F,
    wakes: AtomicUsize,
    returns: AtomicUsize,
}

impl<F: Fn() + Send + Sync + 'static> Wake for Calls<F> {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::SeqCst);
        (self.back)();
        self.returns.fetch_add(1, Ordering::SeqCst);
    }
}

fn calls<F: Fn() + Send + Sync + 'static>(back: F) -> Arc<Calls<F>> {
    let [wakes, returns] = [0, 0].map(AtomicUsize::new);
    Arc::new(Calls {
        back,
        wakes,
        returns,
    })
}

impl<F: Fn() + Send + Sync + 'static> Calls<F> {
    fn poll<T: Future + ?Sized>(self: &Arc<Self>, future: Pin<&mut T>) -> Poll<T::Output> {
        future.poll(&mut Context::from_waker(&Waker::from(Arc::clone(self))))
    }

    /// How often it was woken, and returned.
    fn count(&self) -> usize {
        let returns = self.returns.load(Ordering::SeqCst);
        assert_eq!(
            returns,
            self.wakes.load(Ordering::SeqCst),
            "a waker panicked"
        );
        returns
    }

    /// How often it was woken, and panicked.
    fn panics(&self) -> usize {
        assert_eq!(self.returns.load(Ordering::SeqCst), 0);
        self.wakes.load(Ordering::SeqCst)
    }
}

#[test]
fn waker_of_a_stop_may_stop_end_and_wait_again() {
    let ctx = Ctx::root_on("app", ());
    let again = ctx.clone();
    let waker = calls(move || {
        assert!(again.is_stopping() && !again.stop());
        drop(Box::pin(again.stopping()));
        assert_eq!(poll_once(&mut again.stopping()), Poll::Pending, "one turn");
        again.child("below").stop();
        assert!(again.cancel());
    });
    let mut stopping = ctx.stopping();
    assert!(waker.poll(Pin::new(&mut stopping)).is_pending());
    assert!(ctx.stop());
    assert_eq!((waker.count(), ctx.is_done()), (1, true));
    assert!(waker.poll(Pin::new(&mut stopping)).is_ready());
}

#[test]
fn waker_of_an_event_may_set_clear_and_wait_again() {
    let event = Event::new();
    let again = event.clone();
    let waker = calls(move || {
        again.clear();
        assert!(poll_once(&mut again.wait()).is_pending());
        again.set();
        assert!(poll_once(&mut again.wait()).is_ready());
    });
    let mut wait = event.wait();
    assert!(waker.poll(Pin::new(&mut wait)).is_pending());
    event.set();
    assert_eq!(waker.count(), 1);
    assert!(waker.poll(Pin::new(&mut wait)).is_ready());
}

#[test]
fn waker_of_a_joiner_may_use_the_task_and_its_context() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let mut task = ctx.spawn(async { 1 });
    let (watch, again) = (task.watch(), ctx.clone());
    let waker = calls(move || {
        assert!(watch.is_done() && !watch.cancel());
        assert!(poll_once(&mut watch.wait()).is_ready());
        assert_eq!(at_once(again.finish()).completed, 1, "it has left already");
        drop(again.spawn(pending::<()>()));
    });
    assert!(waker.poll(Pin::new(&mut task)).is_pending());
    let mut watched = task.watch().wait();
    assert!(waker.poll(Pin::new(&mut watched)).is_pending());
    let mut futures = keeper.take();
    let poll = futures[0]
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(poll.is_ready());
    assert!(waker.count() >= 1);
    assert!(waker.poll(Pin::new(&mut task)).is_ready());
    assert!(waker.poll(Pin::new(&mut watched)).is_ready());
}

#[test]
fn waker_of_a_finish_may_spawn_and_finish_again() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let holder = TaskHolder::new(&ctx, "holder");
    let task = holder.spawn(async {});
    let again = holder.handle();
    let is_first = AtomicBool::new(true);
    let waker = calls(move || {
        if is_first.swap(false, Ordering::SeqCst) {
            drop(again.spawn(pending::<()>()));
        }
    });
    let mut finish = Box::pin(holder.finish());
    assert!(waker.poll(finish.as_mut()).is_pending());
    let mut futures = keeper.take();
    assert!(poll_once(&mut futures[0]).is_ready() && task.is_done());
    assert_eq!(waker.count(), 1);
    assert!(
        waker.poll(finish.as_mut()).is_pending(),
        "there is more to wait for"
    );
    drop(keeper.take());
    let Poll::Ready(finished) = waker.poll(finish.as_mut()) else {
        panic!("it hangs")
    };
    assert_eq!((finished.completed, finished.cancelled), (1, 1));
}

#[test]
fn waker_of_a_wait_for_several_may_end_the_others() {
    let contexts: [Ctx<()>; 3] = std::array::from_fn(|_| Ctx::root_on("signal", ()));
    let ends = contexts.clone();
    let waker = calls(move || {
        for ctx in &ends {
            ctx.cancel();
        }
    });
    let mut first = Box::pin(wait_for_first(&contexts));
    let mut all = Box::pin(wait_for_all(&contexts));
    assert!(waker.poll(first.as_mut()).is_pending());
    assert!(waker.poll(all.as_mut()).is_pending());
    contexts[1].cancel();
    assert!(contexts.iter().all(FutureStatus::is_done));
    assert!(waker.poll(all.as_mut()).is_ready());
    assert_eq!(waker.poll(first.as_mut()), Poll::Ready(Some(0)));
}

#[test]
fn waker_that_panics_keeps_nobody_from_being_woken() {
    let keeper = Keeper::default();
    let ctx = Ctx::root_on("app", keeper.clone());
    let event = Event::new();
    let mut task = ctx.spawn(async {});
    let bomb = || calls(|| std::panic::resume_unwind(Box::new("a waker")));
    let (bombs, quiet) = ([bomb(), bomb(), bomb(), bomb()], calls(|| {}));
    let mut waits = [event.wait(), event.wait()];
    let mut stops = [ctx.stopping(), ctx.stopping()];
    let mut finishes = [(); 2].map(|()| Box::pin(ctx.finish()));
    let mut watches = [(); 2].map(|()| task.watch().wait());
    assert!(bombs[3].poll(Pin::new(&mut task)).is_pending());
    for (n, waker) in [None, Some(&quiet)].into_iter().enumerate() {
        let polls = match waker {
            None => [
                bombs[0].poll(Pin::new(&mut waits[n])).is_pending(),
                bombs[1].poll(Pin::new(&mut stops[n])).is_pending(),
                bombs[2].poll(finishes[n].as_mut()).is_pending(),
                bombs[3].poll(Pin::new(&mut watches[n])).is_pending(),
            ],
            Some(quiet) => [
                quiet.poll(Pin::new(&mut waits[n])).is_pending(),
                quiet.poll(Pin::new(&mut stops[n])).is_pending(),
                quiet.poll(finishes[n].as_mut()).is_pending(),
                quiet.poll(Pin::new(&mut watches[n])).is_pending(),
            ],
        };
        assert_eq!(polls, [true; 4]);
    }
    event.set();
    assert_eq!((bombs[0].panics(), quiet.count()), (1, 1));
    assert!(ctx.stop());
    assert_eq!((bombs[1].panics(), quiet.count()), (1, 2));
    assert!(poll_once(&mut keeper.take()[0]).is_ready());
    assert_eq!((bombs[2].panics(), bombs[3].panics()), (1, 2));
    assert_eq!(quiet.count(), 4, "the finish and the watch");
}

#[test]
fn waker_of_a_ticker_that_panics_keeps_no_other_ticker_from_going_on() {
    let clock = VirtualClock::new();
    let ctx = Ctx::root_on("app", clock);
    let (bomb, quiet) = (
        calls(|| std::panic::resume_unwind(Box::new("a waker"))),
        calls(|| {}),
    );
    let pauser = Pauser::new();
    let mut tickers = [(); 2].map(|()| ctx.ticker(Duration::from_secs(1)).pauser(&pauser));
    let controls = tickers.each_ref().map(|ticker| ticker.control());
    assert!(pauser.pause());
    let [first, second] = &mut tickers;
    assert!(bomb.poll(pin!(first.next())).is_pending());
    assert!(quiet.poll(pin!(second.next())).is_pending());
    assert!(pauser.resume());
    assert_eq!((bomb.panics(), quiet.count()), (1, 1));
    assert!(bomb.poll(pin!(first.next())).is_ready());
    assert!(bomb.poll(pin!(first.next())).is_pending());
    controls[0].change_after(Duration::ZERO);
    assert_eq!(bomb.panics(), 2);
    assert!(quiet.poll(pin!(second.next())).is_ready());
}

#[test]
fn waker_of_a_consumer_that_panics_keeps_no_item_and_no_other_consumer() {
    let ctx = Ctx::root_on("app", ());
    let (bomb, quiet) = (
        calls(|| std::panic::resume_unwind(Box::new("a waker"))),
        calls(|| {}),
    );
    let queue = Queue::bounded(&ctx, "queue", 1);
    let mut streams = [queue.stream(), queue.stream()];
    let [first, second] = &mut streams;
    let (mut one, mut other) = (Box::pin(first.next()), Box::pin(second.next()));
    assert!(bomb.poll(one.as_mut()).is_pending());
    assert!(quiet.poll(other.as_mut()).is_pending());
    queue.append(1);
    assert_eq!(bomb.panics(), 1);
    drop(one); // its item goes to the other
    assert_eq!(quiet.count(), 1);
    let (mut one, mut another) = (Box::pin(queue.reserve()), Box::pin(queue.reserve()));
    assert!(bomb.poll(one.as_mut()).is_pending());
    assert!(quiet.poll(another.as_mut()).is_pending());
    assert_eq!(quiet.poll(other.as_mut()), Poll::Ready(Some(1)));
    assert_eq!((bomb.panics(), quiet.count()), (2, 1));
    queue.close();
    assert_eq!(
        (bomb.panics(), quiet.count()),
        (4, 3),
        "both streams and both senders"
    );
    assert!(quiet.poll(another.as_mut()).is_ready());
}

#[test]
fn waker_of_a_streamer_that_panics_loses_no_item() {
    let ctx = Ctx::root_on("app", ());
    let bomb = calls(|| std::panic::resume_unwind(Box::new("a waker")));
    let (feeder, mut items) = Merge::in_place(&ctx, "merge").split();
    assert!(bomb.poll(pin!(items.next())).is_pending());
    feeder.value(1);
    assert_eq!(bomb.panics(), 1);
    let Poll::Ready(Some(item)) = bomb.poll(pin!(items.next())) else {
        panic!("it is there")
    };
    assert_eq!(item.value(), Some(1));
    assert!(bomb.poll(pin!(items.next())).is_pending());
    drop(feeder);
    assert_eq!(bomb.panics(), 2);
    assert!(bomb.poll(pin!(items.next())).is_ready());
}
