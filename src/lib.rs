#![doc = include_str!("../docs/crate.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod blocking;
mod ctx;
mod error;
mod event;
mod group;
mod holder;
mod ids;
mod inspect;
mod join;
mod merge;
#[cfg(all(test, any(windlass_loom, windlass_shuttle)))]
mod models;
pub mod promise;
mod queue;
mod registry;
mod report;
mod runtime;
mod status;
mod status_text;
mod sync;
mod task;
mod ticker;
mod wait;

/// Only where everything that it shows is there.
#[cfg(all(
    feature = "embedded",
    feature = "tokio",
    feature = "async-std",
    feature = "smol",
    feature = "test-util"
))]
pub mod guide;

#[path = "../adapters/mod.rs"]
pub mod adapters;
#[cfg(feature = "test-util")]
#[cfg_attr(docsrs, doc(cfg(feature = "test-util")))]
pub mod testing;

pub use async_trait::async_trait;

#[doc(hidden)]
pub use self::runtime::Kept;
pub use self::{
    blocking::{
        EventLoop, Futures, Many, One, Resource, TryFutures, gather, run, run_returning,
        stop_stream, try_gather, try_run, with_resource, with_resources,
    },
    ctx::{
        CallHandle, CallbackId, Ctx, CtxBuilder, CtxGuard, CtxSleep, Done, Finished, RunUntilDone,
        Shutdown, ShutdownPhase, ShutdownProgress, Stopping, Straggler, Timeout, WeakCtx,
    },
    error::{BoxError, Cancelled, Error, Failed, Name, Panicked, Result, TimedOut, ok},
    event::{Event, EventWait},
    holder::{InPlaceScope, InPlaceTask, Slot, TaskHolder, scope_in_place},
    inspect::{Entry, Snapshot},
    join::{
        AllSettled, AtLeast, FailFast, FirstSuccess, JoinPolicy, JoinTasks, NotEnough, Quorum,
        Within, Won, join_tasks,
    },
    merge::{
        Driver, Fed, Feeder, InPlace, Merge, ResultStreamer, Source, SourceId, SourceKind, Sources,
        StreamedResult, Streamer, Takes, Tasks,
    },
    promise::{
        ChildPromise, Promise, ResettablePromise,
        recipes::{find_and_apply_result, noncancelled_results, transfer_errors, transfer_result},
    },
    queue::{
        Closed, Overflow, Permit, Queue, QueueSink, QueueStream, QueueView, SyncIter, SyncQueue,
    },
    report::Failure,
    runtime::{
        AnyRuntime, AnySleep, BlockOn, LocalSpawner, NestedRun, Runtime, Sleep, Spawner, Timer,
        WithTimer,
    },
    status::{FutureStatus, State, WaitSlot},
    status_text::{StatusText, status_text},
    task::{
        FallibleUseTrySpawn, Plain, Returns, Task, TaskBuilder, TaskDone, TaskId, TaskWatch, TryFut,
    },
    ticker::{MissedTicks, Pauser, Tick, Ticker, TickerControl},
    wait::{Until, Wait, WaitSet, Waited, cancel_and_wait, wait_for_all, wait_for_first},
};

/// The examples of the README, which run with the tests.
#[cfg(all(
    doctest,
    feature = "embedded",
    feature = "tokio",
    feature = "test-util"
))]
#[doc = include_str!("../README.md")]
struct Readme;
