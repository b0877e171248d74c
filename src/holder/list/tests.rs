//! The lists of a holder once there are several: not to be seen from outside.

use std::thread;

use super::*;
use crate::{Ctx, ctx::tree::Node, task::state::TaskCore};

fn node() -> Arc<Node> {
    Arc::clone(Ctx::root_on("root", ()).node())
}

fn task(node: &Arc<Node>) -> Arc<dyn AnyTask> {
    let spawned_at = std::panic::Location::caller();
    let task = TaskCore::<()>::new(Arc::clone(node), spawned_at, None);
    task.set_small();
    Arc::new(task)
}

/// Lists of which there are several, as after two threads have met.
fn spread() -> Lists {
    let lists = Lists::default();
    lists.spread();
    lists
}

/// `many` new members, in the order in which they came.
fn fill(lists: &Lists, many: usize) -> Vec<Arc<dyn AnyTask>> {
    let node = node();
    let join = |task: Arc<dyn AnyTask>| {
        let counted = lists.join(Arc::clone(&task), &Meter::default());
        assert!(counted.is_none(), "nobody counts");
        task
    };
    (0..many).map(|_| join(task(&node))).collect()
}

fn ids(tasks: &[Arc<dyn AnyTask>]) -> Vec<u64> {
    tasks.iter().map(|task| task.id().get()).collect()
}

#[test]
fn members_of_several_lists_are_told_in_order_and_found_whoever_goes() {
    // HOLD-12, HOLD-13
    let lists = spread();
    let mut stay = fill(&lists, 1000);
    let used = (0..=SPREAD as u8).filter(|list| {
        let in_it = |task: &Arc<dyn AnyTask>| task.list().load(Ordering::Relaxed) == *list;
        stay.iter().any(in_it)
    });
    assert_eq!(used.count(), SPREAD, "all but the first");
    let mut random = 7_usize;
    while stay.len() > 100 {
        random = random.wrapping_mul(25_214_903_917).wrapping_add(11);
        let gone = stay.remove((random >> 16) % stay.len());
        let left = lists
            .leave(&*gone, &Meter::default())
            .expect("it was there");
        assert!(!left.frees_room);
        assert!(lists.leave(&*gone, &Meter::default()).is_none(), "it went");
        assert!(!lists.contains(gone.id().get()));
    }
    assert_eq!((lists.len(), lists.uncounted()), (100, 100));
    assert_eq!(ids(&lists.members()), ids(&stay));
    assert!(stay.iter().all(|task| lists.contains(task.id().get())));
    assert!(!lists.contains(0) && !lists.contains(u64::MAX));
}

#[test]
fn a_member_whose_place_is_too_far_back_to_be_told_leaves_all_the_same() {
    for lists in [Lists::default(), spread()] {
        let members = fill(&lists, 100);
        for task in &members {
            task.slot().store(FAR, Ordering::Relaxed);
            assert!(lists.leave(&**task, &Meter::default()).is_some());
            assert!(lists.leave(&**task, &Meter::default()).is_none());
            assert!(
                !lists.contains(task.id().get()),
                "it has left, and no other"
            );
        }
        assert_eq!(lists.len(), 0);
    }
}

#[test]
fn lists_stay_one_as_long_as_nobody_waits_for_another() {
    let lists = Lists::default();
    for round in 0..100 {
        fill(&lists, round).iter().for_each(|task| {
            lists.leave(&**task, &Meter::default());
        });
    }
    assert!(lists.spread.get().is_none());
}

#[test]
fn who_has_to_wait_for_the_first_list_makes_the_others_for_those_who_come_later() {
    let lists = Lists::default();
    let held = lock(&lists.first.shared);
    let first = thread::scope(|threads| {
        let waits = threads.spawn(|| drop(lists.lock_and_spread()));
        assert!(lists.spread.get().is_none(), "under the lock only");
        drop(held);
        waits.join().unwrap();
        fill(&lists, 1).remove(0)
    });
    assert_ne!(first.list().load(Ordering::Relaxed), 0);
    assert_eq!(lists.len(), 1);
}

/// How many of `tasks` somebody else has, too.
fn held(tasks: &[Arc<dyn AnyTask>]) -> usize {
    let is_held = |task: &&Arc<dyn AnyTask>| Arc::strong_count(task) > 1;
    tasks.iter().filter(is_held).count()
}

fn leave(lists: &Lists, tasks: &[Arc<dyn AnyTask>]) {
    for task in tasks {
        assert!(lists.leave(&**task, &Meter::default()).is_some());
    }
}

#[test]
fn a_few_that_left_are_kept_until_as_many_come_or_the_holder_ends() {
    let lists = spread();
    let gone = fill(&lists, 100);
    leave(&lists, &gone);
    assert_eq!(held(&gone), SPREAD * KEPT);
    assert_eq!(
        (lists.len(), lists.members().len()),
        (0, 0),
        "none is a member"
    );
    let came = fill(&lists, SPREAD);
    assert_eq!(
        held(&gone),
        SPREAD * (KEPT - 1),
        "each that came has freed one"
    );
    lists.close();
    assert_eq!((held(&gone), held(&came)), (0, SPREAD));
    leave(&lists, &came);
    assert_eq!(held(&came), 0, "nothing is kept any more");
}

#[test]
fn one_list_alone_keeps_nothing_and_no_list_keeps_what_is_large_or_has_wishes() {
    let lists = Lists::default();
    let gone = fill(&lists, 10);
    leave(&lists, &gone);
    assert_eq!(held(&gone), 0);
    let (lists, node) = (spread(), node());
    for options in [None, Some(Box::default())] {
        let at = std::panic::Location::caller();
        let task = TaskCore::<()>::new(Arc::clone(&node), at, options);
        if task.options().is_some() {
            task.set_small(); // the other one is not
        }
        let task: Arc<dyn AnyTask> = Arc::new(task);
        lists.join(Arc::clone(&task), &Meter::default());
        leave(&lists, std::slice::from_ref(&task));
        assert_eq!(held(&[task]), 0);
    }
}

#[test]
fn those_who_come_when_room_is_counted_are_told_from_those_before() {
    for lists in [Lists::default(), spread()] {
        let before = fill(&lists, 20);
        let meter = Meter::default();
        meter.switch_on();
        lists.pass();
        let node = node();
        let after: Vec<_> = (0..20).map(|_| task(&node)).collect();
        for task in &after {
            assert!(lists.join(Arc::clone(task), &meter).is_some());
        }
        assert_eq!((lists.len(), lists.uncounted()), (40, 20));
        for (task, was_counted) in before
            .iter()
            .map(|t| (t, false))
            .chain(after.iter().map(|t| (t, true)))
        {
            let left = lists.leave(&**task, &meter).expect("it is there");
            assert!(left.was_counted == was_counted && left.frees_room);
        }
        assert_eq!(lists.uncounted(), 0);
    }
}

#[test]
fn threads_that_come_and_go_leave_empty_lists() {
    let lists = Lists::default();
    thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..200 {
                    let came = fill(&lists, 10);
                    let all = lists.members();
                    assert!(all.is_sorted_by_key(|task| task.id()));
                    for task in &came {
                        assert!(lists.contains(task.id().get()));
                        assert!(lists.leave(&**task, &Meter::default()).is_some());
                    }
                }
            });
        }
    });
    assert_eq!((lists.len(), lists.uncounted()), (0, 0));
    assert!(lists.members().is_empty());
}
