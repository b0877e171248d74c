//! What a merge gives: [`Fed`], and where it came from: [`Sources`].

use std::fmt;

use crate::{Error, Result, sync::Arc};

/// Identifies a source among all of the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceId(pub(super) u64);

/// What kind of thing a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourceKind {
    /// A value.
    Value,
    /// A function that is called once.
    Func,
    /// An iterator.
    Iter,
    /// A future.
    Future,
    /// A task.
    Task,
    /// A stream.
    Stream,
}

impl SourceKind {
    /// Whether it gives many items, and so has an end of its own.
    pub(super) fn is_many(self) -> bool {
        matches!(self, SourceKind::Iter | SourceKind::Stream)
    }
}

/// The chain of sources that an item came through, innermost first. Clones share it.
#[derive(Clone)]
pub struct Sources {
    // The innermost lies in the chain itself: a chain of one allocates nothing.
    id: SourceId,
    kind: SourceKind,
    above: Option<Arc<Link>>,
}

/// A source that made others.
pub(super) struct Link {
    id: SourceId,
    kind: SourceKind,
    above: Option<Arc<Link>>,
}

impl Sources {
    pub(super) fn new(id: SourceId, kind: SourceKind, above: Option<Arc<Link>>) -> Self {
        Sources { id, kind, above }
    }

    /// What the chains of the sources that this one makes go on with.
    pub(super) fn shared(&self) -> Arc<Link> {
        Arc::new(Link {
            id: self.id,
            kind: self.kind,
            above: self.above.clone(),
        })
    }

    /// The source that gave the item.
    pub fn id(&self) -> SourceId {
        self.id
    }

    /// The source that gave the item, then the one that gave that source, and so on.
    pub fn iter(&self) -> impl Iterator<Item = (SourceId, SourceKind)> {
        let above = std::iter::successors(self.above.as_deref(), |link| link.above.as_deref());
        std::iter::once((self.id, self.kind)).chain(above.map(|link| (link.id, link.kind)))
    }
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// A long chain is taken apart in a loop, so that no depth of it overflows the stack.
impl Drop for Link {
    fn drop(&mut self) {
        let mut next = self.above.take();
        while let Some(above) = next {
            next = Arc::into_inner(above).and_then(|mut link| link.above.take());
        }
    }
}

/// An item of a [`Streamer`](super::Streamer).
///
/// Each source ends with exactly one terminal item: the `Success` of a value, function, future or
/// task, the `IterationStop` of an iterator or stream, or the `Failure` of any. A source that
/// makes a single source hands over to it: the terminal item of that one ends both.
#[derive(Debug)]
#[non_exhaustive]
pub enum Fed<T, L = ()> {
    /// A value.
    Success {
        /// The value.
        value: T,
        /// Where it came from.
        sources: Sources,
        /// The label its outermost source was fed with.
        label: L,
    },
    /// A source failed; it gives nothing more.
    Failure {
        /// Why.
        error: Error,
        /// Which source.
        sources: Sources,
        /// The label its outermost source was fed with.
        label: L,
    },
    /// An iterator or a stream ended.
    IterationStop {
        /// What interrupted it; `None` if it ended by itself.
        error: Option<Error>,
        /// Which source.
        sources: Sources,
        /// The label its outermost source was fed with.
        label: L,
    },
    /// Everything ended. It is the last item, and comes once.
    Stopped {
        /// Why: what the context ended with, a cancellation if the breaker was set; `None` if
        /// everything that was fed has ended by itself.
        error: Option<Error>,
    },
}

impl<T, L> Fed<T, L> {
    /// The value of a success.
    pub fn value(self) -> Option<T> {
        match self {
            Fed::Success { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The value of a success, or the error of a failure.
    pub fn result(self) -> Option<Result<T>> {
        match self {
            Fed::Success { value, .. } => Some(Ok(value)),
            Fed::Failure { error, .. } => Some(Err(error)),
            _ => None,
        }
    }

    /// The label; `None` for `Stopped`, which belongs to no source.
    pub fn label(&self) -> Option<&L> {
        match self {
            Fed::Success { label, .. }
            | Fed::Failure { label, .. }
            | Fed::IterationStop { label, .. } => Some(label),
            Fed::Stopped { .. } => None,
        }
    }
}
