//! What a ticker holds while it goes on: its context, its clock, and its places among waiters.

use std::{
    task::{Context, Poll, ready},
    time::Duration,
};

use super::{
    clock::{AnyClock, Fired},
    control::Shared,
    pauser::Gate,
    schedule::Schedule,
};
use crate::{Ctx, FutureStatus, WaitSlot, sync::Arc};

/// Dropping it takes the sleep out of the timer and leaves all lists.
pub(super) struct Live {
    ctx: Ctx<()>,
    clock: AnyClock,
    /// What the sleep is armed for; `None` once we know that it has ended.
    armed: Option<Duration>,
    gate: Option<Arc<Gate>>,
    ended: WaitSlot,
    changed: WaitSlot,
    resumed: WaitSlot,
}

// ===== impl Live =====

impl Live {
    pub(super) fn new(ctx: Ctx<()>, clock: AnyClock) -> Self {
        Live {
            ctx,
            clock,
            armed: None,
            gate: None,
            ended: WaitSlot::default(),
            changed: WaitSlot::default(),
            resumed: WaitSlot::default(),
        }
    }

    pub(super) fn ctx(&self) -> &Ctx<()> {
        &self.ctx
    }

    pub(super) fn set_gate(&mut self, gate: &Arc<Gate>) {
        self.gate = Some(Arc::clone(gate));
        self.resumed = WaitSlot::default();
    }

    pub(super) fn gate(&self) -> Option<&Arc<Gate>> {
        self.gate.as_ref()
    }

    /// Hands changes that have come to `schedule`.
    pub(super) fn apply_changes(&mut self, control: &Shared, schedule: &mut Schedule) {
        if control.apply(schedule) {
            self.changed = WaitSlot::default(); // it has fired, and we have come
        }
    }

    /// Time since the first call of this.
    pub(super) fn elapsed(&mut self) -> Duration {
        self.clock.as_mut().elapsed()
    }

    pub(super) fn is_paused(&self) -> bool {
        self.gate.as_ref().is_some_and(|gate| gate.is_paused())
    }

    /// Takes the sleep out of the timer if it is armed for later than `now`.
    ///
    /// One that has fired stays for the next time, although nobody may have seen it fire.
    pub(super) fn disarm_after(&mut self, now: Duration) {
        if self.armed.is_some_and(|until| until > now) {
            self.armed = None;
            self.clock.as_mut().disarm();
        }
    }

    /// Waits for whatever may lead to another answer of the schedule: `until`, a change, a pauser
    /// that resumes, the end of the context. Ready if one of them is there.
    ///
    /// Pending: the timer, a control, the pauser or the ending call will wake us.
    pub(super) fn poll_wait(
        &mut self,
        until: Option<Duration>,
        is_paused: bool,
        control: &Arc<Shared>,
        cx: &mut Context<'_>,
    ) -> Poll<Fired> {
        let mut poll = self.ctx.poll_done(&mut self.ended, cx);
        if poll.is_pending() {
            poll = control.poll_changed(&mut self.changed, cx);
        }
        if poll.is_pending() {
            poll = self.poll_gate(is_paused, cx);
        }
        if poll.is_ready() {
            return Poll::Ready(Fired::InTime);
        }
        match until {
            Some(until) => self.poll_sleep(until, cx),
            None => {
                self.disarm_after(Duration::ZERO);
                Poll::Pending
            }
        }
    }

    fn poll_sleep(&mut self, until: Duration, cx: &mut Context<'_>) -> Poll<Fired> {
        if self.armed != Some(until) {
            self.armed = Some(until);
            self.clock.as_mut().arm(until);
        }
        let fired = ready!(self.clock.as_mut().poll_fired(cx));
        self.armed = None; // a sleep that has ended is not polled again before it is armed
        Poll::Ready(fired)
    }

    /// `is_paused` is what the schedule was told: if it is no longer true, this is ready.
    fn poll_gate(&mut self, is_paused: bool, cx: &mut Context<'_>) -> Poll<()> {
        match &self.gate {
            Some(gate) if is_paused => gate.poll_resumed(&mut self.resumed, cx),
            _ => {
                self.resumed = WaitSlot::default(); // one place at the most is kept
                Poll::Pending
            }
        }
    }
}
