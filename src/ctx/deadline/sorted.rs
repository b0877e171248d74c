//! [`Sorted`]: entries in order of their keys, cheap while there are few.
//!
//! A map allocates for its first entry and frees with its last; most trees have a few deadlines at
//! a time, which come and go. So up to [`FEW`] entries stand in a row whose memory stays, and more
//! in a map, until that is empty again.

use std::collections::BTreeMap;

/// As many entries as are moved faster than a map finds its way.
const FEW: usize = 32;

#[derive(Debug)]
pub(super) enum Sorted<K, V> {
    Few(Vec<(K, V)>),
    Many(BTreeMap<K, V>),
}

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Sorted::Few(Vec::new())
    }
}

impl<K: Ord + Copy, V> Sorted<K, V> {
    pub(super) fn first(&self) -> Option<(K, &V)> {
        match self {
            Sorted::Few(row) => row.first().map(|(key, value)| (*key, value)),
            Sorted::Many(map) => map.first_key_value().map(|(key, value)| (*key, value)),
        }
    }

    /// Inserts under a key that is not there yet.
    #[inline]
    pub(super) fn insert(&mut self, key: K, value: V) {
        match self {
            Sorted::Few(row) if row.len() < FEW => {
                // From behind: what comes last is usually due last.
                let before = row.iter().rposition(|(other, _)| *other < key);
                row.insert(before.map_or(0, |at| at + 1), (key, value));
            }
            Sorted::Few(row) => {
                let mut map: BTreeMap<K, V> = row.drain(..).collect();
                map.insert(key, value);
                *self = Sorted::Many(map);
            }
            Sorted::Many(map) => drop(map.insert(key, value)),
        }
    }

    pub(super) fn remove(&mut self, key: &K) -> Option<V> {
        match self {
            Sorted::Few(row) => {
                let at = row.iter().rposition(|(other, _)| other == key)?;
                Some(row.remove(at).1)
            }
            Sorted::Many(map) => {
                let gone = map.remove(key);
                if map.is_empty() {
                    *self = Sorted::default();
                }
                gone
            }
        }
    }

    /// Takes out what comes before `end`, or is there, in order.
    pub(super) fn take_until(&mut self, end: &K) -> Vec<V> {
        match self {
            Sorted::Few(row) => {
                let later = row.iter().position(|(key, _)| key > end);
                let due = row.drain(..later.unwrap_or(row.len()));
                due.map(|(_, value)| value).collect()
            }
            Sorted::Many(map) => {
                let mut due = Vec::new();
                while let Some(first) = map.first_entry().filter(|first| first.key() <= end) {
                    due.push(first.remove());
                }
                if map.is_empty() {
                    *self = Sorted::default();
                }
                due
            }
        }
    }

    /// Takes everything out, in order.
    pub(super) fn take_all(&mut self) -> Vec<V> {
        match std::mem::take(self) {
            Sorted::Few(row) => row.into_iter().map(|(_, value)| value).collect(),
            Sorted::Many(map) => map.into_values().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{FEW, Sorted};

    /// Does the same to both; `draws` says what.
    fn compare(most: usize, draws: impl Iterator<Item = u64>) -> bool {
        let (mut list, mut model) = (Sorted::default(), BTreeMap::new());
        let mut was_many = false;
        for draw in draws {
            let key = draw % 1000;
            match draw % 7 {
                0 if draw % 3 == 0 => {
                    let later = model.split_off(&(key + 1));
                    let due: Vec<u64> =
                        std::mem::replace(&mut model, later).into_values().collect();
                    assert_eq!(list.take_until(&key), due);
                }
                1..=3 => assert_eq!(list.remove(&key), model.remove(&key)),
                _ if model.len() < most && !model.contains_key(&key) => {
                    list.insert(key, draw);
                    model.insert(key, draw);
                }
                _ => {}
            }
            assert_eq!(
                list.first(),
                model.first_key_value().map(|(key, value)| (*key, value))
            );
            was_many |= matches!(list, Sorted::Many(_));
        }
        assert_eq!(list.take_all(), model.into_values().collect::<Vec<_>>());
        assert!(list.first().is_none());
        was_many
    }

    fn random() -> impl Iterator<Item = u64> {
        std::iter::successors(Some(88_172_645_463_325_252_u64), |last| {
            let mut next = last ^ (last << 13);
            next ^= next >> 7;
            Some(next ^ (next << 17))
        })
    }

    #[test]
    fn a_row_and_a_map_do_the_same() {
        let numbers = || random().map(|n| n >> 20);
        assert!(!compare(FEW, numbers().take(20_000)), "a row all the time");
        assert!(compare(10 * FEW, numbers().take(20_000)), "a map, too");
    }

    #[test]
    fn a_map_that_is_empty_is_a_row_again() {
        let mut list = Sorted::default();
        (0..=FEW).for_each(|n| list.insert(n, n));
        assert!(matches!(list, Sorted::Many(_)));
        (0..FEW).for_each(|n| assert_eq!(list.remove(&n), Some(n)));
        assert_eq!(list.take_until(&FEW), [FEW]);
        assert!(matches!(list, Sorted::Few(_)) && list.first().is_none());
        assert_eq!(list.remove(&FEW), None);
    }

    #[test]
    fn a_row_keeps_its_memory() {
        let mut list = Sorted::default();
        list.insert(1, 1);
        list.remove(&1);
        assert!(matches!(list, Sorted::Few(row) if row.capacity() > 0));
    }
}
