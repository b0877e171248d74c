//! The group against a plain model, and what it keeps.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    future::{Future, poll_fn, ready},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use proptest::prelude::*;

use super::{Group, KEPT, Then, Turn};

type Boxed<T> = Pin<Box<dyn Future<Output = T>>>;

fn idle() -> Context<'static> {
    Context::from_waker(Waker::noop())
}

#[test]
fn four_always_ready_members_get_a_quarter_each() {
    let mut group = Group::new();
    let counts: Rc<[Cell<usize>; 4]> = Rc::default();
    for i in 0..4 {
        let counts = counts.clone();
        group.line().insert(Box::pin(poll_fn(move |cx| {
            counts[i].set(counts[i].get() + 1);
            cx.waker().wake_by_ref();
            Poll::<()>::Pending
        })));
    }
    for _ in 0..10 {
        assert!(group.poll_next(&mut idle()).is_pending());
    }
    let counts: Vec<_> = counts.iter().map(Cell::get).collect();
    assert_eq!(counts, [320; 4]);
}

#[test]
fn a_late_wake_of_a_recycled_lane_is_harmless() {
    let mut group = Group::<Boxed<i32>>::new();
    let kept: Rc<Cell<Option<Waker>>> = Rc::default();
    let keep = kept.clone();
    group.line().insert(Box::pin(poll_fn(move |cx| {
        keep.set(Some(cx.waker().clone()));
        Poll::Ready(1)
    })));
    assert_eq!(group.poll_next(&mut idle()), Poll::Ready(Some(1)));
    group.line().insert(Box::pin(std::future::pending()));
    kept.take().unwrap().wake();
    assert!(group.poll_next(&mut idle()).is_pending());
    assert_eq!(group.line.len, 1);
}

#[test]
fn lanes_are_used_again_and_those_that_are_ready_at_once_need_one() {
    let mut group = Group::new();
    for i in 0..10_000 {
        group.line().insert(ready(i));
        assert_eq!(group.poll_next(&mut idle()), Poll::Ready(Some(i)));
    }
    assert_eq!(group.lanes.len(), 1);
    assert_eq!(group.poll_next(&mut idle()), Poll::Ready(None));
}

#[test]
fn a_crowd_that_has_gone_leaves_as_little_as_a_few() {
    let mut group = Group::<Boxed<()>>::new();
    let go = Rc::new(Cell::new(false));
    for _ in 0..10_000 {
        let (go, mut was_polled) = (go.clone(), false);
        group.line().insert(Box::pin(poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            let is_second = std::mem::replace(&mut was_polled, true);
            if is_second && go.get() {
                return Poll::Ready(());
            }
            Poll::Pending
        })));
    }
    for _ in 0..100 {
        assert!(group.poll_next(&mut idle()).is_pending());
    }
    go.set(true);
    while group.poll_next(&mut idle()) != Poll::Ready(None) {}
    assert!(group.lanes.capacity() <= KEPT && group.free.len() <= KEPT);
    assert!(group.line.next.capacity() + group.line.fresh.capacity() <= 2 * KEPT);
}

#[test]
fn a_crowd_leaves_as_little_although_members_behind_it_live_on() {
    // They kept the lanes of all that had been before them.
    let mut group = Group::<Boxed<Option<usize>>>::new();
    let kept: Rc<RefCell<Vec<Waker>>> = Rc::default();
    let woken = Rc::new(Cell::new(0));
    for i in 0..10_000 {
        let (kept, woken, mut was_polled) = (kept.clone(), woken.clone(), false);
        group.line().insert(Box::pin(poll_fn(move |cx| {
            if i % 1000 == 999 {
                woken.set(woken.get() + 1);
                kept.borrow_mut().push(cx.waker().clone());
                return Poll::Pending;
            }
            cx.waker().wake_by_ref();
            match std::mem::replace(&mut was_polled, true) {
                true => Poll::Ready(Some(i)),
                false => Poll::Pending,
            }
        })));
    }
    let mut ended = 0;
    for _ in 0..40_000 {
        ended += usize::from(group.poll_next(&mut idle()).is_ready());
    }
    assert_eq!((ended, group.line.len), (9990, 10));
    assert!(group.lanes.capacity() <= 4 * KEPT && group.free.capacity() <= 8 * KEPT);
    // Each has a waker that is its own now; the old ones are one idle poll at most.
    let wakers = std::mem::take(&mut *kept.borrow_mut());
    woken.set(0);
    wakers.iter().for_each(Waker::wake_by_ref);
    while group.poll_next(&mut idle()).is_ready() || woken.get() < 10 {}
    assert_eq!(group.line.next.len(), 0, "nobody stands in line twice");
}

#[test]
fn a_group_in_a_member_of_a_group_keeps_their_wakes_apart() {
    let mut inner = Group::<Boxed<()>>::new();
    inner.line().insert(Box::pin(std::future::pending()));
    let mut outer = Group::<Boxed<()>>::new();
    let mut polls = 0;
    outer.line().insert(Box::pin(poll_fn(move |cx| {
        polls += 1;
        cx.waker().wake_by_ref(); // noted, and still known after the inner group was polled
        assert!(inner.poll_next(cx).is_pending());
        match polls {
            1 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })));
    assert_eq!(outer.poll_next(&mut idle()), Poll::Ready(Some(())));
}

#[test]
fn a_member_that_wakes_another_while_it_is_polled_does_not_keep_the_wake() {
    let mut group = Group::<Boxed<&str>>::new();
    let kept: Rc<Cell<Option<Waker>>> = Rc::default();
    let (keep, mut was_polled) = (kept.clone(), false);
    group.line().insert(Box::pin(poll_fn(move |cx| {
        keep.set(Some(cx.waker().clone()));
        match std::mem::replace(&mut was_polled, true) {
            false => Poll::Pending,
            true => Poll::Ready("woken"),
        }
    })));
    group.line().insert(Box::pin(poll_fn(move |_| {
        kept.take().into_iter().for_each(Waker::wake);
        Poll::Pending
    })));
    assert_eq!(group.poll_next(&mut idle()), Poll::Ready(Some("woken")));
}

#[test]
fn a_wake_of_a_member_that_stands_in_line_gives_it_no_second_place() {
    let mut group = Group::<char>::new();
    let kept: Rc<Cell<Option<Waker>>> = Rc::default();
    group.line().insert('a');
    group.line().insert('b');
    let mut turns = String::new();
    for _ in 0..6 {
        let turned = group.poll_turns(&mut idle(), |name, cx, _| {
            if *name == 'a' {
                kept.set(Some(cx.waker().clone()));
            }
            Turn {
                output: Some(*name),
                then: Then::Again,
            }
        });
        if let Poll::Ready(Some(name)) = turned {
            turns.push(name);
        }
        kept.take().into_iter().for_each(Waker::wake);
    }
    assert_eq!(turns, "ababab");
}

/// What happens to a group, with members named by number.
#[derive(Clone, Debug)]
enum Act {
    Insert,
    Append(usize),
    Wake(usize),
    Finish(usize),
    Poll,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        2 => Just(Act::Insert),
        1 => (0..5_usize).prop_map(Act::Append),
        3 => (0..12_usize).prop_map(Act::Wake),
        2 => (0..12_usize).prop_map(Act::Finish),
        4 => Just(Act::Poll),
    ];
    proptest::collection::vec(act, 1..80)
}

#[derive(Default)]
struct World {
    wakers: Vec<Option<Waker>>,
    is_over: Vec<bool>,
}

struct Numbered {
    number: usize,
    world: Rc<RefCell<World>>,
}

impl Numbered {
    fn new(world: &Rc<RefCell<World>>) -> Self {
        let mut all = world.borrow_mut();
        all.wakers.push(None);
        all.is_over.push(false);
        Numbered {
            number: all.wakers.len() - 1,
            world: world.clone(),
        }
    }

    fn turn(&self, cx: &Context<'_>) -> Turn<usize> {
        let mut world = self.world.borrow_mut();
        world.wakers[self.number] = Some(cx.waker().clone());
        let is_over = world.is_over[self.number];
        Turn {
            output: is_over.then_some(self.number),
            then: if is_over { Then::Over } else { Then::Wait },
        }
    }
}

/// Who is to be polled, in order, as a list that is searched.
#[derive(Default)]
struct Model {
    line: VecDeque<usize>,
    members: usize,
}

impl Model {
    fn wake(&mut self, number: usize) {
        if !self.line.contains(&number) {
            self.line.push_back(number);
        }
    }

    fn poll(&mut self, is_over: &[bool]) -> Poll<Option<usize>> {
        while let Some(number) = self.line.pop_front() {
            if is_over[number] {
                self.members -= 1;
                return Poll::Ready(Some(number));
            }
        }
        match self.members {
            0 => Poll::Ready(None),
            _ => Poll::Pending,
        }
    }
}

proptest! {
    #[test]
    fn members_end_in_the_order_of_a_plain_line(acts in acts()) {
        let world = Rc::new(RefCell::new(World::default()));
        let (mut group, mut model) = (Group::<Numbered>::new(), Model::default());
        // Wakes reach the line when the group is polled: in the order in which they came.
        let mut woken = Vec::new();
        let mut gone = std::collections::HashSet::new();
        for act in acts {
            match act {
                Act::Insert => {
                    let member = Numbered::new(&world);
                    model.line.push_back(member.number);
                    model.members += 1;
                    group.line().insert(member);
                }
                Act::Append(many) => {
                    let mut members: VecDeque<_> = (0..many).map(|_| Numbered::new(&world)).collect();
                    model.line.extend(members.iter().map(|member| member.number));
                    model.members += many;
                    group.line().append(&mut members);
                }
                Act::Finish(number) => {
                    if let Some(is_over) = world.borrow_mut().is_over.get_mut(number) {
                        *is_over = true;
                    }
                }
                Act::Wake(number) => {
                    let waker = world.borrow().wakers.get(number).cloned().flatten();
                    if let Some(waker) = waker.filter(|_| !gone.contains(&number)) {
                        waker.wake();
                        woken.push(number);
                    }
                }
                Act::Poll => {
                    woken.drain(..).for_each(|number| model.wake(number));
                    let expected = model.poll(&world.borrow().is_over);
                    let polled = group.poll_turns(&mut idle(), |member, cx, _| member.turn(cx));
                    prop_assert_eq!(polled, expected);
                    if let Poll::Ready(Some(number)) = polled {
                        gone.insert(number);
                    }
                    prop_assert_eq!(group.line.len, model.members);
                }
            }
        }
    }
}
