//! The tree against a slow model of it: random calls, and what they show.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use proptest::prelude::*;
use windlass::{CallbackId, Ctx, Done, Error};

/// What is done next; numbers pick one of those that are there.
#[derive(Clone, Debug)]
enum Step {
    Child(usize),
    EndingWith(usize, usize),
    Drop(usize),
    Cancel(usize),
    Fail(usize),
    Stop(usize),
    Listen(usize),
    Forget(usize),
    Wait(usize),
    Poll(usize),
    Leave(usize),
    Look(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let any = || 0..64_usize;
    prop_oneof![
        6 => any().prop_map(Step::Child),
        2 => (any(), any()).prop_map(|(parent, other)| Step::EndingWith(parent, other)),
        4 => any().prop_map(Step::Drop),
        2 => any().prop_map(Step::Cancel),
        1 => any().prop_map(Step::Fail),
        1 => any().prop_map(Step::Stop),
        4 => any().prop_map(Step::Listen),
        1 => any().prop_map(Step::Forget),
        3 => any().prop_map(Step::Wait),
        3 => any().prop_map(Step::Poll),
        1 => any().prop_map(Step::Leave),
        3 => any().prop_map(Step::Look),
    ]
}

const GONE: &str = "every handle was dropped";

/// An end in a word.
fn word(error: &Error) -> String {
    match error {
        Error::Cancelled(cancelled) => cancelled.reason().unwrap_or_default().to_owned(),
        error => error.to_string(),
    }
}

// ===== the model

/// A node as the design has it: linked to all that concerns it, and walked by recursion.
#[derive(Default)]
struct Node {
    parent: Option<usize>,
    children: Vec<usize>,
    /// Those that end with this one.
    followers: Vec<usize>,
    callbacks: Vec<usize>,
    is_held: bool,
    is_stopping: bool,
    end: Option<String>,
}

#[derive(Default)]
struct Model {
    nodes: Vec<Node>,
    calls: Vec<Call>,
}

/// Which callback of which node was called with what.
type Call = (usize, usize, String);

impl Model {
    fn add(&mut self, parent: Option<usize>, other: Option<usize>) {
        let at = self.nodes.len();
        let mut node = Node {
            parent,
            is_held: true,
            ..Node::default()
        };
        if let Some(above) = parent.map(|parent| &mut self.nodes[parent]) {
            above.children.push(at);
            node.is_stopping = above.is_stopping;
            node.end.clone_from(&above.end);
        }
        self.nodes.push(node);
        if let Some(other) = other {
            match self.nodes[other].end.clone() {
                Some(end) => drop(self.end(at, &end)),
                None => self.nodes[other].followers.push(at),
            }
        }
    }

    fn end(&mut self, at: usize, end: &str) -> bool {
        if self.nodes[at].end.is_some() {
            return false;
        }
        let mut ended = Vec::new();
        self.mark(at, end, &mut ended);
        for at in ended {
            for callback in std::mem::take(&mut self.nodes[at].callbacks) {
                self.calls.push((at, callback, end.to_owned()));
            }
            for follower in std::mem::take(&mut self.nodes[at].followers) {
                self.end(follower, end);
            }
        }
        true
    }

    fn mark(&mut self, at: usize, end: &str, ended: &mut Vec<usize>) {
        if self.nodes[at].end.is_none() {
            self.nodes[at].end = Some(end.to_owned());
            ended.push(at);
        }
        for child in self.nodes[at].children.clone() {
            self.mark(child, end, ended);
        }
    }

    fn stop(&mut self, at: usize) -> bool {
        let node = &mut self.nodes[at];
        let is_first = !node.is_stopping && node.end.is_none();
        node.is_stopping |= node.end.is_none();
        for child in node.children.clone() {
            self.stop(child);
        }
        is_first
    }

    fn listen(&mut self, at: usize, callback: usize) {
        match self.nodes[at].end.clone() {
            Some(end) => self.calls.push((at, callback, end)),
            None => self.nodes[at].callbacks.push(callback),
        }
    }

    fn forget(&mut self, at: usize, callback: usize) -> bool {
        let callbacks = &mut self.nodes[at].callbacks;
        let before = callbacks.len();
        callbacks.retain(|other| *other != callback);
        callbacks.len() < before
    }

    fn drop(&mut self, at: usize) {
        self.nodes[at].is_held = false;
        let mut above = Some(at);
        while let Some(at) = above {
            if self.nodes[at].is_held || !self.nodes[at].children.is_empty() {
                return;
            }
            self.end(at, GONE);
            above = self.nodes[at].parent.take();
            if let Some(parent) = above {
                self.nodes[parent].children.retain(|child| *child != at);
            }
        }
    }
}

// ===== the real one

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

struct Waiting {
    at: usize,
    done: Done,
    wakes: Arc<Wakes>,
    polls: usize,
}

#[derive(Default)]
struct Real {
    contexts: Vec<Option<Ctx<()>>>,
    callbacks: Vec<(usize, Option<CallbackId>)>,
    waits: Vec<Waiting>,
    calls: Arc<Mutex<Vec<Call>>>,
}

impl Real {
    /// Which of those that are held is meant.
    fn pick(&self, n: usize) -> Option<usize> {
        let held: Vec<usize> = (0..self.contexts.len())
            .filter(|at| self.contexts[*at].is_some())
            .collect();
        (!held.is_empty()).then(|| held[n % held.len()])
    }

    fn ctx(&self, at: usize) -> Ctx<()> {
        self.contexts[at].clone().expect("it was picked")
    }

    fn listen(&mut self, at: usize) -> usize {
        let (calls, callback) = (Arc::clone(&self.calls), self.callbacks.len());
        let call = move |error: &Error| calls.lock().unwrap().push((at, callback, word(error)));
        let id = self.ctx(at).on_done(call);
        self.callbacks.push((at, Some(id)));
        callback
    }

    fn poll(&mut self, n: usize, model: &Model) {
        if self.waits.is_empty() {
            return;
        }
        let n = n % self.waits.len();
        let wait = &mut self.waits[n];
        let waker = Waker::from(Arc::clone(&wait.wakes));
        let end = &model.nodes[wait.at].end;
        let poll = Pin::new(&mut wait.done).poll(&mut Context::from_waker(&waker));
        wait.polls += 1;
        match poll {
            Poll::Pending => assert!(wait.polls == 1 || end.is_none(), "{end:?} is not seen"),
            Poll::Ready(error) => {
                assert_eq!(Some(&word(&error)), end.as_ref());
                assert!(wait.polls > 1, "it yields once");
                assert!(wait.wakes.0.load(Ordering::SeqCst) > 0, "it was not woken");
                self.waits.remove(n);
            }
        }
    }
}

/// Takes the same step in both; asserts that what it returns is the same.
fn take(step: Step, real: &mut Real, model: &mut Model) {
    let n = match step {
        Step::Child(n) | Step::EndingWith(n, _) | Step::Drop(n) | Step::Cancel(n) => n,
        Step::Fail(n) | Step::Stop(n) | Step::Listen(n) | Step::Wait(n) | Step::Look(n) => n,
        Step::Poll(n) => return real.poll(n, model),
        Step::Forget(n) => return forget(n, real, model),
        Step::Leave(n) => {
            if !real.waits.is_empty() {
                real.waits.remove(n % real.waits.len());
            }
            return;
        }
    };
    let Some(at) = real.pick(n) else { return };
    let ctx = real.ctx(at);
    let end = format!("end {}", model.nodes.len() + real.callbacks.len());
    match step {
        Step::Child(_) => {
            real.contexts.push(Some(ctx.child("node")));
            model.add(Some(at), None);
        }
        Step::EndingWith(_, other) => {
            let Some(other) = real.pick(other) else {
                return;
            };
            let built = ctx.build("node").also_ends_with(&real.ctx(other));
            real.contexts.push(Some(built.start()));
            model.add(Some(at), Some(other));
        }
        Step::Drop(_) => {
            real.contexts[at] = None;
            drop(ctx);
            model.drop(at);
        }
        Step::Cancel(_) => assert_eq!(ctx.cancel_with(end.clone()), model.end(at, &end)),
        Step::Fail(_) => assert_eq!(ctx.fail(end.clone()), model.end(at, &end)),
        Step::Stop(_) => assert_eq!(ctx.stop(), model.stop(at)),
        Step::Listen(_) => {
            let callback = real.listen(at);
            model.listen(at, callback);
        }
        Step::Wait(_) => real.waits.push(Waiting {
            at,
            done: ctx.done(),
            wakes: Arc::default(),
            polls: 0,
        }),
        _ => look(&ctx, &model.nodes[at]),
    }
}

fn forget(n: usize, real: &mut Real, model: &mut Model) {
    if real.callbacks.is_empty() {
        return;
    }
    let n = n % real.callbacks.len();
    let (at, id) = &mut real.callbacks[n];
    if let (Some(ctx), Some(id)) = (&real.contexts[*at], id.take()) {
        assert_eq!(ctx.has_on_done(id), model.nodes[*at].callbacks.contains(&n));
        assert_eq!(ctx.remove_on_done(id), model.forget(*at, n));
    }
}

fn look(ctx: &Ctx<()>, node: &Node) {
    assert_eq!(ctx.is_done(), node.end.is_some());
    assert_eq!(ctx.is_stopping(), node.is_stopping || node.end.is_some());
    assert_eq!(ctx.error().map(|error| word(&error)), node.end);
}

/// Those that were called in one step are the same; each node's in the order of registration.
fn compare_calls(real: &Real, model: &mut Model) {
    let mut real = std::mem::take(&mut *real.calls.lock().unwrap());
    let mut model = std::mem::take(&mut model.calls);
    // Stable: what belongs to one node stays in its order.
    real.sort_by_key(|(at, _, _)| *at);
    model.sort_by_key(|(at, _, _)| *at);
    assert_eq!(real, model);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_tree_does_what_a_slow_model_does(steps in prop::collection::vec(step(), 1..120)) {
        let (mut real, mut model) = (Real::default(), Model::default());
        real.contexts.push(Some(Ctx::root_on("root", ())));
        model.add(None, None);
        for step in steps {
            take(step, &mut real, &mut model);
            compare_calls(&real, &mut model);
        }
        for at in 0..real.contexts.len() {
            if let Some(ctx) = &real.contexts[at] {
                look(ctx, &model.nodes[at]);
            }
        }
        // All handles go, and every wait ends.
        for at in 0..real.contexts.len() {
            if real.contexts[at].take().is_some() {
                model.drop(at);
                compare_calls(&real, &mut model);
            }
        }
        while !real.waits.is_empty() {
            real.poll(0, &model);
            real.poll(0, &model);
        }
    }
}
