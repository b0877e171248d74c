//! Rows on waiting for futures from synchronous code.

use super::runner::Runner;

pub(crate) fn rows(_run: &mut Runner) {}
