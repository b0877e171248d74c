//! What becomes of slots that nobody was there for: [`MissedTicks`].

/// What a ticker does about slots that passed while nobody asked for a tick.
///
/// Named as `tokio::time::MissedTickBehavior` names them. With a period of 3 s and a body that
/// takes 7 s once, after the first tick, the ticks come at
///
/// | policy  | ticks                    |                                              |
/// |---------|--------------------------|----------------------------------------------|
/// | `Skip`  | 0, **7**, 9, 12, 15      | one late tick, then on with the old schedule |
/// | `Delay` | 0, **7**, 10, 13, 16     | one late tick, then on from there            |
/// | `Burst` | 0, **7**, **7**, 9, 12   | one tick for each slot, as fast as they go   |
///
/// The ticker's minimum wait holds under each of them: with the 100 ms that are usual, the burst
/// above comes at 7 and 7.1. Slots that pass while a [`Pauser`](crate::Pauser) holds the ticker
/// back are never made up for.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use std::time::Duration;
///     use windlass::MissedTicks;
///
///     let period = Duration::from_secs(3);
///     for (policy, third) in [(MissedTicks::Skip, 9), (MissedTicks::Delay, 10)] {
///         let start = sim.clock.elapsed();
///         let mut ticker = sim.ctx.ticker(period).missed_ticks(policy);
///         ticker.next().await;
///         sim.ctx.sleep(Duration::from_secs(7)).await.unwrap(); // work that takes too long
///         ticker.next().await;
///         ticker.next().await;
///         assert_eq!((sim.clock.elapsed() - start).as_secs(), third);
///     }
/// });
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MissedTicks {
    /// One tick for all of them, at once; the schedule stays. The default.
    #[default]
    Skip,
    /// One tick for all of them, at once; the schedule goes on from that tick.
    ///
    /// Up to 5 ms (a period, if that is less) count as the timer's own lateness and move nothing.
    Delay,
    /// A tick for each of them; the schedule stays.
    Burst,
}
