//! An ordered list of registrations: who waits, and what is to be called.
//!
//! # Invariants
//!
//! 1. Ids only grow, so the entries are sorted by id, which is the order of registration.
//! 2. `first` is filled only while `more` is empty: what is in it is older than all the rest.
//! 3. At least half of the places in `more` are taken, or there are at most [`SPARE`]: memory
//!    follows what is registered.
//! 4. Nothing here calls, wakes or drops what is registered: it is handed out for that.

#[cfg(test)]
mod tests;

use std::mem;

/// Up to this many empty places are left alone.
const SPARE: usize = 32;

/// What is registered, in order. A place costs 24 bytes for a waker; the first is inline.
#[derive(Debug)]
pub(crate) struct Registry<T> {
    next: u64,
    first: Option<(u64, T)>,
    more: Option<Box<More<T>>>,
}

#[derive(Debug)]
struct More<T> {
    live: usize,
    /// All places before this one are empty.
    front: usize,
    places: Vec<(u64, Option<T>)>,
}

/// A registration. It stays valid while others come and go, and names nothing once it is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key {
    id: u64,
    /// Where the place was at first; places only move towards the front.
    hint: u32,
}

impl Key {
    /// The key of a registration of which only the id is known.
    pub(crate) fn of(id: u64) -> Key {
        Key { id, hint: u32::MAX }
    }
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Registry {
            next: 0,
            first: None,
            more: None,
        }
    }
}

impl<T> Registry<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.as_ref().map_or(0, |more| more.live)
    }

    /// How many places there are beyond the first, empty ones included.
    #[cfg(all(test, feature = "test-util", not(any(windlass_loom, windlass_shuttle))))]
    pub(crate) fn places(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.places.capacity())
    }

    pub(crate) fn insert(&mut self, value: T) -> Key {
        self.insert_as(self.next, value)
    }

    /// Inserts with an id given by the caller, which must be greater than all before.
    pub(crate) fn insert_as(&mut self, id: u64, value: T) -> Key {
        debug_assert!(id >= self.next, "ids grow");
        self.next = id + 1;
        if self.is_empty() {
            self.first = Some((id, value));
            return Key { id, hint: 0 };
        }
        let more = self.more.get_or_insert_default();
        let hint = u32::try_from(more.places.len()).unwrap_or(u32::MAX);
        more.live += 1;
        more.places.push((id, Some(value)));
        Key { id, hint }
    }

    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        if let Some((id, value)) = &mut self.first {
            if *id == key.id {
                return Some(value);
            }
        }
        let more = self.more.as_mut()?;
        let at = more.find(key)?;
        more.places[at].1.as_mut()
    }

    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        if self.first.as_ref().is_some_and(|(id, _)| *id == key.id) {
            return self.first.take().map(|(_, value)| value);
        }
        let more = self.more.as_mut()?;
        let at = more.find(key)?;
        let value = more.places[at].1.take()?;
        more.live -= 1;
        if more.live == 0 {
            self.more = None;
        } else if more.places.len() > SPARE && more.live * 2 < more.places.len() {
            more.front = 0;
            more.places.retain(|(_, value)| value.is_some());
            more.places.shrink_to(more.live * 2);
        }
        Some(value)
    }

    /// Takes out what was registered first.
    pub(crate) fn take_first(&mut self) -> Option<T> {
        if let Some((_, value)) = self.first.take() {
            return Some(value);
        }
        let more = self.more.as_mut()?;
        let rest = &more.places[more.front..];
        more.front += rest.iter().position(|(_, value)| value.is_some())?;
        let key = Key::of(more.places[more.front].0);
        self.remove(key)
    }

    /// What is registered, with its ids, in order.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (u64, &T)> {
        let places = self
            .more
            .as_ref()
            .map(|more| more.places.as_slice())
            .unwrap_or_default();
        let more = places
            .iter()
            .filter_map(|(id, value)| Some((*id, value.as_ref()?)));
        self.first
            .iter()
            .map(|(id, value)| (*id, value))
            .chain(more)
    }

    /// Takes everything out; the keys given so far name nothing from here on.
    pub(crate) fn take(&mut self) -> Taken<T> {
        Taken {
            first: self.first.take().map(|(_, value)| value),
            more: mem::take(&mut self.more),
        }
    }
}

impl<T> Default for More<T> {
    fn default() -> Self {
        More {
            live: 0,
            front: 0,
            places: Vec::new(),
        }
    }
}

impl<T> More<T> {
    fn find(&self, key: Key) -> Option<usize> {
        let hint = key.hint as usize;
        if self.places.get(hint).is_some_and(|(id, _)| *id == key.id) {
            return Some(hint);
        }
        let end = hint.min(self.places.len());
        search(&self.places[..end], key.id)
    }
}

/// Finds an id among places that are sorted by it.
///
/// Ids mostly follow one another, so it looks first where the id would be if they all did, and then
/// in both directions with steps that double: that touches little memory, however long the list is.
fn search<T>(places: &[(u64, T)], id: u64) -> Option<usize> {
    let (first, last) = (places.first()?.0, places.last()?.0);
    if id < first || id > last {
        return None;
    }
    let part = (id - first) as f64 / (last - first).max(1) as f64;
    let guess = (part * (places.len() - 1) as f64) as usize; // at most the last place
    let (mut low, mut high) = (guess, guess + 1);
    let mut step = 1;
    while places[low].0 > id {
        low = low.saturating_sub(step); // ends: the first is no greater
        step *= 2;
    }
    step = 1;
    while places[high - 1].0 < id {
        high = (high + step).min(places.len()); // ends: the last is no smaller
        step *= 2;
    }
    let at = places[low..high].binary_search_by_key(&id, |(id, _)| *id);
    at.ok().map(|at| low + at)
}

/// What was taken out of a [`Registry`], in order of registration.
#[derive(Debug)]
pub(crate) struct Taken<T> {
    first: Option<T>,
    more: Option<Box<More<T>>>,
}

impl<T> Default for Taken<T> {
    fn default() -> Self {
        Taken {
            first: None,
            more: None,
        }
    }
}

impl<T> Taken<T> {
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none() && self.more.is_none()
    }

    /// What was registered alone, if anything was; several are handed back.
    pub(crate) fn into_only(self) -> Result<Option<T>, Self> {
        match self.more {
            None => Ok(self.first),
            Some(_) => Err(self),
        }
    }

    pub(crate) fn into_iter(self) -> impl Iterator<Item = T> {
        let places = self.more.map(|more| more.places).unwrap_or_default();
        self.first
            .into_iter()
            .chain(places.into_iter().filter_map(|(_, value)| value))
    }
}
