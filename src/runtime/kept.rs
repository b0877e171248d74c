//! [`Kept`]: what stays with a task's handle of its place at the executor.

/// The executor's own handle on a task, dropped with ours.
///
/// An executor frees its memory of a task when the task and all handles on it are gone. Without a
/// handle that is always on the thread that ends the task; then each task is allocated by one
/// thread and freed by another, and the two meet at the allocator's locks. So our handle keeps the
/// executor's: who spawns and joins also frees, as with the executor's own handles.
///
/// It has no say in what becomes of the task. Only tokio's threads need it; with all others it is empty.
#[doc(hidden)]
#[must_use = "a task's handle keeps it"]
#[derive(Debug, Default)]
pub struct Kept {
    #[cfg(feature = "tokio")]
    _tokio: Option<tokio::task::JoinHandle<()>>,
}

impl Kept {
    pub(crate) fn is_some(&self) -> bool {
        #[cfg(feature = "tokio")]
        return self._tokio.is_some();
        #[cfg(not(feature = "tokio"))]
        false
    }
}

#[cfg(feature = "tokio")]
impl From<tokio::task::JoinHandle<()>> for Kept {
    fn from(handle: tokio::task::JoinHandle<()>) -> Self {
        let _tokio = Some(handle);
        Kept { _tokio }
    }
}
