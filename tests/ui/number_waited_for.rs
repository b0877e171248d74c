//! Only things with a status can be waited for.

fn wait() {
    let _wait = windlass::wait_for_all(5);
}

fn main() {}
