//! Helpers at the edges of async code.

mod resource;
mod stop_stream;

pub use self::{
    resource::{Resource, with_resource, with_resources},
    stop_stream::stop_stream,
};
