//! The list of registrations against a slow model of it.

use std::collections::BTreeMap;

use super::{Key, Registry};

/// A number below `below`, from a sequence that is the same each time.
fn draw(random: &mut u64, below: usize) -> usize {
    *random = random
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1);
    (*random >> 33) as usize % below
}

/// Inserts and removes in any order, with ids that grow by what `gap` says, and compares.
fn compare(gap: impl Fn(&mut u64) -> u64) {
    let (mut list, mut model) = (Registry::default(), BTreeMap::new());
    let (mut random, mut next) = (42, 0);
    for round in 0..20_000_usize {
        let grows = round / 2_000 % 2 == 0;
        if model.is_empty() || draw(&mut random, 3) < if grows { 2 } else { 1 } {
            next += gap(&mut random);
            list.insert_as(next, round);
            model.insert(next, round);
        } else {
            let at = draw(&mut random, model.len());
            let id = *model.keys().nth(at).expect("there are so many");
            assert_eq!(list.get_mut(Key::of(id)).copied(), model.get(&id).copied());
            assert_eq!(list.remove(Key::of(id)), model.remove(&id));
            assert_eq!(list.remove(Key::of(id)), None, "it is gone");
            assert_eq!(list.remove(Key::of(id + gap(&mut random) + next)), None);
        }
        assert_eq!(list.len(), model.len());
    }
    assert!(
        list.entries()
            .eq(model.iter().map(|(id, value)| (*id, value)))
    );
    while let Some((_, first)) = model.pop_first() {
        assert_eq!(list.take_first(), Some(first));
    }
    assert!(list.is_empty());
}

#[test]
fn ids_are_found_if_they_follow_one_another() {
    compare(|_| 1);
}

#[test]
fn ids_are_found_if_they_come_in_blocks_far_from_each_other() {
    compare(|random| if draw(random, 50) == 0 { 1 << 40 } else { 1 });
}

#[test]
fn ids_are_found_if_the_gaps_between_them_grow() {
    compare(|random| 1 + (1 << draw(random, 45)));
}

#[test]
fn the_largest_id_is_found() {
    let mut list = Registry::default();
    for id in [0, 1, 2, u64::MAX / 2, u64::MAX - 1] {
        list.insert_as(id, id);
    }
    for id in [u64::MAX - 1, 2, 0, u64::MAX / 2, 1] {
        assert_eq!(list.remove(Key::of(id)), Some(id));
        assert_eq!(list.remove(Key::of(3)), None);
    }
}
