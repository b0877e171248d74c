//! The virtual clock: CLOCK-01 to CLOCK-19 and the quirks.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures::{
    FutureExt,
    executor::block_on,
    future::{join, poll_fn},
};
use proptest::prelude::*;
use windlass::{
    AnySleep, Sleep, Spawner, Timer, WithTimer,
    testing::{SimRuntime, VirtualClock},
};

// ===== helpers

fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// What happened when, on one clock.
#[derive(Clone)]
struct Log {
    clock: VirtualClock,
    lines: Arc<Mutex<Vec<(&'static str, u64)>>>,
}

impl Log {
    fn new(clock: &VirtualClock) -> Self {
        Log {
            clock: clock.clone(),
            lines: Arc::default(),
        }
    }

    fn note(&self, what: &'static str) {
        let now = self.clock.elapsed().as_millis() as u64;
        self.lines.lock().unwrap().push((what, now));
    }

    fn lines(&self) -> Vec<(&'static str, u64)> {
        self.lines.lock().unwrap().clone()
    }
}

/// Notes `what` when `after` has passed, as a task of `rt`.
fn note_later(rt: &SimRuntime, log: &Log, after: Duration, what: &'static str) {
    let (sleep, log) = (rt.sleep(after), log.clone());
    rt.spawn(async move {
        sleep.await;
        log.note(what);
    });
}

/// Counts its wakes.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn counter() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

/// Polls until ready; on an executor of its own, so that it nests.
fn spin(f: impl Future<Output = ()>) {
    let mut f = std::pin::pin!(f);
    while f
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
        .is_pending()
    {}
}

fn poll(sleep: &mut AnySleep, waker: &Waker) -> Poll<()> {
    Pin::new(sleep).poll(&mut Context::from_waker(waker))
}

// ===== reading and advancing

#[test]
fn clock_01_a_clock_starts_at_zero_and_a_timer_fires_at_its_exact_time() {
    let rt = SimRuntime::new();
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
    let before = rt.now();
    rt.block_on(rt.sleep(Duration::from_secs(5)));
    assert_eq!(rt.clock().elapsed(), Duration::from_secs(5));
    assert_eq!(rt.now() - before, Duration::from_secs(5));
}

#[test]
fn clock_01_a_clock_may_start_at_a_given_time() {
    let clock = VirtualClock::starting_at(ms(700));
    assert_eq!(clock.elapsed(), ms(700));
    block_on(clock.advance(ms(300)));
    assert_eq!(clock.elapsed(), ms(1000));
    let far = VirtualClock::starting_at(Duration::MAX);
    assert!(far.elapsed() > Duration::from_secs(1 << 29));
    assert!(far.elapsed() < Duration::from_secs(1 << 30));
}

#[test]
fn clock_03_and_04_a_cancelled_timer_never_fires() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let clock = rt.clock().clone();
    rt.block_on(async {
        let mut cancelled = rt.sleep(ms(1000));
        let (wakes, waker) = counter();
        assert!(poll(&mut cancelled, &waker).is_pending());
        drop(cancelled);
        rt.sleep(ms(300)).await;
        log.note("released");
        // in the original the 0.3 s timer fired a second time during this.
        clock.advance(ms(1000)).await;
        log.note("advanced");
        assert_eq!(wakes.0.load(SeqCst), 0);
    });
    assert_eq!(log.lines(), [("released", 300), ("advanced", 1300)]);
}

#[test]
fn clock_07_advance_passes_the_timers_on_its_way() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let clock = rt.clock().clone();
    rt.block_on(async {
        clock.advance(ms(4300)).await;
        note_later(&rt, &log, ms(300), "fired");
        clock.advance(ms(400)).await;
        log.note("advanced");
    });
    assert_eq!(log.lines(), [("fired", 4600), ("advanced", 4700)]);
}

#[test]
fn clock_08_dropping_a_sleep_that_fired_is_harmless() {
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &waker).is_pending());
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 1);
    drop(sleep);
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 1);
}

#[test]
fn clock_09_the_clock_jumps_when_nothing_is_ready() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    note_later(&rt, &log, ms(20), "second");
    note_later(&rt, &log, ms(10), "first");
    rt.block_on(async {
        rt.sleep(ms(30)).await;
        log.note("third");
    });
    assert_eq!(log.lines(), [("first", 10), ("second", 20), ("third", 30)]);
}

#[test]
fn clock_09_the_clock_stands_still_while_something_is_ready() {
    let rt = SimRuntime::new();
    let mut rounds = 0;
    rt.block_on(async {
        let mut sleep = rt.sleep(ms(1));
        poll_fn(|cx| {
            rounds += 1;
            let _ = Pin::new(&mut sleep).poll(cx);
            cx.waker().wake_by_ref();
            if rounds < 100 {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        })
        .await;
    });
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
}

#[test]
fn clock_10_woken_work_runs_before_time_goes_on() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let clock = rt.clock().clone();
    let (handle, inner) = (rt.clone(), log.clone());
    rt.spawn(async move {
        handle.sleep(ms(100)).await;
        inner.note("a");
        for _ in 0..50 {
            // Not a matter of one or two turns of the executor.
            futures::pending_once().await;
        }
        inner.note("b");
        handle.sleep(ms(100)).await; // armed on the way
        inner.note("c");
    });
    note_later(&rt, &log, ms(500), "at the end");
    rt.block_on(async {
        clock.advance(ms(500)).await;
        log.note("advanced");
    });
    let all = [
        ("a", 100),
        ("b", 100),
        ("c", 200),
        ("at the end", 500),
        ("advanced", 500),
    ];
    assert_eq!(log.lines(), all);
}

mod futures {
    //! The crate, and a yield of our own beside it.
    pub(crate) use ::futures::*;

    pub(crate) async fn pending_once() {
        let mut yielded = false;
        future::poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return std::task::Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}

#[test]
fn clock_12_the_times_at_which_timers_fired_are_recorded_on_request() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    rt.block_on(rt.sleep(ms(1)));
    assert_eq!(clock.fired(), []);
    clock.record_fired();
    rt.block_on(async {
        let mut cancelled = rt.sleep(ms(2));
        assert!(futures::poll!(&mut cancelled).is_pending());
        drop(cancelled);
        rt.sleep(ms(5)).await;
        rt.sleep(ms(5)).await;
    });
    assert_eq!(clock.fired(), [ms(6), ms(11)]);
}

#[test]
fn clock_13_zero_and_past_deadlines_are_ready_at_once_and_are_not_registered() {
    let clock = VirtualClock::starting_at(ms(50));
    clock.record_fired();
    let now = clock.now();
    for mut sleep in [
        clock.sleep(Duration::ZERO),
        clock.sleep_until(now),
        clock.sleep_until(now - ms(20)),
        clock.sleep_until(now - ms(50_000)), // before the clock was made
    ] {
        assert_eq!((&mut sleep).now_or_never(), Some(()));
        assert_eq!((&mut sleep).now_or_never(), Some(()), "and stays so");
    }
    assert_eq!(clock.elapsed(), ms(50));
    assert_eq!(clock.fired(), []);
}

#[test]
fn clock_14_a_sleep_of_eleven_seconds_at_two_ends_at_thirteen() {
    let rt = SimRuntime::new();
    rt.block_on(async {
        rt.sleep(ms(2000)).await;
        rt.sleep(ms(11_000)).await;
    });
    assert_eq!(rt.clock().elapsed(), ms(13_000));
}

#[test]
fn clock_15_the_clock_is_a_timer_for_any_spawner() {
    #[derive(Clone)]
    struct Pool(::futures::executor::ThreadPool);
    impl Spawner for Pool {
        fn spawn<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.spawn_ok(future);
        }
    }
    let pool = ::futures::executor::ThreadPool::builder()
        .pool_size(1)
        .create()
        .unwrap();
    let clock = VirtualClock::new();
    let rt = WithTimer::new(Pool(pool), clock.clone());
    let (send, receive) = ::futures::channel::oneshot::channel();
    let (sleep, inner) = (rt.sleep(ms(250)), clock.clone());
    let (armed, is_armed) = ::futures::channel::oneshot::channel();
    rt.spawn(async move {
        let mut sleep = sleep;
        assert!(futures::poll!(&mut sleep).is_pending());
        armed.send(()).unwrap();
        sleep.await;
        send.send(inner.elapsed()).unwrap();
    });
    block_on(async {
        is_armed.await.unwrap();
        clock.advance(ms(250)).await;
        assert_eq!(receive.await, Ok(ms(250)));
    });
}

#[test]
fn clock_17_dropping_the_runtime_drops_what_waits_for_the_clock() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    let log = Log::new(&clock);
    note_later(&rt, &log, ms(10), "never");
    rt.run_until_stalled();
    assert!(format!("{clock:?}").contains("timers: 1"), "{clock:?}");
    drop(rt);
    assert!(format!("{clock:?}").contains("timers: 0"), "{clock:?}");
    block_on(clock.advance(ms(20)));
    assert_eq!(log.lines(), []);
}

#[test]
fn clock_19_advance_resumes_after_that_much_virtual_time() {
    let rt = SimRuntime::new();
    rt.block_on(rt.clock().advance(ms(1500)));
    assert_eq!(rt.clock().elapsed(), ms(1500));
}

#[test]
fn advance_by_zero_lets_everything_ready_run() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let inner = log.clone();
    rt.spawn(async move {
        futures::pending_once().await;
        inner.note("ran");
    });
    rt.block_on(rt.clock().advance(Duration::ZERO));
    assert_eq!(log.lines(), [("ran", 0)]);
}

#[test]
fn advance_takes_part_in_timers_of_tasks_that_were_not_polled_yet() {
    // With tokio's paused clock, a task spawned right before `advance` arms its timer after it.
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    let (handle, inner) = (rt.clone(), log.clone());
    rt.spawn(async move {
        handle.sleep(ms(10)).await;
        inner.note("fired");
    });
    rt.block_on(rt.clock().advance(ms(10)));
    assert_eq!(log.lines(), [("fired", 10)]);
}

#[test]
fn advance_by_a_huge_duration_saturates_at_about_thirty_years() {
    let clock = VirtualClock::new();
    for _ in 0..3 {
        let before = clock.elapsed();
        block_on(clock.advance(Duration::MAX));
        let moved = clock.elapsed() - before;
        assert!(
            moved > Duration::from_secs(29 * 365 * 24 * 3600),
            "{moved:?}"
        );
        assert!(
            moved < Duration::from_secs(31 * 365 * 24 * 3600),
            "{moved:?}"
        );
    }
}

#[test]
fn a_huge_sleep_stays_pending_until_its_saturated_time() {
    let clock = VirtualClock::new();
    let mut sleep = clock.sleep(Duration::MAX);
    assert!((&mut sleep).now_or_never().is_none());
    block_on(clock.advance(Duration::from_secs(3600)));
    assert!((&mut sleep).now_or_never().is_none());
    block_on(clock.advance(Duration::MAX));
    assert!((&mut sleep).now_or_never().is_some());
}

#[test]
fn advance_to_next_goes_to_the_next_timer_and_lets_its_work_run() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    note_later(&rt, &log, ms(70), "b");
    note_later(&rt, &log, ms(30), "a");
    let clock = rt.clock().clone();
    rt.block_on(async {
        assert!(clock.advance_to_next().await);
        assert_eq!(log.lines(), [("a", 30)]);
        assert!(clock.advance_to_next().await);
        assert_eq!(log.lines(), [("a", 30), ("b", 70)]);
        assert!(!clock.advance_to_next().await);
        assert_eq!(clock.elapsed(), ms(70));
    });
}

#[test]
fn an_advance_that_is_dropped_leaves_the_clock_where_it_has_come_to() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    rt.block_on(async {
        let first = rt.sleep(ms(10));
        // In one task: the sleep ends while the advance is under way, which is then dropped.
        ::futures::future::select(first, Box::pin(clock.advance(ms(100)))).await;
        assert_eq!(clock.elapsed(), ms(10));
        rt.sleep(ms(5)).await;
        assert_eq!(clock.elapsed(), ms(15), "auto-jump goes on as before");
    });
}

#[test]
fn two_may_advance_at_the_same_time() {
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    let log = Log::new(&clock);
    note_later(&rt, &log, ms(20), "timer");
    rt.block_on(join(
        async {
            clock.advance(ms(50)).await;
            log.note("long");
        },
        async {
            clock.advance(ms(30)).await;
            log.note("short");
        },
    ));
    assert_eq!(log.lines(), [("timer", 20), ("short", 30), ("long", 50)]);
}

// ===== the sleeps

#[test]
fn a_sleep_that_is_never_polled_does_not_drag_the_clock() {
    let rt = SimRuntime::new();
    let _kept = rt.sleep(ms(10));
    rt.block_on(rt.sleep(ms(20)));
    rt.clock().record_fired();
    rt.block_on(rt.sleep(ms(20)));
    assert_eq!(rt.clock().fired(), [ms(40)]);
}

#[test]
fn a_sleep_wakes_once_and_whoever_polled_last() {
    let clock = VirtualClock::new();
    let (old, old_waker) = counter();
    let (new, new_waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &old_waker).is_pending());
    assert!(poll(&mut sleep, &new_waker).is_pending());
    assert!(poll(&mut sleep, &new_waker).is_pending());
    block_on(clock.advance(ms(20)));
    assert_eq!((old.0.load(SeqCst), new.0.load(SeqCst)), (0, 1));
    assert!(poll(&mut sleep, &new_waker).is_ready());
}

#[test]
fn reset_arms_again_whether_or_not_the_sleep_has_ended() {
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &waker).is_pending());
    Pin::new(&mut sleep).reset(clock.now() + ms(30));
    // The waiter stays: it need not poll again to be woken at the new time.
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 0);
    block_on(clock.advance(ms(20)));
    assert_eq!(wakes.0.load(SeqCst), 1);
    assert!(poll(&mut sleep, &waker).is_ready());

    Pin::new(&mut sleep).reset(clock.now() + ms(5));
    assert!(poll(&mut sleep, &waker).is_pending());
    block_on(clock.advance(ms(5)));
    assert_eq!(wakes.0.load(SeqCst), 2);
    assert!(poll(&mut sleep, &waker).is_ready());
}

#[test]
fn reset_to_the_past_wakes_at_once() {
    let clock = VirtualClock::starting_at(ms(10));
    let (wakes, waker) = counter();
    let mut sleep = clock.sleep(ms(10));
    assert!(poll(&mut sleep, &waker).is_pending());
    Pin::new(&mut sleep).reset(clock.now() - ms(5));
    assert_eq!(wakes.0.load(SeqCst), 1);
    assert!(poll(&mut sleep, &waker).is_ready());
    block_on(clock.advance(ms(100)));
    assert_eq!(wakes.0.load(SeqCst), 1);
}

#[test]
fn ties_fire_in_the_order_of_registration() {
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    for name in ["a", "b", "c"] {
        note_later(&rt, &log, ms(10), name);
    }
    let late = rt.sleep(ms(10)); // made before "d", polled after it
    note_later(&rt, &log, ms(10), "d");
    rt.block_on(async {
        rt.settle().await;
        late.await;
        log.note("late");
    });
    let all = [("a", 10), ("b", 10), ("c", 10), ("d", 10), ("late", 10)];
    assert_eq!(log.lines(), all);
}

#[test]
fn a_waker_that_panics_does_not_keep_the_others_from_being_woken() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("a waker that panics (this is part of a test)");
        }
    }
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let mut bad = clock.sleep(ms(10));
    let mut good = clock.sleep(ms(10));
    assert!(poll(&mut bad, &Waker::from(Arc::new(Panics))).is_pending());
    assert!(poll(&mut good, &waker).is_pending());
    block_on(clock.advance(ms(10)));
    assert_eq!(wakes.0.load(SeqCst), 1);
}

#[test]
fn a_waker_may_use_the_clock_that_wakes_it() {
    // A lock held while waking would deadlock here.
    struct Reenters(VirtualClock, Mutex<Vec<Duration>>);
    impl Wake for Reenters {
        fn wake(self: Arc<Self>) {
            spin(self.0.advance(ms(5)));
            self.1.lock().unwrap().push(self.0.elapsed());
        }
    }
    let clock = VirtualClock::new();
    let reenters = Arc::new(Reenters(clock.clone(), Mutex::default()));
    let waker = Waker::from(reenters.clone());
    let mut sleeps: Vec<_> = [10, 10, 12].map(|n| clock.sleep(ms(n))).into();
    for sleep in &mut sleeps {
        assert!(poll(sleep, &waker).is_pending());
    }
    block_on(clock.advance(ms(10)));
    let seen = reenters.1.lock().unwrap().clone();
    assert_eq!(
        seen,
        [ms(17); 3],
        "each fired once; the last one's advance goes the farthest"
    );
}

// ===== auto-jump

#[test]
fn auto_jump_off_leaves_the_clock_to_the_test() {
    let rt = SimRuntime::new();
    rt.clock().auto_jump(false);
    let stalled = windlass::BlockOn::block_on(&rt, rt.sleep(ms(10))).unwrap_err();
    assert!(
        stalled.to_string().contains("auto-jump is off"),
        "{stalled}"
    );
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
    rt.block_on(async {
        rt.clock().advance(ms(10)).await;
    });
    rt.clock().auto_jump(true);
    rt.block_on(rt.sleep(ms(10)));
    assert_eq!(rt.clock().elapsed(), ms(20));
}

#[test]
fn auto_jump_after_a_threshold_lets_other_threads_come_first() {
    // real work elsewhere counted as idleness, so the clock ran away meanwhile.
    let rt = SimRuntime::new();
    rt.clock().auto_jump_after(Duration::from_secs(3600));
    let (send, receive) = ::futures::channel::oneshot::channel();
    let waits = std::sync::Barrier::new(2);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            waits.wait();
            send.send(()).unwrap();
        });
        rt.block_on(async {
            let mut sleep = rt.sleep(ms(1));
            assert!(futures::poll!(&mut sleep).is_pending());
            waits.wait();
            receive.await.unwrap();
        });
    });
    assert_eq!(rt.clock().elapsed(), Duration::ZERO);
    rt.clock().auto_jump_after(Duration::from_micros(50));
    rt.block_on(rt.sleep(ms(7)));
    assert_eq!(rt.clock().elapsed(), ms(7));
}

// ===== the bugs of the originals

#[test]
fn q_95_advance_from_a_task_woken_by_a_timer_fires_nothing_twice() {
    // The driver was re-entered before the fired timer was removed, so it fired again.
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    clock.record_fired();
    let log = Log::new(&clock);
    let (handle, inner, at) = (rt.clone(), log.clone(), clock.clone());
    rt.spawn(async move {
        handle.sleep(ms(300)).await;
        inner.note("woken");
        at.advance(ms(1000)).await;
        inner.note("advanced");
    });
    note_later(&rt, &log, ms(700), "between");
    rt.block_on(rt.sleep(ms(2000)));
    assert_eq!(
        log.lines(),
        [("woken", 300), ("between", 700), ("advanced", 1300)]
    );
    assert_eq!(clock.fired(), [ms(300), ms(700), ms(2000)]);
}

#[test]
fn q_96_advance_from_a_woken_task_loses_no_timer() {
    // The outer pass overwrote the list of timers that the inner one had produced.
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    let log = Log::new(&clock);
    let (handle, inner) = (rt.clone(), log.clone());
    rt.spawn(async move {
        handle.sleep(ms(100)).await;
        note_later(&handle, &inner, ms(10), "armed inside, due inside");
        note_later(&handle, &inner, ms(300), "armed inside, due outside");
        handle.clock().advance(ms(50)).await;
        inner.note("inner");
    });
    note_later(&rt, &log, ms(120), "armed outside, due inside");
    note_later(&rt, &log, ms(450), "armed outside, due outside");
    rt.block_on(async {
        clock.advance(ms(500)).await;
        log.note("outer");
    });
    let all = [
        ("armed inside, due inside", 110),
        ("armed outside, due inside", 120),
        ("inner", 150),
        ("armed inside, due outside", 400),
        ("armed outside, due outside", 450),
        ("outer", 500),
    ];
    assert_eq!(log.lines(), all);
}

#[test]
fn q_97_timers_fire_in_due_order_at_their_own_times() {
    // Those due within one step of 0.1 s fired in the order of registration, at the step's time.
    let rt = SimRuntime::new();
    let log = Log::new(rt.clock());
    note_later(&rt, &log, ms(39), "c");
    note_later(&rt, &log, ms(11), "a");
    note_later(&rt, &log, ms(12), "b");
    rt.block_on(rt.clock().advance(ms(100)));
    assert_eq!(log.lines(), [("a", 11), ("b", 12), ("c", 39)]);
}

#[test]
fn q_98_a_cancelled_timer_does_not_drag_the_clock() {
    // The clock went to the times of cancelled timers as well.
    let rt = SimRuntime::new();
    let clock = rt.clock().clone();
    rt.block_on(async {
        let mut cancelled = rt.sleep(ms(10));
        assert!(futures::poll!(&mut cancelled).is_pending());
        drop(cancelled);
        assert!(!clock.advance_to_next().await, "nothing to go to");
        assert_eq!(clock.elapsed(), Duration::ZERO);
        let mut reset = rt.sleep(ms(10));
        assert!(futures::poll!(&mut reset).is_pending());
        Pin::new(&mut reset).reset(clock.now() + ms(30));
        assert!(clock.advance_to_next().await);
        assert_eq!(clock.elapsed(), ms(30));
    });
}

#[test]
fn q_99_absolute_deadlines_are_on_the_same_clock() {
    // Timers given by absolute time stayed on the real clock.
    let rt = SimRuntime::new();
    let at = rt.now() + ms(40);
    rt.block_on(async {
        rt.sleep(ms(15)).await;
        rt.sleep_until(at).await;
    });
    assert_eq!(rt.clock().elapsed(), ms(40));
}

// ===== scale, and a slow model

#[test]
fn a_million_timers_fire_in_order() {
    let clock = VirtualClock::new();
    let (wakes, waker) = counter();
    let n = 1_000_000;
    let mut sleeps: Vec<_> = (0..n)
        .map(|i: u64| clock.sleep(Duration::from_micros(1 + i.wrapping_mul(7_919) % 1000)))
        .collect();
    for sleep in &mut sleeps {
        assert!(poll(sleep, &waker).is_pending());
    }
    sleeps.truncate(600_000);
    block_on(clock.advance(ms(1)));
    assert_eq!(wakes.0.load(SeqCst), 600_000);
    assert!(format!("{clock:?}").contains("timers: 0"));
}

/// A step of the model test; sleeps are named by their index.
#[derive(Clone, Debug)]
enum Step {
    Arm(u64),
    Drop(usize),
    Reset(usize, u64),
    Advance(u64),
    AdvanceToNext,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..40u64).prop_map(Step::Arm),
        2 => any::<usize>().prop_map(Step::Drop),
        2 => (any::<usize>(), 0..40u64).prop_map(|(i, d)| Step::Reset(i, d)),
        2 => (0..25u64).prop_map(Step::Advance),
        1 => Just(Step::AdvanceToNext),
    ]
}

/// Notes which sleep was woken, and what the clock read.
struct Noted(usize, VirtualClock, Arc<Mutex<Vec<(usize, u64)>>>);

impl Wake for Noted {
    fn wake(self: Arc<Self>) {
        let now = self.1.elapsed().as_millis() as u64;
        self.2.lock().unwrap().push((self.0, now));
    }
}

/// The slow, obvious clock: a list that is searched for its minimum.
#[derive(Default)]
struct Model {
    now: u64,
    turn: u64,
    armed: Vec<(u64, u64, usize)>,
    fired: Vec<(usize, u64)>,
}

impl Model {
    fn arm(&mut self, id: usize, due: u64) -> bool {
        if due > self.now {
            self.turn += 1;
            self.armed.push((due, self.turn, id));
        }
        due > self.now
    }

    fn disarm(&mut self, id: usize) -> bool {
        let before = self.armed.len();
        self.armed.retain(|entry| entry.2 != id);
        self.armed.len() < before
    }

    fn go_to(&mut self, limit: u64) {
        while let Some(&first) = self.armed.iter().min().filter(|first| first.0 <= limit) {
            self.now = first.0;
            self.disarm(first.2);
            self.fired.push((first.2, self.now));
        }
        self.now = limit;
    }
}

proptest! {
    #[test]
    fn the_timers_do_what_a_slow_model_does(steps in prop::collection::vec(step(), 1..80)) {
        let clock = VirtualClock::new();
        let fired = Arc::new(Mutex::new(Vec::new()));
        let mut sleeps: Vec<Option<AnySleep>> = Vec::new();
        let mut model = Model::default();
        for step in steps {
            let n = sleeps.len().max(1);
            match step {
                Step::Arm(d) => {
                    let id = sleeps.len();
                    let waker = Waker::from(Arc::new(Noted(id, clock.clone(), fired.clone())));
                    let mut sleep = clock.sleep(ms(d));
                    let pending = poll(&mut sleep, &waker).is_pending();
                    sleeps.push(Some(sleep));
                    prop_assert_eq!(pending, model.arm(id, model.now + d));
                }
                Step::Drop(i) => {
                    if let Some(sleep) = sleeps.get_mut(i % n) {
                        *sleep = None;
                        model.disarm(i % n);
                    }
                }
                Step::Reset(i, d) => {
                    if let Some(Some(sleep)) = sleeps.get_mut(i % n) {
                        Pin::new(sleep).reset(clock.now() + ms(d));
                        // Only who waits goes on waiting; it is woken if the time is past.
                        if model.disarm(i % n) && !model.arm(i % n, model.now + d) {
                            model.fired.push((i % n, model.now));
                        }
                    }
                }
                Step::Advance(d) => {
                    block_on(clock.advance(ms(d)));
                    model.go_to(model.now + d);
                }
                Step::AdvanceToNext => {
                    let next = model.armed.iter().min().map(|first| first.0);
                    prop_assert_eq!(block_on(clock.advance_to_next()), next.is_some());
                    model.go_to(next.unwrap_or(model.now));
                }
            }
            prop_assert_eq!(clock.elapsed(), ms(model.now));
            prop_assert_eq!(&*fired.lock().unwrap(), &model.fired);
        }
    }
}
