//! What an ending calls, wakes and asks, after everything is marked and no lock is held.
//!
//! An ending that is started inside a callback marks at once, but its calls are queued on the
//! thread and run before the outermost ending returns: nothing recurses.

use std::{cell::RefCell, collections::VecDeque, mem, task::Waker};

use super::{
    deadline::Deadlines,
    extras::SharedGroup,
    live::Live,
    rare::{Callback, Undo},
};
use crate::{Error, registry::Taken, report::isolate, sync::Arc, task::AnyTask};

/// One ending (or stop) on its way through the tree.
#[derive(Default)]
pub(crate) struct Walk {
    pub(super) unvisited: Vec<Arc<Live>>,
    /// Marked nodes with children, to be settled once all is marked.
    pub(super) inner: Vec<Arc<Live>>,
    /// Of the tree, if some are directly below a marked node.
    pub(super) deadlines: Option<Arc<Deadlines>>,
    actions: VecDeque<Action>,
}

pub(crate) enum Action {
    Call(Error, Taken<Callback>),
    Undo(Vec<Undo>),
    Prune(Arc<Deadlines>),
    Wake(Taken<Waker>),
    WakeOne(Waker),
    WakeEach(Vec<Waker>),
    Ask(Arc<dyn AnyTask>),
    AskAll(Vec<Arc<dyn AnyTask>>),
    /// The tasks of a holder's node.
    AskGroup(SharedGroup),
    /// What a promise calls; it comes guarded.
    Run(Box<dyn FnOnce()>),
}

impl Walk {
    pub(super) fn push(&mut self, action: Action) {
        self.actions.push_back(action);
    }

    pub(super) fn wake(&mut self, wakers: Taken<Waker>) {
        match wakers.into_only() {
            Ok(only) => only.into_iter().for_each(|waker| self.wake_one(waker)),
            Err(several) => self.push(Action::Wake(several)),
        }
    }

    /// In a row with the wakers of the nodes before: a large tree has many, and an action of its
    /// own takes three times the room of a waker.
    fn wake_one(&mut self, waker: Waker) {
        if let Some(Action::WakeEach(row)) = self.actions.back_mut() {
            row.push(waker);
            return;
        }
        let action = match self.actions.pop_back() {
            Some(Action::WakeOne(first)) => Action::WakeEach(vec![first, waker]),
            other => {
                self.actions.extend(other);
                Action::WakeOne(waker)
            }
        };
        self.push(action);
    }

    /// In a row with the tasks of the nodes before.
    pub(super) fn ask(&mut self, task: Arc<dyn AnyTask>) {
        if let Some(Action::AskAll(row)) = self.actions.back_mut() {
            row.push(task);
            return;
        }
        let action = match self.actions.pop_back() {
            Some(Action::Ask(first)) => Action::AskAll(vec![first, task]),
            other => {
                self.actions.extend(other);
                Action::Ask(task)
            }
        };
        self.push(action);
    }

    pub(super) fn call(&mut self, error: &Error, callbacks: Taken<Callback>) {
        if !callbacks.is_empty() {
            self.push(Action::Call(error.clone(), callbacks));
        }
    }

    pub(super) fn undo(&mut self, undo: Vec<Undo>) {
        if !undo.is_empty() {
            self.push(Action::Undo(undo));
        }
    }
}

impl Action {
    fn run(self) {
        match self {
            Action::Call(error, callbacks) => {
                for callback in callbacks.into_iter() {
                    isolate("a done-callback of a context", || callback(&error));
                }
            }
            Action::Undo(all) => all.into_iter().for_each(Undo::run),
            Action::Prune(deadlines) => deadlines.prune(),
            Action::Wake(wakers) => wake_all(wakers),
            Action::WakeOne(waker) => wake(waker),
            Action::WakeEach(row) => row.into_iter().for_each(wake),
            Action::Ask(task) => task.ask(),
            Action::AskAll(tasks) => tasks.into_iter().for_each(|task| task.ask()),
            Action::AskGroup(group) => {
                group.ended();
                group.own().into_iter().for_each(|task| task.ask());
            }
            Action::Run(calls) => calls(),
        }
    }
}

/// Wakes each, whatever the others do.
pub(crate) fn wake_all(wakers: Taken<Waker>) {
    wakers.into_iter().for_each(wake);
}

fn wake(waker: Waker) {
    isolate("a waker", || waker.wake());
}

/// Runs `calls` now; within an ending on this thread, in turn, before the outermost returns.
pub(crate) fn run_in_turn(calls: Box<dyn FnOnce()>) {
    let mut walk = Walk::default();
    walk.push(Action::Run(calls));
    fire(walk);
}

#[cfg(not(any(windlass_loom, windlass_shuttle)))]
thread_local! {
    /// What waits for the outermost ending of this thread; `None` while there is none.
    static QUEUE: RefCell<Option<VecDeque<Action>>> = const { RefCell::new(None) };
}

// The threads of a model are not those of the system.
#[cfg(any(windlass_loom, windlass_shuttle))]
crate::sync::thread_local! {
    static QUEUE: RefCell<Option<VecDeque<Action>>> = RefCell::new(None);
}

/// Runs the actions of `walk`, or leaves them to the ending that this thread is in.
pub(crate) fn fire(walk: Walk) {
    let mut actions = walk.actions;
    if actions.is_empty() {
        return;
    }
    match QUEUE.try_with(|queue| enqueue(queue, &mut actions)) {
        Ok(Turn::Inner) => {}
        Ok(Turn::Outermost) => run_all(actions),
        // The thread is on its way out: there is no outer ending any more.
        Err(_) => actions.into_iter().for_each(Action::run),
    }
}

enum Turn {
    Outermost,
    Inner,
}

fn enqueue(queue: &RefCell<Option<VecDeque<Action>>>, actions: &mut VecDeque<Action>) -> Turn {
    match &mut *queue.borrow_mut() {
        Some(waiting) => {
            waiting.append(actions);
            Turn::Inner
        }
        none => {
            *none = Some(VecDeque::new());
            Turn::Outermost
        }
    }
}

fn run_all(mut actions: VecDeque<Action>) {
    loop {
        while let Some(action) = actions.pop_front() {
            action.run();
        }
        actions = QUEUE.with(next_round);
        if actions.is_empty() {
            return;
        }
    }
}

/// What came meanwhile; nothing more means that the outermost ending is over.
fn next_round(queue: &RefCell<Option<VecDeque<Action>>>) -> VecDeque<Action> {
    let mut queue = queue.borrow_mut();
    let came = queue.as_mut().map(mem::take).unwrap_or_default();
    if came.is_empty() {
        *queue = None;
    }
    came
}

#[cfg(all(test, not(any(windlass_loom, windlass_shuttle))))]
mod tests {
    use std::{sync::Mutex, task::Wake};

    use super::*;
    use crate::{registry::Registry, sync::lock};

    #[derive(Default)]
    struct Log(Mutex<Vec<u32>>);

    struct Note(Arc<Log>, u32);

    impl Wake for Note {
        fn wake(self: Arc<Self>) {
            lock(&self.0.0).push(self.1);
        }
    }

    fn waiting(log: &Arc<Log>, names: impl IntoIterator<Item = u32>) -> Taken<Waker> {
        let mut list = Registry::default();
        for name in names {
            list.insert(Waker::from(Arc::new(Note(Arc::clone(log), name))));
        }
        list.take()
    }

    #[test]
    fn what_stands_in_a_row_is_woken_in_its_order_and_no_other_is_overtaken() {
        let log = Arc::new(Log::default());
        let mut walk = Walk::default();
        walk.wake(waiting(&log, []));
        (0..3).for_each(|name| walk.wake(waiting(&log, [name])));
        walk.wake(waiting(&log, [3, 4]));
        walk.wake(waiting(&log, [5]));
        let called = Arc::clone(&log);
        walk.push(Action::Run(Box::new(move || lock(&called.0).push(6))));
        (7..9).for_each(|name| walk.wake(waiting(&log, [name])));
        assert_eq!(walk.actions.len(), 5, "rows, and what is between them");
        fire(walk);
        assert_eq!(*lock(&log.0), (0..9).collect::<Vec<_>>());
    }
}
