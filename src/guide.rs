//! A guide: what to do with the parts, one page each. Every snippet is compiled and run.

#[doc = include_str!("../docs/getting-started.md")]
pub mod getting_started {}

#[doc = include_str!("../docs/recipes.md")]
pub mod recipes {}

#[doc = include_str!("../docs/shutdown.md")]
pub mod cancellation_and_shutdown {}

#[doc = include_str!("../docs/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/libraries.md")]
pub mod libraries {}

#[doc = include_str!("../docs/adapters.md")]
pub mod adapters {}

#[doc = include_str!("../docs/coming-from.md")]
pub mod coming_from {}

#[doc = include_str!("../docs/when-not.md")]
pub mod when_not {}
