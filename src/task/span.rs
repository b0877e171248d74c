//! The `tracing` span of a task: entered while its future is polled and dropped.
//!
//! A task whose span nobody is interested in has none, and costs one look at its callsite. The
//! parent is the span of the nearest task above in the tree of contexts, the one whose own context
//! this one is in; where there is none, it is the span in which `spawn` was called. That span is
//! noted in any case, as what the task follows from.

use tracing::{Level, Span};

use super::state::TaskCore;

/// Boxed, so that the many tasks without one stay small.
pub(super) struct TaskSpan(Option<Box<Span>>);

/// Whether anybody is interested in the spans of tasks.
#[inline]
pub(super) fn is_wanted() -> bool {
    tracing::enabled!(target: "windlass", Level::DEBUG)
}

impl TaskSpan {
    #[inline]
    pub(super) fn new<T>(core: &TaskCore<T>) -> Self {
        if is_wanted() {
            TaskSpan::made(core)
        } else {
            TaskSpan(None)
        }
    }

    #[cold]
    fn made<T>(core: &TaskCore<T>) -> Self {
        let spawner = Span::current();
        let above = core
            .node()
            .path_up()
            .find_map(|node| node.extras()?.span.get());
        let parent = above.unwrap_or(&spawner);
        let spawned_at = core.spawned_at();
        let span = tracing::debug_span!(
            target: "windlass",
            parent: parent,
            "task",
            name = core.name(),
            path = core.path(),
            spawned_at = %spawned_at,
        );
        span.follows_from(&spawner);
        if core.options().is_some_and(|options| options.owns_node) {
            if let Some(extras) = core.node().extras() {
                let _ = extras.span.set(span.clone()); // once: a node has one owner
            }
        }
        TaskSpan(Some(Box::new(span)))
    }

    /// Runs `f` inside the span, if there is one.
    #[inline]
    pub(super) fn in_scope<T>(&self, f: impl FnOnce() -> T) -> T {
        match &self.0 {
            None => f(),
            Some(span) => span.in_scope(f),
        }
    }
}
