//! Queues, for tasks and for threads.

use std::time::Duration;

use futures::Stream;
use windlass::{
    BoxError, CallbackId, Closed, Ctx, Error, Event, Name, Queue, QueueStream, QueueView, Result,
    SyncIter, SyncQueue,
};

use super::{Mute, is_debug, is_send, is_sync, is_unpin, sends, shapes};

fn queue<T, R, N, E, C, V>()
where
    N: Into<Name>,
    E: Fn(T) -> Result<T, BoxError> + Send + Sync + 'static,
    C: FnOnce() + Send + 'static,
    V: FnMut(&QueueView<'_, T>) + Send + 'static,
{
    shapes! {
        Queue::<T>::new => fn(&Ctx<R>, N) -> Queue<T>;
        Queue::<T>::bounded => fn(&Ctx<R>, N, usize) -> Queue<T>;
        Queue::<T>::empty_on_finished => fn(Queue<T>) -> Queue<T>;
        Queue::<T>::ensure::<E> => fn(Queue<T>, E) -> Queue<T>;
        Queue::<T>::append => fn(&Queue<T>, T);
        Queue::<T>::append_first => fn(&Queue<T>, T);
        Queue::<T>::try_append => fn(&Queue<T>, T) -> Result<(), Closed<T>>;
        Queue::<T>::append_call::<C> => fn(&Queue<T>, C);
        Queue::<T>::append_call_first::<C> => fn(&Queue<T>, C);
        Queue::<T>::after_each::<V> => fn(&Queue<T>, V) -> CallbackId;
        Queue::<T>::remove_after_each => fn(&Queue<T>, CallbackId) -> bool;
        Queue::<T>::breaker => fn(&Queue<T>) -> &Event;
        Queue::<T>::close => fn(&Queue<T>) -> bool;
        Queue::<T>::len => fn(&Queue<T>) -> usize;
        Queue::<T>::is_empty => fn(&Queue<T>) -> bool;
        Queue::<T>::remaining => fn(&Queue<T>) -> Vec<T>;
        Queue::<T>::stream => fn(&Queue<T>) -> QueueStream<'_, T>;
    }
    is_debug::<Queue<T>>();
}

fn view<'a, T: 'a>() {
    shapes! {
        QueueView::<'a, T>::append => fn(&QueueView<'a, T>, T);
        QueueView::<'a, T>::append_first => fn(&QueueView<'a, T>, T);
        QueueView::<'a, T>::breaker => for<'b> fn(&'b QueueView<'a, T>) -> &'b Event;
        QueueView::<'a, T>::len => fn(&QueueView<'a, T>) -> usize;
        QueueView::<'a, T>::is_empty => fn(&QueueView<'a, T>) -> bool;
        <Error as From<Closed<T>>>::from => fn(Closed<T>) -> Error;
        Closed => fn(T) -> Closed<T>;
    }
    is_debug::<QueueView<'_, T>>();
}

fn stream<T>() {
    fn gives<S: Stream<Item = T> + Unpin, T>() {}
    gives::<QueueStream<'_, T>, T>();
    is_debug::<QueueStream<'_, T>>();
}

async fn waiting<T>(queue: &Queue<T>, item: T) -> (Result<(), Closed<T>>, Option<T>) {
    (queue.send(item).await, queue.stream().next().await)
}

fn sending<T: Send>(queue: &Queue<T>, item: T) {
    drop(sends(queue.send(item)));
    drop(sends(queue.stream().next()));
    is_send::<Queue<T>>();
    is_sync::<Queue<T>>();
    is_send::<QueueStream<'_, T>>();
    is_unpin::<QueueStream<'_, T>>();
    is_send::<SyncQueue<T>>();
    is_sync::<SyncQueue<T>>();
    is_send::<SyncIter<'_, T>>();
}

fn sync_queue<'a, T: 'a, R, N: Into<Name>>() {
    fn loops<'a, T: 'a>()
    where
        &'a SyncQueue<T>: IntoIterator<Item = T, IntoIter = SyncIter<'a, T>>,
    {
    }
    fn gives<I: Iterator<Item = T>, T>() {}
    loops::<T>();
    gives::<SyncIter<'_, T>, T>();
    shapes! {
        SyncQueue::<T>::new => fn(&Ctx<R>, N) -> SyncQueue<T>;
        SyncQueue::<T>::append => fn(&SyncQueue<T>, T);
        SyncQueue::<T>::remaining => fn(&SyncQueue<T>) -> Vec<T>;
        SyncQueue::<T>::iter => fn(&SyncQueue<T>) -> SyncIter<'_, T>;
        SyncQueue::<T>::len => fn(&SyncQueue<T>) -> usize;
        SyncQueue::<T>::is_empty => fn(&SyncQueue<T>) -> bool;
        SyncIter::<'a, T>::timeout => fn(SyncIter<'a, T>, Duration) -> SyncIter<'a, T>;
    }
    is_debug::<SyncQueue<T>>();
    is_debug::<SyncIter<'_, T>>();
}

#[test]
fn queues_for_tasks_and_for_threads() {
    type Ensure = fn(Mute) -> Result<Mute, BoxError>;
    let _ = (waiting::<Mute>, sending::<std::cell::Cell<u8>>);
    queue::<Mute, Mute, &'static str, Ensure, fn(), fn(&QueueView<'_, Mute>)>();
    view::<Mute>();
    stream::<Mute>();
    sync_queue::<Mute, Mute, String>();
    is_debug::<Closed<u8>>();
}
