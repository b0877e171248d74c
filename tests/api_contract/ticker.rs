//! Tickers, and who changes and pauses them.

use std::time::Duration;

use futures::Stream;
use windlass::{Pauser, Tick, Ticker, TickerControl};

use super::{
    is_copy, is_debug, is_default, is_handle, is_send, is_static, is_unpin, sends, shapes,
};

fn ticker() {
    fn gives<S: Stream<Item = T> + Unpin, T>() {}
    gives::<Ticker, Tick>();
    shapes! {
        Ticker::max_iterations => fn(Ticker, u64) -> Ticker;
        Ticker::max_time => fn(Ticker, Duration) -> Ticker;
        Ticker::min_wait => fn(Ticker, Duration) -> Ticker;
        Ticker::no_min_wait => fn(Ticker) -> Ticker;
        Ticker::pauser => fn(Ticker, &Pauser) -> Ticker;
        Ticker::jitter => fn(Ticker, f64) -> Ticker;
        Ticker::control => fn(&Ticker) -> TickerControl;
        TickerControl::change_after => fn(&TickerControl, Duration);
        TickerControl::change_once => fn(&TickerControl, Duration);
        Pauser::new => fn() -> Pauser;
        Pauser::pause => fn(&Pauser) -> bool;
        Pauser::resume => fn(&Pauser) -> bool;
        Pauser::is_paused => fn(&Pauser) -> bool;
    }
}

async fn next(ticker: &mut Ticker) -> Option<Tick> {
    sends(ticker.next()).await
}

fn tick(tick: Tick) -> (u64, Duration) {
    (tick.iteration, tick.until_next)
}

#[test]
fn tickers_controls_and_pausers() {
    let _ = (next, tick);
    ticker();
    is_send::<Ticker>();
    is_static::<Ticker>();
    is_unpin::<Ticker>();
    is_debug::<Ticker>();
    is_copy::<Tick>();
    is_debug::<Tick>();
    is_handle::<TickerControl>();
    is_handle::<Pauser>();
    is_default::<Pauser>();
}
