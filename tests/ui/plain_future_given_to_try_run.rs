//! `try_run` takes futures of a `Result`.

fn main() {
    let _ = windlass::try_run(&windlass::adapters::Embedded::global(), async { 5 });
}
