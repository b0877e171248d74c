//! A context on nothing is a tree of cancellations: nothing runs there.

use windlass::{Ctx, Merge};

fn main() {
    Ctx::root("app", ());
    Merge::<u8>::new(&Ctx::root_on("app", ()), "merge");
}
