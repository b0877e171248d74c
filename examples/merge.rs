//! Merges several files, a ticker, the output of a child process and a computation.
//!
//! `cargo run --example merge -- FILE…` prints each item as it comes, with its label.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    process::{Command, Stdio},
    time::Duration,
};

use windlass::{BlockOn, Ctx, Error, Fed, Feeder, Merge, Result, Source, adapters::Embedded};

type Lines = Feeder<String, String>;

fn main() -> Result<()> {
    let mut files: Vec<_> = std::env::args().skip(1).collect();
    if files.is_empty() {
        files = vec![
            "Cargo.toml".into(),
            "src/lib.rs".into(),
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
    while let Some(item) = items.next().await {
        match item {
            Fed::Success { value, label, .. } => println!("{label}: {value}"),
            Fed::Failure { error, label, .. } => println!("{label} failed: {error}"),
            Fed::IterationStop { label, .. } => println!("{label} is at its end"),
            Fed::Stopped { error: Some(error) } => return Err(error),
            _ => println!("everything is at its end"),
        }
    }
    Ok(())
}

/// The file is read where blocking is allowed; its first lines become items in turn.
fn feed_file(ctx: &Ctx, feeder: &Lines, file: String) {
    let read = ctx.try_spawn_blocking(move |_| first_lines(&file));
    feeder.add(Source::future_of(async move {
        match read.await {
            Ok(lines) => Source::iter(lines),
            Err(error) => Source::try_future(async move { Err::<String, Error>(error) }),
        }
    }));
}

fn first_lines(file: &str) -> io::Result<Vec<String>> {
    BufReader::new(File::open(file)?).lines().take(3).collect()
}

fn feed_ticker(ctx: &Ctx, feeder: &Lines) {
    let ticks = ctx.ticker(Duration::from_millis(100)).max_iterations(3);
    feeder.stream(futures::StreamExt::map(ticks, |tick| {
        format!("tick {}", tick.iteration)
    }));
}

/// Lines are fed from the thread that waits for the child to write them.
fn feed_child(ctx: &Ctx, feeder: &Lines) {
    let lines = feeder.clone();
    feeder.try_future({
        let child = ctx.try_spawn_blocking(move |_| listen(&lines));
        async move { child.await.map(|n| format!("wrote {n} lines")) }
    });
}

fn listen(lines: &Lines) -> io::Result<usize> {
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
