//! Snapshots of what runs.

use std::{collections::BTreeSet, future::pending, time::Duration};

use windlass::{Ctx, testing::simulate};

/// The lines of the text without the places in the source.
fn lines(ctx: &Ctx) -> Vec<String> {
    let text = ctx.snapshot().to_string();
    text.lines()
        .map(|line| line.split(" at tests").next().unwrap().to_owned())
        .collect()
}

#[test]
fn snapshot_is_a_tree_of_what_runs() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let server = app.build("server").timeout(Duration::from_secs(60)).start();
        let idle = app.child("idle");
        drop(server.task("accept").spawn(pending::<()>()));
        drop(server.child("conn").task("read").spawn(pending::<()>()));
        sim.rt.settle().await;
        drop(app.spawn(pending::<()>())); // not polled yet
        assert_eq!(
            lines(&app),
            [
                "app (context, live, 1 not polled yet)",
                "  server (context, live)",
                "    accept (task, running)",
                "    conn (context, live)",
                "      read (task, running)",
            ]
        );
        let snapshot = app.snapshot();
        let read = &snapshot.entries()[4];
        assert_eq!(
            (read.path.as_str(), read.kind),
            ("sim-->app-->server-->conn-->read", "task")
        );
        assert_eq!(
            (read.deadline, read.spawned_at.file()),
            (server.deadline(), file!())
        );
        assert_eq!(
            idle.snapshot().entries().len(),
            1,
            "the context itself, even if nothing runs"
        );
        app.cancel();
    });
}

#[test]
fn what_is_in_a_context_stands_right_below_it() {
    simulate(async |sim| {
        for name in ["one", "other"] {
            let ctx = sim.ctx.child(name);
            drop(ctx.task("first").spawn(pending::<()>()));
            drop(ctx.child("below").task("second").spawn(pending::<()>()));
        }
        sim.rt.settle().await;
        let in_each = ["    first", "    below", "      second"];
        let names: Vec<_> = lines(&sim.ctx);
        let names: Vec<_> = names
            .iter()
            .map(|line| line.split(" (").next().unwrap())
            .collect();
        let [app, one, a, b, c, other, d, e, f] = names[..] else {
            panic!("{names:?}");
        };
        let tops = BTreeSet::from([one, other]);
        assert_eq!((app, tops), ("sim", BTreeSet::from(["  one", "  other"])));
        for inside in [[a, b, c], [d, e, f]] {
            let is_right = inside == in_each || inside == [in_each[1], in_each[2], in_each[0]];
            assert!(is_right, "{names:?}");
        }
        sim.ctx.cancel();
    });
}

#[test]
fn a_task_that_was_asked_alone_is_stopping_and_what_has_ended_is_grey() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let grace = Duration::from_secs(5);
        let slow = app.task("slow").grace(grace).spawn(pending::<()>());
        sim.rt.settle().await;
        slow.cancel();
        assert_eq!(
            lines(&app),
            ["app (context, live)", "  slow (task, stopping)"]
        );
        app.cancel();
        let dot = app.snapshot().to_dot();
        let colours: Vec<_> = dot.matches("orange").chain(dot.matches("grey")).collect();
        assert_eq!(colours, ["orange", "grey"], "{dot}");
        drop(slow.await);
    });
}

#[test]
fn snapshot_shows_what_holds_up_a_shutdown() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let cleanup = sim.ctx.cleanup(Duration::from_secs(9));
        let slow = app
            .task("slow")
            .grace(Duration::from_secs(5))
            .try_spawn(async move { cleanup.sleep(Duration::from_secs(2)).await });
        sim.rt.settle().await;
        app.cancel_with("over");
        assert_eq!(
            lines(&app),
            ["app (context, done)", "  slow (task, stopping)"],
        );
        assert_eq!(
            app.snapshot().entries()[0]
                .error
                .as_ref()
                .map(|e| e.is_cancelled()),
            Some(true)
        );
        slow.await.unwrap();
        assert_eq!(lines(&app), ["app (context, done)"]);
    });
}

#[test]
fn graph_escapes_names() {
    simulate(async |sim| {
        let odd = sim.ctx.child("a \"quoted\" \\ name");
        drop(odd.task("t").spawn(pending::<()>()));
        sim.rt.settle().await;
        odd.stop();
        let dot = odd.snapshot().to_dot();
        let expected = "digraph windlass {\n  rankdir=LR;\n  \
            n0 [label=\"a \\\"quoted\\\" \\\\ name\\nstopping\", shape=box, color=orange];\n  \
            n1 [label=\"t\\nstopping\", shape=ellipse, color=orange];\n  n0 -> n1;\n}\n";
        assert_eq!(dot, expected);
        odd.cancel();
    });
}

#[test]
fn snapshot_serializes_as_a_list() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        drop(app.spawn_blocking(|_| ()));
        sim.rt.settle().await;
        app.fail("broken");
        let json = serde_json::to_value(app.snapshot()).unwrap();
        assert_eq!(json[0]["path"], "sim-->app");
        assert_eq!(json[0]["state"], "done");
        assert_eq!(json[0]["error"], "broken");
        assert!(json[0]["spawned_at"].as_str().unwrap().starts_with(file!()));
    });
}

#[test]
fn snapshot_of_a_hundred_thousand_is_linear() {
    simulate(async |sim| {
        let app = sim.ctx.child("app");
        let nodes: Vec<_> = (0..100_000).map(|_| app.child("n")).collect();
        for node in &nodes {
            drop(node.spawn(pending::<()>()));
        }
        sim.rt.settle().await;
        assert_eq!(app.snapshot().entries().len(), 200_001);
        app.cancel();
    });
}

#[test]
fn snapshot_of_a_chain_is_no_dearer_than_that_of_a_fan() {
    simulate(async |sim| {
        let mut at = sim.ctx.child("top");
        for _ in 0..50_000 {
            at = at.child("n");
            drop(at.spawn(pending::<()>()));
        }
        drop(at.task("last").spawn_with(|_| pending::<()>()));
        sim.rt.settle().await;
        let snapshot = sim.ctx.snapshot();
        sim.ctx.cancel();
        let [.., own, last] = snapshot.entries() else {
            panic!("two at the least");
        };
        let path = format!(
            "sim-->top-->n-->n-->[49987 more]{}-->last",
            "-->n".repeat(11)
        );
        assert_eq!((own.kind, &own.path), ("context", &path));
        assert_eq!((last.kind, &last.path), ("task", &path));
        let text = snapshot.to_string();
        let widest = text.lines().map(str::len).max().unwrap();
        assert!(
            widest < 200,
            "{widest}: the text of a chain is as long as that of a fan"
        );
        assert!(
            snapshot
                .entries()
                .iter()
                .all(|entry| entry.path.len() < 100)
        );
    });
}

#[test]
fn snapshot_from_the_middle_of_a_tree_names_all_that_is_above() {
    simulate(async |sim| {
        let mut at = sim.ctx.build("0").timeout(Duration::from_secs(5)).start();
        for n in 1..20 {
            at = at.child(n.to_string());
        }
        let inner = at.child("inner");
        drop(inner.task("task").spawn(pending::<()>()));
        sim.rt.settle().await;
        let snapshot = at.snapshot();
        sim.ctx.cancel();
        let paths: Vec<_> = snapshot
            .entries()
            .iter()
            .map(|entry| entry.path.as_str())
            .collect();
        assert_eq!(
            paths,
            [
                "sim-->0-->1-->2-->[5 more]-->8-->9-->10-->11-->12-->13-->14-->15-->16-->17-->18-->19",
                "sim-->0-->1-->2-->[6 more]-->9-->10-->11-->12-->13-->14-->15-->16-->17-->18-->19-->inner",
                "sim-->0-->1-->2-->[7 more]-->10-->11-->12-->13-->14-->15-->16-->17-->18-->19-->inner-->task",
            ]
        );
        assert!(
            snapshot
                .entries()
                .iter()
                .all(|entry| entry.deadline == at.deadline())
        );
    });
}
