//! The nursery that polls in place: what it borrows, how it ends.

mod calls;
mod gone;
#[path = "../kit/hand.rs"]
mod hand;
mod members;

use std::{cell::RefCell, future::poll_fn, task::Poll};

use windlass::Ctx;

pub(crate) use self::hand::Hand;

fn root() -> Ctx<()> {
    Ctx::root_on("root", ())
}

struct Noted<'a>(&'a RefCell<Vec<&'static str>>, &'static str);

impl Drop for Noted<'_> {
    fn drop(&mut self) {
        self.0.borrow_mut().push(self.1);
    }
}

async fn yields(mut times: usize) {
    poll_fn(|cx| match times {
        0 => Poll::Ready(()),
        _ => {
            times -= 1;
            cx.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}
