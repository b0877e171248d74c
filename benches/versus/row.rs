//! [`Row`]: one comparison of ours with its peers, and how it is measured.

use std::{fmt, time::Duration};

use super::{
    measure::{median, tidy_heap},
    runner::Mode,
};

/// The target of a peer that is only there for information.
pub(crate) const INFO: f64 = f64::INFINITY;

/// Rounds of a row, unless it says otherwise.
const ROUNDS: usize = 11;

/// Items per pass in a quick run.
const QUICK: usize = 50;

/// How long a pass took: a duration, or one for each phase of the row.
pub(crate) trait Took {
    /// The durations, phase by phase.
    fn phases(self) -> Vec<Duration>;
}

impl Took for Duration {
    fn phases(self) -> Vec<Duration> {
        vec![self]
    }
}

impl<const N: usize> Took for [Duration; N] {
    fn phases(self) -> Vec<Duration> {
        self.to_vec()
    }
}

/// The highest ratio of ours to a peer that is good enough: a number, or one for each phase.
pub(crate) trait Target {
    /// The number for `phase`.
    fn of(&self, phase: usize) -> f64;
}

impl Target for f64 {
    fn of(&self, _phase: usize) -> f64 {
        *self
    }
}

impl<const N: usize> Target for [f64; N] {
    fn of(&self, phase: usize) -> f64 {
        self[phase]
    }
}

/// One comparison. The first side added is ours.
pub(crate) struct Row {
    mode: Mode,
    phases: Vec<&'static str>,
    items: usize,
    repeats: usize,
    rounds: usize,
    sides: Vec<Side>,
}

/// One way of doing the work of a row.
struct Side {
    name: &'static str,
    target: Box<dyn Target>,
    pass: Box<dyn FnMut(usize) -> Vec<Duration>>,
    /// Nanoseconds per item, by phase, then by round.
    samples: Vec<Vec<f64>>,
}

/// What came out for one peer in one phase.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) ours: f64,
    peer: &'static str,
    theirs: f64,
    pub(crate) ratio: f64,
    pub(crate) target: f64,
}

// ===== impl Row =====

impl Row {
    pub(crate) fn new(mode: Mode) -> Self {
        Row {
            mode,
            phases: vec![""],
            items: 1000,
            repeats: 1,
            rounds: ROUNDS,
            sides: Vec::new(),
        }
    }

    /// How many items a pass works on.
    pub(crate) fn items(&mut self, items: usize) -> &mut Self {
        self.items = items;
        self
    }

    /// How many passes make a round, for passes that are too short to be timed alone.
    pub(crate) fn repeats(&mut self, repeats: usize) -> &mut Self {
        self.repeats = repeats;
        self
    }

    /// How many rounds there are, for rows that are noisy.
    pub(crate) fn rounds(&mut self, rounds: usize) -> &mut Self {
        self.rounds = rounds.max(ROUNDS);
        self
    }

    /// Names the parts that a pass times one by one; each is reported as a row `name/part`.
    pub(crate) fn phases<const N: usize>(&mut self, phases: [&'static str; N]) -> &mut Self {
        self.phases = phases.to_vec();
        self
    }

    /// Adds our way: works on as many items as it is told and says how long that took.
    pub(crate) fn ours<T: Took>(&mut self, pass: impl FnMut(usize) -> T + 'static) -> &mut Self {
        assert!(self.sides.is_empty(), "ours comes first, and once");
        self.side("ours", INFO, pass)
    }

    /// Adds the native way of doing the same work.
    pub(crate) fn peer<T: Took>(
        &mut self,
        name: &'static str,
        target: impl Target + 'static,
        pass: impl FnMut(usize) -> T + 'static,
    ) -> &mut Self {
        self.side(name, target, pass)
    }

    /// Demands that an item of ours takes no longer than `limit`.
    pub(crate) fn limit(&mut self, limit: Duration) -> &mut Self {
        self.side("limit", 1.0, move |items| limit * items as u32)
    }

    fn side<T: Took>(
        &mut self,
        name: &'static str,
        target: impl Target + 'static,
        mut pass: impl FnMut(usize) -> T + 'static,
    ) -> &mut Self {
        self.sides.push(Side {
            name,
            target: Box::new(target),
            pass: Box::new(move |items| pass(items).phases()),
            samples: vec![Vec::new(); self.phases.len()],
        });
        self
    }

    /// Leaves ours alone, to be looked at with a profiler; there is nothing to report then.
    pub(crate) fn forget_peers(&mut self) {
        self.sides.truncate(1);
    }

    /// Runs the rounds. The first one only warms up.
    pub(crate) fn measure(mut self, name: &str) -> Vec<Line> {
        let (items, rounds, repeats) = match self.mode {
            Mode::Full => (self.items, self.rounds, self.repeats),
            Mode::Quick | Mode::List => (self.items.min(QUICK), 1, 1),
        };
        for round in 0..=rounds {
            for turn in 0..self.sides.len() {
                let next = (round + turn) % self.sides.len();
                let took = self.sides[next].round(items, repeats);
                if round > 0 {
                    self.sides[next].keep(took);
                }
            }
        }
        self.lines(name)
    }

    fn lines(self, name: &str) -> Vec<Line> {
        let Some((ours, peers)) = self.sides.split_first() else {
            return Vec::new();
        };
        let mut lines = Vec::new();
        for (phase, part) in self.phases.iter().enumerate() {
            let name = match *part {
                "" => name.to_owned(),
                part => format!("{name}/{part}"),
            };
            let mine = median(&ours.samples[phase]);
            lines.extend(peers.iter().map(|peer| peer.line(phase, &name, mine)));
        }
        lines
    }
}

// ===== impl Side =====

impl Side {
    /// Nanoseconds per item, by phase.
    fn round(&mut self, items: usize, repeats: usize) -> Vec<f64> {
        let mut total = vec![Duration::ZERO; self.samples.len()];
        for _ in 0..repeats {
            tidy_heap();
            let took = (self.pass)(items);
            assert_eq!(took.len(), total.len(), "{} times each phase", self.name);
            total.iter_mut().zip(took).for_each(|(sum, t)| *sum += t);
        }
        let all = (items * repeats) as f64;
        total.iter().map(|t| t.as_nanos() as f64 / all).collect()
    }

    fn keep(&mut self, took: Vec<f64>) {
        self.samples
            .iter_mut()
            .zip(took)
            .for_each(|(samples, nanos)| samples.push(nanos));
    }

    fn line(&self, phase: usize, name: &str, ours: f64) -> Line {
        let theirs = median(&self.samples[phase]);
        Line {
            name: name.to_owned(),
            ours,
            peer: self.name,
            theirs,
            ratio: ours / theirs,
            target: self.target.of(phase),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, ours, peer, theirs) = (&self.name, self.ours, self.peer, self.theirs);
        write!(f, "versus {name} {ours:.2} {peer} {theirs:.2}")?;
        write!(f, " ratio {:.2}", self.ratio)?;
        if self.target.is_finite() {
            write!(f, " target {:.2}", self.target)?;
        }
        Ok(())
    }
}
