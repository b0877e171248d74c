//! Random operations on a queue, against a plain list that does the same.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
};

use futures::Stream;
use proptest::prelude::*;
use windlass::{Ctx, Overflow, Queue, QueueStream};

#[derive(Clone, Debug)]
enum Op {
    Append(u8),
    AppendFirst(u8),
    TryAppend(u8),
    /// A call that notes the number.
    Call(u8),
    CallFirst(u8),
    /// Asks the stream of that place for an item, and begins one if there is none.
    Next(usize),
    DropStream(usize),
    Break,
    Close,
    End,
    Remaining,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        8 => any::<u8>().prop_map(Op::Append),
        2 => any::<u8>().prop_map(Op::AppendFirst),
        2 => any::<u8>().prop_map(Op::TryAppend),
        1 => any::<u8>().prop_map(Op::Call),
        1 => any::<u8>().prop_map(Op::CallFirst),
        8 => (0..STREAMS).prop_map(Op::Next),
        1 => (0..STREAMS).prop_map(Op::DropStream),
        1 => Just(Op::Break),
        1 => Just(Op::Remaining),
    ]
}

fn end() -> impl Strategy<Value = Op> {
    prop_oneof![Just(Op::Close), Just(Op::End), Just(Op::Remaining)]
}

const STREAMS: usize = 3;

#[derive(Clone, Copy, Debug)]
struct Kind {
    drains: bool,
    bound: Option<(usize, Overflow)>,
}

fn kind() -> impl Strategy<Value = Kind> {
    let overflow = prop_oneof![
        Just(Overflow::Wait),
        Just(Overflow::DropOldest),
        Just(Overflow::DropNewest)
    ];
    let bound = proptest::option::of((1..6_usize, overflow));
    (any::<bool>(), bound).prop_map(|(drains, bound)| Kind { drains, bound })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Item(u8),
    Call(u8),
}

/// What a queue is to do, in the plainest words.
struct Model {
    kind: Kind,
    entries: VecDeque<Entry>,
    called: Vec<u8>,
    is_closed: bool,
    is_done: bool,
    breaker: bool,
    breaks: u32,
    streams: [Option<(u32, Stage)>; STREAMS],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Going,
    Draining,
    Over,
}

impl Model {
    fn put(&mut self, entry: Entry, first: bool) -> bool {
        let full = |bound: usize| self.entries.len() >= bound;
        if let (Entry::Item(_), Some((bound, overflow))) = (entry, self.kind.bound) {
            match overflow {
                Overflow::DropNewest if full(bound) => return false,
                Overflow::DropOldest if full(bound) => {
                    let is_item = |entry: &Entry| matches!(entry, Entry::Item(_));
                    if let Some(at) = self.entries.iter().position(is_item) {
                        self.entries.remove(at);
                    }
                }
                _ => {}
            }
        }
        match first {
            true => self.entries.push_front(entry),
            false => self.entries.push_back(entry),
        }
        true
    }

    fn try_append(&mut self, item: u8) -> bool {
        let waits = |(bound, overflow)| overflow == Overflow::Wait && self.entries.len() >= bound;
        if self.is_done || self.is_closed || self.kind.bound.is_some_and(waits) {
            return false;
        }
        self.put(Entry::Item(item), false)
    }

    fn next(&mut self, at: usize) -> Poll<Option<u8>> {
        let (begun, mut stage) = self.streams[at].unwrap_or((u32::MAX, Stage::Going));
        let end = match self.kind.drains {
            true => Stage::Draining,
            false => Stage::Over,
        };
        if stage == Stage::Going {
            if self.is_done {
                stage = end;
            } else if std::mem::take(&mut self.breaker) {
                self.breaks += 1;
                stage = end;
            }
        }
        let begun = if begun == u32::MAX {
            self.breaks
        } else {
            begun
        };
        if stage == Stage::Going && begun != self.breaks {
            stage = end;
        }
        let mut outcome = Poll::Ready(None);
        while stage != Stage::Over {
            match self.entries.pop_front() {
                Some(Entry::Item(item)) => {
                    outcome = Poll::Ready(Some(item));
                    break;
                }
                Some(Entry::Call(call)) => self.called.push(call),
                None if self.is_closed || stage == Stage::Draining => stage = Stage::Over,
                None => {
                    outcome = Poll::Pending;
                    break;
                }
            }
        }
        self.streams[at] = Some((begun, stage));
        outcome
    }

    fn remaining(&mut self) -> Vec<u8> {
        let mut items = Vec::new();
        for entry in self.entries.drain(..) {
            match entry {
                Entry::Item(item) => items.push(item),
                Entry::Call(call) => self.called.push(call),
            }
        }
        items
    }
}

fn check(kind: Kind, ops: &[Op]) {
    let ctx = Ctx::root_on("root", ());
    let mut queue = match kind.bound {
        None => Queue::new(&ctx, "queue"),
        Some((bound, overflow)) => Queue::bounded(&ctx, "queue", bound).overflow(overflow),
    };
    if kind.drains {
        queue = queue.empty_on_finished();
    }
    let called = Arc::new(Mutex::new(Vec::new()));
    let note = |number: u8| {
        let called = Arc::clone(&called);
        move || called.lock().unwrap().push(number)
    };
    let mut streams: [Option<QueueStream<'_, u8>>; STREAMS] = [const { None }; STREAMS];
    let mut model = Model {
        kind,
        entries: VecDeque::new(),
        called: Vec::new(),
        is_closed: false,
        is_done: false,
        breaker: false,
        breaks: 0,
        streams: [None; STREAMS],
    };
    for (step, op) in ops.iter().enumerate() {
        match op.clone() {
            Op::Append(item) => {
                queue.append(item);
                model.put(Entry::Item(item), false);
            }
            Op::AppendFirst(item) => {
                queue.append_first(item);
                model.put(Entry::Item(item), true);
            }
            Op::TryAppend(item) => {
                let is_in = queue.try_append(item).is_ok();
                assert_eq!(is_in, model.try_append(item), "step {step}: {op:?}");
            }
            Op::Call(number) => {
                queue.append_call(note(number));
                model.put(Entry::Call(number), false);
            }
            Op::CallFirst(number) => {
                queue.append_call_first(note(number));
                model.put(Entry::Call(number), true);
            }
            Op::Next(at) => {
                let stream = streams[at].get_or_insert_with(|| queue.stream());
                let mut cx = Context::from_waker(Waker::noop());
                let given = Pin::new(stream).poll_next(&mut cx);
                assert_eq!(given, model.next(at), "step {step}: {op:?}");
            }
            Op::DropStream(at) => {
                streams[at] = None;
                model.streams[at] = None;
            }
            Op::Break => {
                queue.breaker().set();
                model.breaker = true;
            }
            Op::Close => {
                assert_eq!(queue.close(), !model.is_closed);
                model.is_closed = true;
            }
            Op::End => {
                ctx.cancel();
                model.is_done = true;
            }
            Op::Remaining => assert_eq!(queue.remaining(), model.remaining(), "step {step}"),
        }
        assert_eq!(
            queue.len(),
            model.entries.len(),
            "after step {step}: {op:?}"
        );
        assert_eq!(
            *called.lock().unwrap(),
            model.called,
            "after step {step}: {op:?}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_does_what_a_plain_list_does(
        kind in kind(),
        before in proptest::collection::vec(op(), 0..90),
        end in end(),
        after in proptest::collection::vec(op(), 0..30),
    ) {
        let ops: Vec<_> = before.into_iter().chain([end]).chain(after).collect();
        check(kind, &ops);
    }
}
