//! Samples of a distribution, counted by bucket. Every part knows how many lie in it, so that a sample is
//! counted and one of a given rank is found in a few dozen steps, however many buckets there are.

/// Parts of the whole, and of each of them.
const PARTS: usize = 32;
/// Buckets of the least part.
const LEAST: usize = 64;
/// How far the number of a bucket may lie from 0: that of floats has sixteen bits.
const REACH: i32 = 1 << 15;

/// How many samples each bucket has. What has none takes no room.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Buckets {
    count: u64,
    parts: Vec<Option<Box<Part>>>,
}

#[derive(Debug, Clone, PartialEq, Default)]
struct Part {
    count: u64,
    parts: [Option<Box<Least>>; PARTS],
}

#[derive(Debug, Clone, PartialEq)]
struct Least {
    count: u64,
    buckets: [u64; LEAST],
}

impl Default for Least {
    fn default() -> Self {
        Least { count: 0, buckets: [0; LEAST] }
    }
}

impl Buckets {
    /// How many samples there are.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Counts so many samples more in a bucket.
    pub(crate) fn add(&mut self, bucket: i32, samples: u64) {
        self.change(bucket, |count| *count = count.saturating_add(samples));
    }

    /// Takes these samples out again, which were counted before.
    pub(crate) fn take(&mut self, samples: &Buckets) {
        for (bucket, samples) in samples.iter() {
            self.change(bucket, |count| *count = count.saturating_sub(samples));
        }
    }

    /// Counts these samples too.
    pub(crate) fn merge(&mut self, mut other: Buckets) {
        // The order does not matter, so the lesser one is gone through.
        if self.count < other.count {
            std::mem::swap(self, &mut other);
        }
        for (bucket, samples) in other.iter() {
            self.add(bucket, samples);
        }
    }

    /// The bucket of the sample at this rank, counted from 1.
    pub(crate) fn at_rank(&self, rank: u64) -> i32 {
        let mut left = rank;
        let mut passed = |count: u64| {
            let behind = left > count;
            left = left.saturating_sub(if behind { count } else { 0 });
            behind
        };
        for (part, at) in self.parts.iter().zip(0..) {
            let Some(part) = part.as_deref().filter(|part| !passed(part.count)) else { continue };
            for (least, within) in part.parts.iter().zip(0..) {
                let Some(least) = least.as_deref().filter(|least| !passed(least.count)) else { continue };
                if let Some(bucket) = least.buckets.iter().position(|count| !passed(*count)) {
                    return number(at, within, bucket);
                }
            }
        }
        self.iter().last().map_or(0, |(bucket, _)| bucket)
    }

    /// The buckets that have samples, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        let parts = (0..).zip(&self.parts).filter_map(|(at, part)| Some((at, part.as_deref()?)));
        let least = parts.flat_map(|(at, part)| {
            let parts = (0..).zip(&part.parts);
            parts.filter_map(move |(within, least)| Some((at, within, least.as_deref()?)))
        });
        let buckets = least.flat_map(|(at, within, least)| {
            let buckets = least.buckets.iter().enumerate();
            buckets.map(move |(bucket, count)| (number(at, within, bucket), *count))
        });
        buckets.filter(|(_, count)| *count > 0)
    }

    fn change(&mut self, bucket: i32, change: impl Fn(&mut u64)) {
        let place = bucket.saturating_add(REACH).clamp(0, REACH.saturating_mul(2).saturating_sub(1));
        let place = usize::try_from(place).unwrap_or(0);
        let (within, bucket) = ((place / LEAST) % PARTS, place % LEAST);
        if self.parts.is_empty() {
            self.parts.resize_with(PARTS, || None);
        }
        let Some(part) = self.parts.get_mut(place / LEAST / PARTS) else { return };
        let part = part.get_or_insert_default();
        let Some(least) = part.parts.get_mut(within) else { return };
        let least = least.get_or_insert_default();
        let counts = [&mut self.count, &mut part.count, &mut least.count];
        counts.into_iter().chain(least.buckets.get_mut(bucket)).for_each(change);
    }
}

impl FromIterator<(i32, u64)> for Buckets {
    fn from_iter<T: IntoIterator<Item = (i32, u64)>>(buckets: T) -> Self {
        let mut own = Buckets::default();
        buckets.into_iter().for_each(|(bucket, samples)| own.add(bucket, samples));
        own
    }
}

/// The number of a bucket by its place.
fn number(part: usize, within: usize, bucket: usize) -> i32 {
    let place =
        part.saturating_mul(PARTS).saturating_add(within).saturating_mul(LEAST).saturating_add(bucket);
    i32::try_from(place).unwrap_or(i32::MAX).saturating_sub(REACH)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn they_are_a_sorted_map_with_ranks() {
        let mut map = BTreeMap::new();
        let mut buckets = Buckets::default();
        let mut state = 1_u64;
        for _ in 0..5_000 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            // Many samples near 0, a few at the ends.
            let spread = if state & 3 == 0 { 65_503 } else { 301 };
            let key = i32::try_from((state >> 33) % spread).unwrap() - i32::try_from(spread / 2).unwrap();
            *map.entry(key).or_insert(0_u64) += 1;
            buckets.add(key, 1);
        }
        assert_eq!(buckets.iter().collect::<Vec<_>>(), map.clone().into_iter().collect::<Vec<_>>());
        assert_eq!(buckets.count(), 5_000);
        let mut rank = 0;
        for (key, count) in &map {
            assert_eq!((buckets.at_rank(rank + 1), buckets.at_rank(rank + count)), (*key, *key));
            rank += count;
        }
        assert_eq!(buckets.at_rank(u64::MAX), *map.keys().last().unwrap());
    }

    #[test]
    fn what_was_added_can_be_taken_out() {
        let before: Buckets = [(-32_751, 1), (0, 7), (976, 2)].into_iter().collect();
        let (first, second): (Buckets, Buckets) =
            ([(0, 1)].into_iter().collect(), [(5, 3)].into_iter().collect());
        let mut all = before.clone();
        all.merge(first.clone());
        all.merge(second.clone());
        assert_eq!((all.count(), all.iter().count()), (14, 4));
        let mut both = first;
        both.merge(second);
        all.take(&both);
        assert_eq!(all.iter().collect::<Vec<_>>(), before.iter().collect::<Vec<_>>());
        assert_eq!(Buckets::default().at_rank(1), 0);
    }
}
