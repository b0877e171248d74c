//! Merges several files, a ticker, the output of a child process and a computation.
//!
//! `cargo run --example merge -- FILE…` prints each item as it comes, with its label, and in the end
//! how much came from where. The sources take turns: none waits for another, and no file is read
//! further than it is printed.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufRead, BufReader, Lines},
    process::{Command, Stdio},
    time::Duration,
};

use futures::{Stream, StreamExt, stream};
use windlass::{BlockOn, Ctx, Error, Fed, Feeder, Merge, Result, Source, adapters::Embedded};

/// Takes lines, labelled with where they come from.
type LineFeeder = Feeder<String, String>;

/// So many lines of each file are shown.
const SHOWN: usize = 5;

fn main() -> Result<()> {
    let mut files: Vec<_> = std::env::args().skip(1).collect();
    if files.is_empty() {
        files = vec![
            "Cargo.toml".into(),
            "README.md".into(),
            "no such file".into(),
        ];
    }
    let rt = Embedded::global();
    rt.block_on(show(Ctx::root("merge", rt.clone()), files))?
}

async fn show(ctx: Ctx, files: Vec<String>) -> Result<()> {
    let (feeder, mut items) = Merge::new(&ctx, "inputs").label(String::new()).split();
    for file in files {
        feed_file(&ctx, &feeder.label(file.clone()), file);
    }
    feed_ticker(&ctx, &feeder.label("ticker".into()));
    feed_child(&ctx, &feeder.label("child".into()));
    feeder
        .label("sum".into())
        .task(ctx.spawn_blocking(|_| (1..=10_000_000_u64).sum::<u64>().to_string()));
    drop(feeder);
    let mut counts = BTreeMap::new();
    while let Some(item) = items.next().await {
        match item {
            Fed::Success { value, label, .. } => {
                println!("{label}: {value}");
                *counts.entry(label).or_insert(0) += 1;
            }
            Fed::Failure { error, label, .. } => println!("{label} failed: {error}"),
            Fed::IterationStop { label, .. } => println!("{label} is at its end"),
            Fed::Stopped { error: Some(error) } => return Err(error),
            _ => println!("everything is at its end: {counts:?}"),
        }
    }
    Ok(())
}

/// The first lines of a file; opening and reading happen where blocking is allowed.
fn feed_file(ctx: &Ctx, feeder: &LineFeeder, file: String) {
    let ctx = ctx.clone();
    feeder.add(Source::future_of(async move {
        let opened = ctx.try_spawn_blocking(move |_| File::open(file));
        match opened.await {
            Ok(file) => {
                let lines = BufReader::new(file).lines();
                Source::try_stream(read(ctx, lines).take(SHOWN))
            }
            Err(error) => Source::try_future(async { Err::<String, Error>(error) }),
        }
    }));
}

/// Reads a line when it is asked for one: a consumer that is slow holds it back.
fn read(ctx: Ctx, lines: Lines<BufReader<File>>) -> impl Stream<Item = Result<String>> {
    stream::try_unfold(lines, move |mut lines| {
        ctx.try_spawn_blocking(move |_| {
            let line = lines.next().transpose()?;
            Ok::<_, io::Error>(line.map(|line| (line, lines)))
        })
    })
}

fn feed_ticker(ctx: &Ctx, feeder: &LineFeeder) {
    let ticks = ctx.ticker(Duration::from_millis(100)).max_iterations(3);
    feeder.stream(ticks.map(|tick| format!("tick {}", tick.iteration)));
}

/// Lines are fed from the thread that waits for the child to write them.
fn feed_child(ctx: &Ctx, feeder: &LineFeeder) {
    let lines = feeder.clone();
    feeder.try_future({
        let child = ctx.try_spawn_blocking(move |_| listen(&lines));
        async move { child.await.map(|n| format!("wrote {n} lines")) }
    });
}

fn listen(lines: &LineFeeder) -> io::Result<usize> {
    let mut child = Command::new("rustc")
        .args(["--version", "--verbose"])
        .stdout(Stdio::piped())
        .spawn()?;
    let out = child.stdout.take().into_iter();
    let mut count = 0;
    for line in out.flat_map(|out| BufReader::new(out).lines()) {
        lines.value(line?);
        count += 1;
    }
    child.wait()?;
    Ok(count)
}
