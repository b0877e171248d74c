//! An executor without a clock is completed with one.

use windlass::{Ctx, Spawner};

#[derive(Clone)]
struct Mine;

impl Spawner for Mine {
    fn spawn<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
}

fn main() {
    Ctx::root("app", Mine);
}
