//! Sources that run as tasks are `Send`; in place they need not be.

use std::rc::Rc;

use windlass::{Ctx, Merge, adapters::Embedded};

fn main() {
    let ctx = Ctx::root("app", Embedded::global());
    let (feeder, _items) = Merge::<usize>::new(&ctx, "merge").split();
    let shared = Rc::new(1);
    feeder.func(move || Rc::strong_count(&shared));
}
