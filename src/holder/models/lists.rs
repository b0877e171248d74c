//! Models of a holder's lists, and of the limit that comes late.

use super::{
    super::{list::Lists, room::Meter},
    holder, poll, spawn,
};
use crate::{
    Ctx,
    models::{Wakes, check, spawn as start},
    sync::{Arc, AtomicBool, Ordering},
    task::{AnyTask, state::TaskCore},
};

/// A task as the lists see it.
fn listed() -> Arc<dyn AnyTask> {
    let node = Arc::clone(Ctx::root_on("root", ()).node());
    let spawned_at = std::panic::Location::caller();
    let task = TaskCore::<()>::new(node, spawned_at, None);
    task.set_small();
    Arc::new(task)
}

/// The second needs weak memory, which shuttle does not know.
#[cfg(windlass_loom)]
const SPREAD_MUTANTS: &[&str] = &["overlook_the_others", "spread_outside_the_lock"];
#[cfg(windlass_shuttle)]
const SPREAD_MUTANTS: &[&str] = &["overlook_the_others"];

/// Two threads meet at the first list and make the others, while a third marks something and looks
/// for all members: each is found there, or sees the mark after it has joined.
#[test]
fn lists_spread_while_somebody_looks_for_all_members() {
    check(SPREAD_MUTANTS, || {
        let (lists, mark) = (Arc::new(Lists::default()), Arc::new(AtomicBool::new(false)));
        let joining = |many: usize| {
            let (lists, mark) = (Arc::clone(&lists), Arc::clone(&mark));
            move || {
                let unmarked = (0..many).filter(|_| {
                    lists.join(listed(), &Meter::default());
                    !mark.load(Ordering::Acquire)
                });
                unmarked.count()
            }
        };
        let (one, two) = (start(joining(2)), start(joining(1)));
        mark.store(true, Ordering::Release);
        let found = lists.members().len();
        let unmarked = one.join().unwrap() + two.join().unwrap();
        assert!(found >= unmarked, "{found} found, {unmarked} unmarked");
        let ids: Vec<_> = lists.members().iter().map(|task| task.id()).collect();
        assert!(ids.len() == 3 && ids.is_sorted(), "in their order");
    });
}

/// A member leaves a list that keeps some, while the holder ends: none is kept then, and the node
/// that it holds can go.
#[test]
fn member_leaves_while_the_holder_ends() {
    check(&["keep_after_the_end"], || {
        let lists = Arc::new(Lists::default());
        lists.spread();
        let (task, meter) = (listed(), Meter::default());
        lists.join(Arc::clone(&task), &meter);
        let (leaving, member) = (Arc::clone(&lists), Arc::clone(&task));
        let leaver = start(move || drop(leaving.leave(&*member, &Meter::default())));
        lists.close();
        leaver.join().unwrap();
        assert_eq!(Arc::strong_count(&task), 1, "nobody else has it");
    });
}

/// A limit is set while a task joins without it: it is counted all the same.
#[test]
fn limit_is_set_while_a_task_joins() {
    check(&["count_without_passing"], || {
        let holder = Arc::new(holder());
        let handle = holder.handle();
        let has_begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&has_begun);
        let spawner = start(move || {
            let (task, mut run) = spawn(&handle, async move {
                begins.store(true, Ordering::SeqCst);
                std::future::pending::<()>().await;
            });
            assert!(!poll(&mut run));
            (task, run)
        });
        holder.set_limit(1);
        let slot = holder.try_reserve();
        let (task, run) = spawner.join().unwrap();
        let has_begun = has_begun.load(Ordering::SeqCst);
        assert!(has_begun != slot.is_some(), "one of them has the room");
        drop((task, run, slot));
        assert!(holder.try_reserve().is_some(), "no room is lost");
    });
}

/// A member that was there before the limit leaves while the limit is set: who queues then starts.
#[test]
fn uncounted_member_leaves_while_the_limit_is_set() {
    check(&["leave_without_telling"], || {
        let holder = holder();
        let (first, mut run) = spawn(&holder, async {});
        let runner = start(move || {
            assert!(poll(&mut run));
            first
        });
        holder.set_limit(1);
        let (second, mut run) = spawn(&holder, async {});
        let wakes = Wakes::new();
        let is_ready = wakes.poll(|cx| run.as_mut().poll(cx)).is_ready();
        let _first = runner.join().unwrap();
        if !is_ready {
            assert!(wakes.count() > 0, "the task hangs");
            assert!(poll(&mut run));
        }
        assert!(second.is_done() && holder.pending() == 0);
    });
}
