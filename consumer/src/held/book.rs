//! What the owner of a partition keeps of its parked records: which keys are held, in what order, and when the first of each
//! is tried again. Pure: the time is handed in.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use coursebus_transport::{Offset, Record};
use tokio::time::Instant;

use super::{HeldEvent, HeldFilter, HeldInfo, HeldState, Note};

/// How many keys and bytes of one partition may be parked. At the bound the partition stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct HeldBounds {
    pub(crate) keys_max: usize,
    pub(crate) bytes_max: usize,
}

/// What is held together: the records of an order key; where a value cannot be decoded those of its record key; without a
/// record key one record alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum HoldKey {
    Record(Arc<[u8]>),
    Order(Arc<[u8]>),
    Alone(Offset),
}

/// A parked record.
#[derive(Debug)]
pub(crate) struct Parked {
    pub(crate) record: Record,
    pub(crate) note: Note,
    bytes: usize,
    /// It is being given up: that is on its way to the topic.
    is_going: bool,
}

impl Parked {
    /// Copies a record, so that it keeps nothing else in memory.
    pub(crate) fn new(record: &Record, note: Note) -> Self {
        Self { bytes: record.size() + note.reason.len(), record: record.detached(), note, is_going: false }
    }
}

#[derive(Debug)]
struct Hold {
    records: VecDeque<Parked>,
    turn: Turn,
    /// How long it waited last before it was tried again.
    waited: Duration,
}

/// When the first record of a hold is handled again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// When someone asks for it.
    Asked,
    /// By itself.
    At(Instant),
    /// By itself, once the partition is read up to it: records before it that were not committed are delivered again, and
    /// have their turn first.
    Unread,
    /// It is being handled, or given up.
    Now,
}

/// How a parked record was tried again in vain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It may work later.
    Transient { wait: Duration },
    /// It waits until someone asks.
    Poison,
}

/// The parked records of one partition.
#[derive(Debug)]
pub(crate) struct Book {
    bounds: HeldBounds,
    // While one key is held, each record of the partition is looked up here: the hash is what that costs.
    by_order: HashMap<Arc<[u8]>, Hold, foldhash::fast::RandomState>,
    by_record: HashMap<Arc<[u8]>, Hold, foldhash::fast::RandomState>,
    alone: HashMap<Offset, Hold>,
    due: BTreeSet<(Instant, HoldKey)>,
    /// Holds whose first record lies where the partition was not read yet.
    unread: BTreeSet<(Offset, HoldKey)>,
    /// How far it was read.
    read_to: Offset,
    bytes: usize,
}

impl Book {
    pub(crate) fn new(bounds: HeldBounds) -> Self {
        Self {
            bounds,
            by_order: HashMap::default(),
            by_record: HashMap::default(),
            alone: HashMap::new(),
            due: BTreeSet::new(),
            unread: BTreeSet::new(),
            read_to: Offset(i64::MAX),
            bytes: 0,
        }
    }

    /// Nothing is parked.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_order.is_empty() && self.by_record.is_empty() && self.alone.is_empty()
    }

    /// How many keys are held.
    pub(crate) fn keys(&self) -> usize {
        self.by_order.len() + self.by_record.len() + self.alone.len()
    }

    /// Whether more is parked than may be.
    pub(crate) fn is_over(&self) -> bool {
        self.keys() > self.bounds.keys_max || self.bytes > self.bounds.bytes_max
    }

    /// What the record at `offset` has to wait behind; one without a record key has no order and waits for none. A record
    /// key is looked at before an order key: what cannot be decoded may be of any of its order keys. Only what lies before
    /// the record counts.
    pub(crate) fn hold_of(
        &self,
        order_key: Option<&[u8]>,
        record_key: Option<&[u8]>,
        offset: Offset,
    ) -> Option<HoldKey> {
        if let Some((key, hold)) = self.by_record.get_key_value(record_key?)
            && hold.records.front().is_some_and(|head| head.record.offset() < offset)
        {
            return Some(HoldKey::Record(key.clone()));
        }
        let (key, hold) = self.by_order.get_key_value(order_key?)?;
        let is_behind = hold.records.front().is_some_and(|head| head.record.offset() < offset);
        is_behind.then(|| HoldKey::Order(key.clone()))
    }

    /// What a record is held by when nothing is held before it.
    pub(crate) fn new_hold(record: &Record, order_key: Option<&[u8]>) -> HoldKey {
        match (order_key, record.key()) {
            (_, None) => HoldKey::Alone(record.offset()),
            (Some(key), Some(_)) => HoldKey::Order(key.into()),
            (None, Some(key)) => HoldKey::Record(key.into()),
        }
    }

    /// Whether a record is parked already: a crash between its parking and the commit of its position delivers it again.
    pub(crate) fn has(&self, key: &HoldKey, offset: Offset) -> bool {
        let Some(hold) = self.hold(key) else { return false };
        // New ones come behind all others, so that nearly always one look is enough.
        hold.records.back().is_some_and(|last| offset <= last.record.offset())
            && hold.records.iter().any(|parked| parked.record.offset() == offset)
    }

    /// Parks a record in its place among the others of its hold. The first of a hold is tried again at `first`, by itself, or
    /// when someone asks for it.
    pub(crate) fn park(&mut self, key: &HoldKey, mut parked: Parked, first: Option<Instant>) {
        let (offset, bytes) = (parked.record.offset(), parked.bytes);
        if self.has(key, offset) {
            return;
        }
        self.bytes += bytes;
        let before = match self.hold_mut(key) {
            Some(hold) => {
                let place = hold.records.partition_point(|other| other.record.offset() < offset);
                // Whose call goes on stays the first.
                let place = if hold.turn == Turn::Now { place.max(1) } else { place };
                parked.note.behind = hold.records.front().filter(|_| place > 0).map(|head| head.record.offset());
                hold.records.insert(place, parked);
                if place > 0 {
                    return;
                }
                std::mem::replace(&mut hold.turn, Turn::Asked)
            }
            None => {
                let hold = Hold { records: [parked].into(), turn: Turn::Asked, waited: Duration::ZERO };
                match key {
                    HoldKey::Order(bytes) => drop(self.by_order.insert(bytes.clone(), hold)),
                    HoldKey::Record(bytes) => drop(self.by_record.insert(bytes.clone(), hold)),
                    HoldKey::Alone(offset) => drop(self.alone.insert(*offset, hold)),
                }
                Turn::Asked
            }
        };
        self.forget_turn(key, before);
        if let Some(at) = first {
            self.give_turn(key, at);
        }
    }

    /// The partition was read up to here: what was parked before may be tried.
    pub(crate) fn read(&mut self, to: Offset, now: Instant) {
        self.read_to = self.read_to.max(to);
        while self.unread.first().is_some_and(|(offset, _)| *offset < to)
            && let Some((_, key)) = self.unread.pop_first()
        {
            if self.hold(&key).is_some_and(|hold| hold.turn == Turn::Unread) {
                self.give_turn(&key, now);
            }
        }
    }

    /// The first record of a hold is tried at `at`, or as soon as the partition is read up to it.
    fn give_turn(&mut self, key: &HoldKey, at: Instant) {
        let read_to = self.read_to;
        let Some(hold) = self.hold_mut(key) else { return };
        let Some(first) = hold.records.front().map(|head| head.record.offset()) else { return };
        if first < read_to {
            hold.turn = Turn::At(at);
            self.due.insert((at, key.clone()));
        } else {
            hold.turn = Turn::Unread;
            self.unread.insert((first, key.clone()));
        }
    }

    /// Parks a record that is being handled at this moment: its call goes on.
    pub(crate) fn park_in_hand(&mut self, key: &HoldKey, parked: Parked) {
        self.park(key, parked, None);
        if let Some(hold) = self.hold_mut(key) {
            hold.turn = Turn::Now;
        }
    }

    /// When the next parked record is to be tried again.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Takes the turn of a hold whose time has come. [`Book::head`] is its record.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<HoldKey> {
        let (at, _) = self.due.first()?;
        if *at > now {
            return None;
        }
        let (_, key) = self.due.pop_first()?;
        self.hold_mut(&key)?.turn = Turn::Now;
        Some(key)
    }

    /// The first record of a hold.
    pub(crate) fn head(&self, key: &HoldKey) -> Option<&Parked> {
        self.hold(key)?.records.front()
    }

    /// How long a hold waited last.
    pub(crate) fn waited(&self, key: &HoldKey) -> Duration {
        self.hold(key).map_or(Duration::ZERO, |hold| hold.waited)
    }

    /// The first record of a hold is done: the next has its turn at once, and after the last its key is free.
    pub(crate) fn resolved(&mut self, key: &HoldKey, now: Instant) {
        let Some(hold) = self.hold_mut(key) else { return };
        let bytes = hold.records.pop_front().map_or(0, |parked| parked.bytes);
        hold.waited = Duration::ZERO;
        self.bytes -= bytes;
        self.next_turn(key, now);
    }

    /// The first record of a hold failed again.
    pub(crate) fn failed(&mut self, key: &HoldKey, how: &Failed, code: String, reason: String, now: Instant) {
        let Some(hold) = self.hold_mut(key) else { return };
        if let Some(head) = hold.records.front_mut() {
            (head.note.code, head.note.reason) = (code, reason);
        }
        let turn = match how {
            Failed::Transient { wait } => {
                hold.waited = *wait;
                Turn::At(now + *wait)
            }
            Failed::Poison => Turn::Asked,
        };
        hold.turn = turn;
        if let Turn::At(at) = turn {
            self.due.insert((at, key.clone()));
        }
    }

    /// A record that waits behind a record key turns out to be of an order key that is held too: it goes behind that one.
    /// The next of its hold has its turn.
    pub(crate) fn move_head(&mut self, from: &HoldKey, to: &HoldKey, now: Instant) {
        let Some(parked) = self.hold_mut(from).and_then(|hold| hold.records.pop_front()) else { return };
        self.bytes -= parked.bytes;
        self.park(to, parked, Some(now));
        self.next_turn(from, now);
    }

    /// The turn of a hold was taken too early: an earlier record of its key is still being handled.
    pub(crate) fn postpone(&mut self, key: &HoldKey, until: Instant) {
        if let Some(hold) = self.hold_mut(key) {
            hold.turn = Turn::At(until);
            self.due.insert((until, key.clone()));
        }
    }

    /// What is parked and meant.
    pub(crate) fn list(&self, filter: &HeldFilter) -> Vec<HeldInfo> {
        let holds = self.by_order.values().chain(self.by_record.values()).chain(self.alone.values());
        let all = holds.flat_map(|hold| hold.records.iter().map(|parked| info(parked, hold.turn != Turn::Asked)));
        let mut found: Vec<HeldInfo> = all.filter(|held| filter.matches(held)).collect();
        found.sort_unstable_by_key(|held| held.offset);
        found
    }

    /// Gives every hold whose first record is meant its turn now. Answers with those first records.
    pub(crate) fn retry(&mut self, filter: &HeldFilter, now: Instant) -> Vec<HeldInfo> {
        let mut found = Vec::new();
        for key in self.all_keys() {
            let Some(hold) = self.hold_mut(&key) else { continue };
            let Some(held) = hold.records.front().map(|head| info(head, true)) else { continue };
            let before = hold.turn;
            if before == Turn::Now || !filter.matches(&held) {
                continue;
            }
            self.forget_turn(&key, before);
            self.give_turn(&key, now);
            found.push(held);
        }
        found
    }

    /// Chooses every record that is meant, but none that is being handled, to be given up: they stay where they are, and what
    /// is behind them waits, until [`Book::discarded`] says that it is durable.
    pub(crate) fn discard(&mut self, filter: &HeldFilter) -> Vec<(HoldKey, HeldInfo)> {
        let mut chosen = Vec::new();
        for key in self.all_keys() {
            let Some(hold) = self.hold_mut(&key) else { continue };
            let before = hold.turn;
            for (index, parked) in hold.records.iter_mut().enumerate() {
                let (in_hand, held) = (index == 0 && before == Turn::Now, info(parked, before != Turn::Asked));
                if !in_hand && !parked.is_going && filter.matches(&held) {
                    parked.is_going = true;
                    chosen.push((key.clone(), held));
                }
            }
            if before != Turn::Now && hold.records.front().is_some_and(|head| head.is_going) {
                hold.turn = Turn::Now;
                self.forget_turn(&key, before);
            }
        }
        chosen
    }

    /// A parked record.
    pub(crate) fn get(&self, key: &HoldKey, offset: Offset) -> Option<&Parked> {
        self.hold(key)?.records.iter().find(|parked| parked.record.offset() == offset)
    }

    /// A record that was chosen to be given up is so, durably. When it was the first of its hold, the next has its turn.
    pub(crate) fn discarded(&mut self, key: &HoldKey, offset: Offset, now: Instant) {
        let Some(hold) = self.hold_mut(key) else { return };
        let Some(index) = hold.records.iter().position(|parked| parked.record.offset() == offset) else { return };
        let bytes = hold.records.remove(index).map_or(0, |parked| parked.bytes);
        self.bytes -= bytes;
        if index == 0 {
            self.next_turn(key, now);
        }
    }

    /// The first record of a hold is another one, or none.
    fn next_turn(&mut self, key: &HoldKey, now: Instant) {
        let Some(hold) = self.hold_mut(key) else { return };
        // One that is being given up is not tried any more.
        let (before, going) = (hold.turn, hold.records.front().map(|head| head.is_going));
        hold.turn = Turn::Now;
        self.forget_turn(key, before);
        match going {
            None => self.remove(key),
            Some(false) => self.give_turn(key, now),
            Some(true) => {}
        }
    }

    fn all_keys(&self) -> Vec<HoldKey> {
        let order = self.by_order.keys().map(|key| HoldKey::Order(key.clone()));
        let record = self.by_record.keys().map(|key| HoldKey::Record(key.clone()));
        order.chain(record).chain(self.alone.keys().map(|offset| HoldKey::Alone(*offset))).collect()
    }

    fn forget_turn(&mut self, key: &HoldKey, turn: Turn) {
        if let Turn::At(at) = turn {
            self.due.remove(&(at, key.clone()));
        }
    }

    fn hold(&self, key: &HoldKey) -> Option<&Hold> {
        match key {
            HoldKey::Order(bytes) => self.by_order.get(bytes),
            HoldKey::Record(bytes) => self.by_record.get(bytes),
            HoldKey::Alone(offset) => self.alone.get(offset),
        }
    }

    fn hold_mut(&mut self, key: &HoldKey) -> Option<&mut Hold> {
        match key {
            HoldKey::Order(bytes) => self.by_order.get_mut(bytes),
            HoldKey::Record(bytes) => self.by_record.get_mut(bytes),
            HoldKey::Alone(offset) => self.alone.get_mut(offset),
        }
    }

    fn remove(&mut self, key: &HoldKey) {
        match key {
            HoldKey::Order(bytes) => drop(self.by_order.remove(bytes)),
            HoldKey::Record(bytes) => drop(self.by_record.remove(bytes)),
            HoldKey::Alone(offset) => drop(self.alone.remove(offset)),
        }
    }
}

fn info(parked: &Parked, automatic: bool) -> HeldInfo {
    HeldInfo {
        partition: parked.record.topic_partition(),
        offset: parked.record.offset(),
        code: parked.note.code.clone(),
        reason: parked.note.reason.clone(),
        order_key: parked.note.order_key.clone(),
        behind: parked.note.behind,
        automatic,
    }
}

/// Folds the events of a held topic, oldest first, into what is parked now.
#[derive(Debug, Default)]
pub(crate) struct Fold {
    parked: BTreeMap<Offset, HeldEvent>,
    /// Every record that the topic tells of, whatever became of it.
    all: BTreeSet<Offset>,
}

impl Fold {
    /// A later event about a record takes the place of the earlier.
    pub(crate) fn add(&mut self, event: HeldEvent) {
        let offset = event.record.offset();
        self.all.insert(offset);
        if event.state == HeldState::Parked {
            self.parked.insert(offset, event);
        } else {
            self.parked.remove(&offset);
        }
    }

    /// The records that the topic tells of. One that is delivered again, because its position was not committed, is settled
    /// already: it is parked, or was resolved, skipped or given up.
    pub(crate) fn settled(&self) -> BTreeSet<Offset> {
        self.all.clone()
    }

    /// The book as the last owner left it; nothing of the partition was read yet. Whoever failed for now (`is_transient` tells by the code) is tried again at once,
    /// and so is what stands first because those before it were resolved.
    pub(crate) fn into_book(self, bounds: HeldBounds, now: Instant, is_transient: impl Fn(&str) -> bool) -> Book {
        let mut book = Book::new(bounds);
        book.read_to = Offset(0);
        for (_, event) in self.parked {
            let order_key = event.order_key.as_deref();
            let held = book.hold_of(order_key, event.record.key(), event.record.offset());
            let key = held.unwrap_or_else(|| Book::new_hold(&event.record, order_key));
            let automatic = event.behind.is_some() || is_transient(&event.code);
            let HeldEvent { code, reason, order_key, behind, record, .. } = event;
            let note = Note { code, reason, order_key, behind };
            book.park(&key, Parked::new(&record, note), automatic.then_some(now));
        }
        book
    }
}

#[cfg(test)]
#[path = "book_tests.rs"]
mod tests;
