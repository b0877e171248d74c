//! Surveys a directory: reads every file in it, on the runtime of your choice, and sums up.
//!
//! Each directory has a context of its own below that of its parent, in which one task lists it.
//! Files are read by blocking tasks in a holder, a bounded number at a time. What they find comes
//! out of one stream, labelled with its path, and is summed up there. Ctrl-C and `--timeout` end the
//! context of the whole walk: nothing new starts, reads stop at their next block, and the summary
//! tells what was found until then. Links are counted, not followed.

// Without any runtime there is nothing to do but to say so.
#![cfg_attr(
    not(any(
        feature = "embedded",
        feature = "tokio",
        feature = "async-std",
        feature = "smol"
    )),
    allow(dead_code, unused_imports, unused_variables)
)]

#[path = "survey/found.rs"]
mod found;

use std::{
    fs,
    io::{self, IsTerminal},
    path::{Path, PathBuf},
    pin::pin,
    process::ExitCode,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use clap::{Parser, builder::PossibleValuesParser};
use futures::future::{ready, select};
use indicatif::ProgressBar;
use windlass::{
    BlockOn, BoxError, Ctx, Fed, Feeder, Merge, Runtime, Streamer, Task, TaskHolder, adapters,
};

use self::found::{Facts, Find, Found};

/// The runtimes that are compiled in; the first is the default.
const RUNTIMES: &[&str] = &[
    #[cfg(feature = "embedded")]
    "embedded",
    #[cfg(feature = "tokio")]
    "tokio",
    #[cfg(feature = "async-std")]
    "async-std",
    #[cfg(feature = "smol")]
    "smol",
];

/// How long the end waits for reads that hang.
const PATIENCE: Duration = Duration::from_secs(2);

/// Reads every file of a directory and sums up what it found.
#[derive(Parser, Debug)]
struct Args {
    /// The directory to survey.
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The runtime to work on (others come with their features).
    #[arg(long, default_value = RUNTIMES.first().unwrap_or(&"none"), value_parser = PossibleValuesParser::new(RUNTIMES))]
    runtime: String,
    /// Stop after this time with what was found until then: "500ms", "2.5s", "3m".
    #[arg(long, value_parser = duration)]
    timeout: Option<Duration>,
    /// How many files and directories to read at the same time.
    #[arg(long, default_value = "16", value_parser = clap::value_parser!(u16).range(1..))]
    reads: u16,
    /// Print the tree of what runs to stderr whenever Enter is pressed.
    #[arg(long)]
    tree: bool,
    /// With that, write the tree to this file, too, for Graphviz.
    #[arg(long, requires = "tree")]
    dot: Option<PathBuf>,
}

fn duration(text: &str) -> Result<Duration, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = text[..text.len() - unit.len()].parse::<f64>();
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        _ => return Err("the units are ms, s and m".into()),
    };
    let number = number.map_err(|error| error.to_string())?;
    Duration::try_from_secs_f64(number * seconds).map_err(|error| error.to_string())
}

fn main() -> ExitCode {
    let args = Args::parse();
    match on_runtime(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("survey: {error}");
            ExitCode::FAILURE
        }
    }
}

fn on_runtime(args: &Args) -> Result<(), BoxError> {
    match &*args.runtime {
        #[cfg(feature = "embedded")]
        "embedded" => {
            let rt = adapters::Embedded::global();
            survey(rt.clone(), &rt, args)
        }
        #[cfg(feature = "tokio")]
        "tokio" => {
            let rt = tokio::runtime::Runtime::new()?;
            let surveyed = survey(adapters::Tokio::from(rt.handle().clone()), &rt, args);
            rt.shutdown_background(); // a read that hangs does not hold up the end
            surveyed
        }
        #[cfg(feature = "async-std")]
        "async-std" => survey(adapters::AsyncStd, &adapters::AsyncStd, args),
        #[cfg(feature = "smol")]
        "smol" => {
            let rt = adapters::Smol::global();
            survey(rt.clone(), &rt, args)
        }
        other => Err(format!("runtime {other} is not compiled in").into()),
    }
}

// ===== the survey =====

fn survey(rt: impl Runtime, driver: &impl BlockOn, args: &Args) -> Result<(), BoxError> {
    fs::read_dir(&args.dir).map_err(|error| format!("{}: {error}", args.dir.display()))?;
    let app = Ctx::root("survey", rt);
    let mut walk = app.build("walk");
    if let Some(timeout) = args.timeout {
        walk = walk.timeout(timeout);
    }
    let walk = walk.start();
    stop_on_ctrl_c(walk.clone())?;
    if args.tree {
        show_tree_on_enter(app.clone(), args.dot.clone());
    }

    let found = Arc::new(Mutex::new(Found::default()));
    let reads = Arc::new(Reads::new(&walk, args.reads));
    let start = Instant::now();
    let (whole, end) = driver.block_on(async {
        let progress = show_progress(app.clone(), found.clone());
        drop(app.task("progress").spawn(progress)); // until the end of `app`
        let (feeder, finds) = Merge::new(&walk, "finds").label(PathBuf::new()).split();
        let dir = walk.child(args.dir.display().to_string());
        enter(reads.clone(), dir, &args.dir, feeder);
        sum_up(finds, &found).await;
        let whole = finish(&walk, &app).await;
        let end = walk.error();
        app.cancel();
        (whole, end)
    })?;
    let took = start.elapsed();
    if let Some(error) = end {
        println!("stopped early: {error}");
    }
    if !whole {
        println!("some reads still hang: not waited for");
    }
    println!("{}", look(&found));
    let (files, busiest) = (look(&found).total().files, reads.busiest());
    let rate = files as f64 / took.as_secs_f64().max(0.001);
    println!(
        "{took:.2?} on {}: {rate:.0} files/s, up to {busiest} of {} reads at a time",
        args.runtime, args.reads
    );
    Ok(())
}

/// The first Ctrl-C ends the walk, the second one the program.
fn stop_on_ctrl_c(walk: Ctx) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(move || {
        if !walk.cancel_with("Ctrl-C") {
            std::process::exit(130);
        }
    })
}

/// Shows what runs at that moment for each line on stdin.
fn show_tree_on_enter(app: Ctx, dot: Option<PathBuf>) {
    std::thread::spawn(move || {
        for _line in io::stdin().lines() {
            let snapshot = app.snapshot();
            eprintln!("{snapshot}");
            if let Some(Err(error)) = dot.as_ref().map(|path| fs::write(path, snapshot.to_dot())) {
                eprintln!("survey: the tree was not written: {error}");
            }
        }
    });
}

/// Waits until nothing runs in the walk; false if something hung after its end.
async fn finish(walk: &Ctx, app: &Ctx) -> bool {
    let idle = pin!(walk.finish());
    let late = pin!(async {
        walk.done().await;
        app.sleep(PATIENCE).await
    });
    matches!(select(idle, late).await, futures::future::Either::Left(_))
}

/// Takes in what is found, until the last task of the walk has dropped its feeder, or the walk has
/// ended.
async fn sum_up(mut finds: Streamer<Find, PathBuf>, found: &Mutex<Found>) {
    while let Some(find) = finds.next().await {
        match find {
            Fed::Success { value, label, .. } => look(found).note(&label, value),
            Fed::Failure { error, label, .. } => look(found).failed(&label, &error),
            _ => {} // no stream is fed, and why everything stopped is told at the end
        }
    }
}

fn look(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

// ===== the walk =====

/// Takes what was found; the label is its path.
type Finds = Feeder<Find, PathBuf>;

/// Reads directories and files on threads that may block, so many at a time.
struct Reads {
    holder: TaskHolder,
    busiest: AtomicUsize,
}

/// What a directory lists.
#[derive(Default)]
struct Listing {
    dirs: Vec<PathBuf>,
    files: Vec<PathBuf>,
    errors: Vec<io::Error>,
    links: u64,
    others: u64,
}

impl Reads {
    fn new(walk: &Ctx, limit: u16) -> Self {
        Reads {
            holder: TaskHolder::new(walk, "reads").limit(usize::from(limit)),
            busiest: AtomicUsize::new(0),
        }
    }

    fn busiest(&self) -> usize {
        self.busiest.load(Ordering::Relaxed)
    }

    /// Starts `read` as soon as there is room for one more; `None` if the walk ends before.
    async fn start<T: Send + 'static>(
        &self,
        path: &Path,
        read: impl FnOnce(&Path, &Ctx<()>) -> windlass::Result<T> + Send + 'static,
    ) -> Option<Task<T>> {
        let slot = self.holder.reserve().await.ok()?;
        self.holder.check().ok()?; // room that comes after the end is not for us
        let path = path.to_owned();
        let task = slot.task(path.display().to_string());
        let task = task.try_spawn_blocking(move |stop| read(&path, stop));
        self.busiest
            .fetch_max(self.holder.pending(), Ordering::Relaxed);
        Some(task)
    }
}

/// Starts the task that walks through one directory, in the context of that directory.
fn enter(reads: Arc<Reads>, ctx: Ctx, dir: &Path, finds: Finds) {
    let walk = walk(reads, ctx.clone(), dir.to_owned(), finds);
    drop(ctx.task("list").spawn(walk)); // goes on: its context owns it
}

async fn walk(reads: Arc<Reads>, ctx: Ctx, dir: PathBuf, finds: Finds) {
    let Some(listing) = reads.start(&dir, list).await else {
        return;
    };
    let finds_here = finds.label(dir);
    let listing = match listing.await {
        Ok(listing) => listing,
        Err(error) if error.is_failed() => {
            finds_here.try_future(ready(Err(error)));
            return;
        }
        Err(_) => return, // the walk has ended
    };
    finds_here.value(Find::Dir {
        links: listing.links,
        others: listing.others,
    });
    for error in listing.errors {
        finds_here.try_future(ready(Err(error)));
    }
    for path in listing.dirs {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let ctx = ctx.child(name.to_string_lossy().into_owned());
        enter(reads.clone(), ctx, &path, finds.clone());
    }
    for path in listing.files {
        if let Some(read) = reads.start(&path, examine).await {
            finds.label(path).task(read);
        }
    }
}

/// What is in a directory, or what was until the walk ended.
fn list(dir: &Path, stop: &Ctx<()>) -> windlass::Result<Listing> {
    let mut listing = Listing::default();
    for entry in fs::read_dir(dir)? {
        if stop.is_done() {
            break;
        }
        match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
            Ok((kind, path)) if kind.is_dir() => listing.dirs.push(path),
            Ok((kind, path)) if kind.is_file() => listing.files.push(path),
            Ok((kind, _)) if kind.is_symlink() => listing.links += 1,
            Ok(_) => listing.others += 1,
            Err(error) => listing.errors.push(error),
        }
    }
    Ok(listing)
}

/// What is in a file; an error if the walk ends before it is read.
fn examine(path: &Path, stop: &Ctx<()>) -> windlass::Result<Find> {
    Facts::of(path, stop).map(Find::File)
}

/// Shows on stderr how far the walk is: one line that changes on a terminal, else a line now and then.
async fn show_progress(app: Ctx, found: Arc<Mutex<Found>>) {
    let tty = io::stderr().is_terminal();
    let bar = ProgressBar::new_spinner();
    let pause = Duration::from_millis(if tty { 100 } else { 500 });
    let mut ticks = app.ticker(pause);
    while ticks.next().await.is_some() {
        let progress = look(&found).progress();
        if tty {
            bar.set_message(progress);
            bar.tick();
        } else {
            eprintln!("{progress}");
        }
    }
    bar.finish_and_clear();
}
