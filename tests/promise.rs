//! Promises: behaviours FUT-01 to FUT-70, quirks, and what the design adds.

use std::{
    cell::Cell,
    future::Future,
    pin::pin,
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures::FutureExt as _;
use windlass::{
    ChildPromise, Ctx, Error, FutureStatus, Promise, ResettablePromise, State, WaitSlot,
    adapters::Embedded,
    find_and_apply_result, noncancelled_results,
    promise::recipes::{transfer_errors, transfer_result},
    status_text, wait_for_all, wait_for_first,
};

// ===== helpers =====

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn new() -> (Arc<Wakes>, Waker) {
        let wakes = Arc::new(Wakes::default());
        (Arc::clone(&wakes), Waker::from(wakes))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

fn poll<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    future.poll_unpin(&mut Context::from_waker(waker))
}

/// The outcome of a future that must be ready now.
fn ready<F: Future>(future: F) -> F::Output {
    pin!(future).now_or_never().expect("ready")
}

/// Writes down what callbacks are called with.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    fn callback(&self, name: &'static str) -> impl FnOnce(Result<&u32, &Error>) + Send + 'static {
        let log = self.clone();
        move |outcome| {
            log.note(match outcome {
                Ok(value) => format!("{name} {value}"),
                Err(error) if error.is_cancelled() => format!("{name} cancelled"),
                Err(error) => format!("{name} {error}"),
            });
        }
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn value(promise: &Promise<u32>) -> Option<u32> {
    promise.outcome().and_then(|outcome| outcome.ok().copied())
}

fn error(promise: &Promise<u32>) -> Option<String> {
    Some(promise.outcome()?.err()?.to_string())
}

fn is_cancelled(promise: &Promise<u32>) -> bool {
    FutureStatus::is_cancelled(promise)
}

fn four() -> [Promise<u32>; 4] {
    std::array::from_fn(|_| Promise::new())
}

// ===== the outcome =====

#[test]
fn a_pending_promise_has_no_outcome_and_no_error() {
    let promise = Promise::<u32>::new();
    assert!(promise.outcome().is_none());
    assert!(!promise.is_done());
    assert_eq!(promise.state(), State::Pending);
    assert!(FutureStatus::error(&promise).is_none());
}

#[test]
fn the_first_outcome_wins_and_the_later_value_is_handed_back() {
    let promise = Promise::new();
    assert!(promise.set(1));
    assert!(!promise.set(2));
    assert_eq!(promise.try_set(3), Err(3));
    assert!(!promise.fail("late"));
    assert!(!promise.cancel());
    assert_eq!(value(&promise), Some(1));
    assert_eq!(ready(promise).unwrap(), 1);
}

#[test]
fn an_error_and_a_cancellation_reach_every_wait() {
    let promise = Promise::<u32>::new();
    let waits = [promise.wait(), promise.wait()];
    promise.fail("disk full");
    for wait in waits {
        let error = ready(wait).unwrap_err();
        assert!(error.is_failed());
        assert_eq!(error.to_string(), "disk full");
    }
    let promise = Promise::<u32>::named("upload");
    let line = line!() + 1;
    promise.cancel();
    let Err(Error::Cancelled(cancelled)) = ready(promise) else {
        panic!("not cancelled")
    };
    assert_eq!(cancelled.path(), "upload");
    assert_eq!(cancelled.location().line(), line);
    assert!(cancelled.location().file().ends_with("promise.rs"));
}

#[test]
fn values_need_not_be_clone_send_or_static() {
    struct Plain<'a>(&'a Cell<u32>);
    let cell = Cell::new(5);
    let promise = Promise::new();
    assert!(promise.set(Plain(&cell)));
    assert_eq!(promise.outcome().unwrap().ok().unwrap().0.get(), 5);
    assert!(ready(wait_after_yield(&promise)));

    let local = Promise::new();
    let wait = local.wait();
    local.set(Rc::new(7));
    assert_eq!(*ready(wait).unwrap(), 7);
}

/// `wait_for_all` yields once; so poll it twice.
async fn wait_after_yield(status: &impl FutureStatus) -> bool {
    let mut slot = WaitSlot::default();
    futures::future::poll_fn(|cx| status.poll_done(&mut slot, cx)).await;
    status.is_done()
}

#[test]
fn a_promise_is_send_and_sync_if_its_value_is() {
    fn both<T: Send + Sync + Unpin>() {}
    both::<Promise<u32>>();
    both::<ResettablePromise<u32>>();
    both::<ChildPromise<u32>>();
}

// ===== waiting =====

#[test]
fn each_wait_is_woken_once_and_a_wait_that_left_is_not() {
    let promise = Promise::new();
    let (a_wakes, a_waker) = Wakes::new();
    let (b_wakes, b_waker) = Wakes::new();
    let (mut a, mut b) = (promise.wait(), promise.wait());
    assert!(poll(&mut a, &a_waker).is_pending());
    assert!(poll(&mut a, &a_waker).is_pending());
    assert!(poll(&mut b, &b_waker).is_pending());
    drop(b);
    assert_eq!(Arc::strong_count(&b_wakes), 2, "its waker is gone");
    promise.set(1);
    assert_eq!((a_wakes.count(), b_wakes.count()), (1, 0));
    assert!(matches!(poll(&mut a, &a_waker), Poll::Ready(Ok(1))));
}

#[test]
fn the_waker_of_the_last_poll_is_the_one_that_is_woken() {
    let promise = Promise::new();
    let (old, old_waker) = Wakes::new();
    let (new, new_waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &old_waker).is_pending());
    assert!(poll(&mut wait, &new_waker).is_pending());
    promise.set(1);
    assert_eq!((old.count(), new.count()), (0, 1));
}

/// Bug Q-17: one waiter that was cancelled resolved the shared object for everybody.
#[test]
fn q_17_a_wait_that_is_dropped_leaves_the_promise_alone() {
    let (_, waker) = Wakes::new();
    let promise = Promise::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(wait);
    assert!(!promise.is_done());

    let child = promise.child();
    let mut wait = child.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(wait);
    assert!(!child.is_done());

    let resettable = ResettablePromise::<u32>::new();
    let mut wait = resettable.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(wait);
    assert!(!resettable.is_done());
    assert!(child.set(1) && promise.set(2) && resettable.set(3));
}

#[test]
fn ten_thousand_waits_end_with_one_value_and_leave_in_any_order() {
    let promise = Promise::new();
    let (wakes, waker) = Wakes::new();
    let mut waits: Vec<_> = (0..10_000).map(|_| promise.wait()).collect();
    for wait in &mut waits {
        assert!(poll(wait, &waker).is_pending());
    }
    let mut at = 0;
    waits.retain(|_| {
        at += 1;
        at % 2 == 0
    });
    promise.set(9);
    assert_eq!(wakes.count(), 5000);
    for wait in &mut waits {
        assert!(matches!(poll(wait, &waker), Poll::Ready(Ok(9))));
    }
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_from_being_woken() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("a bad waker");
        }
    }
    let promise = Promise::new();
    let (wakes, good) = Wakes::new();
    let (mut a, mut b) = (promise.wait(), promise.wait());
    assert!(poll(&mut a, &Waker::from(Arc::new(Bad))).is_pending());
    assert!(poll(&mut b, &good).is_pending());
    assert!(promise.set(1));
    assert_eq!(wakes.count(), 1);
}

#[test]
fn a_promise_takes_part_in_the_waits_for_several() {
    let (a, b) = (Promise::<u32>::new(), Promise::<u32>::new());
    let (wakes, waker) = Wakes::new();
    let mut first = Box::pin(wait_for_first([&a, &b]));
    let mut all = Box::pin(wait_for_all((&a, &b)));
    assert!(poll(&mut first, &waker).is_pending());
    assert!(poll(&mut all, &waker).is_pending());
    b.set(1);
    assert_eq!(
        wakes.count(),
        1,
        "the wait for all watches `a`, and comes to `b` later"
    );
    assert!(matches!(poll(&mut first, &waker), Poll::Ready(Some(1))));
    assert!(poll(&mut all, &waker).is_pending());
    a.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(poll(&mut all, &waker).is_ready());
    assert!(a.is_done() && is_cancelled(&a));
}

// ===== handles that go =====

#[test]
fn waits_end_when_the_last_handle_that_can_set_goes() {
    let promise = Promise::<u32>::named("upload");
    let second = promise.clone();
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    drop(promise);
    assert!(poll(&mut wait, &waker).is_pending());
    drop(second);
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Err(error)) = poll(&mut wait, &waker) else {
        panic!("it hangs")
    };
    assert_eq!(
        error.to_string(),
        "cancelled at upload by nobody being left to set it"
    );
}

#[test]
fn a_handle_that_is_awaited_only_waits() {
    let promise = Promise::<u32>::new();
    let (other, (wakes, waker)) = (promise.clone(), Wakes::new());
    let mut awaited = promise;
    assert!(poll(&mut awaited, &waker).is_pending());
    drop(other);
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(&mut awaited, &waker), Poll::Ready(Err(e)) if e.is_cancelled()));
    // Nobody can set this one from the start.
    assert!(ready(Promise::<u32>::new()).unwrap_err().is_cancelled());
}

#[test]
fn a_promise_that_nobody_observes_just_goes_and_drops_its_value() {
    let value = Arc::new(());
    let promise = Promise::new();
    promise.set(Arc::clone(&value));
    let wait = promise.wait();
    drop(promise);
    assert_eq!(Arc::strong_count(&value), 2);
    drop(wait);
    assert_eq!(Arc::strong_count(&value), 1);
}

#[test]
fn callbacks_hear_of_a_promise_that_nobody_will_set() {
    let (log, promise) = (Log::default(), Promise::new());
    promise.on_done(log.callback("one"));
    drop(promise);
    assert_eq!(log.take(), ["one cancelled"]);
}

// ===== callbacks =====

#[test]
fn fut_01_to_03_callbacks_are_known_by_their_ids() {
    let (log, promise) = (Log::default(), Promise::new());
    let other = Promise::new();
    let stranger = other.on_done(log.callback("stranger"));
    assert!(!promise.has_on_done(stranger));
    let f1 = promise.on_done(log.callback("one"));
    assert!(promise.has_on_done(f1) && !promise.has_on_done(stranger));
    let f2 = promise.on_done(log.callback("two"));
    assert!(promise.has_on_done(f1) && promise.has_on_done(f2));
    assert!(promise.remove_on_done(f1));
    assert!(!promise.remove_on_done(f1) && !promise.remove_on_done(stranger));
    promise.set(1);
    assert_eq!(log.take(), ["two 1"]);
    assert!(!promise.has_on_done(f2) && !promise.remove_on_done(f2));
}

#[test]
fn fut_38_and_40_callbacks_are_called_once_in_order_and_late_ones_at_once() {
    let (log, promise) = (Log::default(), Promise::new());
    for name in ["ONE", "TWO", "THREE"] {
        promise.on_done(log.callback(name));
    }
    promise.fail("no");
    assert_eq!(log.take(), ["ONE no", "TWO no", "THREE no"]);
    promise.on_done(log.callback("ONE"));
    assert_eq!(log.take(), ["ONE no"]);
    promise.on_done(log.callback("TWO"));
    assert_eq!(log.take(), ["TWO no"]);
    drop(promise);
    assert!(log.take().is_empty());
}

#[test]
fn a_callback_that_panics_does_not_keep_the_others_from_being_called() {
    let (log, promise) = (Log::default(), Promise::new());
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    promise.on_done(|_| panic!("a bad callback"));
    promise.on_done(log.callback("two"));
    assert!(promise.set(1));
    assert_eq!(log.take(), ["two 1"]);
    assert_eq!(wakes.count(), 1);
    promise.on_done(|_| panic!("a bad late callback"));
}

#[test]
fn callbacks_run_outside_all_locks_and_before_the_waits_are_woken() {
    let (log, promise) = (Log::default(), Promise::new());
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    let (again, inner) = (promise.clone(), log.clone());
    promise.on_done(move |outcome| {
        assert_eq!(outcome.ok(), Some(&1));
        inner.note(format!("woken {}", wakes.count()));
        let id = again.on_done(inner.callback("late"));
        assert!(!again.has_on_done(id) && !again.set(2) && again.is_done());
    });
    promise.set(1);
    assert_eq!(log.take(), ["woken 0", "late 1"]);
}

#[test]
fn a_chain_of_a_hundred_thousand_promises_is_a_loop() {
    let all: Vec<Promise<u32>> = (0..100_000).map(|_| Promise::new()).collect();
    for pair in all.windows(2) {
        pair[0].on_done(transfer_result(&pair[1]));
    }
    let last = all.last().unwrap().wait();
    all[0].set(3);
    assert_eq!(ready(last).unwrap(), 3);
    let waits: Vec<_> = all.iter().map(Promise::wait).collect();
    drop(all);
    assert!(waits.iter().all(|wait| value(wait) == Some(3)));
}

#[test]
fn a_chain_whose_head_is_dropped_ends_in_a_loop_too() {
    let all: Vec<Promise<u32>> = (0..100_000).map(|_| Promise::new()).collect();
    for pair in all.windows(2) {
        pair[0].on_done(transfer_result(&pair[1]));
    }
    let last = all.last().unwrap().wait();
    drop(all);
    assert!(ready(last).unwrap_err().is_cancelled());
}

// ===== carrying outcomes =====

#[test]
fn fut_04_a_tasks_value_is_copied() {
    let rt = Embedded::global();
    let ctx = Ctx::root("app", rt);
    let target = Promise::new();
    let task = ctx.spawn(async { vec![1, 2] });
    task.on_done(transfer_result(&target));
    assert_eq!(futures::executor::block_on(target.wait()).unwrap(), [1, 2]);
}

#[test]
fn fut_09_to_12_every_outcome_is_carried_over_unless_the_target_has_one() {
    for how in ["value", "error", "cancel"] {
        let (from, to) = (Promise::new(), Promise::new());
        from.on_done(transfer_result(&to));
        match how {
            "value" => assert!(from.set(1) && value(&to) == Some(1)),
            "error" => assert!(from.fail("no") && error(&to).as_deref() == Some("no")),
            _ => assert!(from.cancel() && is_cancelled(&to)),
        }
    }
    let (from, to) = (Promise::new(), Promise::new());
    from.on_done(transfer_result(&to));
    to.set(5);
    from.fail("late");
    assert_eq!(value(&to), Some(5));
}

/// Bug Q-32: the tests looked at the source instead of the target, so they proved nothing.
#[test]
fn q_32_fut_06_to_08_errors_only_reaches_the_target_with_errors_only() {
    let transfer = |to: &Promise<u32>| -> Promise<u32> {
        let from = Promise::new();
        from.on_done(transfer_errors(to));
        from
    };
    let to = Promise::new();
    transfer(&to).cancel();
    assert!(is_cancelled(&to));

    let to = Promise::new();
    let from = transfer(&to);
    from.fail("no");
    assert_eq!(error(&to).as_deref(), Some("no"));

    let to = Promise::new();
    let log = Log::default();
    to.on_done(log.callback("after the transfer"));
    transfer(&to).set(1);
    assert!(!to.is_done() && log.take().is_empty());
}

#[test]
fn a_transfer_that_is_pending_keeps_its_target_from_being_given_up() {
    let (from, to) = (Promise::new(), Promise::new());
    let wait = to.wait();
    from.on_done(transfer_result(&to));
    drop(to);
    assert!(!wait.is_done());
    from.set(1);
    assert_eq!(ready(wait).unwrap(), 1);
}

// ===== find_and_apply_result =====

#[test]
fn fut_19_and_26_a_cancelled_last_cancels_all_even_if_there_is_a_value() {
    let (last, all) = (Promise::new(), four());
    last.cancel();
    assert!(!find_and_apply_result(&last, &all));
    assert!(all.iter().all(is_cancelled) && is_cancelled(&last));

    let (last, all) = (Promise::new(), four());
    last.cancel();
    all[1].set(1);
    assert!(!find_and_apply_result(&last, &all));
    assert!(is_cancelled(&last) && is_cancelled(&all[0]));
    assert_eq!(value(&all[1]), Some(1));
}

#[test]
fn fut_20_a_failed_last_fails_all_that_are_pending() {
    let (last, all) = (Promise::new(), four());
    last.fail("no");
    all[2].set(1);
    assert!(!find_and_apply_result(&last, &all));
    assert_eq!(error(&all[0]).as_deref(), Some("no"));
    assert_eq!(value(&all[2]), Some(1));
}

#[test]
fn fut_22_24_and_28_the_outcome_of_one_is_given_to_all_others() {
    let (last, all) = (Promise::new(), four());
    assert!(!find_and_apply_result(&last, &all));
    assert!(!last.is_done() && all.iter().all(|one| !one.is_done()));
    all[3].fail("no");
    assert!(find_and_apply_result(&last, &all));
    assert_eq!(error(&last).as_deref(), Some("no"));
    assert!(all.iter().all(|one| error(one).as_deref() == Some("no")));
    let (_, errors) = noncancelled_results(&all);
    assert_eq!(errors.len(), 1, "it is the same error");

    let (last, all) = (Promise::new(), four());
    all[2].set(4);
    assert!(find_and_apply_result(&last, &all));
    assert!(value(&last) == Some(4) && all.iter().all(|one| value(one) == Some(4)));

    let (last, all) = (Promise::new(), four());
    all[0].cancel();
    all[1].set(1);
    all[2].fail("a failure comes first");
    assert!(find_and_apply_result(&last, &all));
    assert_eq!(error(&all[3]).as_deref(), Some("a failure comes first"));
}

/// Bug Q-29: with a value in `last`, the outcome of another was spread, and both could disagree.
#[test]
fn q_29_fut_30_a_value_in_last_is_what_is_spread() {
    let (last, all) = (Promise::new(), four());
    last.set(1);
    all[0].fail("no");
    assert!(!find_and_apply_result(&last, &all));
    assert!(all[1..].iter().all(|one| value(one) == Some(1)));
    assert_eq!(value(&last), Some(1));
}

/// Bug Q-30: it answered "changed" for a finished `last` and a cancelled other.
#[test]
fn q_30_it_answers_from_what_has_changed() {
    let (last, all) = (Promise::new(), four());
    last.set(1);
    all[0].cancel();
    assert!(!find_and_apply_result(&last, &all));
    let (last, all) = (Promise::new(), four());
    all[0].cancel();
    assert!(find_and_apply_result(&last, &all));
    assert!(is_cancelled(&last) && is_cancelled(&all[1]));
}

// ===== noncancelled_results =====

#[test]
fn fut_14_and_15_pending_and_cancelled_ones_are_left_out() {
    let all = four();
    all[1].set(1);
    all[2].cancel();
    all[3].set(2);
    let (values, errors) = noncancelled_results(&all);
    assert_eq!((values, errors.len()), (vec![&1, &2], 0));
    let all = four();
    all[1].fail("e");
    all[2].cancel();
    all[3].set(2);
    let (values, errors) = noncancelled_results(&all);
    assert_eq!((values, errors[0].to_string().as_str()), (vec![&2], "e"));
}

/// Bug Q-31: the errors came in no order, and those that compared equal were one.
#[test]
fn q_31_fut_16_to_18_errors_come_in_order_and_a_shared_one_once() {
    let all: [Promise<u32>; 5] = std::array::from_fn(|_| Promise::new());
    all[3].fail("same text");
    all[0].fail("same text");
    all[1].on_done(transfer_errors(&all[4]));
    all[1].fail("shared");
    all[2].set(7);
    let (values, errors) = noncancelled_results(&all);
    let texts: Vec<_> = errors.iter().map(|error| error.to_string()).collect();
    assert_eq!(texts, ["same text", "shared", "same text"]);
    assert_eq!(values, [&7]);
}

// ===== ResettablePromise =====

#[test]
fn fut_34_to_37_it_can_be_given_an_outcome_again_after_each_reset() {
    let promise = ResettablePromise::new();
    assert!(!promise.is_done());
    assert!(promise.set(1) && !promise.set(2) && promise.is_done());
    assert_eq!(ready(promise.wait()).unwrap(), 1);
    assert!(promise.reset() && !promise.is_done());

    assert!(promise.fail("one") && !promise.fail("two"));
    assert_eq!(ready(promise.wait()).unwrap_err().to_string(), "one");
    assert!(promise.reset());
    assert!(promise.fail(std::io::Error::from(std::io::ErrorKind::NotFound)));
    assert!(ready(promise.wait()).unwrap_err().is::<std::io::Error>());
    assert!(promise.reset());

    for _ in 0..2 {
        assert!(promise.cancel() && !promise.cancel());
        assert!(FutureStatus::is_cancelled(&promise));
        assert!(ready(promise.wait()).unwrap_err().is_cancelled());
        assert!(promise.reset());
    }
    assert!(promise.set(5));
}

#[test]
fn fut_39_and_44_callbacks_belong_to_one_round() {
    let (log, promise) = (Log::default(), ResettablePromise::new());
    let old = promise.on_done(log.callback("OLD"));
    promise.set(1);
    assert!(promise.reset());
    assert_eq!(log.take(), ["OLD 1"]);
    assert!(!promise.has_on_done(old) && !promise.remove_on_done(old));

    promise.on_done(log.callback("ONE"));
    let two = promise.on_done(log.callback("TWO"));
    promise.on_done(log.callback("THREE"));
    assert!(promise.remove_on_done(two));
    promise.cancel();
    assert_eq!(log.take(), ["ONE cancelled", "THREE cancelled"]);
}

#[test]
fn fut_42_a_reset_while_pending_does_nothing() {
    let (log, promise) = (Log::default(), ResettablePromise::new());
    let id = promise.on_done(log.callback("one"));
    let wait = promise.wait();
    assert!(!promise.reset());
    assert!(promise.has_on_done(id) && log.take().is_empty());
    promise.set(1);
    assert_eq!(log.take(), ["one 1"]);
    assert_eq!(ready(wait).unwrap(), 1);
}

/// Bug Q-28: after a reset a removal looked at the new round, and those whom a forced reset
/// released saw a cancellation like any other.
#[test]
fn q_28_fut_43_a_forced_reset_releases_those_who_wait_and_says_why() {
    let (log, promise) = (Log::default(), ResettablePromise::named("ready"));
    let old = promise.on_done(log.callback("old"));
    let (wakes, waker) = Wakes::new();
    let mut wait = promise.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    promise.force_reset();
    assert_eq!(
        (wakes.count(), log.take()),
        (1, vec!["old cancelled".to_owned()])
    );
    assert_eq!(
        ready(wait).unwrap_err().to_string(),
        "cancelled at ready by reset"
    );

    let new = promise.on_done(log.callback("new"));
    assert!(!promise.remove_on_done(old) && promise.has_on_done(new));
    assert!(!promise.is_done() && promise.set(2));
    assert_eq!(log.take(), ["new 2"]);
    promise.force_reset();
    assert!(!promise.is_done(), "also one that is done");
}

#[test]
fn a_callback_of_a_forced_reset_finds_the_next_round_begun() {
    let promise = ResettablePromise::new();
    let again = promise.clone();
    promise.on_done(move |_| assert!(again.set(2)));
    promise.force_reset();
    assert_eq!(ready(promise.wait()).unwrap(), 2);
}

/// Behaviour WAIT-26: the notice counts, not what holds when it is looked at.
#[test]
fn wait_26_an_end_that_was_reset_still_counts_for_those_who_waited() {
    let promise = ResettablePromise::new();
    let (wakes, waker) = Wakes::new();
    let mut all = Box::pin(wait_for_all([&promise]));
    assert!(poll(&mut all, &waker).is_pending());
    promise.set(1);
    assert!(promise.reset() && !promise.is_done());
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut all, &waker).is_ready());
}

#[test]
fn waits_end_when_the_last_handle_of_a_resettable_promise_goes() {
    let promise = ResettablePromise::<u32>::new();
    let (clone, wait) = (promise.clone(), promise.wait());
    drop(promise);
    assert!(!wait.is_done());
    drop(clone);
    assert!(is_cancelled(&wait));
}

// ===== ChildPromise =====

#[test]
fn fut_48_dropping_a_pending_child_cancels_it_and_leaves_the_parent_alone() {
    let parent = Promise::<u32>::new();
    let child = parent.child();
    let (log, wait) = (Log::default(), child.wait());
    child.on_done(log.callback("one"));
    assert!(!child.is_done() && !parent.is_done());
    drop(child);
    assert!(is_cancelled(&wait) && !parent.is_done());
    assert_eq!(log.take(), ["one cancelled"]);
}

#[test]
fn fut_49_to_51_a_childs_own_outcome_survives_its_handle() {
    let parent = Promise::new();
    let outcomes: [fn(&Promise<u32>) -> bool; 3] = [|p| p.set(1), |p| p.fail("no"), |p| p.cancel()];
    for (give, text) in outcomes.iter().zip(["done", "failed: no", "cancelled"]) {
        let child = parent.child();
        let wait = child.wait();
        assert!(give(&child));
        drop(child);
        assert_eq!(status_text(&wait).to_string(), text);
        assert!(!parent.is_done());
    }
}

#[test]
fn fut_52_53_57_and_59_the_end_of_the_parent_is_the_end_of_the_child() {
    let (log, parent) = (Log::default(), Promise::new());
    let child = parent.child();
    child.on_done(log.callback("ONE"));
    child.on_done(log.callback("TWO"));
    parent.fail("no");
    assert_eq!(log.take(), ["ONE no", "TWO no"]);
    let pair = [parent, child.wait()];
    assert_eq!(noncancelled_results(&pair).1.len(), 1, "the very error");

    let parent = Promise::named("parent");
    let child = parent.child();
    child.on_done(log.callback("ONE"));
    let (wakes, waker) = Wakes::new();
    let mut wait = child.wait();
    assert!(poll(&mut wait, &waker).is_pending());
    parent.cancel();
    assert_eq!(wakes.count(), 1);
    assert_eq!(log.take(), ["ONE cancelled"]);
    assert_eq!(ready(wait).unwrap_err().to_string(), "cancelled at parent");
}

#[test]
fn fut_55_56_58_60_and_62_to_66_a_child_has_an_outcome_of_its_own() {
    let log = Log::default();
    let parent = Promise::new();
    let child = parent.child();
    child.on_done(log.callback("ONE"));
    assert!(child.set(1) && child.is_done());
    child.on_done(log.callback("TWO"));
    assert_eq!(log.take(), ["ONE 1", "TWO 1"]);
    assert_eq!(ready(child).unwrap(), 1);
    assert!(!parent.is_done());
}

#[test]
fn fut_63_65_and_67_a_child_of_a_finished_parent_is_born_finished() {
    let log = Log::default();
    let parent = Promise::new();
    parent.set(1);
    let child = parent.child_named("late");
    assert_eq!(child.try_set(2), Err(2));
    assert_eq!(
        error(&child).unwrap(),
        "cancelled at late by its parent having a value"
    );
    child.on_done(log.callback("ONE"));
    assert_eq!(log.take(), ["ONE cancelled"]);

    let parent = Promise::new();
    parent.fail("no");
    let child = parent.child();
    assert!(!child.fail("late") && !child.cancel());
    assert_eq!(error(&child).as_deref(), Some("no"));
    assert_eq!(ready(child).unwrap_err().to_string(), "no");
}

#[test]
fn fut_63_a_child_shows_its_parents_end_before_the_parents_callbacks_get_to_it() {
    let (log, parent) = (Log::default(), Promise::new());
    let late: Arc<Mutex<Option<ChildPromise<u32>>>> = Arc::default();
    let (seen, inner) = (Arc::clone(&late), log.clone());
    parent.on_done(move |_| {
        let child = seen.lock().unwrap();
        let child = child.as_ref().unwrap();
        assert!(child.is_done() && !child.set(5));
        inner.note("seen");
        child.on_done(inner.callback("child"));
    });
    *late.lock().unwrap() = Some(parent.child());
    parent.fail("no");
    assert_eq!(log.take(), ["seen", "child no"]);
}

/// Bug Q-26: looking at a child changed it, and lost the parent's error.
#[test]
fn q_26_looking_at_a_child_never_changes_what_it_shows() {
    let parent = Promise::new();
    let child = parent.child();
    assert!(!child.is_done() && !is_cancelled(&child) && error(&child).is_none());
    assert_eq!(child.state(), State::Pending);
    parent.fail("no");
    for _ in 0..3 {
        assert!(!is_cancelled(&child) && child.is_failed());
        assert_eq!(error(&child).as_deref(), Some("no"));
    }
}

/// Bug Q-27: a child with a value of its own counted as cancelled once the parent was.
#[test]
fn q_27_a_child_that_has_a_value_keeps_it() {
    let parent = Promise::new();
    let child = parent.child();
    child.set(1);
    parent.cancel();
    assert!(!is_cancelled(&child));
    assert_eq!(value(&child), Some(1));
}

#[test]
fn fut_68_cancel_parent_ends_the_outermost() {
    let outermost = Promise::<u32>::new();
    let middle = outermost.child();
    let inner = middle.child();
    assert!(inner.cancel_parent() && !inner.cancel_parent());
    assert!(is_cancelled(&outermost) && is_cancelled(&middle) && is_cancelled(&inner));
}

#[test]
fn an_awaited_child_ends_with_its_parent_and_with_its_parents_handles() {
    let (_, waker) = Wakes::new();
    let parent = Promise::<u32>::new();
    let mut child = parent.child();
    assert!(poll(&mut child, &waker).is_pending());
    drop(parent);
    assert!(matches!(poll(&mut child, &waker), Poll::Ready(Err(e)) if e.is_cancelled()));
}

#[test]
fn a_line_of_a_hundred_thousand_children_ends_and_goes_in_a_loop() {
    let first = Promise::<u32>::new();
    let mut line = vec![first.child()];
    for at in 0..100_000 {
        let child = line[at].child();
        line.push(child);
    }
    let last = line.last().unwrap().wait();
    first.fail("no");
    assert_eq!(error(&last).as_deref(), Some("no"));
    drop((line, first));
    drop(last);
}

// ===== texts =====

#[test]
fn fut_41_and_45_the_text_of_a_status_says_where_it_stands_and_its_name() {
    let promise = Promise::<u32>::new();
    assert_eq!(format!("{promise:?}"), "Promise(pending)");
    let promise = ResettablePromise::<u32>::named("hello");
    assert_eq!(format!("{promise:?}"), "ResettablePromise(hello (pending))");
    promise.cancel();
    assert_eq!(status_text(&promise).to_string(), "hello (cancelled)");
    let parent = Promise::<u32>::named("final");
    let child = parent.child_named("FUTZ");
    child.fail("no");
    assert_eq!(format!("{child:?}"), "ChildPromise(FUTZ (failed: no))");

    let ctx = Ctx::root_on("app", ());
    assert_eq!(status_text(&ctx).to_string(), "app (pending)");
    ctx.stop();
    assert_eq!(status_text(&&ctx).to_string(), "app (stopping)");
    ctx.cancel();
    let status: &dyn FutureStatus = &ctx;
    assert_eq!(status_text(status).to_string(), "app (cancelled)");
}
