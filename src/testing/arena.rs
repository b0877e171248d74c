//! Where futures live that may not leave their thread: each in a list of that thread.
//!
//! The executor is shared between threads and so cannot hold them; it holds their numbers. They are
//! dropped by their own thread: when their runtime goes there, else the next time that the thread
//! has to do with any simulation, at the latest when it ends.

use std::{cell::RefCell, collections::BTreeMap, future::Future, pin::Pin};

use super::core::Core;
use crate::{
    report::isolate,
    sync::{Arc, AtomicBool, Ordering},
};

pub(super) type LocalFuture = Pin<Box<dyn Future<Output = ()>>>;

thread_local! {
    static HERE: RefCell<BTreeMap<u64, Room>> = const { RefCell::new(BTreeMap::new()) };
}

/// What one runtime keeps on this thread.
struct Room {
    /// Set once the runtime is gone.
    closed: Arc<AtomicBool>,
    futures: BTreeMap<u64, LocalFuture>,
}

/// Keeps `future` for task `id`; gives it back if this thread is ending.
pub(super) fn put(core: &Core, id: u64, future: LocalFuture) -> Option<LocalFuture> {
    let mut future = Some(future);
    // An error leaves `future` where it is.
    let _ = HERE.try_with(|here| {
        let mut here = here.borrow_mut();
        let room = here.entry(core.id()).or_insert_with(|| Room {
            closed: Arc::clone(core.closed()),
            futures: BTreeMap::new(),
        });
        room.futures
            .extend(future.take().map(|future| (id, future)));
    });
    future
}

/// Takes the future of task `id`.
pub(super) fn take(core: &Core, id: u64) -> Option<LocalFuture> {
    let taken = HERE.try_with(|here| here.borrow_mut().get_mut(&core.id())?.futures.remove(&id));
    taken.ok().flatten()
}

/// Drops what runtimes that are gone have left on this thread.
pub(super) fn sweep() {
    // Nothing is borrowed while a room is dropped: the destructors in it may come back here.
    while let Some(room) = take_dead_room() {
        drop(room);
    }
}

fn take_dead_room() -> Option<Room> {
    let dead = HERE.try_with(|here| {
        let mut here = here.borrow_mut();
        // Pairs with the store in `Core::close`.
        let mut rooms = here.iter();
        let (id, _) = rooms.find(|(_, room)| room.closed.load(Ordering::Acquire))?;
        let id = *id;
        here.remove(&id)
    });
    dead.ok().flatten()
}

impl Drop for Room {
    /// Guards each destructor, also when the thread ends: a panic would take the process along.
    fn drop(&mut self) {
        while let Some((_, future)) = self.futures.pop_first() {
            isolate("the destructor of a task", || drop(future));
        }
    }
}
