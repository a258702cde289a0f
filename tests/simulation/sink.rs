//! A sink under faults: whatever happens, each event takes effect once, in the order of its key.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use coursebus_consumer::{EngineSettings, OnPoison};
use coursebus_sinks_kit::{
    HeldPlace, HeldRecord, HeldState, HeldStore, Mark, MemoryStore, Note, SinkProcessor, SinkSettings, SinkSpec, Store,
    audit::audit,
};
use coursebus_transport::{
    GroupSettings, Log, NewRecord, Offset, TopicPartition, TopicSpec, WriterSettings,
    memory::{MemoryLog, Process, World},
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{
    cast::{KEYS, PARTITIONS, PREFIX, cast, id_of, topic},
    check_repeats,
    crew::{Crew, SESSION},
    play_many,
};

/// How long faults strike, and how long a sink may take afterwards to come to rest.
const STORM: Duration = Duration::from_secs(60);
const REST: Duration = Duration::from_secs(600);

#[test]
fn simulation_sink() {
    play_many("simulation_sink", 1000, storm);
}

#[test]
fn simulation_sink_repeats() {
    check_repeats(storm);
}

/// The parts that live through the whole of a simulation.
struct Stage {
    world: World,
    /// The log and the database as one sees them whom no fault hits.
    log: MemoryLog,
    store: MemoryStore,
    spec: Arc<SinkSpec>,
    settings: SinkSettings,
}

async fn storm(world: World) -> Vec<String> {
    let cast = cast();
    let observer = Process::observer(&world);
    let stage = Arc::new(Stage {
        log: MemoryLog::new(observer.clone()),
        store: MemoryStore::new(observer, |_, _| false),
        spec: Arc::new(coursebus_sinks::credentials::sink().on_poison(if world.chance(0.8) {
            OnPoison::Park
        } else {
            OnPoison::Skip
        })),
        settings: SinkSettings {
            audit: true,
            batch_records_max: 1 + world.below(20) as usize,
            retry_budget: Duration::from_secs(20),
            ..SinkSettings::default()
        },
        world: world.clone(),
    });
    for name in stage.spec.topics(PREFIX) {
        let partitions = if name == topic() { PARTITIONS } else { 1 };
        stage.log.create_topic(&TopicSpec::new(name, partitions)).await.unwrap();
    }
    stage.raise();
    let script = script(&world);
    let poison: BTreeSet<String> = script.iter().filter(|line| line.poison).map(|line| id_of(&line.record)).collect();
    let keys = script.iter().map(|line| (id_of(&line.record), line.key)).collect();
    let writing =
        tokio::spawn(write(stage.log.clone(), world.clone(), script.into_iter().map(|line| line.record).collect()));
    let member = stage.clone();
    let mut crew = Crew::new(&world, move |process, stopped| tokio::spawn(member.run(process, stopped)));
    let mut wrong = Vec::new();
    let until = Instant::now() + STORM;
    while Instant::now() < until && wrong.is_empty() {
        sleep(world.time_up_to(Duration::from_secs(4))).await;
        crew.strike();
        stage.operate(&poison, 0.3).await;
        wrong.extend(stage.commits_are_behind().await);
        wrong.extend(stage.later_ones_wait(&keys).await);
    }
    world.calm_down();
    crew.go_on();
    writing.await.unwrap();
    wrong.extend(stage.comes_to_rest(&poison).await);
    if wrong.is_empty() {
        wrong.extend(stage.agrees(cast, &poison).await);
    }
    wrong
}

/// What is written, and what is known of it.
struct Line {
    record: NewRecord,
    key: usize,
    poison: bool,
}

/// What is written, in its order: the keys mixed, each in the order of its events.
fn script(world: &World) -> Vec<Line> {
    let cast = cast();
    let mut next = [0; KEYS];
    let mut script = Vec::new();
    for _ in 0..120 {
        let key = world.below(KEYS as u64) as usize;
        let Some(event) = cast.events[key].get(next[key]) else { continue };
        let refused = &cast.refused[key][next[key]];
        next[key] += 1;
        let (record, poison) = match world.below(40) {
            0 => (refused.clone(), true),
            1 => (NewRecord { value: event.value.as_ref().map(|v| v.slice(..v.len() - 3)), ..refused.clone() }, true),
            _ => (event.clone(), false),
        };
        script.push(Line { record, key, poison });
    }
    script
}

/// Writes the script over the time of the storm. Sees no faults itself: what it writes is what the sink is held to.
async fn write(log: MemoryLog, world: World, script: Vec<NewRecord>) {
    let writer = log.writer(WriterSettings::default()).await.unwrap();
    let pause = STORM / u32::try_from(script.len()).unwrap();
    for record in script {
        writer.append(record).await.await.unwrap();
        if world.chance(0.7) {
            sleep(world.time_up_to(pause * 2)).await;
        }
    }
}

fn is_poison(record: &HeldRecord, poison: &BTreeSet<String>) -> bool {
    record.event_id.as_ref().is_some_and(|id| poison.contains(id))
}

impl Stage {
    /// Turns the faults on that strike calls.
    fn raise(&self) {
        self.world.slow_down(Duration::from_millis(4), Duration::from_secs(3));
        for (fault, probability) in [
            ("a question to the log fails", 0.05),
            ("a commit of positions fails", 0.1),
            ("the answer to a commit of positions is lost", 0.1),
            ("the database is away", 0.05),
            ("a commit of the database fails", 0.05),
            ("the answer to a commit of the database is lost", 0.05),
            ("the answer to a take-over is lost", 0.1),
        ] {
            self.world.set(fault, probability);
        }
    }

    /// What a process does: runs the sink, and again when that gave up.
    fn run(&self, process: Process, mut stopped: oneshot::Receiver<()>) -> impl Future<Output = ()> + use<> {
        let log: Arc<dyn Log> = Arc::new(self.log.for_process(process.clone()));
        let store: Arc<dyn Store> = Arc::new(self.store.for_process(process.clone()));
        let (spec, settings, world) = (self.spec.clone(), self.settings.clone(), self.world.clone());
        async move {
            loop {
                let made = SinkProcessor::new(
                    spec.clone(),
                    store.clone(),
                    log.clone(),
                    cast().registry.clone(),
                    settings.clone(),
                );
                let Ok(processor) = made.await else {
                    sleep(Duration::from_secs(1)).await;
                    continue;
                };
                let group = GroupSettings {
                    session_timeout: SESSION,
                    release_timeout: SESSION * 2,
                    ..GroupSettings::new(spec.group(), spec.topics(PREFIX))
                };
                let lane_bytes_max = 500 + world.below(20_000) as usize;
                let engine = EngineSettings { drain_timeout: SESSION, lane_bytes_max, ..EngineSettings::new(group) };
                let stop = async { drop((&mut stopped).await) };
                match coursebus_consumer::run(log.clone(), engine, Arc::new(processor), stop).await {
                    Ok(_) => return,
                    Err(_) => {
                        world.count("the engine gave up and was started again");
                        process.gate().await;
                        sleep(Duration::from_secs(1)).await;
                    }
                }
            }
        }
    }

    /// The group's positions are never before the database's: what is committed is done.
    async fn commits_are_behind(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        let group = self.spec.group();
        // Committed first: the database may only go on meanwhile.
        let partitions = self.partitions();
        let committed = self.log.committed(&group, &partitions).await.unwrap();
        let Ok(stored) = self.store.positions(&group).await else { return wrong };
        for (partition, committed) in partitions.iter().zip(committed) {
            let stored = stored.iter().find(|p| p.id.partition == *partition).and_then(|p| p.next).unwrap_or_default();
            if committed.unwrap_or_default() > stored {
                wrong.push(format!("{partition}: {committed:?} is committed and {stored} is stored"));
            }
        }
        wrong
    }

    /// What lies behind a parked record of its order key, before the stored position, is held too.
    async fn later_ones_wait(&self, keys: &BTreeMap<String, usize>) -> Vec<String> {
        // Positions first: what is held may only grow meanwhile, behind a record that is still parked.
        let Ok(stored) = self.store.positions(&self.spec.group()).await else { return Vec::new() };
        let held = self.store.held(&self.spec.group()).await.unwrap_or_default();
        let key_of = |id: Option<&str>| id.and_then(|id| keys.get(id)).copied();
        let mut wrong = Vec::new();
        for position in stored {
            let (partition, next) = (&position.id.partition, position.next.unwrap_or_default());
            let of: Vec<_> = held
                .iter()
                .filter(|held| held.topic == *partition.topic && held.partition == partition.partition)
                .collect();
            let mut blocked: BTreeMap<usize, Offset> = BTreeMap::new();
            for held in of.iter().filter(|held| held.state == HeldState::Parked.as_str()) {
                if let Some(key) = key_of(held.event_id.as_deref()) {
                    let first = blocked.entry(key).or_insert(held.offset);
                    *first = held.offset.min(*first);
                }
            }
            for record in self.log.peek(partition, Offset(0)).iter().filter(|record| record.offset() < next) {
                let headers = record.headers();
                let id = headers.iter().find(|(name, _)| *name == "ce_id").and_then(|(_, value)| *value);
                let key = key_of(id.and_then(|id| std::str::from_utf8(id).ok()));
                let waits = key.and_then(|key| blocked.get(&key)).is_some_and(|first| *first < record.offset());
                if waits && !of.iter().any(|held| held.offset == record.offset()) {
                    wrong.push(format!("{partition} {} went past a parked record of its key", record.offset()));
                }
            }
        }
        wrong
    }

    fn partitions(&self) -> Vec<TopicPartition> {
        (0..PARTITIONS).map(|number| TopicPartition::new(topic(), number)).collect()
    }

    /// What an operator does with each record that is parked, with a probability: gives poison up, or has it tried again,
    /// which is of no use; a record that waits behind poison is never given up.
    async fn operate(&self, poison: &BTreeSet<String>, probability: f64) {
        let group = self.spec.group();
        let Ok(held) = self.store.held(&group).await else { return };
        for record in held.iter().filter(|record| record.state == HeldState::Parked.as_str()) {
            if !self.world.chance(probability) {
                continue;
            }
            let give_up = is_poison(record, poison) && self.world.chance(0.7);
            let mark = if give_up { Mark::Discard } else { Mark::Retry };
            self.world.count(if give_up { "a held record was discarded" } else { "a held record was retried" });
            let partition = TopicPartition::new(record.topic.as_str(), record.partition);
            let place = HeldPlace { partition, offset: record.offset };
            let note = Note { at_ms: self.world.now_ms(), who: "an operator".to_owned(), detail: String::new() };
            // The other database's fault, not the operator's.
            let _ = self.store.mark(&group, &[place], &mark, &note).await;
        }
    }

    /// Waits until everything is applied, or held and given up.
    async fn comes_to_rest(&self, poison: &BTreeSet<String>) -> Vec<String> {
        let until = Instant::now() + REST;
        loop {
            self.operate(poison, 1.0).await;
            let behind = self.behind().await;
            if behind.is_empty() {
                return Vec::new();
            }
            if Instant::now() > until {
                return vec![format!("not at rest after {REST:?}: {}", behind.join(", "))];
            }
            sleep(Duration::from_secs(1)).await;
        }
    }

    async fn behind(&self) -> Vec<String> {
        let Ok(stored) = self.store.positions(&self.spec.group()).await else { return vec!["no positions".into()] };
        let mut behind = Vec::new();
        for partition in self.partitions() {
            let end = self.log.range(&partition).await.unwrap().latest;
            let at = stored.iter().find(|p| p.id.partition == partition).and_then(|p| p.next).unwrap_or(Offset(0));
            if at < end {
                behind.push(format!("{partition} is at {at} of {end}"));
            }
        }
        let held = self.store.held(&self.spec.group()).await.unwrap_or_default();
        let parked = held.iter().filter(|record| record.state == HeldState::Parked.as_str());
        behind.extend(parked.map(|r| format!("{}/{} {} is parked: {}", r.topic, r.partition, r.offset, r.reason)));
        behind
    }

    /// The auditor agrees, and what is held is what was poison.
    async fn agrees(&self, cast: &super::cast::Cast, poison: &BTreeSet<String>) -> Vec<String> {
        let report = audit(&self.log, cast.registry.as_ref(), &self.store, &self.spec, PREFIX).await.unwrap();
        let held = self.store.held(&self.spec.group()).await.unwrap();
        let mut wrong = Vec::new();
        if !report.agrees() {
            wrong.push(format!("{report:?}"));
        }
        let held: BTreeSet<String> = held.into_iter().filter_map(|record| record.event_id).collect();
        if held != *poison {
            wrong.push(format!("held: {held:?}, poison: {poison:?}"));
        }
        wrong
    }
}
