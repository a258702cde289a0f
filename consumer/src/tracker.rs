//! The contiguous low-water mark of records that finish in any order. Pure.

use std::collections::VecDeque;

use coursebus_transport::Offset;

/// Which records of a partition are done. What may be committed is the offset before the first that is not.
#[derive(Debug, Default)]
pub struct Tracker {
    /// Offset and whether it is done, rising; the first is not done.
    open: VecDeque<(Offset, bool)>,
    done_until: Option<Offset>,
}

impl Tracker {
    /// A record was handed out. Offsets rise.
    pub fn start(&mut self, offset: Offset) {
        debug_assert!(self.open.back().is_none_or(|(last, _)| *last < offset), "offsets rise");
        self.open.push_back((offset, false));
    }

    /// A record is done.
    pub fn done(&mut self, offset: Offset) {
        if let Ok(index) = self.open.binary_search_by_key(&offset, |(offset, _)| *offset) {
            self.open[index].1 = true;
        }
        while let Some((offset, true)) = self.open.front().copied() {
            self.open.pop_front();
            self.done_until = Some(offset.next());
        }
    }

    /// The next offset to read after a restart: everything before it is done. `None` before the first is.
    #[must_use]
    pub fn low_water(&self) -> Option<Offset> {
        self.done_until
    }

    /// How many records are handed out, or done above the first that is not: what a crash would deliver again.
    #[must_use]
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether everything is done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn never_passes_a_record_that_is_not_done(
            gaps in prop::collection::vec(1..4i64, 1..40),
            order in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
        ) {
            let mut tracker = Tracker::default();
            let offsets: Vec<Offset> = gaps
                .iter()
                .scan(-1, |at, gap| {
                    *at += gap;
                    Some(Offset(*at))
                })
                .collect();
            offsets.iter().for_each(|o| tracker.start(*o));
            let mut done = vec![false; offsets.len()];
            for pick in order {
                let i = pick.index(offsets.len());
                done[i] = true;
                tracker.done(offsets[i]);
                let first_open = done.iter().position(|d| !d);
                let expected = match first_open {
                    Some(0) => None,
                    Some(open) => Some(offsets[open - 1].next()),
                    None => offsets.last().map(|o| o.next()),
                };
                prop_assert_eq!(tracker.low_water(), expected);
                prop_assert_eq!(tracker.is_empty(), first_open.is_none());
            }
        }
    }
}
