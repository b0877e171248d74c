//! The published contract, from outside: that each name is there with the shape it was published with.
//!
//! `public_api` lists what there is, as the sources spell it. Here the compiler compares: each
//! function is given to a function pointer of its published type, under the published bounds and no
//! others, and each trait is implemented with the published methods and no others. So a bound that
//! gets stricter, an argument that changes, an auto trait that goes away do not compile; one that
//! gets looser does.
//!
//! What differs on purpose is marked with "departure" where it is.
#![allow(
    clippy::type_complexity,
    clippy::extra_unused_lifetimes,
    reason = "the types are what is compared"
)]

mod adapters;
mod blocking;
mod ctx;
mod error;
mod holder;
mod inspect;
mod merge;
mod promise;
mod queue;
mod runtime;
mod status;
mod task;
mod testing;
mod ticker;
mod waits;

/// Functions and the types that they have.
macro_rules! shapes {
    ($($name:expr => $shape:ty;)*) => { $(let _: $shape = $name;)* };
}
use shapes;

fn is_send<T: Send>() {}
fn is_sync<T: Sync>() {}
fn is_unpin<T: Unpin>() {}
fn is_clone<T: Clone>() {}
fn is_copy<T: Copy>() {}
fn is_default<T: Default>() {}
fn is_debug<T: std::fmt::Debug>() {}
fn is_static<T: 'static>() {}
fn is_equal<T: PartialEq + Eq>() {}
fn is_hashed<T: std::hash::Hash + Eq>() {}
fn is_error<T: std::error::Error + Clone + Send + Sync + 'static>() {}

/// What can be given to others: a handle.
fn is_handle<T: Clone + std::fmt::Debug + Send + Sync + 'static>() {}

/// The future has this output and can be spawned.
fn sends<F: Future + Send>(future: F) -> F {
    future
}

/// Text and boxes that a name can be given as.
fn is_name<T: Into<windlass::Name>>() {}

/// Nothing of the library, and nothing but `Debug` missing: for "without `T: Debug`".
struct Mute;
