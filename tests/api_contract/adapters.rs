//! The adapters.

use windlass::{
    BlockOn, Result, Runtime, Timer,
    adapters::{AsyncStd, Embedded, EmbeddedPool, FuturesTimer, Smol, Tokio},
};

use super::{is_copy, is_debug, is_default, is_handle, is_send, shapes};

fn handle<A: Runtime + BlockOn + std::fmt::Debug>() {
    is_handle::<A>();
}

fn constructors() {
    shapes! {
        Embedded::global => fn() -> Embedded;
        EmbeddedPool::new => fn(usize) -> EmbeddedPool;
        EmbeddedPool::handle => fn(&EmbeddedPool) -> Embedded;
        Tokio::current => fn() -> Tokio;
        Tokio::try_current => fn() -> Result<Tokio>;
        <Tokio as From<tokio::runtime::Handle>>::from => fn(tokio::runtime::Handle) -> Tokio;
    }
}

fn owners<F: Future>() {
    type Owner = tokio::runtime::Runtime;
    shapes! {
        <Owner as BlockOn>::block_on::<F> => fn(&Owner, F) -> Result<F::Output>;
    }
}

/// A departure: each adapter has a sleep of its own, which is not boxed.
fn clock<T: Timer<Sleep: Send>>() {}

#[test]
fn handles_owners_and_the_clock_of_its_own() {
    handle::<Embedded>();
    handle::<Tokio>();
    handle::<AsyncStd>();
    handle::<Smol>();
    constructors();
    owners::<std::future::Ready<u8>>();
    clock::<FuturesTimer>();
    is_copy::<FuturesTimer>();
    is_default::<FuturesTimer>();
    is_debug::<FuturesTimer>();
    is_debug::<EmbeddedPool>();
    is_send::<EmbeddedPool>();
}
