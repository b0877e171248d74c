//! What a ticker yields: [`Tick`].

use std::time::Duration;

/// One tick.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///
///     let mut ticker = sim.ctx.ticker(Duration::from_secs(5));
///     let tick = ticker.next().await.unwrap();
///     assert_eq!((tick.iteration, tick.until_next), (1, Duration::from_secs(5)));
/// });
/// ```
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
