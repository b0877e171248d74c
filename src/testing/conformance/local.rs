//! The clauses of [`LocalSpawner`] alone.

use std::{cell::Cell, rc::Rc, thread};

use super::{
    harness::{OnDrop, yield_now},
    watch::ends,
};
use crate::{BlockOn, LocalSpawner};

/// Clause 1 of [`LocalSpawner`].
pub(super) fn tasks_stay_on_their_thread<S: LocalSpawner, B: BlockOn>(make: impl Fn() -> (S, B)) {
    let clause = "a local task is polled and dropped on the thread that spawned it";
    let (handle, driver) = make();
    let here = thread::current().id();
    let seen = Rc::new(Cell::new(0));
    let (in_task, on_drop) = (Rc::clone(&seen), Rc::clone(&seen));
    let count = move |seen: &Cell<u32>| {
        assert_eq!(thread::current().id(), here, "{clause}");
        seen.set(seen.get() + 1);
    };
    handle.spawn_local(async move {
        let _guard = OnDrop::new(move || count(&on_drop));
        count(&in_task);
        yield_now().await;
        count(&in_task);
    });
    ends(&driver, clause, async {
        while seen.get() < 3 {
            yield_now().await;
        }
    });
}
