//! Helpers at the edges of async code.

mod all;
mod event_loop;
mod finishing;
mod futures;
mod resource;
mod run;
mod stop_stream;
mod wait;

pub(crate) use self::wait::{park_until, unpark};
pub use self::{
    event_loop::EventLoop,
    futures::{Futures, Many, One, TryFutures},
    resource::{Resource, with_resource, with_resources},
    run::{gather, run, run_returning, try_gather, try_run},
    stop_stream::stop_stream,
};
