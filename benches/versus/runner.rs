//! [`Runner`]: which rows run, and what became of them.

use std::{collections::BTreeMap, process::ExitCode};

use super::{memory::Memory, row::Row};

const USAGE: &str = "usage: versus [--quick] [--list] [--ours] [filter]...";

/// What is asked of a run: everything, or a proof that every row works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Measures and judges.
    Full,
    /// Runs each row on few items, judges nothing.
    Quick,
    /// Names the rows.
    List,
}

/// Runs rows and keeps their results.
#[derive(Debug)]
pub(crate) struct Runner {
    mode: Mode,
    ours_alone: bool,
    filters: Vec<String>,
    ran: usize,
    ours: BTreeMap<String, f64>,
    missed: Vec<String>,
}

// ===== impl Runner =====

impl Runner {
    /// Reads the command line. Without cargo's `--bench` (as under `cargo test`) the run is quick.
    pub(crate) fn from_args(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let (flags, filters): (Vec<_>, Vec<_>) = args.partition(|arg| arg.starts_with('-'));
        let mut mode = Mode::Quick;
        for flag in &flags {
            match flag.as_str() {
                "--bench" if mode == Mode::Quick && !flags.iter().any(|f| f == "--quick") => {
                    mode = Mode::Full;
                }
                "--bench" | "--quick" | "--ours" => {}
                "--list" => mode = Mode::List,
                unknown => return Err(format!("unknown flag {unknown}; {USAGE}")),
            }
        }
        Ok(Runner {
            mode,
            ours_alone: flags.iter().any(|flag| flag == "--ours"),
            filters,
            ran: 0,
            ours: BTreeMap::new(),
            missed: Vec::new(),
        })
    }

    /// Whether times count.
    pub(crate) fn is_full(&self) -> bool {
        self.mode == Mode::Full
    }

    /// Measures a row; `describe` adds ours and the peers, and only runs if the row is wanted.
    pub(crate) fn row(&mut self, name: &str, describe: impl FnOnce(&mut Row)) {
        if !self.begin(name) {
            return;
        }
        let mut row = Row::new(self.mode);
        describe(&mut row);
        if self.ours_alone {
            row.forget_peers();
        }
        for line in row.measure(name) {
            println!("{line}");
            self.judge(&line.to_string(), line.ratio, line.target);
            self.ours.insert(line.name, line.ours);
        }
    }

    /// Counts what a row asks of the allocator, per item.
    pub(crate) fn memory(&mut self, name: &str, describe: impl FnOnce(&mut Memory)) {
        if !self.begin(name) {
            return;
        }
        let mut memory = Memory::new(self.mode);
        describe(&mut memory);
        for line in memory.into_lines(name) {
            println!("{line}");
            let (over, within) = line.judgement();
            self.judge(&line.to_string(), over, within);
        }
    }

    /// Compares what an item of ours costs in two rows measured before: `to` over `from`.
    pub(crate) fn growth(&mut self, name: &str, from: &str, to: &str, target: f64) {
        let (Some(&small), Some(&large)) = (self.ours.get(from), self.ours.get(to)) else {
            return; // filtered out
        };
        let ratio = large / small;
        let line = format!("growth {name} {small:.2} {large:.2} ratio {ratio:.2} target {target}");
        println!("{line}");
        self.judge(&line, ratio, target);
    }

    /// Sums up; fails if nothing ran.
    pub(crate) fn finish(self) -> ExitCode {
        if self.ran == 0 {
            eprintln!("versus: no row matches {:?}", self.filters);
            return ExitCode::FAILURE;
        }
        for line in &self.missed {
            println!("missed: {line}");
        }
        match self.mode {
            Mode::Full => println!("{} rows, {} lines missed", self.ran, self.missed.len()),
            Mode::Quick => println!("{} rows ran, quickly: nothing judged", self.ran),
            Mode::List => println!("{} rows", self.ran),
        }
        ExitCode::SUCCESS
    }

    /// Whether the row is to run; counts it.
    fn begin(&mut self, name: &str) -> bool {
        let wanted = self.filters.is_empty() || self.filters.iter().any(|f| name.contains(f));
        self.ran += usize::from(wanted);
        if wanted && self.mode == Mode::List {
            println!("{name}");
        }
        wanted && self.mode != Mode::List
    }

    fn judge(&mut self, line: &str, value: f64, target: f64) {
        if self.mode == Mode::Full && value > target {
            self.missed.push(line.to_owned());
        }
    }
}
