//! What a node keeps, and what it forgets: not to be seen from outside.

use super::Live;
use crate::{Ctx, sync::lock};

fn callbacks(live: &Live) -> usize {
    let shared = lock(&live.shared);
    shared.rare.as_ref().map_or(0, |rare| rare.callbacks.len())
}

#[test]
fn contexts_that_end_with_another_leave_nothing_there_however_they_go() {
    // each left a closure behind at the long-lived one.
    let (mine, other) = (Ctx::root_on("mine", ()), Ctx::root_on("other", ()));
    let together = || mine.build("brief").also_ends_with(&other).start();
    let (ended, gone, ends_above) = (together(), together(), together());
    let live = other.node().live().expect("its callbacks link it");
    assert_eq!(callbacks(live), 3);
    ended.cancel();
    assert_eq!(callbacks(live), 2, "of one that has ended");
    drop(gone);
    assert_eq!(callbacks(live), 1, "of one that nobody holds any more");
    mine.cancel();
    assert_eq!(callbacks(live), 0, "of one that has ended with its parent");
    assert!(ends_above.is_done() && !other.is_done());
}
