//! How far into its slot a tick comes: a fixed, scattered amount per slot.

/// Scatters the ticks within their slots.
///
/// The offset is a function of seed and slot, so asking twice gives the same answer, and it never
/// adds up: the slots themselves stay where they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jitter {
    /// The part of a slot that ticks are scattered over, in 2⁻³²; at most 2³².
    part: u64,
    seed: u64,
}

impl Jitter {
    /// Every tick where its slot begins.
    pub(super) const NONE: Jitter = Jitter { part: 0, seed: 0 };

    /// Scatters over the first `part` of each slot; not a number and less than 0 are 0, more than
    /// 1 is 1.
    pub(super) fn new(part: f64, seed: u64) -> Self {
        // The cast saturates, and takes what is not a number (which `clamp` lets through) for 0.
        let part = (part.clamp(0.0, 1.0) * 4_294_967_296.0) as u64;
        Jitter { part, seed }
    }

    /// From the beginning of `slot` to its tick: less than `length`, or 0.
    pub(super) fn offset(self, slot: u64, length: u64) -> u64 {
        if self.part == 0 {
            return 0;
        }
        let span = scale(length, self.part, 32);
        scale(span, scatter(self.seed, slot), 64)
    }
}

/// `value * factor / 2^shift`, rounded down; `factor` is at most `2^shift`, so this is at most
/// `value`.
fn scale(value: u64, factor: u64, shift: u32) -> u64 {
    ((u128::from(value) * u128::from(factor)) >> shift) as u64
}

/// The output function of SplitMix64, which spreads neighbouring inputs over all of `u64`.
fn scatter(seed: u64, slot: u64) -> u64 {
    let mut x = seed ^ slot.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_part_of_a_slot_counts_as_none_or_all_of_it() {
        for none in [f64::NAN, -0.0, -0.5, f64::NEG_INFINITY, 0.0] {
            assert_eq!(Jitter::new(none, 7).offset(123, 1000), 0, "{none}");
        }
        for all in [1.0, 1.5, 1e300, f64::INFINITY] {
            assert_eq!(Jitter::new(all, 7).part, 1 << 32, "{all}");
        }
    }

    #[test]
    fn offsets_stay_within_their_part_of_the_slot_and_use_all_of_it() {
        let jitter = Jitter::new(0.5, 42);
        let offsets: Vec<u64> = (1..=1000).map(|i| jitter.offset(i * 1000, 1000)).collect();
        assert!(offsets.iter().all(|&offset| offset < 500));
        assert!(offsets.iter().any(|&offset| offset < 50));
        assert!(offsets.iter().any(|&offset| offset >= 450));
        let mean = offsets.iter().sum::<u64>() / 1000;
        assert!((225..275).contains(&mean), "{mean}");
    }

    #[test]
    fn a_slot_has_one_offset_and_two_seeds_have_two() {
        let slots = || (1..=100_u64).map(|i| i * 1_000_000);
        let of = |seed| {
            slots()
                .map(move |s| Jitter::new(1.0, seed).offset(s, 1_000_000))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(1), of(1));
        let same = of(1).iter().zip(of(2)).filter(|(a, b)| **a == *b).count();
        assert!(same < 5, "{same}");
    }

    #[test]
    fn the_longest_and_the_shortest_slot_do_not_overflow() {
        let jitter = Jitter::new(1.0, u64::MAX);
        assert!(jitter.offset(u64::MAX, u64::MAX) < u64::MAX);
        assert_eq!(jitter.offset(u64::MAX, 0), 0);
        assert_eq!(jitter.offset(5, 1), 0);
    }
}
