//! Where the random numbers of a ticker start.

use std::hash::{BuildHasher, RandomState};

/// A seed for a new ticker: at random, but inside a simulation the same in each run.
pub(super) fn fresh() -> u64 {
    simulated().unwrap_or_else(|| RandomState::new().hash_one(0_u8))
}

#[cfg(feature = "test-util")]
fn simulated() -> Option<u64> {
    crate::testing::seed_here()
}

#[cfg(not(feature = "test-util"))]
fn simulated() -> Option<u64> {
    None
}
