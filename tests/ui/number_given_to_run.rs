//! `run` takes futures.

fn main() {
    let _ = windlass::run(&windlass::adapters::Embedded::global(), 5);
}
