//! A snapshot as text and as a graph.

use std::fmt::{self, Write};

use super::{Entry, Snapshot};

/// Levels beyond this one stand below each other: else the text of a chain would be as wide as long.
const DEEPEST: usize = 32;

impl fmt::Display for Snapshot {
    /// A line an entry, indented by two spaces a level, for the first 32 levels.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut depths: Vec<usize> = Vec::new();
        for (entry, parent) in self.with_parents() {
            let depth = parent.map_or(0, |parent| depths[parent] + 1);
            depths.push(depth);
            let Entry {
                kind,
                state,
                spawned_at,
                ..
            } = entry;
            write!(f, "{:1$}", "", depth.min(DEEPEST) * 2)?;
            writeln!(
                f,
                "{} ({kind}, {state}) at {spawned_at}{}",
                name(entry),
                cause(entry)
            )?;
        }
        Ok(())
    }
}

/// The last name of the path.
fn name(entry: &Entry) -> &str {
    entry.path.rsplit("-->").next().unwrap_or_default()
}

fn cause(entry: &Entry) -> String {
    entry
        .error
        .as_ref()
        .map(|error| format!(": {error}"))
        .unwrap_or_default()
}

impl Snapshot {
    /// Draws the tree as a graph in the language of Graphviz.
    ///
    /// Contexts are boxes, tasks are ellipses; what was asked to stop is orange, what has ended is
    /// grey. `dot -Tsvg` makes a picture of it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "test-util")]
    /// windlass::testing::simulate(async |sim| {
    ///     let app = sim.ctx.child("app");
    ///     drop(app.task("job").spawn(std::future::pending::<()>()));
    ///     sim.rt.settle().await;
    ///     let dot = app.snapshot().to_dot();
    ///     assert!(dot.starts_with("digraph windlass {") && dot.contains("n0 -> n1;"), "{dot}");
    ///     app.cancel();
    /// });
    /// ```
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph windlass {\n  rankdir=LR;\n");
        for (place, (entry, parent)) in self.with_parents().enumerate() {
            let (label, shape, color) = (escaped(entry), shape(entry), color(entry));
            // Writing to a string does not fail.
            let _ = writeln!(
                dot,
                "  n{place} [label=\"{label}\", shape={shape}, color={color}];"
            );
            if let Some(parent) = parent {
                let _ = writeln!(dot, "  n{parent} -> n{place};");
            }
        }
        dot.push_str("}\n");
        dot
    }
}

fn shape(entry: &Entry) -> &'static str {
    if entry.kind == "context" {
        "box"
    } else {
        "ellipse"
    }
}

fn color(entry: &Entry) -> &'static str {
    match entry.state.split(',').next() {
        Some("stopping") => "orange",
        Some("done") => "grey",
        _ => "black",
    }
}

/// The name and state as the inside of a string in quotes.
fn escaped(entry: &Entry) -> String {
    let text = format!("{}\n{}", name(entry), entry.state);
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
