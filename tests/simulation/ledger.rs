//! What the simulation knows of calls, from outside: which are open, which had their effect, what is on the topics. It asks
//! the engine nothing, and says what the engine has promised and not kept.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use coursebus_consumer::{Guarantee, HeldState, held_event, held_topic};
use coursebus_transport::{Offset, TopicPartition, memory::MemoryLog};

use tokio::time::Instant;

use super::{
    cast::topic,
    script::{EventId, Script, partition_of, partitions},
};

/// What handlers were told to keep to.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub guarantee: Guarantee,
    /// Whether later events of a key wait behind poison; else the key goes on without it.
    pub parks: bool,
    /// Calls open in one process.
    pub open_max: usize,
    /// Records of a partition from the first that is not done to the last that was begun.
    pub records_max: usize,
    /// Bytes of records in open calls of one process, without parked ones; each partition may have one record more.
    pub bytes_max: usize,
}

/// Shared by all processes, and by whoever checks.
pub struct Ledger {
    log: MemoryLog,
    group: String,
    bounds: Bounds,
    script: Arc<Script>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    wrong: Vec<String>,
    partitions: BTreeMap<i32, Partition>,
    /// Where each event lies.
    places: BTreeMap<EventId, Vec<Offset>>,
    /// How often each event had its effect.
    effects: BTreeMap<EventId, u32>,
    begun: BTreeMap<EventId, u32>,
    /// By process and partition.
    lanes: BTreeMap<(u64, i32), Lane>,
    /// By process and number of the call.
    open: BTreeMap<(u64, u64), Vec<EventId>>,
    calls: u64,
    began: Option<Instant>,
    /// By order key, what happened; told of the keys of what was found wrong.
    journal: BTreeMap<usize, Vec<String>>,
}

/// What is known of a partition.
#[derive(Default)]
struct Partition {
    records: BTreeMap<Offset, (EventId, usize)>,
    read_to: Offset,
    /// The last state of each record that is or was held, and how far the held topic was read.
    held: BTreeMap<Offset, HeldState>,
    held_read_to: Offset,
    /// The committed position that was checked last.
    checked: Offset,
}

/// A process' time with a partition.
struct Lane {
    /// Where the group stood when it began.
    start: Offset,
    /// Records that were parked then.
    parked: BTreeSet<Offset>,
    /// The event of each key that was begun last, and whether it is done.
    last: BTreeMap<usize, (usize, bool)>,
}

impl State {
    fn note(&mut self, process: u64, event: EventId, what: &str) {
        let at = self.began.get_or_insert_with(Instant::now).elapsed();
        self.journal.entry(event.0).or_default().push(format!("{at:?} process {process}: {} {what}", event.1));
    }

    fn claim(&mut self, is_right: bool, wrong: impl FnOnce() -> String) {
        // The first is what matters; the others follow from it.
        if !is_right && self.wrong.len() < 5 {
            self.wrong.push(wrong());
        }
    }

    /// Nothing more has to become of the event: it had its effect, or was given up.
    fn is_over(&self, event: EventId) -> bool {
        self.effects.contains_key(&event) || self.is_given_up(event)
    }

    fn is_given_up(&self, event: EventId) -> bool {
        let Some(partition) = self.partitions.get(&partition_of(event.0)) else { return false };
        let mut states = self.places.get(&event).into_iter().flatten().filter_map(|at| partition.held.get(at));
        states.any(|state| matches!(state, HeldState::Dead | HeldState::Discarded))
    }

    /// The first record from `from` on that had no effect and is not held. At most once, a call is all that there is.
    fn first_unsettled(&self, partition: i32, from: Offset, guarantee: Guarantee) -> Option<Offset> {
        let of = self.partitions.get(&partition)?;
        let done = if guarantee == Guarantee::AtMostOnce { &self.begun } else { &self.effects };
        let is_settled = |at: &Offset, event| of.held.contains_key(at) || done.contains_key(event);
        of.records.range(from..).find(|(at, (event, _))| !is_settled(at, event)).map(|(at, _)| *at)
    }
}

impl Ledger {
    pub fn new(log: MemoryLog, group: &str, bounds: Bounds, script: Arc<Script>) -> Self {
        Self { log, group: group.to_owned(), bounds, script, state: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was found wrong.
    pub fn wrong(&self) -> Vec<String> {
        self.lock().wrong.clone()
    }

    /// What happened to the order keys that are named in what was found wrong.
    pub fn journal(&self) -> Vec<String> {
        let state = self.lock();
        let is_meant = |key: &usize| state.wrong.iter().any(|wrong| wrong.contains(&format!("({key}, ")));
        let told = state.journal.iter().filter(|(key, _)| is_meant(key));
        told.map(|(key, lines)| format!("of key {key}:\n  {}", lines.join("\n  "))).collect()
    }

    /// Reads on what is on a partition and on its held one.
    fn read(&self, state: &mut State, number: i32) {
        let mut notes = Vec::new();
        let State { partitions, places, .. } = state;
        let partition = partitions.entry(number).or_default();
        for record in self.log.peek(&TopicPartition::new(topic(), number), partition.read_to) {
            let id = record.headers().iter().find(|(name, _)| *name == "ce_id").and_then(|(_, value)| *value);
            let event = self.script.event(std::str::from_utf8(id.unwrap()).unwrap());
            partition.records.insert(record.offset(), (event, record.size()));
            places.entry(event).or_default().push(record.offset());
            partition.read_to = record.offset().next();
        }
        let held = TopicPartition::new(held_topic(&self.group, &topic()), number);
        for record in self.log.peek(&held, partition.held_read_to) {
            let event = held_event(&record).unwrap();
            partition.held.insert(event.record.offset(), event.state);
            partition.held_read_to = record.offset().next();
            if let Some((of, _)) = partition.records.get(&event.record.offset()) {
                notes.push((*of, format!("is {} on the topic", event.state.as_str())));
            }
        }
        for (event, what) in notes {
            state.note(0, event, &what);
        }
    }

    fn committed(&self, number: i32) -> Offset {
        self.log.peek_committed(&self.group, &TopicPartition::new(topic(), number)).unwrap_or_default()
    }

    /// A process begins with a partition.
    pub fn lane_begins(&self, process: u64, number: i32) {
        let mut state = self.lock();
        self.read(&mut state, number);
        let held = &state.partitions[&number].held;
        let parked = held.iter().filter(|(_, state)| **state == HeldState::Parked).map(|(at, _)| *at).collect();
        let lane = Lane { start: self.committed(number), parked, last: BTreeMap::new() };
        let keys: Vec<usize> = state.journal.keys().copied().filter(|key| partition_of(*key) == number).collect();
        keys.into_iter().for_each(|key| state.note(process, (key, 0), &format!("lane begins at {}", lane.start)));
        let before = state.lanes.insert((process, number), lane);
        state.claim(before.is_none(), || format!("process {process} has partition {number} twice"));
    }

    pub fn lane_ends(&self, process: u64, number: i32) {
        let mut state = self.lock();
        let keys: Vec<usize> = state.journal.keys().copied().filter(|key| partition_of(*key) == number).collect();
        keys.into_iter().for_each(|key| state.note(process, (key, 0), "lane ends"));
        state.lanes.remove(&(process, number));
    }

    /// A call begins, of events in the order in which they were handed over.
    pub fn begin(self: &Arc<Self>, process: u64, events: Vec<EventId>) -> Call {
        let mut state = self.lock();
        let number = partition_of(events[0].0);
        self.read(&mut state, number);
        for (index, event) in events.iter().enumerate() {
            self.check_begin(&mut state, process, number, *event, &events[..index]);
        }
        state.calls += 1;
        let call = state.calls;
        state.open.insert((process, call), events.clone());
        self.check_open(&mut state, process);
        Call { ledger: self.clone(), process, call, events, is_over: false }
    }

    fn check_begin(&self, state: &mut State, process: u64, number: i32, event: EventId, together: &[EventId]) {
        state.note(process, event, "begins");
        let is_open = |events: &Vec<EventId>| events.iter().any(|open| open.0 == event.0);
        let is_busy = state.open.range((process, 0)..=(process, u64::MAX)).any(|(_, events)| is_open(events));
        state.claim(!is_busy, || format!("{event:?} begins while a call of its key is open"));
        let times = state.begun.entry(event).or_default();
        *times += 1;
        let times = *times;
        if self.bounds.guarantee == Guarantee::AtMostOnce {
            let is_first = times <= self.script.copies(event);
            state.claim(is_first, || format!("{event:?} is called again, at most once"));
            let committed = self.committed(number);
            let is_behind = state.places[&event].iter().any(|at| *at < committed);
            state.claim(is_behind, || format!("{event:?} begins at most once and is not committed"));
        }
        let Some(mut lane) = state.lanes.remove(&(process, number)) else {
            return state.claim(false, || format!("{event:?} begins in a partition that the process does not have"));
        };
        self.check_order(state, &mut lane, event, together);
        self.check_place(state, &lane, number, event);
        state.lanes.insert((process, number), lane);
    }

    /// Whether it has no effect, and its key goes on without it before that is on the topic.
    fn is_skipped(&self, event: EventId) -> bool {
        !self.bounds.parks && self.script.is_poison(event)
    }

    /// Within a lane each key goes forward, and not past an event that failed. Those of one call are `together`.
    fn check_order(&self, state: &mut State, lane: &mut Lane, event: EventId, together: &[EventId]) {
        let (key, number) = event;
        if let Some((last, done)) = lane.last.insert(key, (number, false)) {
            let again = !done || self.script.copies(event) > 1;
            let is_next = number > last || (number == last && again);
            state.claim(is_next, || format!("{event:?} begins after {last} of its key, done: {done}"));
            let waits = self.bounds.guarantee == Guarantee::AtLeastOnce && number > last;
            let before = (key, last);
            let is_over = done || together.contains(&before) || state.is_given_up(before) || self.is_skipped(before);
            let may = !waits || is_over;
            state.claim(may, || format!("{event:?} begins and {last} of its key is neither done nor given up"));
        }
    }

    /// It is not from before the position at which the lane began, and not too far above what is not done.
    fn check_place(&self, state: &mut State, lane: &Lane, number: i32, event: EventId) {
        let at = *state.places[&event].last().unwrap();
        let held = &state.partitions[&number].held;
        let is_parked = |at: &Offset| lane.parked.contains(at) || held.get(at) == Some(&HeldState::Parked);
        let is_due = at >= lane.start || state.places[&event].iter().any(is_parked);
        let start = lane.start;
        state.claim(is_due, || format!("{event:?} at {at} is called again, and the group was at {start}"));
        // Of one that is there twice it may be the first.
        if let Some(low) = state.first_unsettled(number, lane.start, self.bounds.guarantee)
            && let Some(first) = state.places[&event].iter().find(|at| **at >= lane.start)
            && let above = first.0 - low.0 + 1
            && above > self.bounds.records_max as i64
        {
            state.claim(false, || format!("{event:?} at {at} begins and {low} is not done: {above} in hand"));
        }
    }

    /// How much one process has open.
    fn check_open(&self, state: &mut State, process: u64) {
        let open: Vec<&Vec<EventId>> =
            state.open.range((process, 0)..=(process, u64::MAX)).map(|(_, events)| events).collect();
        let calls = open.len();
        let size = |event: &EventId| {
            let at = state.places[event].last().unwrap();
            state.partitions[&partition_of(event.0)].records[at].1
        };
        let is_in_hand = |event: &&EventId| {
            let held = &state.partitions[&partition_of(event.0)].held;
            !state.places[*event].iter().any(|at| held.get(at) == Some(&HeldState::Parked))
        };
        let sizes: Vec<usize> = open.iter().flat_map(|events| events.iter().filter(is_in_hand).map(size)).collect();
        let bytes: usize = sizes.iter().sum();
        let most = sizes.into_iter().max().unwrap_or(0) * partitions().len() + self.bounds.bytes_max;
        state.claim(calls <= self.bounds.open_max, || format!("{calls} calls are open"));
        state.claim(bytes <= most, || format!("{bytes} bytes are in open calls, {most} may be"));
    }

    fn effect(&self, process: u64, event: EventId) {
        let mut state = self.lock();
        state.note(process, event, "takes effect");
        self.read(&mut state, partition_of(event.0));
        if self.bounds.guarantee == Guarantee::AtLeastOnce {
            let is_over = |before: EventId| state.is_over(before) || self.is_skipped(before);
            let before = (0..event.1).find(|number| !is_over((event.0, *number)));
            state.claim(before.is_none(), || format!("{event:?} has its effect before {before:?}"));
        }
        *state.effects.entry(event).or_default() += 1;
    }

    /// How often events had their effect again.
    pub fn repeats(&self) -> u64 {
        let state = self.lock();
        state.effects.iter().map(|(event, times)| u64::from(times.saturating_sub(self.script.copies(*event)))).sum()
    }

    /// Nothing is committed that is not done. Cheap where nothing was committed since.
    pub fn check_commits(&self) {
        if self.bounds.guarantee == Guarantee::AtMostOnce {
            return;
        }
        let mut state = self.lock();
        for partition in partitions() {
            let (number, committed) = (partition.partition, self.committed(partition.partition));
            let checked = state.partitions.get(&number).map_or(Offset(0), |of| of.checked);
            if committed == checked {
                continue;
            }
            self.read(&mut state, number);
            let open = state.first_unsettled(number, checked, self.bounds.guarantee).filter(|open| *open < committed);
            state.claim(open.is_none(), || format!("{partition}: {committed} is committed and {open:?} is not done"));
            state.claim(committed > checked, || format!("{partition}: {committed} is committed after {checked}"));
            state.partitions.entry(number).or_default().checked = committed;
        }
    }

    /// What is parked now, and which event it is.
    pub fn parked(&self) -> Vec<(TopicPartition, Offset, EventId)> {
        let mut state = self.lock();
        let mut parked = Vec::new();
        for partition in partitions() {
            self.read(&mut state, partition.partition);
            let of = &state.partitions[&partition.partition];
            let held = of.held.iter().filter(|(_, state)| **state == HeldState::Parked);
            parked.extend(held.map(|(at, _)| (partition.clone(), *at, of.records[at].0)));
        }
        parked
    }

    /// What is left to do: nothing, once everything has come to rest.
    pub fn left(&self) -> Vec<String> {
        let mut left: Vec<String> = self
            .parked()
            .into_iter()
            .map(|(partition, at, event)| format!("{partition} {at} {event:?} is parked"))
            .collect();
        let state = self.lock();
        for (number, of) in &state.partitions {
            let committed = self.committed(*number);
            if committed < of.read_to {
                left.push(format!("partition {number} is at {committed} of {}", of.read_to));
            }
        }
        left
    }

    /// At the end: everything had its effect, but what is poison, and that was given up.
    pub fn check_end(&self) {
        if self.bounds.guarantee == Guarantee::AtMostOnce {
            return;
        }
        let mut state = self.lock();
        for event in self.script.events() {
            let (done, given_up) = (state.effects.contains_key(&event), state.is_given_up(event));
            if self.script.is_poison(event) {
                state.claim(!done && given_up, || format!("{event:?} is poison; done: {done}, given up: {given_up}"));
            } else {
                state.claim(done && !given_up, || format!("{event:?} is lost; done: {done}, given up: {given_up}"));
            }
        }
    }
}

/// A call that is open. Dropped before its end it was cut off, as its process was.
pub struct Call {
    ledger: Arc<Ledger>,
    process: u64,
    call: u64,
    events: Vec<EventId>,
    is_over: bool,
}

impl Call {
    /// It has done what it is for.
    pub fn takes_effect(&self) {
        self.events.iter().for_each(|event| self.ledger.effect(self.process, *event));
    }

    /// It answers.
    pub fn ends(mut self, done: bool) {
        self.is_over = true;
        let mut state = self.ledger.lock();
        let number = partition_of(self.events[0].0);
        self.events.iter().for_each(|event| state.note(self.process, *event, if done { "is done" } else { "failed" }));
        if let Some(lane) = state.lanes.get_mut(&(self.process, number)) {
            // When they fail they begin again at the first of each key.
            let ended: Vec<_> = if done { self.events.clone() } else { self.events.iter().rev().copied().collect() };
            for (key, number) in ended {
                lane.last.insert(key, (number, done));
            }
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.ledger.lock().open.remove(&(self.process, self.call));
    }
}
