//! What a ticker yields: [`Tick`].

use std::time::Duration;

/// One tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Tick {
    /// Which tick this is; the first is number 1.
    pub iteration: u64,
    /// From this tick to the next as the schedule stands, also after the last one allowed.
    ///
    /// `Duration::MAX` if that is more than 584 years away.
    pub until_next: Duration,
}
