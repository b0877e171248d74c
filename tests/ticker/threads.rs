//! Real threads: no wake-up is lost, whichever moment it comes at.

use std::{sync::mpsc, thread, time::Duration};

use futures::executor::block_on;
use windlass::{Ctx, Pauser, testing::VirtualClock};

/// How often each race is run.
const ROUNDS: u64 = 2000;

/// Lets `act` race with a wait for the tick, again and again: each act must bring a tick.
fn race(pauser: &Pauser, mut act: impl FnMut(&windlass::TickerControl) + Send) {
    let clock = VirtualClock::new(); // stands still
    let ctx = Ctx::root_on("test", clock);
    let mut ticker = ctx.ticker(Duration::MAX).no_min_wait().pauser(pauser);
    let control = ticker.control();
    let (ask, asked) = mpsc::sync_channel::<()>(0);
    thread::scope(|scope| {
        scope.spawn(move || asked.iter().for_each(|()| act(&control)));
        assert_eq!(block_on(ticker.next()).unwrap().iteration, 1);
        for n in 2..ROUNDS {
            ask.send(()).unwrap();
            assert_eq!(block_on(ticker.next()).unwrap().iteration, n);
        }
        drop(ask);
    });
}

#[test]
fn a_change_from_another_thread_is_never_missed() {
    race(&Pauser::new(), |control| {
        control.change_once(Duration::ZERO)
    });
}

#[test]
fn a_pauser_that_resumes_on_another_thread_is_never_missed() {
    let pauser = Pauser::new();
    race(&pauser, |control| {
        pauser.pause();
        control.change_once(Duration::ZERO);
        pauser.resume();
    });
}

#[test]
fn the_end_of_the_context_on_another_thread_is_never_missed() {
    for _ in 0..ROUNDS {
        let ctx = Ctx::root_on("test", VirtualClock::new());
        let mut ticker = ctx.ticker(Duration::MAX);
        thread::scope(|scope| {
            scope.spawn(|| assert!(ctx.cancel()));
            while block_on(ticker.next()).is_some() {}
        });
    }
}
