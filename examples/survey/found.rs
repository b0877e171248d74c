//! What a survey finds, and how it is summed up.

use std::{
    cmp::Reverse,
    collections::HashMap,
    fmt,
    fs::File,
    hash::{DefaultHasher, Hasher},
    io::Read,
    path::Path,
};

use indicatif::{HumanBytes, HumanCount};
use windlass::{Ctx, Error};

/// What is known of one file, or the sum over many.
#[derive(Default)]
pub(crate) struct Facts {
    pub(crate) files: u64,
    bytes: u64,
    lines: u64,
    hash: DefaultHasher,
}

/// Something that was found.
pub(crate) enum Find {
    /// A directory, with what in it is left alone.
    Dir {
        links: u64,
        others: u64,
    },
    File(Facts),
}

/// What the walk has found so far.
#[derive(Default)]
pub(crate) struct Found {
    dirs: u64,
    links: u64,
    others: u64,
    cut_short: u64,
    kinds: HashMap<String, Facts>,
    /// How often a content was seen, by length and hash.
    contents: HashMap<(u64, u64), u64>,
    unreadable: Vec<String>,
}

impl Facts {
    /// Reads all of a file; an error if `stop` ends before.
    pub(crate) fn of(path: &Path, stop: &Ctx<()>) -> windlass::Result<Self> {
        let mut facts = Facts::default();
        let mut file = File::open(path)?;
        let mut block = vec![0; 256 * 1024];
        loop {
            stop.check()?;
            let block = match file.read(&mut block)? {
                0 => break,
                n => &block[..n],
            };
            facts.bytes += block.len() as u64;
            facts.lines += block.iter().filter(|byte| **byte == b'\n').count() as u64;
            facts.hash.write(block);
        }
        facts.files = 1;
        Ok(facts)
    }

    fn add(&mut self, other: &Facts) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.lines += other.lines;
    }
}

impl Found {
    pub(crate) fn note(&mut self, path: &Path, find: Find) {
        match find {
            Find::File(facts) => self.file(path, &facts),
            Find::Dir { links, others } => {
                self.dirs += 1;
                self.links += links;
                self.others += others;
            }
        }
    }

    /// A read failed, or the walk ended before it was done.
    pub(crate) fn failed(&mut self, path: &Path, error: &Error) {
        if error.is_failed() {
            self.unreadable.push(format!("{}: {error}", path.display()));
        } else {
            self.cut_short += 1;
        }
    }

    fn file(&mut self, path: &Path, file: &Facts) {
        let content = (file.bytes, file.hash.finish());
        *self.contents.entry(content).or_default() += 1;
        let kind = path.extension().map_or("(none)".into(), |kind| {
            format!(".{}", kind.to_string_lossy())
        });
        self.kinds.entry(kind).or_default().add(file);
    }

    pub(crate) fn total(&self) -> Facts {
        let mut total = Facts::default();
        self.kinds.values().for_each(|kind| total.add(kind));
        total
    }

    pub(crate) fn progress(&self) -> String {
        let total = self.total();
        let (files, dirs) = (HumanCount(total.files), HumanCount(self.dirs));
        let (bytes, failed) = (HumanBytes(total.bytes), self.unreadable.len());
        format!("{files} files, {bytes} in {dirs} directories, {failed} unreadable")
    }

    /// How many files, and bytes, are copies of another.
    fn copies(&self) -> (u64, u64) {
        let copies = self.contents.iter().filter(|((bytes, _), _)| *bytes > 0);
        copies.fold((0, 0), |(files, all), ((bytes, _), seen)| {
            (files + seen - 1, all + bytes * (seen - 1))
        })
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        let mut kinds: Vec<_> = self.kinds.iter().collect();
        kinds.sort_by_key(|(name, kind)| (Reverse(kind.bytes), *name));
        let mut rest = Facts::default();
        let hidden = kinds.iter().skip(SHOWN);
        hidden.for_each(|(_, kind)| rest.add(kind));

        writeln!(
            f,
            "{:<16}{:>10}{:>14}{:>14}",
            "kind", "files", "size", "lines"
        )?;
        for (name, kind) in kinds.iter().take(SHOWN) {
            line(f, name, kind)?;
        }
        if rest.files > 0 {
            line(f, "(other kinds)", &rest)?;
        }
        line(f, "all", &self.total())?;
        let (copies, bytes) = self.copies();
        let bytes = HumanBytes(bytes);
        let (dirs, links, others) = (self.dirs, self.links, self.others);
        writeln!(
            f,
            "{dirs} directories; {links} links and {others} special files left alone"
        )?;
        write!(
            f,
            "{copies} copies of other files ({bytes}), {} reads cut short",
            self.cut_short
        )?;
        if !self.unreadable.is_empty() {
            write!(f, "\n{} unreadable:", self.unreadable.len())?;
        }
        for failed in self.unreadable.iter().take(SHOWN) {
            write!(f, "\n  {failed}")?;
        }
        if self.unreadable.len() > SHOWN {
            write!(f, "\n  and {} more", self.unreadable.len() - SHOWN)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, name: &str, facts: &Facts) -> fmt::Result {
    let files = HumanCount(facts.files).to_string();
    let bytes = HumanBytes(facts.bytes).to_string();
    let lines = HumanCount(facts.lines).to_string();
    writeln!(f, "{name:<16}{files:>10}{bytes:>14}{lines:>14}")
}
