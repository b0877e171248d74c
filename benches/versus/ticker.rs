//! Rows on tickers and clocks.

use super::runner::Runner;

pub(crate) fn rows(_run: &mut Runner) {}
