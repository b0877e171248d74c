//! Merging: the numbered behaviours FEED, the bugs, and input nobody should give.
//!
//! Where both drivers promise the same, one script runs with each: see `both` in the kit.
#![cfg(feature = "test-util")]

#[path = "../kit/hand.rs"]
mod hand;
#[macro_use]
mod kit;
#[path = "../kit/mod.rs"]
#[allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]
mod shared;

mod callbacks;
mod extension;
mod failing;
mod finishing;
mod interleavings;
mod kinds;
mod odd;
mod ordered;
mod pressure;
mod programs;
mod scope;
mod stopping;
mod surface;
mod threads;
mod together;
mod unread;
