//! Programs that are drawn by lot: sources of every kind, in sources, with labels, limits, breaks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use futures::{FutureExt, StreamExt, stream};
use windlass::{
    Driver, Fed, Feeder, InPlace, Merge, Source, SourceId, SourceKind, Streamer, Tasks,
    testing::{Sim, assert_no_leaks, explore},
};

use crate::kit::yield_now;

/// What is drawn, by a seed.
#[derive(Clone)]
struct Lots(Arc<Mutex<u64>>);

impl Lots {
    fn new(seed: u64) -> Lots {
        Lots(Arc::new(Mutex::new(seed.wrapping_mul(2654435761) + 1)))
    }

    /// A number below `n`.
    fn below(&self, n: u64) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        (*state >> 11) % n
    }
}

/// What was made, and what was told of it.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Entries>>);

#[derive(Default)]
struct Entries {
    /// Sources that were made, and how often each heard that it had ended.
    told: Vec<usize>,
    /// How many of them hand over to another one.
    handed_over: usize,
    /// How many values there are to be.
    values: usize,
    /// How many sources there were when it was broken off.
    at_break: usize,
}

impl Book {
    fn source(&self) -> impl FnOnce(windlass::Result<(), &windlass::Error>) + Send + 'static {
        let mut entries = self.0.lock().unwrap();
        let id = entries.told.len();
        entries.told.push(0);
        let book = self.clone();
        move |_| book.0.lock().unwrap().told[id] += 1
    }

    fn values(&self, n: usize) {
        self.0.lock().unwrap().values += n;
    }

    fn note_break(&self) {
        let mut entries = self.0.lock().unwrap();
        entries.at_break = entries.told.len();
    }

    fn hand_over(&self) {
        self.0.lock().unwrap().handed_over += 1;
    }
}

async fn yields(n: u64) {
    for _ in 0..n {
        yield_now().await;
    }
}

/// Functions that make a source for a driver, drawn by lot: `$plain` one of values, `$any` also one
/// of sources.
macro_rules! drawn {
    ($plain:ident, $any:ident, $driver:ty) => {
        fn $plain(lots: &Lots, book: &Book) -> Source<u64, $driver> {
            let n = lots.below(4);
            let kind = lots.below(7);
            book.values(match kind {
                0 | 1 => 1,
                2 | 3 => n as usize,
                4 => 1,
                _ => 0,
            });
            let numbers = stream::iter(0..n).then(async |i| {
                yields(i % 2).await;
                i
            });
            match kind {
                0 => Source::value(n),
                1 => Source::func(move || n),
                2 => Source::iter(0..n),
                3 => Source::stream(Box::pin(numbers)),
                4 => Source::future(async move {
                    yields(n).await;
                    n
                }),
                5 => Source::try_future(async move {
                    yields(n).await;
                    Err("fails")
                }),
                _ => Source::func(|| panic!("meant: a function")),
            }
        }

        fn $any(lots: &Lots, book: &Book, depth: u64) -> Source<u64, $driver> {
            let done = book.source();
            let n = lots.below(4);
            let (lots, book) = (lots.clone(), book.clone());
            let made = match lots.below(if depth == 0 { 1 } else { 5 }) {
                1 => {
                    book.hand_over();
                    Source::func_of(move || $any(&lots, &book, depth - 1))
                }
                2 => {
                    book.hand_over();
                    Source::future_of(async move {
                        yields(n).await;
                        $any(&lots, &book, depth - 1)
                    })
                }
                3 => Source::iter_of((0..n).map(move |_| $any(&lots, &book, depth - 1))),
                4 => {
                    let made = move |i| {
                        let (lots, book) = (lots.clone(), book.clone());
                        async move {
                            yields(i % 2).await;
                            $any(&lots, &book, depth - 1)
                        }
                    };
                    Source::stream_of(Box::pin(stream::iter(0..n).then(made)))
                }
                _ => $plain(&lots, &book),
            };
            made.on_done(done)
        }
    };
}
drawn!(plain_task, any_task, Tasks);
drawn!(plain_in_place, any_in_place, InPlace<'static>);

/// What came.
#[derive(Default)]
struct Seen {
    values: usize,
    ends: HashMap<SourceId, usize>,
    /// The outermost sources, as their items came.
    order: Vec<SourceId>,
    stopped: Option<bool>,
    /// Whether `remaining` was called, which takes what is there.
    took_rest: bool,
}

impl Seen {
    fn note(&mut self, item: Fed<u64, u64>, labels: &HashMap<SourceId, u64>) {
        assert!(self.stopped.is_none(), "after `Stopped`: {item:?}");
        let label = item.label().copied();
        let (sources, is_end) = match item {
            Fed::Success { sources, .. } => {
                self.values += 1;
                let (_, kind) = sources.iter().next().unwrap();
                let is_many = matches!(kind, SourceKind::Iter | SourceKind::Stream);
                (sources, !is_many)
            }
            Fed::Failure { sources, .. } | Fed::IterationStop { sources, .. } => (sources, true),
            Fed::Stopped { error } => {
                self.stopped = Some(error.is_some());
                return;
            }
            _ => unreachable!(),
        };
        let (outermost, _) = sources.iter().last().unwrap();
        assert_eq!(
            label,
            labels.get(&outermost).copied(),
            "the label it was fed with"
        );
        self.order.push(outermost);
        let ends = self.ends.entry(sources.id()).or_default();
        assert_eq!(*ends, 0, "nothing comes after the end of a source");
        *ends += usize::from(is_end);
    }
}

/// One that feeds.
struct Feeds<D: Driver> {
    plain: Feeder<u64, u64, D>,
    labelled: Vec<(Feeder<u64, u64, D>, u64)>,
    labels: HashMap<SourceId, u64>,
    fed: Vec<SourceId>,
}

impl<D: Driver> Feeds<D> {
    /// Feeds some, through feeders old and new.
    fn some(&mut self, lots: &Lots, draw: &impl Fn() -> Source<u64, D>) {
        for _ in 0..lots.below(4) {
            if lots.below(3) == 0 {
                let label = self.fed.len() as u64;
                self.labelled.push((self.plain.label(label), label));
            }
            let feeder = match self.labelled.last() {
                Some((feeder, label)) if lots.below(2) == 0 => (feeder, *label),
                _ => (&self.plain, 0),
            };
            let id = feeder.0.add(draw());
            self.labels.insert(id, feeder.1);
            self.fed.push(id);
        }
        if lots.below(4) == 0 && !self.labelled.is_empty() {
            let at = lots.below(self.labelled.len() as u64) as usize;
            self.labelled.remove(at);
        }
    }
}

/// Takes some of what is there, and gives others a turn in between.
async fn take_some<D: Driver>(
    lots: &Lots,
    items: &mut Streamer<u64, u64, D>,
    seen: &mut Seen,
    labels: &HashMap<SourceId, u64>,
) {
    if lots.below(6) == 0 {
        let rest = items.remaining();
        seen.took_rest |= !rest.is_empty();
        rest.into_iter().for_each(|item| seen.note(item, labels));
    }
    for _ in 0..lots.below(5) {
        match items.next().now_or_never() {
            Some(Some(item)) => seen.note(item, labels),
            Some(None) => assert!(seen.stopped.is_some()),
            None => {}
        }
        yields(lots.below(2)).await;
    }
}

/// Feeds and takes by lot, until the end.
async fn run<D: Driver>(
    sim: &Sim,
    (lots, book): (&Lots, &Book),
    (plain, mut items): (Feeder<u64, u64, D>, Streamer<u64, u64, D>),
    draw: impl Fn() -> Source<u64, D>,
    breaks: bool,
) -> (Seen, Vec<SourceId>) {
    let mut seen = Seen::default();
    let (labelled, labels, fed) = (Vec::new(), HashMap::new(), Vec::new());
    let mut feeds = Feeds {
        plain,
        labelled,
        labels,
        fed,
    };
    let rounds = 4 + lots.below(12);
    for round in 1..=rounds {
        feeds.some(lots, &draw);
        match lots.below(6) {
            0 => sim.rt.settle().await,
            1 => feeds.plain.set_max_running(lots.below(4) as usize),
            _ => {}
        }
        take_some(lots, &mut items, &mut seen, &feeds.labels).await;
        if breaks && round == rounds / 2 {
            book.note_break();
            match lots.below(3) {
                0 => items.breaker().set(),
                1 => drop(sim.ctx.cancel()),
                _ => return (seen, feeds.fed),
            }
        }
    }
    feeds.plain.set_max_running(2); // it may have been 0
    let (labels, fed) = (feeds.labels, feeds.fed);
    drop((feeds.plain, feeds.labelled));
    while let Some(item) = items.next().await {
        seen.note(item, &labels);
    }
    (seen, fed)
}

fn check_whole(book: &Book, seen: &Seen) {
    let entries = book.0.lock().unwrap();
    assert_eq!(seen.stopped, Some(false));
    assert!(
        entries.told.iter().all(|told| *told == 1),
        "{:?}",
        entries.told
    );
    let ends: usize = seen.ends.values().sum();
    assert_eq!(ends, entries.told.len() - entries.handed_over);
    assert_eq!(seen.values, entries.values);
}

async fn program(sim: &Sim, seed: u64, in_place: bool, ordered: bool, breaks: bool) {
    let (lots, book) = (Lots::new(seed), Book::default());
    macro_rules! with {
        ($merge:expr, $draw:ident) => {{
            let merge = $merge.label(0).max_running(1 + lots.below(4) as usize);
            let ends = if ordered {
                merge.ordered().split()
            } else {
                merge.split()
            };
            run(sim, (&lots, &book), ends, || $draw(&lots, &book, 3), breaks).await
        }};
    }
    let (seen, fed) = match in_place {
        true => with!(Merge::in_place(&sim.ctx, "merge"), any_in_place),
        false => with!(Merge::new(&sim.ctx, "merge"), any_task),
    };
    sim.rt.settle().await;
    if !breaks {
        check_whole(&book, &seen);
    }
    if ordered && !seen.took_rest {
        let mut left = fed.iter();
        let mut order = seen.order.clone();
        order.dedup();
        assert!(order.iter().all(|id| left.any(|fed| fed == id)), "in order");
    }
    let entries = book.0.lock().unwrap();
    let (before, since) = entries.told.split_at(entries.at_break);
    assert!(before.iter().all(|told| *told == 1), "{:?}", entries.told);
    assert!(since.iter().all(|told| *told <= 1), "{:?}", entries.told);
    drop(entries);
    assert_no_leaks(&sim.ctx);
}

#[test]
fn whatever_is_fed_each_source_ends_once_with_its_label() {
    for in_place in [false, true] {
        for ordered in [false, true] {
            for breaks in [false, true] {
                let seed = std::cell::Cell::new(0);
                explore(0..200, async |sim| {
                    seed.set(seed.get() + 1);
                    program(sim, seed.get(), in_place, ordered, breaks).await;
                });
            }
        }
    }
}
