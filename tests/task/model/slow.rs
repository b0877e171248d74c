//! The slow model: plain data, no threads, no wakers.

use windlass::State;

use super::{Call, Ends};

#[derive(Default)]
pub(super) struct Model {
    /// Of the contexts: whether they have ended, and whether they were stopped.
    pub(super) ended: [bool; 3],
    pub(super) stopped: [bool; 3],
    pub(super) tasks: Vec<Modelled>,
    pub(super) calls: Vec<Call>,
    pub(super) reports: Vec<(usize, &'static str)>,
}

pub(super) struct Modelled {
    pub(super) ctx: usize,
    pub(super) polls: usize,
    pub(super) ends: Ends,
    pub(super) was_polled: bool,
    pub(super) is_asked: bool,
    pub(super) is_detached: bool,
    pub(super) is_taken: bool,
    pub(super) callbacks: Vec<usize>,
    pub(super) outcome: Option<&'static str>,
}

impl Model {
    pub(super) fn spawn(&mut self, ctx: usize, polls: usize, ends: Ends) {
        self.tasks.push(Modelled {
            ctx,
            polls,
            ends,
            was_polled: false,
            is_asked: false,
            is_detached: false,
            is_taken: false,
            callbacks: Vec::new(),
            outcome: None,
        });
        if self.ended[ctx] {
            self.complete(self.tasks.len() - 1, "cancelled");
        }
    }

    pub(super) fn is_over(&self, at: usize) -> bool {
        self.tasks[at].is_asked || self.ended[self.tasks[at].ctx]
    }

    /// What one poll by the executor makes of it.
    pub(super) fn run(&mut self, at: usize) {
        let is_over = self.is_over(at);
        let task = &mut self.tasks[at];
        let is_polled = task.was_polled || !is_over;
        task.was_polled = true;
        let ends = if is_polled && task.polls == 0 {
            task.ends
        } else {
            task.polls = task.polls.saturating_sub(1);
            Ends::Never
        };
        match ends {
            Ends::Value => self.complete(at, "value"),
            Ends::Fails => self.complete(at, "failed"),
            Ends::Panics => self.complete(at, "panicked"),
            Ends::Never if is_over => self.complete(at, "cancelled"),
            Ends::Never => {}
        }
    }

    pub(super) fn complete(&mut self, at: usize, outcome: &'static str) {
        let task = &mut self.tasks[at];
        if task.outcome.is_some() {
            return;
        }
        task.outcome = Some(outcome);
        for callback in std::mem::take(&mut task.callbacks) {
            self.calls.push((at, callback, outcome));
        }
        if task.is_detached {
            self.report(at);
        }
    }

    /// Nobody will look at its outcome.
    pub(super) fn report(&mut self, at: usize) {
        self.tasks[at].is_taken = true;
        if let Some(outcome @ ("failed" | "panicked")) = self.tasks[at].outcome {
            self.reports.push((at, outcome));
        }
    }

    pub(super) fn end(&mut self, from: usize) -> bool {
        let is_first = !self.ended[from];
        self.ended[from..].fill(true);
        is_first
    }

    pub(super) fn stop(&mut self, from: usize) -> bool {
        let is_first = !self.ended[from] && !self.stopped[from];
        for at in from..3 {
            self.stopped[at] |= !self.ended[at];
        }
        is_first
    }

    pub(super) fn cancel(&mut self, at: usize) -> bool {
        let task = &mut self.tasks[at];
        let is_first = !task.is_asked && task.outcome.is_none();
        task.is_asked |= is_first;
        is_first
    }

    pub(super) fn listen(&mut self, at: usize, callback: usize) {
        let task = &mut self.tasks[at];
        match task.outcome {
            None => task.callbacks.push(callback),
            Some("value") if task.is_taken => self.calls.push((at, callback, "taken before")),
            Some(outcome) => self.calls.push((at, callback, outcome)),
        }
    }

    pub(super) fn join(&mut self, at: usize) -> Option<&'static str> {
        let task = &mut self.tasks[at];
        let outcome = task.outcome?;
        let was_taken = std::mem::replace(&mut task.is_taken, true);
        Some(if was_taken && outcome == "value" {
            "taken before"
        } else {
            outcome
        })
    }

    pub(super) fn detach(&mut self, at: usize) {
        self.tasks[at].is_detached = true;
        if self.tasks[at].outcome.is_some() && !self.tasks[at].is_taken {
            self.report(at);
        }
    }

    pub(super) fn state(&self, at: usize) -> State {
        if self.tasks[at].outcome.is_some() {
            State::Done
        } else if self.is_over(at) || self.stopped[self.tasks[at].ctx] {
            State::Stopping
        } else {
            State::Pending
        }
    }

    pub(super) fn count(&self, outcomes: &[&str]) -> usize {
        let is_one = |task: &&Modelled| task.outcome.is_some_and(|word| outcomes.contains(&word));
        self.tasks.iter().filter(is_one).count()
    }
}
