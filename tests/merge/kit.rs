//! What the tests of merging share.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::{Stream, StreamExt};

pub(crate) use crate::{
    hand::Hand,
    shared::{Log, yield_now},
};

use windlass::{Ctx, Error, Fed};

/// Runs a script twice, each time in a simulation of its own: with sources that run as tasks, and
/// with sources that the streamer polls. No task may be left at the end of either.
macro_rules! both {
    (|$sim:ident, $merge:ident| $script:block) => {{
        windlass::testing::simulate(async |$sim| {
            let $merge = windlass::Merge::new(&$sim.ctx, "merge");
            $script;
            $sim.rt.settle().await;
            windlass::testing::assert_no_leaks(&$sim.ctx);
        });
        windlass::testing::simulate(async |$sim| {
            let $merge = windlass::Merge::in_place(&$sim.ctx, "merge");
            $script;
            $sim.rt.settle().await;
            windlass::testing::assert_no_leaks(&$sim.ctx);
        });
    }};
}

/// One word per item, so that whole runs can be compared.
pub(crate) fn word<T: ToString, L>(fed: &Fed<T, L>) -> String {
    match fed {
        Fed::Success { value, .. } => value.to_string(),
        Fed::Failure { error, .. } => format!("failed({})", kind(error)),
        Fed::IterationStop { error: None, .. } => "end".into(),
        Fed::IterationStop { error: Some(e), .. } => format!("end({})", kind(e)),
        Fed::Stopped { error: None } => "stopped".into(),
        Fed::Stopped { error: Some(e) } => format!("stopped({})", kind(e)),
        _ => unreachable!("a kind of item that this test does not know"),
    }
}

/// The same with the label in front: `label:word`.
pub(crate) fn labelled<T: ToString, L: ToString>(fed: &Fed<T, L>) -> String {
    match fed.label() {
        Some(label) => format!("{}:{}", label.to_string(), word(fed)),
        None => word(fed),
    }
}

fn kind(error: &Error) -> String {
    if error.is_cancelled() {
        "cancelled".into()
    } else if error.is_panic() {
        "panic".into()
    } else {
        error.to_string()
    }
}

/// The word of the next item.
pub(crate) async fn next<T: ToString, L, S>(items: &mut S) -> String
where
    S: Stream<Item = Fed<T, L>> + Unpin,
{
    word(&items.next().await.expect("one more item"))
}

/// The words of all items until the end.
pub(crate) async fn rest<T: ToString, L, S>(items: &mut S) -> String
where
    S: Stream<Item = Fed<T, L>> + Unpin,
{
    let words: Vec<_> = items.map(|fed| word(&fed)).collect().await;
    words.join(" ")
}

/// The same with labels.
pub(crate) async fn rest_labelled<T: ToString, L: ToString, S>(items: &mut S) -> String
where
    S: Stream<Item = Fed<T, L>> + Unpin,
{
    let words: Vec<_> = items.map(|fed| labelled(&fed)).collect().await;
    words.join(" ")
}

/// Lets everything that is ready run, for some turns; also when `ctx` has ended.
pub(crate) async fn settle(_: &Ctx) {
    for _ in 0..40 {
        yield_now().await;
    }
}

/// Counts itself while it lives.
pub(crate) struct Counted(Arc<AtomicUsize>);

impl Counted {
    /// For closures that shall hold it.
    pub(crate) fn touch(&self) {
        assert!(self.0.load(Ordering::SeqCst) > 0);
    }
}

/// How many live.
#[derive(Clone, Default)]
pub(crate) struct Living(Arc<AtomicUsize>);

impl Living {
    pub(crate) fn one(&self) -> Counted {
        self.0.fetch_add(1, Ordering::SeqCst);
        Counted(self.0.clone())
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}
