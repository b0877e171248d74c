//! The smol adapter: the suite on its three kinds of executor, and what is smol's own.

use std::{
    future::{Future, pending},
    rc::Rc,
    sync::{Arc, mpsc},
    time::Duration,
};

use futures::channel::oneshot;
use smol::{Executor, LocalExecutor};
use windlass::{
    BlockOn, LocalSpawner, Result, Spawner, Timer,
    adapters::{Smol, SmolLocal},
    testing::conformance,
};

/// The owner of an executor, which drives it.
struct Owner(Arc<Executor<'static>>);

impl BlockOn for Owner {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        Ok(smol::block_on(self.0.run(future)))
    }
}

fn owned() -> (Smol, Owner) {
    let executor = Arc::new(Executor::new());
    (Smol::from(&executor), Owner(executor))
}

struct LocalOwner(Rc<LocalExecutor<'static>>);

impl BlockOn for LocalOwner {
    fn block_on<F: Future>(&self, future: F) -> Result<F::Output> {
        SmolLocal::new(&self.0).block_on(future)
    }
}

fn owned_local() -> (SmolLocal, LocalOwner) {
    let executor = Rc::new(LocalExecutor::new());
    (SmolLocal::new(&executor), LocalOwner(executor))
}

#[test]
fn the_global_executor_keeps_the_contract() {
    conformance::check(|| (Smol::global(), Smol::global()));
}

#[test]
fn an_executor_of_ones_own_keeps_the_contract() {
    conformance::check(owned);
    conformance::check_owner(owned);
}

#[test]
fn a_static_executor_keeps_the_contract() {
    static EXECUTOR: Executor<'static> = Executor::new();
    conformance::check(|| (Smol::from(&EXECUTOR), Smol::from(&EXECUTOR)));
}

#[test]
fn a_local_executor_keeps_the_contract() {
    conformance::check_local(owned_local);
    conformance::check_local_owner(owned_local);
    conformance::check_timer(owned_local);
}

#[test]
fn tasks_of_the_global_executor_run_although_nobody_blocks() {
    let (send, receive) = mpsc::channel();
    Smol::global().spawn(async move {
        smol::Timer::after(Duration::from_millis(1)).await;
        send.send(()).unwrap();
    });
    assert_eq!(receive.recv(), Ok(()));
}

#[test]
fn block_on_inside_a_task_of_ones_own_executor_drives_it() {
    let (rt, owner) = owned();
    let (send, receive) = oneshot::channel();
    let inner = rt.clone();
    rt.spawn(async move {
        let (tell, told) = oneshot::channel();
        inner.spawn(async move { tell.send(7).unwrap() });
        send.send(inner.block_on(told).unwrap().unwrap()).unwrap();
    });
    assert_eq!(owner.block_on(receive).unwrap(), Ok(7));
}

#[test]
fn a_handle_whose_executor_has_gone_still_blocks_on_a_future() {
    let (rt, owner) = owned();
    let (local, local_owner) = owned_local();
    rt.spawn(pending());
    local.spawn_local(pending());
    drop((owner, local_owner));
    let sleep = || rt.sleep(Duration::from_millis(1));
    assert!(rt.block_on(sleep()).is_ok());
    assert!(local.block_on(sleep()).is_ok());
}
