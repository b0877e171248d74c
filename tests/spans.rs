//! The spans of tasks, read back.

#![cfg(feature = "tracing")]

use std::{
    collections::HashMap,
    fmt::Debug,
    future::pending,
    sync::{Arc, Mutex},
};

use tracing::{
    Event, Id, Subscriber,
    field::{Field, Visit},
    span::Attributes,
    subscriber::with_default,
};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
    registry::LookupSpan,
};
use windlass::{BlockOn, Ctx, testing::SimRuntime};

/// What became of the spans, by the names of their tasks.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    names: HashMap<u64, String>,
    fields: HashMap<String, Fields>,
    parents: HashMap<String, Option<String>>,
    follows: HashMap<String, Vec<String>>,
    events: Vec<(String, Vec<String>)>,
    closed: Vec<String>,
}

#[derive(Clone, Default)]
struct Fields(HashMap<&'static str, String>);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}").trim_matches('"').to_owned();
        self.0.insert(field.name(), text);
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        span.record(&mut fields);
        let kind = span.metadata().name().to_owned();
        let name = fields.0.get("name").cloned().unwrap_or(kind);
        let parent = cx
            .span(id)
            .and_then(|span| Some(span.parent()?.id().into_u64()));
        let mut recorded = self.0.lock().unwrap();
        let parent = parent.map(|id| recorded.names[&id].clone());
        recorded.names.insert(id.into_u64(), name.clone());
        recorded.parents.insert(name.clone(), parent);
        recorded.fields.insert(name, fields);
    }

    fn on_follows_from(&self, span: &Id, follows: &Id, _: Context<'_, S>) {
        let mut recorded = self.0.lock().unwrap();
        let name = recorded.names[&span.into_u64()].clone();
        let from = recorded.names[&follows.into_u64()].clone();
        recorded.follows.entry(name).or_default().push(from);
    }

    fn on_event(&self, event: &Event<'_>, cx: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let ids: Vec<_> = cx
            .event_scope(event)
            .into_iter()
            .flatten()
            .map(|span| span.id().into_u64())
            .collect();
        let mut recorded = self.0.lock().unwrap();
        let scope = ids.iter().map(|id| recorded.names[id].clone()).collect();
        let text = fields.0.remove("message").unwrap_or_default();
        recorded.events.push((text, scope));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        let mut recorded = self.0.lock().unwrap();
        let name = recorded.names[&id.into_u64()].clone();
        recorded.closed.push(name);
    }
}

/// Runs `test` with a recorder, on a simulated runtime.
fn recorded(test: impl FnOnce(&SimRuntime, &Ctx)) -> Recorded {
    let recorder = Recorder::default();
    let subscriber = tracing_subscriber::registry().with(recorder.clone());
    with_default(subscriber, || {
        let rt = SimRuntime::new();
        let app = Ctx::root("app", rt.clone());
        test(&rt, &app);
    });
    std::mem::take(&mut recorder.0.lock().unwrap())
}

#[test]
fn a_task_runs_inside_its_span_which_says_where_it_is_and_where_it_was_spawned() {
    let seen = recorded(|rt, app| {
        let task = app.child("server").task("accept").spawn(async {
            tracing::info!("inside");
        });
        rt.block_on(task).unwrap();
        tracing::info!("outside");
    });
    let inside = ("inside".to_owned(), vec!["accept".to_owned()]);
    let outside = ("outside".to_owned(), vec![]);
    assert_eq!(seen.events, [inside, outside]);
    let fields = &seen.fields["accept"].0;
    assert_eq!(fields["path"], "app-->server-->accept");
    assert!(
        fields["spawned_at"].starts_with("tests/spans.rs:"),
        "{fields:?}"
    );
    assert_eq!(seen.parents["accept"], None);
    assert_eq!(seen.closed, ["accept"], "the span goes with the task");
}

#[test]
fn spans_are_parented_by_the_tree_and_follow_from_the_spawner() {
    let seen = recorded(|rt, app| {
        let task = app.task("server").spawn_with(|ctx| async move {
            // In the tree below `server`, spawned by another.
            let elsewhere = ctx.clone();
            let spawner = ctx.task("spawner").try_spawn(async move {
                elsewhere
                    .task("conn")
                    .spawn(async { tracing::info!("conn") })
                    .await
            });
            spawner.await.unwrap();
        });
        rt.block_on(task).unwrap();
    });
    assert_eq!(seen.parents["server"], None);
    assert_eq!(seen.parents["spawner"].as_deref(), Some("server"));
    assert_eq!(
        seen.parents["conn"].as_deref(),
        Some("server"),
        "the tree's, not the spawner's"
    );
    assert_eq!(seen.follows["conn"], ["spawner"]);
    let scope = ["conn", "server"].map(String::from).to_vec();
    assert_eq!(seen.events, [("conn".to_owned(), scope)]);
}

#[test]
fn without_a_task_above_the_spawners_span_is_the_parent() {
    let seen = recorded(|rt, app| {
        let request = tracing::info_span!("request");
        let task = request.in_scope(|| app.task("handler").spawn(async {}));
        rt.block_on(task).unwrap();
    });
    assert_eq!(seen.parents["handler"].as_deref(), Some("request"));
    assert_eq!(seen.follows["handler"], ["request"]);
}

#[test]
fn what_a_dropped_future_says_is_said_in_its_span() {
    struct Says;
    impl Drop for Says {
        fn drop(&mut self) {
            tracing::info!("dropped");
        }
    }
    let seen = recorded(|rt, app| {
        let says = Says;
        let task = app.task("waits").spawn(async move {
            let _says = says;
            pending::<()>().await;
        });
        rt.run_until_stalled();
        app.cancel();
        assert!(rt.block_on(task).unwrap_err().is_cancelled());
    });
    assert_eq!(
        seen.events,
        [("dropped".to_owned(), vec!["waits".to_owned()])]
    );
}

#[test]
fn nobody_interested_no_span() {
    let recorder = Recorder::default();
    let filtered = recorder
        .clone()
        .with_filter(tracing_subscriber::filter::LevelFilter::INFO);
    with_default(tracing_subscriber::registry().with(filtered), || {
        let rt = SimRuntime::new();
        let app = Ctx::root("app", rt.clone());
        BlockOn::block_on(&rt, app.spawn(async {}))
            .unwrap()
            .unwrap();
    });
    assert!(recorder.0.lock().unwrap().names.is_empty());
}
