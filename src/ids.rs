//! Numbers that are given once in a program.

use std::sync::atomic::{AtomicU64, Ordering};

/// The next number; greater than all given before.
pub(crate) fn next() -> u64 {
    fetch(1)
}

/// A number for what is made often. Threads fetch them in blocks, so that spawning shares no cache line.
pub(crate) fn next_local() -> u64 {
    use std::cell::Cell;
    const BLOCK: u64 = 1024;
    thread_local! {
        static MINE: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
    }
    let take = |mine: &Cell<(u64, u64)>| {
        let (next, end) = mine.get();
        let (next, end) = if next == end {
            fetch_block(BLOCK)
        } else {
            (next, end)
        };
        mine.set((next + 1, end));
        next
    };
    // A thread on its way out has no block any more.
    MINE.try_with(take).unwrap_or_else(|_| fetch(1))
}

fn fetch_block(length: u64) -> (u64, u64) {
    let start = fetch(length);
    (start, start + length)
}

/// Takes `many` numbers; gives the first.
fn fetch(many: u64) -> u64 {
    // std's own, also in the models: only uniqueness and growth matter, and both are the
    // read-modify-write's.
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(many, Ordering::Relaxed)
}
