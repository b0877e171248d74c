//! What nobody reads any more: failures are reported, and each source is still told of its end.

use std::future::pending;

use windlass::{Ctx, Merge, Source, testing::simulate};

use crate::kit::{Hand, Log, next, settle};

/// A context whose failures go to the log.
fn reporting_to(log: &Log, ctx: &Ctx) -> Ctx {
    let told = log.clone();
    let app = ctx.build("app");
    app.reporter(move |failure| told.add(failure.to_string()))
        .start()
}

/// Runs a script with each driver, whose streamer goes at its end; gives what was reported.
macro_rules! reported {
    (|$app:ident, $merge:ident| $script:block) => {
        [
            simulate(async |sim| {
                let log = Log::default();
                let $app = reporting_to(&log, &sim.ctx);
                let $merge = Merge::new(&$app, "merge");
                $script;
                settle(&$app).await;
                log.take()
            }),
            simulate(async |sim| {
                let log = Log::default();
                let $app = reporting_to(&log, &sim.ctx);
                let $merge = Merge::in_place(&$app, "merge");
                $script;
                settle(&$app).await;
                log.take()
            }),
        ]
    };
}

#[test]
fn failures_that_nobody_has_read_are_reported_when_the_streamer_goes() {
    let reported = reported!(|app, merge| {
        let (feeder, mut items) = merge.split();
        feeder.try_future(async { Err::<i32, _>("read") });
        feeder.func(|| panic!("meant: read"));
        feeder.future(pending());
        settle(&app).await;
        while next(&mut items).await != "failed(read)" {}
        let cancelled = app.spawn(pending());
        cancelled.cancel();
        feeder.task(cancelled);
        feeder.func(|| panic!("meant: unread"));
        settle(&app).await;
    });
    for told in reported {
        assert_eq!(
            told.len(),
            1,
            "what was read or cancelled is nobody else's: {told:?}"
        );
        assert!(
            told[0].contains("unread") && told[0].contains("app-->merge"),
            "{told:?}"
        );
    }
}

#[test]
fn a_context_that_fails_is_not_reported_once_for_each_source_that_it_cut_short() {
    let reported = reported!(|app, merge| {
        let (feeder, _items) = merge.split();
        feeder.future(pending::<i32>());
        settle(&app).await;
        app.fail("why");
        settle(&app).await;
        feeder.future(pending());
    });
    assert_eq!(reported, [[""; 0]; 2]);
}

/// It was produced, and waited for its turn behind a source that had given nothing.
#[test]
fn a_failure_whose_turn_has_not_come_is_reported_when_the_streamer_goes() {
    let reported = reported!(|app, merge| {
        let (feeder, mut items) = merge.ordered().split();
        feeder.future(pending::<i32>());
        feeder.try_future(async { Err("unread") });
        settle(&app).await;
        assert!(Hand::default().next(&mut items).is_pending());
    });
    for told in reported {
        assert!(told.len() == 1 && told[0].contains("unread"), "{told:?}");
    }
}

/// The merge was given the task, and with it the duty to tell of its failure.
#[test]
fn the_failure_of_a_task_that_was_never_looked_at_is_reported_when_the_streamer_goes() {
    let reported = reported!(|app, merge| {
        let (feeder, _items) = merge.split();
        let task = app.try_spawn(async { Err::<i32, _>("unread") });
        let watch = task.watch();
        windlass::wait_for_all((&watch,)).await;
        feeder.task(task);
    });
    for told in reported {
        assert!(told.len() == 1 && told[0].contains("unread"), "{told:?}");
    }
}

#[test]
fn sources_that_were_fed_and_never_taken_hear_of_their_end_when_the_streamer_goes() {
    both!(|sim, merge| {
        let log = Log::default();
        let (feeder, items) = merge.split();
        let sources = [
            Source::future(pending::<i32>()),
            Source::iter([1, 2]),
            Source::stream(futures::stream::pending()),
        ];
        for source in sources {
            let told = log.clone();
            feeder.add(source.on_done(move |how| told.add(how.unwrap_err().to_string())));
        }
        drop((feeder, items));
        settle(&sim.ctx).await;
        let told = log.take();
        assert_eq!(told.len(), 3, "{told:?}");
        assert!(told.iter().all(|how| how.contains("cancelled")), "{told:?}");
    });
}
