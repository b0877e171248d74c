//! Model checks of a promise; see `crate::sync`.
