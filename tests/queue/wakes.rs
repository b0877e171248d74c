//! Nobody waits beside what it waits for: programs that are drawn by lot.

use std::{future::Future, pin::Pin, task::Poll};

use proptest::prelude::*;
use windlass::{Closed, Permit, Queue, QueueStream};

use crate::{Hand, root};

#[derive(Clone, Debug)]
enum Op {
    Append,
    AppendFirst,
    AppendCall,
    /// Asks the stream of that place, whether it was woken or not.
    Next(usize),
    /// Asks it if it does not wait, or was woken.
    NextInTurn(usize),
    DropStream(usize),
    /// Asks for room at that place.
    Reserve(usize),
    /// Uses, or gives back, what that place has got; or goes without.
    Use(usize, bool),
    Remaining,
}

const PLACES: usize = 5;

fn op() -> impl Strategy<Value = Op> {
    let place = || 0..PLACES;
    prop_oneof![
        6 => Just(Op::Append),
        1 => Just(Op::AppendFirst),
        1 => Just(Op::AppendCall),
        2 => place().prop_map(Op::Next),
        8 => place().prop_map(Op::NextInTurn),
        2 => place().prop_map(Op::DropStream),
        4 => place().prop_map(Op::Reserve),
        3 => (place(), any::<bool>()).prop_map(|(place, sends)| Op::Use(place, sends)),
        1 => Just(Op::Remaining),
    ]
}

/// Somebody who asks, and what it was told last.
struct Asks<T> {
    what: T,
    hand: Hand,
    /// How often it was woken when it began to wait; `None` while it does not wait.
    waits: Option<usize>,
}

impl<T> Asks<T> {
    fn new(what: T) -> Self {
        Asks {
            what,
            hand: Hand::default(),
            waits: None,
        }
    }

    fn is_woken(&self) -> bool {
        self.waits.is_some_and(|before| self.hand.woken() > before)
    }

    /// Whether it waits, and nobody has woken it.
    fn is_left_waiting(&self) -> bool {
        self.waits.is_some() && !self.is_woken()
    }

    fn told<O>(&mut self, poll: Poll<O>) -> Option<O> {
        match poll {
            Poll::Ready(output) => {
                self.waits = None;
                Some(output)
            }
            Poll::Pending => {
                self.waits = Some(self.hand.woken());
                None
            }
        }
    }
}

type Reserving<'a> = Pin<Box<dyn Future<Output = Result<Permit<'a, u32>, Closed<()>>> + 'a>>;

struct World<'a> {
    queue: &'a Queue<u32>,
    streams: [Option<Asks<QueueStream<'a, u32>>>; PLACES],
    senders: [Option<Asks<Reserving<'a>>>; PLACES],
    permits: [Option<Permit<'a, u32>>; PLACES],
    /// Streams at even places are greedy, if any is.
    has_greedy: bool,
}

impl<'a> World<'a> {
    fn next(&mut self, place: usize, is_in_turn: bool) {
        let stream = self.streams[place].get_or_insert_with(|| {
            let stream = self.queue.stream();
            let is_greedy = self.has_greedy && place % 2 == 0;
            Asks::new(if is_greedy { stream.greedy() } else { stream })
        });
        if !is_in_turn || !stream.is_left_waiting() {
            let poll = stream.hand.next(&mut stream.what);
            stream.told(poll);
        }
    }

    fn reserve(&mut self, place: usize) {
        if self.permits[place].is_none() {
            let queue = self.queue;
            let reserving = || Asks::new(Box::pin(queue.reserve()) as Reserving<'a>);
            let sender = self.senders[place].get_or_insert_with(reserving);
            let poll = sender.hand.poll(Pin::new(&mut sender.what));
            if let Some(got) = sender.told(poll) {
                self.permits[place] = got.ok();
                self.senders[place] = None;
            }
        }
    }

    fn act(&mut self, op: &Op) {
        match *op {
            Op::Append => self.queue.append(0),
            Op::AppendFirst => self.queue.append_first(0),
            Op::AppendCall => self.queue.append_call(|| {}),
            Op::Next(place) => self.next(place, false),
            Op::NextInTurn(place) => self.next(place, true),
            Op::DropStream(place) => self.streams[place] = None,
            Op::Reserve(place) => self.reserve(place),
            Op::Use(place, sends) => match self.permits[place].take() {
                Some(permit) if sends => permit.send(0).unwrap(),
                Some(permit) => drop(permit),
                None => self.senders[place] = None,
            },
            Op::Remaining => drop(self.queue.remaining()),
        }
    }

    /// As many streams are on their way as there are items, or none is left waiting; and as many
    /// senders as there is room.
    fn check(&self) {
        let streams = || self.streams.iter().flatten();
        let on_the_way = streams().filter(|stream| stream.is_woken()).count();
        if streams().any(Asks::is_left_waiting) {
            assert!(
                on_the_way >= self.queue.len(),
                "a stream waits beside items"
            );
        }
        let senders = || self.senders.iter().flatten();
        let on_the_way = senders().filter(|sender| sender.is_woken()).count();
        let permits = self.permits.iter().flatten().count();
        if senders().any(Asks::is_left_waiting) {
            let bound = self.queue.bound().expect("nobody waits without one");
            let used = self.queue.len() + permits + on_the_way;
            assert!(used >= bound, "a sender waits beside room");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_waits_beside_items_or_room(
        bound in proptest::option::of(1..5_usize),
        has_greedy in any::<bool>(),
        ops in proptest::collection::vec(op(), 0..80),
    ) {
        let ctx = root();
        let queue = match bound {
            None => Queue::new(&ctx, "queue"),
            Some(bound) => Queue::bounded(&ctx, "queue", bound),
        };
        let mut world = World {
            queue: &queue,
            streams: [const { None }; PLACES],
            senders: [const { None }; PLACES],
            permits: [const { None }; PLACES],
            has_greedy,
        };
        for op in &ops {
            world.act(op);
            world.check();
        }
    }
}
