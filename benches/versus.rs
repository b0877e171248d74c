//! Measures windlass against the native spelling of the same work, in one process.
//!
//! `cargo bench --bench versus --all-features -- [filter]…` runs the rows whose name contains a
//! filter, or all of them. `--quick` runs each row on few items without judging it, `--list` only
//! names them, `--ours` leaves the peers out, for a profiler. One line is printed per row and peer, in nanoseconds per item:
//!
//! ```text
//! versus NAME ours_ns PEER peer_ns ratio X.XX target X.XX
//! memory NAME bytes_per_item allocs_per_item
//! growth NAME from_ns to_ns ratio X.XX target X.XX
//! ```
//!
//! Ours and the peers take turns round by round, each round starting with another of them; the
//! figures are medians over the rounds. The targets stand beside the rows. What misses its target
//! is listed again at the end; that is no error, since times depend on the machine.

mod versus {
    pub(crate) mod measure;
    pub(crate) mod memory;
    pub(crate) mod row;
    pub(crate) mod runner;

    pub(crate) mod bare;
    pub(crate) mod clock;
    pub(crate) mod holder;
    pub(crate) mod inspect;
    pub(crate) mod least;
    pub(crate) mod merge;
    pub(crate) mod nodes;
    pub(crate) mod promise;
    pub(crate) mod queue;
    pub(crate) mod run;
    pub(crate) mod tasks;
    pub(crate) mod ticker;
    pub(crate) mod tree;
    pub(crate) mod waits;
}

use std::process::ExitCode;

use self::versus::{
    clock, holder, inspect, measure::warm_heap, merge, nodes, promise, queue, run, runner::Runner,
    tasks, ticker, tree, waits,
};

#[global_allocator]
static ALLOCATOR: densa_alloc::CountingAllocator = densa_alloc::CountingAllocator::system();

fn main() -> ExitCode {
    let mut runner = match Runner::from_args(std::env::args().skip(1)) {
        Ok(runner) => runner,
        Err(wrong) => {
            eprintln!("versus: {wrong}");
            return ExitCode::from(2);
        }
    };
    let _kept = runner.is_full().then(warm_heap);
    for rows in [
        tree::rows,
        tasks::rows,
        waits::rows,
        nodes::rows,
        ticker::rows,
        clock::rows,
        queue::rows,
        merge::rows,
        holder::rows,
        promise::rows,
        run::rows,
        inspect::rows,
    ] {
        rows(&mut runner);
    }
    runner.finish()
}
