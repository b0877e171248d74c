//! Rows on waits and timeouts.

use super::runner::Runner;

pub(crate) fn rows(_run: &mut Runner) {}
