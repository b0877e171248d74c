//! When a stream that is always ready gives way to the executor.

use std::task::{Context, Poll};

/// So many ready answers in a row, at the most.
const IN_A_ROW: u32 = 128;

/// Counts the ready answers of a stream since its last pending one.
#[derive(Debug, Default)]
pub(super) struct Turns {
    in_a_row: u32,
    is_waiting: bool,
}

impl Turns {
    /// Before an answer: pending, and woken at once, if it is time to give way.
    pub(super) fn poll_turn(&mut self, is_endless: bool, cx: &mut Context<'_>) -> Poll<()> {
        let limit = if is_endless { 1 } else { IN_A_ROW };
        if self.in_a_row < limit {
            return Poll::Ready(());
        }
        self.poll_again(cx)
    }

    /// Pending, and woken at once.
    pub(super) fn poll_again(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        cx.waker().wake_by_ref();
        self.note(Poll::Pending)
    }

    /// Pending and woken at once, unless the last answer was pending.
    pub(super) fn poll_once(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_waiting {
            Poll::Ready(())
        } else {
            self.poll_again(cx)
        }
    }

    /// Notes what is answered.
    pub(super) fn note<T>(&mut self, answer: Poll<T>) -> Poll<T> {
        self.is_waiting = answer.is_pending();
        self.in_a_row = if self.is_waiting {
            0
        } else {
            self.in_a_row + 1
        };
        answer
    }
}
