//! Tickers: the published timelines, the bugs of the originals, and input nobody should give.
//!
//! The arithmetic has its own tests beside it; these are about sleeping and waking.

mod bad_input;
mod changes;
mod clocks;
mod ending;
mod jitter;
mod kit;
mod pausing;
mod polling;
mod threads;
mod timelines;
