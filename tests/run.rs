//! From synchronous code: `run` and its kin, and `gather`.

use std::{
    cell::{Cell, RefCell},
    future::{Future, pending, ready},
    io,
    num::ParseIntError,
    pin::{Pin, pin},
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use futures::executor::block_on;
use windlass::{
    BlockOn, Ctx, Error, NestedRun, Promise, Result,
    adapters::Embedded,
    gather, run, run_returning,
    testing::{SimRuntime, simulate},
    try_gather, try_run,
};

#[path = "kit/hand.rs"]
mod hand;

use self::hand::Hand;

fn rt() -> Embedded {
    Embedded::global()
}

/// Ready in the poll after `left` pending ones.
struct Yields<T>(usize, Option<T>);

impl<T: Unpin> Future for Yields<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        if self.0 == 0 {
            return Poll::Ready(self.1.take().expect("polled after its end"));
        }
        self.0 -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

fn after<T>(yields: usize, value: T) -> Yields<T> {
    Yields(yields, Some(value))
}

type Outcome = Result<u32, io::Error>;

fn fails(text: &'static str) -> Outcome {
    Err(io::Error::other(text))
}

#[test]
fn run_01_values_come_in_the_order_of_the_futures_whichever_ends_first() {
    let all = vec![after(3, 'a'), after(0, 'b'), after(1, 'c')];
    assert_eq!(run(&rt(), all).unwrap(), ['a', 'b', 'c']);
    assert_eq!(run(&rt(), [after(2, 1), after(0, 2)]).unwrap(), [1, 2]);
    let mixed = (after(2, 1), after(0, "two"), async { 3.0 });
    assert_eq!(run(&rt(), mixed).unwrap(), (1, "two", 3.0));
}

#[test]
fn more_than_a_few_futures_keep_their_order_and_are_each_polled_when_they_are_woken() {
    let polls = Cell::new(0);
    let counted = |n: usize| {
        let polls = &polls;
        async move {
            let mut inner = after(n % 3, n);
            std::future::poll_fn(|cx| {
                polls.set(polls.get() + 1);
                Pin::new(&mut inner).poll(cx)
            })
            .await
        }
    };
    let all: Vec<_> = (0..1000).map(counted).collect();
    assert_eq!(run(&rt(), all).unwrap(), Vec::from_iter(0..1000));
    assert_eq!(
        polls.get(),
        1000 + 999,
        "one and, for two in three, as often as it yields"
    );
}

#[test]
fn whichever_of_a_list_is_late_all_keep_their_places_and_are_polled_once_a_turn() {
    for yields in [
        [0, 0, 0, 0],
        [2, 0, 1, 0],
        [0, 1, 0, 2],
        [0, 0, 2, 1],
        [1, 2, 1, 1],
    ] {
        let log = RefCell::new(String::new());
        let counted = |place: usize| {
            let (log, mut inner) = (&log, after(yields[place], place));
            let held = OnDrop(move || log.borrow_mut().push_str(&format!("x{place} ")));
            std::future::poll_fn(move |cx| {
                let _held = &held;
                log.borrow_mut().push_str(&format!("{place} "));
                Pin::new(&mut inner).poll(cx)
            })
        };
        let mut all = std::pin::pin!(gather((0..4).map(counted).collect::<Vec<_>>()));
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        let mut expected = String::new();
        for turn in 0..=2 {
            for place in (0..4).filter(|place| yields[*place] >= turn) {
                expected.push_str(&format!("{place} "));
                if yields[place] == turn {
                    expected.push_str(&format!("x{place} "));
                }
            }
            if yields.iter().all(|y| *y <= turn) {
                assert_eq!(all.as_mut().poll(cx), Poll::Ready(vec![0, 1, 2, 3]));
                break;
            }
            assert_eq!(all.as_mut().poll(cx), Poll::Pending);
            assert_eq!(*log.borrow(), expected, "{yields:?}, turn {turn}");
        }
        assert_eq!(*log.borrow(), expected, "{yields:?}");
    }
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

#[test]
fn run_02_the_whole_takes_as_long_as_the_slowest() {
    simulate(async |sim| {
        let start = sim.ctx.now();
        let sleeps = [3, 1, 2].map(|n| sim.ctx.sleep(Duration::from_secs(n)));
        assert!(gather(sleeps).await.iter().all(Result::is_ok));
        assert_eq!((sim.ctx.now() - start).as_secs(), 3);
    });
}

#[test]
fn run_03_one_future_gives_its_value_and_none_give_nothing() {
    assert_eq!(run(&rt(), async { 1 }).unwrap(), 1);
    assert_eq!(run(&rt(), (async { 1 },)).unwrap(), (1,));
    assert_eq!(
        run(&rt(), Vec::<std::future::Ready<u8>>::new()).unwrap(),
        []
    );
    let none: [std::future::Ready<u8>; 0] = [];
    assert_eq!(run(&rt(), none).unwrap(), []);
    assert_eq!(
        try_run(&rt(), Vec::<std::future::Ready<Outcome>>::new()).unwrap(),
        []
    );
}

#[test]
fn run_04_tasks_can_be_among_them() {
    let ctx = Ctx::root("app", rt());
    let task = ctx.spawn(async { 1 });
    assert_eq!(
        try_run(
            &rt(),
            (task, async { fails("no").or(Ok::<_, io::Error>(2)) })
        )
        .unwrap(),
        (1, 2)
    );
}

#[test]
fn futures_may_borrow_and_need_not_be_send() {
    let (shared, text) = (Rc::new(RefCell::new(Vec::new())), String::from("borrowed"));
    let push = |n: usize| {
        let (shared, text) = (Rc::clone(&shared), &text);
        async move { shared.borrow_mut().push(text.len() + n) }
    };
    run(&rt(), [push(0), push(1)]).unwrap();
    assert_eq!(*shared.borrow(), [8, 9]);
}

#[test]
fn run_05_the_error_is_the_very_one_that_failed() {
    let error = try_run(&rt(), async { "x".parse::<u8>() }).unwrap_err();
    assert!(error.is::<ParseIntError>());
    let ctx = Ctx::root_on("app", ());
    ctx.cancel_with("enough");
    let cancelled = try_run(&rt(), (async { ctx.check() }, pending::<Outcome>())).unwrap_err();
    assert_eq!(cancelled.to_string(), "cancelled at app by enough");
}

struct Noted<'a>(&'a str, &'a RefCell<Vec<String>>);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.1.borrow_mut().push(format!("{} dropped", self.0));
    }
}

#[test]
fn run_06_and_07_the_first_error_drops_the_rest_before_it_is_returned() {
    let log = RefCell::new(Vec::new());
    let waits = |name| {
        let noted = Noted(name, &log);
        async move {
            let _noted = noted;
            pending::<Outcome>().await
        }
    };
    let fails = async { after(1, fails("first")).await };
    let error = try_run(&rt(), (waits("a"), fails, waits("b"))).unwrap_err();
    assert_eq!(error.to_string(), "first");
    let mut dropped = log.take();
    dropped.sort();
    assert_eq!(dropped, ["a dropped", "b dropped"]);

    let boxed = |f: Pin<Box<dyn Future<Output = Outcome>>>| f;
    let all = vec![
        boxed(Box::pin(pending())),
        boxed(Box::pin(ready(self::fails("vec")))),
    ];
    assert_eq!(try_run(&rt(), all).unwrap_err().to_string(), "vec");
}

#[test]
fn an_error_among_many_drops_the_rest_too() {
    let log = RefCell::new(Vec::new());
    let one = |n: u32| {
        let noted = Noted("one", &log);
        async move {
            let _noted = noted;
            if n == 70 {
                fails("seventy")
            } else {
                pending().await
            }
        }
    };
    let error = try_run(&rt(), (0..100).map(one).collect::<Vec<_>>()).unwrap_err();
    assert_eq!(error.to_string(), "seventy");
    assert_eq!(log.borrow().len(), 100);
}

/// Of more than thirty futures it was that of the one which was woken first.
#[test]
fn of_several_errors_in_one_turn_that_of_the_first_place_is_given_however_many_there_are() {
    for n in [3, 100] {
        let promises: Vec<_> = (0..n).map(|_| Promise::<()>::new()).collect();
        let mut all = pin!(try_gather(promises.clone()));
        assert!(Hand::default().poll(all.as_mut()).is_pending());
        for (place, text) in [(n - 1, "last"), (1, "first"), (2, "second")] {
            promises[place].fail(text);
        }
        let Poll::Ready(Err(error)) = Hand::default().poll(all) else {
            panic!("three have failed")
        };
        assert_eq!(error.to_string(), "first", "of {n}");
    }
}

#[test]
fn an_error_at_once_leaves_those_behind_it_unpolled_however_many_there_are() {
    for n in [3, 100] {
        let polled = Cell::new(0);
        let each = |_| async {
            polled.set(polled.get() + 1);
            fails("at once")
        };
        block_on(try_gather((0..n).map(each).collect::<Vec<_>>())).unwrap_err();
        assert_eq!(polled.get(), 1, "of {n}");
    }
}

#[test]
fn run_09_to_14_declared_errors_are_returned_in_their_places_and_the_others_go_on() {
    let all = vec![
        after(2, fails("late")),
        after(0, Ok(1)),
        after(1, fails("early")),
    ];
    let each = run_returning(&rt(), all, |error| error.is::<io::Error>()).unwrap();
    let texts: Vec<_> = each
        .iter()
        .map(|outcome| outcome.as_ref().map_err(Error::to_string))
        .collect();
    assert_eq!(texts, [Err("late".into()), Ok(&1), Err("early".into())]);
    let (a, b) = run_returning(
        &rt(),
        (async { "x".parse::<u8>() }, async { fails("b") }),
        |_| true,
    )
    .unwrap();
    assert!(a.is_err() && b.is_err());
    let one = run_returning(&rt(), async { fails("one") }, |_| true).unwrap();
    assert!(one.is_err());
}

/// with a declared and an undeclared failure in the same turn, the original puts the
/// undeclared one into the results if it comes second.
#[test]
fn q_105_each_error_is_checked_whatever_the_order() {
    let declared = || after(1, "x".parse::<u8>().map_err(Error::failed));
    let other = || after(1, Err(Error::failed(io::Error::other("undeclared"))));
    for all in [[declared(), other()], [other(), declared()]] {
        let error = run_returning(&rt(), all, |error| error.is::<ParseIntError>()).unwrap_err();
        assert_eq!(error.to_string(), "undeclared");
    }
    let pair = (declared(), other());
    let error = run_returning(&rt(), pair, |error| error.is::<ParseIntError>()).unwrap_err();
    assert_eq!(error.to_string(), "undeclared");
}

/// in the original a child that ends as cancelled does not stop the others.
#[test]
fn q_107_a_cancelled_child_is_an_error_like_any_other() {
    let ctx = Ctx::root("app", rt());
    let task = ctx.spawn(pending::<u8>());
    task.cancel();
    let error = try_run(&rt(), (task, pending::<Outcome>())).unwrap_err();
    assert!(error.is_cancelled());
}

/// the original runs the rest again for each declared failure.
#[test]
fn q_111_many_declared_failures_are_gone_through_once() {
    let all: Vec<_> = (0..10_000)
        .map(|n| after(n % 2, fails("declared")))
        .collect();
    let each = run_returning(&rt(), all, |_| true).unwrap();
    assert_eq!(
        each.iter().filter(|outcome| outcome.is_err()).count(),
        10_000
    );
}

#[test]
fn loop_28_and_29_gather_keeps_the_order_and_try_gather_gives_the_first_error() {
    block_on(async {
        assert_eq!(gather((after(2, 1), after(0, 2))).await, (1, 2));
        assert_eq!(gather(vec![after(1, 1)]).await, [1]);
        let error = try_gather((async { fails("a") }, pending::<Outcome>()))
            .await
            .unwrap_err();
        assert_eq!(error.to_string(), "a");
        assert_eq!(
            try_gather([after(1, Ok::<_, Error>(1)), after(0, Ok(2))])
                .await
                .unwrap(),
            [1, 2]
        );
    });
}

#[test]
fn twelve_of_different_types_run_together() {
    macro_rules! units { ($($n:literal),+) => { ($(async { [(); $n] },)+) } }
    let all = run(&rt(), units!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)).unwrap();
    assert_eq!((all.0.len(), all.11.len()), (1, 12));
}

#[test]
fn a_panic_drops_the_others_and_goes_on() {
    let log = RefCell::new(Vec::new());
    let noted = Noted("other", &log);
    let other = async move {
        let _noted = noted;
        pending::<()>().await;
    };
    let run = || run(&SimRuntime::new(), (other, async { panic!("on purpose") }));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(run));
    assert!(panicked.is_err());
    assert_eq!(*log.borrow(), ["other dropped"]);
}

#[test]
fn a_refusal_drops_the_futures_unpolled() {
    struct Refuses;
    impl BlockOn for Refuses {
        fn block_on<F: Future>(&self, _: F) -> Result<F::Output> {
            Err(NestedRun::new("it always refuses").into())
        }
    }
    let polled = Cell::new(false);
    let error = run(&Refuses, async { polled.set(true) }).unwrap_err();
    assert!(error.is::<NestedRun>());
    assert!(error.to_string().contains("it always refuses"), "{error}");
    assert!(!polled.get());
}
