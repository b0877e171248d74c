//! What the handles of one simulated runtime share: its tasks, and which of them are ready.
//!
//! # Invariants
//!
//! 1. One thread drives at a time; only it polls.
//! 2. Nothing of the user's is called, woken or dropped under the lock.
//! 3. `closed` is set once and for ever; from then on `tasks` stays empty.
//!
//! # Lock order
//!
//! The core's lock and a cell's are never held together.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::Location,
    task::Waker,
    thread::{self, Thread, ThreadId},
    time::Duration,
};

use super::{
    arena::{self, LocalFuture},
    cell::{Cell, SendFuture},
    clock::VirtualClock,
    rng::Rng,
};
use crate::{
    report::isolate,
    sync::{Arc, AtomicBool, AtomicU64, Mutex, Ordering, lock, try_lock},
    task::AnyTask,
};

pub(super) struct Core {
    id: u64,
    /// Set under the lock; the arenas read it without.
    closed: Arc<AtomicBool>,
    pub(super) clock: VirtualClock,
    /// Which task the driver polls; read on that thread only.
    polled: AtomicU64,
    state: Mutex<State>,
}

struct State {
    next_task: u64,
    next_settling: u64,
    tasks: BTreeMap<u64, Arc<Cell>>,
    ready: Ready,
    /// Where [`Core::next_seed`] takes them from.
    seeds: Rng,
    /// Ready tasks that live on other threads than the one which met them.
    elsewhere: Vec<Arc<Cell>>,
    /// Those who wait until nothing is ready, in order.
    idle: BTreeMap<SettleKey, Waker>,
    /// Those of them who are to move a clock.
    advancing: BTreeMap<SettleKey, Waker>,
    /// Whether one of the latter came last.
    advanced: bool,
    driver: Option<ThreadId>,
    /// The driver, while it sleeps.
    parked: Option<Thread>,
    patience: Duration,
}

/// When it is the turn of one who waits until nothing is ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Turn {
    /// Before all others: it is about to make something ready, a limited number of times.
    Eager,
    /// First come, first served.
    Fair,
    /// To move a clock to here then; the least far first: it has the least to wait for.
    Before(Duration),
}

/// Where somebody waits until nothing is ready.
pub(super) type SettleKey = (Turn, u64);

/// The ready tasks: first come first served, or drawn by lot.
struct Ready {
    queue: VecDeque<Arc<Cell>>,
    lots: Option<Rng>,
}

/// Keeps the seeds that are handed out apart from the lots that are drawn.
const SEEDS: u64 = 0x7469_636b_6572_7321;

/// Numbers the runtimes of this process, for the arenas.
static RUNTIMES: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);

// ===== impl Core =====

impl Core {
    pub(super) fn new(seed: Option<u64>) -> Arc<Self> {
        Arc::new(Core {
            id: RUNTIMES.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            closed: Arc::default(),
            clock: VirtualClock::new(),
            polled: AtomicU64::new(0),
            state: Mutex::new(State {
                next_task: 0,
                next_settling: 0,
                tasks: BTreeMap::new(),
                ready: Ready {
                    queue: VecDeque::new(),
                    lots: seed.map(Rng::new),
                },
                seeds: Rng::new(seed.unwrap_or(0) ^ SEEDS),
                elsewhere: Vec::new(),
                idle: BTreeMap::new(),
                advancing: BTreeMap::new(),
                advanced: true,
                driver: None,
                parked: None,
                patience: Duration::ZERO,
            }),
        })
    }

    pub(super) fn id(&self) -> u64 {
        self.id
    }

    pub(super) fn closed(&self) -> &Arc<AtomicBool> {
        &self.closed
    }

    pub(super) fn set_patience(&self, real: Duration) {
        lock(&self.state).patience = real;
    }

    /// A seed for something random: another one each time, and the same ones in each run.
    pub(super) fn next_seed(&self) -> u64 {
        lock(&self.state).seeds.next()
    }

    pub(super) fn patience(&self) -> Duration {
        lock(&self.state).patience
    }

    // ----- tasks

    pub(super) fn spawn(self: &Arc<Self>, future: SendFuture, at: &'static Location<'static>) {
        let id = self.next_id();
        self.add(Arc::new(Cell::sent(self, id, at, future)));
    }

    pub(super) fn spawn_local(
        self: &Arc<Self>,
        future: LocalFuture,
        at: &'static Location<'static>,
    ) {
        arena::sweep();
        let id = self.next_id();
        let cell = Arc::new(Cell::local(self, id, at));
        if let Some(refused) = arena::put(self, id, future) {
            isolate("the destructor of a task", || drop(refused));
            return;
        }
        self.add(cell);
    }

    pub(super) fn next_id(&self) -> u64 {
        let mut state = lock(&self.state);
        state.next_task += 1;
        state.next_task
    }

    fn add(&self, cell: Arc<Cell>) {
        let mut state = lock(&self.state);
        // Ordered by the lock, which `close` holds when it sets this.
        if self.closed.load(Ordering::Relaxed) {
            drop(state);
            self.discard(&cell);
            return;
        }
        state.tasks.insert(cell.id, Arc::clone(&cell));
        drop(state);
        std::task::Wake::wake(cell);
    }

    pub(super) fn remove(&self, id: u64) {
        let cell = lock(&self.state).tasks.remove(&id);
        drop(cell); // outside the lock
    }

    /// Drops the future of `cell`, if it is here.
    fn discard(&self, cell: &Cell) {
        let held = cell.retire(self);
        isolate("the destructor of a task", || drop(held));
    }

    /// Drops all tasks, and those that are spawned from now on.
    pub(super) fn close(&self) {
        let mut state = lock(&self.state);
        self.closed.store(true, Ordering::Release); // pairs with the load in `arena::sweep`
        let tasks = std::mem::take(&mut state.tasks);
        let idle = std::mem::take(&mut state.idle);
        let advancing = std::mem::take(&mut state.advancing);
        // What is ready stays: a future given to `block_on` may be among it. The others are empty.
        drop(state);
        for cell in tasks.values() {
            self.discard(cell);
        }
        for waker in idle.into_values().chain(advancing.into_values()) {
            isolate("a waker", || waker.wake());
        }
        arena::sweep();
    }

    /// The tasks that are alive, in the order in which they were spawned.
    pub(super) fn tasks(&self) -> Vec<Arc<Cell>> {
        lock(&self.state).tasks.values().cloned().collect()
    }

    /// How many tasks are alive, unless somebody holds the lock.
    pub(super) fn try_len(&self) -> Option<usize> {
        try_lock(&self.state).map(|state| state.tasks.len())
    }

    pub(super) fn set_polled(&self, id: u64) {
        self.polled.store(id, Ordering::Relaxed);
    }

    /// Says which task of a context it is that is being polled.
    pub(super) fn name_polled(&self, task: &Arc<dyn AnyTask>) {
        let id = self.polled.load(Ordering::Relaxed);
        let cell = lock(&self.state).tasks.get(&id).cloned();
        if let Some(cell) = cell {
            cell.set_task(task);
        }
    }

    // ----- what is ready

    pub(super) fn enqueue(&self, cell: Arc<Cell>) {
        let mut state = lock(&self.state);
        state.ready.queue.push_back(cell);
        let parked = state.parked.take();
        drop(state);
        if let Some(thread) = parked {
            thread.unpark();
        }
    }

    pub(super) fn pop_ready(&self) -> Option<Arc<Cell>> {
        lock(&self.state).ready.pop()
    }

    /// Keeps a ready task until the thread that it lives on drives.
    pub(super) fn set_aside(&self, cell: Arc<Cell>) {
        lock(&self.state).elsewhere.push(cell);
    }

    // ----- waiting until nothing is ready

    pub(super) fn settle(&self, turn: Turn, waker: Waker) -> SettleKey {
        let mut state = lock(&self.state);
        state.next_settling += 1;
        let key = (turn, state.next_settling);
        state.settling(key).insert(key, waker);
        key
    }

    /// Puts `waker` in, and takes the one out that was there; false if its turn has come.
    pub(super) fn swap_settling(&self, key: SettleKey, waker: &mut Waker) -> bool {
        match lock(&self.state).settling(key).get_mut(&key) {
            Some(place) => {
                std::mem::swap(place, waker);
                true
            }
            None => false,
        }
    }

    pub(super) fn leave_settling(&self, key: SettleKey) -> Option<Waker> {
        lock(&self.state).settling(key).remove(&key)
    }

    /// Whose turn it is: both lists alternate, so that neither keeps the other waiting for ever.
    pub(super) fn pop_settling(&self) -> Option<Waker> {
        let mut state = lock(&self.state);
        let State {
            idle,
            advancing,
            advanced,
            ..
        } = &mut *state;
        let is_eager = |(turn, _): &SettleKey| *turn == Turn::Eager;
        let is_idle_next = *advanced || idle.keys().next().is_some_and(is_eager);
        let next = match is_idle_next {
            true => idle.pop_first().or_else(|| advancing.pop_first()),
            false => advancing.pop_first().or_else(|| idle.pop_first()),
        };
        let ((turn, _), waker) = next?;
        match turn {
            Turn::Eager => {}
            Turn::Fair => *advanced = false,
            Turn::Before(_) => *advanced = true,
        }
        Some(waker)
    }

    // ----- the driver

    /// Makes this thread the driver, or says which thread is.
    pub(super) fn begin_driving(&self) -> Result<(), ThreadId> {
        let mut state = lock(&self.state);
        if let Some(driver) = state.driver {
            return Err(driver);
        }
        state.driver = Some(thread::current().id());
        let aside = std::mem::take(&mut state.elsewhere);
        state.ready.queue.extend(aside);
        Ok(())
    }

    pub(super) fn end_driving(&self) {
        lock(&self.state).driver = None;
    }

    /// Sleeps until another thread makes something ready, for `real` at the most.
    pub(super) fn wait_for_threads(&self, real: Duration) -> bool {
        let mut state = lock(&self.state);
        if real.is_zero() || !state.ready.queue.is_empty() {
            return !state.ready.queue.is_empty();
        }
        // `enqueue` takes it under the same lock, after it has pushed: no wake slips through.
        state.parked = Some(thread::current());
        drop(state);
        thread::park_timeout(real);
        let mut state = lock(&self.state);
        state.parked = None;
        !state.ready.queue.is_empty()
    }
}

// ===== impl State =====

impl State {
    fn settling(&mut self, key: SettleKey) -> &mut BTreeMap<SettleKey, Waker> {
        match key.0 {
            Turn::Before(_) => &mut self.advancing,
            Turn::Eager | Turn::Fair => &mut self.idle,
        }
    }
}

// ===== impl Ready =====

impl Ready {
    fn pop(&mut self) -> Option<Arc<Cell>> {
        if let Some(lots) = &mut self.lots {
            let drawn = lots.below(self.queue.len());
            return self.queue.swap_remove_front(drawn);
        }
        self.queue.pop_front()
    }
}
