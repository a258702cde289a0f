//! Which record of a partition may be handled next: the order of each key, the bounds, the low-water mark. Pure.
//!
//! Records go in with [`Dispatch::offer`], come out with [`Dispatch::next`] when they are the first of their key, and are
//! settled with [`Dispatch::finish`]. How many are handled at once is not decided here: that bound is one for all partitions
//! of a member, and whoever has a free place asks for the next record.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hasher},
};

use coursebus_transport::Offset;

use crate::Tracker;

/// Stands for an order key. Two keys of one hash are handled one after the other as if they were one key, which costs time
/// and breaks no order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash(u64);

impl KeyHash {
    /// The hash of a key's bytes; the same in every process.
    #[must_use]
    pub fn of(key: &[u8]) -> Self {
        Self(BuildHasherDefault::<DefaultHasher>::default().hash_one(key))
    }
}

/// What a partition may have in hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Records handed in and not settled, and settled ones above the first that is not: what a crash delivers again at most.
    pub records_max: usize,
    /// Bytes of records handed in and not settled.
    pub bytes_max: usize,
}

/// A record in hand: given back to settle it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a record that is not settled holds the low-water mark"]
pub struct Ticket {
    /// Its place.
    pub offset: Offset,
    /// The key that it holds.
    key: Option<KeyHash>,
    bytes: usize,
}

/// A record that was offered, with what the caller keeps of it.
#[derive(Debug)]
pub struct Job<T> {
    /// To settle it.
    pub ticket: Ticket,
    /// The caller's own.
    pub item: T,
}

/// The state of one partition.
///
/// Guarantees, for every order of calls: of one key at most one record is out, and records of one key come out in the order
/// in which they were offered; [`Dispatch::low_water`] never passes a record that is not settled.
#[derive(Debug)]
pub struct Dispatch<T> {
    bounds: Bounds,
    tracker: Tracker,
    bytes: usize,
    /// Keys that have a record out or ready, and what is behind it.
    busy: HashMap<KeyHash, VecDeque<Job<T>>, BuildHasherDefault<Same>>,
    /// The first of their keys, waiting for a free place.
    ready: VecDeque<Job<T>>,
}

impl<T> Dispatch<T> {
    /// Nothing in hand.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, tracker: Tracker::default(), bytes: 0, busy: HashMap::default(), ready: VecDeque::new() }
    }

    /// How many records and bytes may be offered now. With nothing in hand there is room for at least one record of any size.
    #[must_use]
    pub fn room(&self) -> (usize, usize) {
        let records = self.bounds.records_max.saturating_sub(self.tracker.len());
        let bytes = self.bounds.bytes_max.saturating_sub(self.bytes);
        if self.tracker.is_empty() {
            return (records.max(1), bytes.max(1));
        }
        if bytes == 0 { (0, 0) } else { (records, bytes) }
    }

    /// Bytes of records that are not settled.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Nothing is to be done about a record, or it has been done at once: it is settled.
    pub fn pass(&mut self, offset: Offset) {
        self.tracker.start(offset);
        self.tracker.done(offset);
    }

    /// Whether a record of this key may be handled without waiting for another.
    #[must_use]
    pub fn is_free(&self, key: Option<KeyHash>) -> bool {
        key.is_none_or(|key| !self.busy.contains_key(&key))
    }

    /// Notes that a record is being handled, whose key was found free.
    pub fn occupy(&mut self, offset: Offset, key: Option<KeyHash>, bytes: usize) -> Ticket {
        debug_assert!(self.is_free(key), "one record of a key at a time");
        if let Some(key) = key {
            self.busy.insert(key, VecDeque::new());
        }
        Ticket { key, ..self.note(offset, bytes) }
    }

    /// Notes a record that is in hand without being handled: it holds no key.
    pub fn note(&mut self, offset: Offset, bytes: usize) -> Ticket {
        self.tracker.start(offset);
        self.bytes += bytes;
        Ticket { offset, key: None, bytes }
    }

    /// Queues a record behind the ones of its key. Offsets rise.
    pub fn offer(&mut self, offset: Offset, key: Option<KeyHash>, bytes: usize, item: T) {
        let job = Job { ticket: Ticket { key, ..self.note(offset, bytes) }, item };
        let Some(key) = key else { return self.ready.push_back(job) };
        match self.busy.get_mut(&key) {
            Some(behind) => behind.push_back(job),
            None => {
                self.busy.insert(key, VecDeque::new());
                self.ready.push_back(job);
            }
        }
    }

    /// The next record to be handled.
    #[expect(clippy::should_implement_trait, reason = "it is no iterator: what it gives depends on what is finished")]
    pub fn next(&mut self) -> Option<Job<T>> {
        self.ready.pop_front()
    }

    /// Takes up to `max` records that `fit`, to be handled together in this order: those that are ready, and the ones that
    /// follow them within their keys without a gap. The last of a key holds it: [`Dispatch::finish`] them in this order.
    pub fn next_of(&mut self, max: usize, mut fit: impl FnMut(&T) -> bool) -> Vec<Job<T>> {
        let (mut taken, mut others) = (Vec::new(), Vec::new());
        while taken.len() < max
            && let Some(job) = self.ready.pop_front()
        {
            if !fit(&job.item) {
                others.push(job);
                continue;
            }
            taken.push(job);
            self.take_followers(max, &mut taken, &mut fit);
        }
        others.into_iter().rev().for_each(|job| self.ready.push_front(job));
        taken.sort_by_key(|job| job.ticket.offset);
        taken
    }

    /// Takes what is directly behind the last one taken.
    fn take_followers(&mut self, max: usize, taken: &mut Vec<Job<T>>, fit: &mut impl FnMut(&T) -> bool) {
        while taken.len() < max
            && let Some(before) = taken.last_mut()
            && let Some(behind) = before.ticket.key.and_then(|key| self.busy.get_mut(&key))
            && let Some(next) = behind.pop_front_if(|next| fit(&next.item))
        {
            before.ticket.key = None;
            taken.push(next);
        }
    }

    /// A record that was out is to be handled again: its key stays taken, and it goes first.
    pub fn again(&mut self, job: Job<T>) {
        self.ready.push_front(job);
    }

    /// A record is done: the next of its key may be handled.
    pub fn finish(&mut self, mut ticket: Ticket) {
        self.release(&mut ticket);
        self.tracker.done(ticket.offset);
        self.bytes -= ticket.bytes;
    }

    /// The next of a record's key may be handled, though the record stays in hand: it is parked, and not durably yet.
    pub fn release(&mut self, ticket: &mut Ticket) {
        let Some(key) = ticket.key.take() else { return };
        match self.busy.get_mut(&key).and_then(VecDeque::pop_front) {
            Some(next) => self.ready.push_back(next),
            None => drop(self.busy.remove(&key)),
        }
    }

    /// Forgets what is not out: another owner's. The low-water mark stays before it.
    pub fn forget_waiting(&mut self) {
        self.ready.clear();
        self.busy.values_mut().for_each(VecDeque::clear);
    }

    /// Whether a record waits for a free place.
    #[must_use]
    pub fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// The next offset to read after a restart: everything before it is settled.
    #[must_use]
    pub fn low_water(&self) -> Option<Offset> {
        self.tracker.low_water()
    }

    /// Whether everything is settled.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracker.is_empty()
    }

    /// How many records are in hand, or settled above the first that is not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tracker.len()
    }
}

/// What is hashed here is a hash.
#[derive(Debug, Default)]
struct Same(u64);

impl Hasher for Same {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a key hash is one u64");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds = Bounds { records_max: 50, bytes_max: 400 };

    /// What a caller may do next.
    #[derive(Debug, Clone)]
    enum Step {
        Offer { key: Option<u8>, bytes: usize },
        AtOnce { key: Option<u8> },
        Next,
        Batch { max: usize, but: u8 },
        Finish(prop::sample::Index),
        Again(prop::sample::Index),
        Park(prop::sample::Index),
    }

    fn step() -> impl Strategy<Value = Step> {
        let key = || prop::option::weighted(0.9, 0..6u8);
        prop_oneof![
            4 => (key(), 0..60usize).prop_map(|(key, bytes)| Step::Offer { key, bytes }),
            2 => key().prop_map(|key| Step::AtOnce { key }),
            4 => Just(Step::Next),
            1 => (1..6usize, 0..6u8).prop_map(|(max, but)| Step::Batch { max, but }),
            4 => any::<prop::sample::Index>().prop_map(Step::Finish),
            1 => any::<prop::sample::Index>().prop_map(Step::Again),
            1 => any::<prop::sample::Index>().prop_map(Step::Park),
        ]
    }

    /// What must hold, told apart from how it is done.
    #[derive(Default)]
    struct Model {
        /// Offset of each record that was offered, and its key.
        offered: Vec<(i64, Option<u8>)>,
        settled: BTreeSet<i64>,
        /// What came out last, of each key.
        last_out: BTreeMap<u8, i64>,
        /// Records that came out together.
        out: Vec<Vec<Job<Option<u8>>>>,
        /// Parked, and not durably.
        writing: Vec<Ticket>,
    }

    impl Model {
        fn came_out(&mut self, jobs: Vec<Job<Option<u8>>>) {
            for job in &jobs {
                let Some(key) = job.item else { continue };
                assert!(self.out.iter().flatten().all(|out| out.item != Some(key)), "two of one key are out");
                let offset = job.ticket.offset.0;
                let before = self.last_out.insert(key, offset);
                assert!(before.is_none_or(|before| before <= offset), "a key went back");
                let earlier =
                    self.offered.iter().map(|(o, k)| (*o, *k)).filter(|(o, k)| *k == Some(key) && *o < offset);
                let known = |o: i64| {
                    self.settled.contains(&o)
                        || self.writing.iter().any(|ticket| ticket.offset.0 == o)
                        || jobs.iter().any(|other| other.ticket.offset.0 == o)
                };
                assert!(earlier.into_iter().all(|(o, _)| known(o)), "one was overtaken");
            }
            self.out.push(jobs);
        }

        fn check(&self, dispatch: &Dispatch<Option<u8>>) {
            let first_open = self.offered.iter().map(|(offset, _)| *offset).find(|o| !self.settled.contains(o));
            let expected = match first_open {
                Some(open) => self.offered.iter().map(|(o, _)| *o).filter(|o| *o < open).max(),
                None => self.offered.last().map(|(o, _)| *o),
            };
            assert_eq!(dispatch.low_water(), expected.map(|o| Offset(o + 1)));
            assert!(dispatch.len() <= BOUNDS.records_max);
        }
    }

    fn hash(key: Option<u8>) -> Option<KeyHash> {
        key.map(|key| KeyHash::of(&[key]))
    }

    fn run(steps: Vec<Step>) {
        let (mut dispatch, mut model, mut offset) = (Dispatch::new(BOUNDS), Model::default(), 0);
        for step in steps {
            match step {
                Step::Offer { key, bytes } if dispatch.room().0 > 0 => {
                    offset += 1;
                    model.offered.push((offset, key));
                    dispatch.offer(Offset(offset), hash(key), bytes, key);
                }
                Step::AtOnce { key } if dispatch.room().0 > 0 && dispatch.is_free(hash(key)) => {
                    offset += 1;
                    model.offered.push((offset, key));
                    let ticket = dispatch.occupy(Offset(offset), hash(key), 1);
                    model.came_out(vec![Job { ticket, item: key }]);
                }
                Step::Next => {
                    if let Some(job) = dispatch.next() {
                        model.came_out(vec![job]);
                    }
                }
                Step::Batch { max, but } => {
                    let batch = dispatch.next_of(max, |key| *key != Some(but));
                    assert!(batch.len() <= max && batch.iter().all(|job| job.item != Some(but)));
                    model.came_out(batch);
                }
                Step::Finish(pick) if !model.out.is_empty() => {
                    let jobs = model.out.swap_remove(pick.index(model.out.len()));
                    for job in jobs {
                        model.settled.insert(job.ticket.offset.0);
                        dispatch.finish(job.ticket);
                    }
                }
                Step::Again(pick) if !model.out.is_empty() => {
                    let mut jobs = model.out.swap_remove(pick.index(model.out.len()));
                    match jobs.pop() {
                        Some(job) if jobs.is_empty() => dispatch.again(job),
                        last => {
                            jobs.extend(last);
                            model.out.push(jobs);
                        }
                    }
                }
                Step::Park(pick) if !model.out.is_empty() => {
                    let jobs = model.out.swap_remove(pick.index(model.out.len()));
                    for mut job in jobs {
                        dispatch.release(&mut job.ticket);
                        model.writing.push(job.ticket);
                    }
                }
                _ => {
                    for ticket in model.writing.drain(..) {
                        model.settled.insert(ticket.offset.0);
                        dispatch.finish(ticket);
                    }
                }
            }
            model.check(&dispatch);
        }
        // Whatever was done before, all of it can be brought to its end.
        for ticket in model.writing.drain(..) {
            model.settled.insert(ticket.offset.0);
            dispatch.finish(ticket);
        }
        loop {
            while let Some(job) = dispatch.next() {
                model.came_out(vec![job]);
            }
            let Some(jobs) = model.out.pop() else { break };
            for job in jobs {
                model.settled.insert(job.ticket.offset.0);
                dispatch.finish(job.ticket);
            }
        }
        model.check(&dispatch);
        assert!(dispatch.is_empty() && dispatch.bytes() == 0 && dispatch.busy.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn keys_keep_their_order_and_the_mark_passes_nothing(steps in prop::collection::vec(step(), 0..150)) {
            run(steps);
        }
    }

    #[test]
    fn there_is_room_up_to_the_bounds_and_for_one_record_of_any_size() {
        let mut dispatch = Dispatch::new(Bounds { records_max: 3, bytes_max: 100 });
        assert_eq!(dispatch.room(), (3, 100));
        dispatch.offer(Offset(0), None, 500, ());
        assert_eq!(dispatch.room(), (0, 0), "bytes are used up");
        let job = dispatch.next().expect("it is ready");
        dispatch.finish(job.ticket);
        for offset in 1..4 {
            dispatch.offer(Offset(offset), None, 1, ());
        }
        assert_eq!(dispatch.room().0, 0, "records are used up");
        let _first = dispatch.next().expect("it is ready");
        let last = dispatch.next_of(9, |()| true).pop().expect("the last one");
        dispatch.finish(last.ticket);
        assert_eq!(dispatch.room().0, 0, "what is done above the mark counts");
    }

    #[test]
    fn a_batch_takes_runs_of_keys_in_the_order_of_offsets() {
        let mut dispatch = Dispatch::new(BOUNDS);
        for (offset, key) in [(1, 1), (2, 2), (3, 1), (4, 3), (5, 1)] {
            dispatch.offer(Offset(offset), hash(Some(key)), 1, key);
        }
        let batch = dispatch.next_of(3, |key| *key != 2);
        assert_eq!(batch.iter().map(|job| job.ticket.offset.0).collect::<Vec<_>>(), [1, 3, 5]);
        assert_eq!(dispatch.next().map(|job| job.item), Some(2));
        dispatch.offer(Offset(6), hash(Some(1)), 1, 1);
        let mut batch = batch.into_iter();
        dispatch.finish(batch.next().expect("the first").ticket);
        dispatch.finish(batch.next().expect("the second").ticket);
        assert_eq!(dispatch.next().map(|job| job.ticket.offset.0), Some(4), "the last of the batch holds its key");
        dispatch.finish(batch.next().expect("the third").ticket);
        assert_eq!(dispatch.next().map(|job| job.ticket.offset.0), Some(6));
    }
}
