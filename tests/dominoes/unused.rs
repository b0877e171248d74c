//! What was not made use of.

use windlass::{
    testing::{Dominoes, simulate},
    wait_for_all,
};

use crate::{Log, follow, in_order};

#[test]
fn domino_09_and_10_check_lists_first_what_was_not_retrieved_then_what_has_not_fallen() {
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 4);
        let complaint = || dominoes.check().unwrap_err().to_string();
        let log = Log::default();
        dominoes.begin();
        follow(&sim.ctx, &dominoes, 1, 0, &log);
        follow(&sim.ctx, &dominoes, 2, 0, &log);
        sim.rt.settle().await;
        assert_eq!(complaint(), "dominoes [3, 4] were never retrieved");
        let _four = dominoes.get(4);
        assert_eq!(complaint(), "dominoes [3] were never retrieved");
        let _three = dominoes.get(3);
        assert_eq!(complaint(), "dominoes [3, 4] have not fallen");
        assert_eq!(log.lines(), in_order(2));
        assert!(
            format!("{dominoes:?}").contains("standing: [3, 4]"),
            "{dominoes:?}"
        );
    });
}

#[test]
fn q_100_a_domino_that_fell_while_nobody_waited_for_it_is_complained_about() {
    // One that was retrieved and never awaited passed, if only the scope stayed open long enough.
    simulate(async |sim| {
        let dominoes = Dominoes::new(&sim.ctx, 4);
        let _unseen = dominoes.get(1);
        let awaited = dominoes.get(2);
        let listened = dominoes.get(3);
        let log = Log::default();
        let inner = log.clone();
        listened.on_done(move |_| inner.note("listened"));
        let looked_at = dominoes.get(4);
        dominoes.begin();
        awaited.await.unwrap();
        wait_for_all(&[looked_at]).await;
        dominoes.finished().await.unwrap();
        let complaint = dominoes.check().unwrap_err().to_string();
        assert_eq!(complaint, "dominoes [1] fell while nobody waited");
        assert_eq!(log.lines(), ["listened"]);
    });
}

#[test]
fn domino_11_each_retrieval_fall_and_end_is_logged_once() {
    let seen = Log::default();
    // With one subscriber alone, `tracing` asks whichever thread comes first whether it listens.
    let _second = tracing::Dispatch::new(Events(Log::default()));
    tracing::subscriber::with_default(Events(seen.clone()), || {
        simulate(async |sim| {
            let dominoes = Dominoes::new(&sim.ctx, 2);
            drop((dominoes.get(2), dominoes.get(1), dominoes.get(2)));
            dominoes.begin();
            dominoes.finished().await.unwrap();
            let early = Dominoes::new(&sim.ctx, 1);
            early.get(1).fail("by hand");
            early.begin();
            early.finished().await.unwrap_err();
        });
    });
    let expected = [
        "INFO domino 2 was retrieved",
        "INFO domino 1 was retrieved",
        "INFO domino 1 fell",
        "INFO domino 2 fell",
        "INFO the dominoes are finished",
        "INFO domino 1 was retrieved",
        "INFO the dominoes ended early: by hand",
    ];
    assert_eq!(seen.lines(), expected);
}

/// Notes the messages of this crate's events.
struct Events(Log);

impl tracing::Subscriber for Events {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}
    fn enter(&self, _: &tracing::span::Id) {}
    fn exit(&self, _: &tracing::span::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        struct Message(String);
        impl tracing::field::Visit for Message {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn std::fmt::Debug) {
                if field.name() == "message" {
                    self.0 = format!("{value:?}");
                }
            }
        }
        let mut message = Message(String::new());
        event.record(&mut message);
        self.0
            .note(format!("{} {}", event.metadata().level(), message.0));
    }
}
