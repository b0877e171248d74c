//! [`WaitSet`]: what the wait functions take.

use crate::FutureStatus;

/// What the wait functions take: slices, arrays, `Vec`s and tuples of things with a status.
///
/// Duplicates and empty sets are fine.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "test-util")]
/// windlass::testing::simulate(async |sim| {
///     use windlass::{Event, wait_for_all};
///
///     let (task, event, ctx) = (sim.ctx.spawn(async { 1 }), Event::new(), sim.ctx.child("c"));
///     event.set();
///     ctx.cancel();
///     wait_for_all((&task, &event, &ctx)).await; // a tuple, of anything with a status
///     let tasks = vec![task];
///     wait_for_all(&tasks).await; // a list of one type
/// });
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a set of things to wait for",
    note = "the wait functions take slices, arrays, `Vec`s and tuples of `&Task`, `&Ctx`, `&Event` …"
)]
pub trait WaitSet {
    #[doc(hidden)]
    fn size(&self) -> usize;
    #[doc(hidden)]
    fn member(&self, index: usize) -> &dyn FutureStatus;
}

impl<W: FutureStatus> WaitSet for &[W] {
    fn size(&self) -> usize {
        self.len()
    }
    fn member(&self, index: usize) -> &dyn FutureStatus {
        &self[index]
    }
}

impl<W: FutureStatus> WaitSet for &Vec<W> {
    fn size(&self) -> usize {
        self.len()
    }
    fn member(&self, index: usize) -> &dyn FutureStatus {
        &self[index]
    }
}

impl<W: FutureStatus> WaitSet for Vec<W> {
    fn size(&self) -> usize {
        self.len()
    }
    fn member(&self, index: usize) -> &dyn FutureStatus {
        &self[index]
    }
}

impl<W: FutureStatus, const N: usize> WaitSet for [W; N] {
    fn size(&self) -> usize {
        N
    }
    fn member(&self, index: usize) -> &dyn FutureStatus {
        &self[index]
    }
}

impl<W: FutureStatus, const N: usize> WaitSet for &[W; N] {
    fn size(&self) -> usize {
        N
    }
    fn member(&self, index: usize) -> &dyn FutureStatus {
        &self[index]
    }
}

macro_rules! tuple_set {
    ($size:literal: $($name:ident $index:tt),+) => {
        impl<$($name: FutureStatus),+> WaitSet for ($($name,)+) {
            fn size(&self) -> usize {
                $size
            }
            fn member(&self, index: usize) -> &dyn FutureStatus {
                let members: [&dyn FutureStatus; $size] = [$(&self.$index),+];
                members[index]
            }
        }
    };
}

tuple_set!(1: A 0);
tuple_set!(2: A 0, B 1);
tuple_set!(3: A 0, B 1, C 2);
tuple_set!(4: A 0, B 1, C 2, D 3);
tuple_set!(5: A 0, B 1, C 2, D 3, E 4);
tuple_set!(6: A 0, B 1, C 2, D 3, E 4, F 5);
tuple_set!(7: A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple_set!(8: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
tuple_set!(9: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8);
tuple_set!(10: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9);
tuple_set!(11: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10);
tuple_set!(12: A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7, I 8, J 9, K 10, L 11);
