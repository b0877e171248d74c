//! Small tools for passes: clocks, threads, hand-driven futures.

use std::{
    future::Future,
    hint::black_box,
    pin::{Pin, pin},
    sync::{Arc, Barrier},
    task::{Context, Poll, Wake, Waker},
    thread,
    time::{Duration, Instant},
};

/// How long `work` takes.
pub(crate) fn time<T>(work: impl FnOnce() -> T) -> Duration {
    let start = Instant::now();
    black_box(work());
    start.elapsed()
}

/// How long `work` takes on each of `threads` threads that start it together, on average.
pub(crate) fn time_on_threads(threads: usize, work: impl Fn() + Sync) -> Duration {
    let barrier = Barrier::new(threads);
    let one = || {
        barrier.wait();
        time(&work)
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(one)).collect();
        let took = running
            .into_iter()
            .map(|thread| thread.join().expect("a pass does not panic"));
        took.sum::<Duration>() / threads as u32
    })
}

/// The middle of `samples`.
pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => (sorted[n / 2 - 1] + sorted[n / 2]) / 2.0,
    }
}

/// Makes the allocator sort what was freed, so that no pass pays for the one before it.
pub(crate) fn tidy_heap() {
    drop(black_box(Vec::<u8>::with_capacity(64 * 1024)));
}

/// Makes the heap large once for all, so that no pass pays for pages from the system.
///
/// What is returned lies on top of it and must be kept: the allocator gives back what is free above
/// the last block in use.
pub(crate) fn warm_heap() -> impl Sized {
    const KIB: usize = 1024;
    let all: Vec<_> = (0..400 * KIB).map(|_| Box::new([1u8; KIB])).collect();
    let top = Box::new([1u8; 4 * KIB]);
    drop(black_box(all));
    black_box(top)
}

// ===== futures by hand =====

struct Unpolled;

impl Wake for Unpolled {
    fn wake(self: Arc<Self>) {}
}

/// A waker that is counted, as that of a task, and wakes nothing.
pub(crate) fn counted_waker() -> Waker {
    Waker::from(Arc::new(Unpolled))
}

/// Polls `future` until it is ready. Only for futures that wake themselves.
pub(crate) fn drive<F: Future>(waker: &Waker, future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(waker)) {
            return output;
        }
    }
}

/// A future of a given size that is ready in the poll after `yields` pending ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample<const WORDS: usize> {
    yields: u64,
    rest: [u64; WORDS],
}

/// 32 bytes.
pub(crate) type Future32 = Sample<3>;

impl<const WORDS: usize> Sample<WORDS> {
    /// Ready in its first poll.
    pub(crate) fn ready(value: usize) -> Self {
        Sample {
            yields: 0,
            rest: [value as u64; WORDS],
        }
    }

    /// Wakes itself and is pending in its first poll, ready in the second.
    pub(crate) fn yielding(value: usize) -> Self {
        Sample {
            yields: 1,
            ..Self::ready(value)
        }
    }

    /// Never ready; it is never woken either.
    pub(crate) fn parked() -> Self {
        Sample {
            yields: u64::MAX,
            ..Self::ready(0)
        }
    }
}

impl<const WORDS: usize> Future for Sample<WORDS> {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<u64> {
        match self.yields {
            0 => Poll::Ready(self.rest.iter().sum()),
            u64::MAX => Poll::Pending,
            _ => {
                self.yields -= 1;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
