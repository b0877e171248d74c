//! [`Memory`]: what an item asks of the allocator.
//!
//! Counted are the requests of the calling thread, with the growth of lists that hold the items:
//! an upper bound of what lives. Items come in powers of two, which keeps that bound tight.

use std::fmt;

use densa_alloc::AllocStats;

use super::{row::INFO, runner::Mode};

/// How many items are made.
const ITEMS: usize = 1 << 16;

/// One comparison of memory.
#[derive(Debug)]
pub(crate) struct Memory {
    mode: Mode,
    counts: Vec<Count>,
}

#[derive(Debug)]
struct Count {
    side: &'static str,
    bytes: f64,
    allocs: f64,
    within: (f64, f64),
}

/// What came out for one side.
pub(crate) struct Line {
    name: String,
    count: Count,
}

// ===== impl Memory =====

impl Memory {
    pub(crate) fn new(mode: Mode) -> Self {
        Memory {
            mode,
            counts: Vec::new(),
        }
    }

    /// Counts our items, which may ask for `bytes` in `allocs` allocations each.
    ///
    /// `make` puts as many items as it is told into a list that has room for them. It runs twice,
    /// and the first time (which finds all queues and pools empty) does not count.
    pub(crate) fn ours<T>(
        &mut self,
        bytes: f64,
        allocs: f64,
        make: impl FnMut(usize, &mut Vec<T>),
    ) -> &mut Self {
        self.count("", (bytes, allocs), make)
    }

    /// Counts the native items, for information.
    pub(crate) fn peer<T>(
        &mut self,
        name: &'static str,
        make: impl FnMut(usize, &mut Vec<T>),
    ) -> &mut Self {
        self.count(name, (INFO, INFO), make)
    }

    fn count<T>(
        &mut self,
        side: &'static str,
        within: (f64, f64),
        mut make: impl FnMut(usize, &mut Vec<T>),
    ) -> &mut Self {
        assert!(densa_alloc::is_active(), "the allocator does not count");
        let items = match self.mode {
            Mode::Full => ITEMS,
            Mode::Quick | Mode::List => 64,
        };
        let mut asked = AllocStats::ZERO;
        for _ in 0..2 {
            let mut list = Vec::with_capacity(items);
            asked = densa_alloc::measure(|| make(items, &mut list)).1;
            assert_eq!(list.len(), items, "the list keeps all items");
        }
        self.counts.push(Count {
            side,
            bytes: asked.bytes_allocated as f64 / items as f64,
            allocs: (asked.allocs + asked.reallocs) as f64 / items as f64,
            within,
        });
        self
    }

    pub(crate) fn into_lines(self, name: &str) -> impl Iterator<Item = Line> {
        self.counts.into_iter().map(move |count| Line {
            name: name.to_owned(),
            count,
        })
    }
}

// ===== impl Line =====

impl Line {
    /// How much of the limit is used, and 1 (or more, since the allowance is in whole requests).
    pub(crate) fn judgement(&self) -> (f64, f64) {
        let Count {
            bytes,
            allocs,
            within,
            ..
        } = self.count;
        // A few requests of the whole run, spread over all items, are not the items' own.
        let over = (bytes.floor() / within.0).max((allocs * 100.0).floor() / 100.0 / within.1);
        (over, 1.0)
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, count) = (&self.name, &self.count);
        write!(f, "memory {name}")?;
        if !count.side.is_empty() {
            write!(f, "({})", count.side)?;
        }
        write!(f, " {:.1} {:.2}", count.bytes, count.allocs)?;
        if count.within.0.is_finite() {
            write!(f, " target {} {}", count.within.0, count.within.1)?;
        }
        Ok(())
    }
}
