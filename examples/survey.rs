//! Surveys a directory: reads every file in it, on the runtime of your choice, and sums up.
//!
//! Each directory has a context of its own below that of its parent, in which one task lists it.
//! Files are read by blocking tasks in a holder, a bounded number at a time. Ctrl-C and `--timeout` end the
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
use futures::future::select;
use indicatif::ProgressBar;
use windlass::{BlockOn, BoxError, Ctx, Runtime, TaskHolder, adapters};

use self::found::{Facts, Found};

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

    let survey = Arc::new(Survey::new(&walk, args.reads));
    let start = Instant::now();
    let (whole, end) = driver.block_on(async {
        let progress = show_progress(app.clone(), survey.clone());
        drop(app.task("progress").spawn(progress)); // until the end of `app`
        survey.enter(walk.child(args.dir.display().to_string()), &args.dir);
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
    println!("{}", survey.found());
    let (files, busiest) = (survey.found().total().files, survey.busiest());
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

/// What the tasks of a walk share.
struct Survey {
    /// Lists directories and reads files, so many at a time.
    reads: TaskHolder,
    busiest: AtomicUsize,
    found: Mutex<Found>,
}

/// An entry of a directory.
enum Entry {
    Dir(PathBuf),
    File(PathBuf),
    Link,
    Other,
}

impl Survey {
    fn new(walk: &Ctx, reads: u16) -> Self {
        Survey {
            reads: TaskHolder::new(walk, "reads").limit(usize::from(reads)),
            busiest: AtomicUsize::new(0),
            found: Mutex::default(),
        }
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn busiest(&self) -> usize {
        self.busiest.load(Ordering::Relaxed)
    }

    /// Starts the task that walks through one directory, in the context of that directory.
    fn enter(self: &Arc<Self>, ctx: Ctx, dir: &Path) {
        let walk = walk(self.clone(), ctx.clone(), dir.to_owned());
        drop(ctx.task("list").spawn(walk)); // goes on: its context owns it
    }

    /// Runs `read` on a thread that may block as soon as there is room for one more.
    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        path: &Path,
        read: impl FnOnce(&Survey, &Path, &Ctx<()>) -> T + Send + 'static,
    ) -> Option<windlass::Task<T>> {
        let slot = self.reads.reserve().await.ok()?;
        let (survey, owned) = (self.clone(), path.to_owned());
        let task = slot.task(path.display().to_string());
        let task =
            task.spawn_blocking::<_, _, windlass::Plain>(move |stop| read(&survey, &owned, stop));
        self.busiest
            .fetch_max(self.reads.pending(), Ordering::Relaxed);
        Some(task)
    }
}

async fn walk(survey: Arc<Survey>, ctx: Ctx, dir: PathBuf) {
    let Some(listing) = survey.read(&dir, list).await else {
        return;
    };
    let Ok(entries) = listing.await else {
        return; // the walk has ended
    };
    for entry in entries {
        match entry {
            Entry::Dir(path) => {
                let name = path.file_name().unwrap_or(path.as_os_str());
                survey.enter(ctx.child(name.to_string_lossy().into_owned()), &path);
            }
            Entry::File(path) => drop(survey.read(&path, examine).await),
            Entry::Link => survey.found().links += 1,
            Entry::Other => survey.found().others += 1,
        }
    }
}

/// What is in a directory; what cannot be read of it is noted.
fn list(survey: &Survey, dir: &Path, stop: &Ctx<()>) -> Vec<Entry> {
    let mut entries = Vec::new();
    let listing = match fs::read_dir(dir) {
        Ok(listing) => listing,
        Err(error) => {
            survey.found().unreadable(dir, &error);
            return entries;
        }
    };
    survey.found().dirs += 1;
    for entry in listing {
        if stop.is_done() {
            break;
        }
        match entry.and_then(|entry| Ok((entry.file_type()?, entry.path()))) {
            Ok((kind, path)) if kind.is_dir() => entries.push(Entry::Dir(path)),
            Ok((kind, path)) if kind.is_file() => entries.push(Entry::File(path)),
            Ok((kind, _)) if kind.is_symlink() => entries.push(Entry::Link),
            Ok(_) => entries.push(Entry::Other),
            Err(error) => survey.found().unreadable(dir, &error),
        }
    }
    entries
}

/// Reads a file and notes what is in it, unless the walk ends meanwhile.
fn examine(survey: &Survey, path: &Path, stop: &Ctx<()>) {
    let mut file = Facts::default();
    match file.read(path, stop) {
        Ok(true) => survey.found().file(path, file),
        Ok(false) => survey.found().cut_short += 1,
        Err(error) => survey.found().unreadable(path, &error),
    }
}

/// Shows on stderr how far the walk is: one line that changes on a terminal, else a line now and then.
async fn show_progress(app: Ctx, survey: Arc<Survey>) {
    let tty = io::stderr().is_terminal();
    let bar = ProgressBar::new_spinner();
    let pause = Duration::from_millis(if tty { 100 } else { 500 });
    let mut ticks = app.ticker(pause);
    while ticks.next().await.is_some() {
        let progress = survey.found().progress();
        if tty {
            bar.set_message(progress);
            bar.tick();
        } else {
            eprintln!("{progress}");
        }
    }
    bar.finish_and_clear();
}
