//! What operators do to held records: ask for them, edit them, give them up; and what comes of it.

use std::collections::{HashMap, HashSet};

use coursebus_registry_tools::Registry;
use coursebus_transport::{Offset, TopicPartition};

use super::{HeldBrief, HeldPlace, HeldRecord, HeldState, now_ms, select::Target, shown::Shown};
use crate::{Mark, Note, SinkSpec, Store, StoreError};

/// How many records one transaction marks.
const MARKS_MAX: usize = 1_000;

/// All held records of a sink, in the order of topic, partition, offset.
pub async fn all(store: &dyn Store, registry: &dyn Registry, spec: &SinkSpec) -> Result<Vec<Shown>, StoreError> {
    let mut all = Vec::new();
    for record in store.held(&spec.group()).await? {
        all.push(Shown::new(registry, record).await);
    }
    Ok(all)
}

/// Marks records, and notes who did it; answers which were still parked or dead. The member that owns their partition does the
/// rest, when it runs.
pub async fn mark(
    store: &dyn Store,
    group: &str,
    places: &[HeldPlace],
    mark: &Mark,
    who: &str,
    detail: &str,
) -> Result<Vec<HeldPlace>, StoreError> {
    let note = Note { at_ms: now_ms(), who: who.to_owned(), detail: detail.to_owned() };
    let mut marked = Vec::with_capacity(places.len());
    for chunk in places.chunks(MARKS_MAX) {
        let done = store.mark(group, chunk, mark, &note).await?;
        marked.extend(chunk.iter().zip(done).filter(|(_, done)| *done).map(|(place, _)| place.clone()));
    }
    Ok(marked)
}

/// What has become of a record that was asked for, or of one behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It has taken effect.
    Applied,
    /// It cannot be applied, for this code.
    Failed(String),
    /// It was not tried, because an earlier record of its key is still held.
    Behind,
    /// Nobody has looked at it yet.
    Waiting,
}

impl Outcome {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Failed(_) => "failed",
            Self::Behind => "behind",
            Self::Waiting => "waiting",
        }
    }
}

/// Watches what comes of a retry.
pub struct Watch {
    group: String,
    watched: Vec<Watched>,
}

struct Watched {
    place: HeldPlace,
    /// How often it had failed when it was asked for.
    tries: i32,
    dead: bool,
}

impl Watch {
    /// Watches causes and what waits behind them, as they were when they were asked for.
    #[must_use]
    pub fn new(group: &str, targets: &[Target<'_>]) -> Self {
        let watched = |record: &HeldRecord| Watched {
            place: record.place(),
            tries: record.tries,
            dead: record.state == HeldState::Dead.as_str(),
        };
        let all = targets.iter().flat_map(|target| std::iter::once(&target.cause).chain(&target.behind));
        Self { group: group.to_owned(), watched: all.map(|shown| watched(&shown.record)).collect() }
    }

    /// What has become of each by now.
    pub async fn look(&self, store: &dyn Store) -> Result<Vec<(HeldPlace, Outcome)>, StoreError> {
        let partitions: HashSet<&TopicPartition> = self.watched.iter().map(|w| &w.place.partition).collect();
        let mut waiting = HashMap::new();
        for partition in partitions {
            let briefs = store.waiting(&self.group, partition).await?;
            let by_offset: HashMap<Offset, HeldBrief> = briefs.into_iter().map(|brief| (brief.offset, brief)).collect();
            waiting.insert(partition, by_offset);
        }
        let mut outcomes = Vec::with_capacity(self.watched.len());
        for watched in &self.watched {
            let briefs = &waiting[&watched.place.partition];
            let outcome = match briefs.get(&watched.place.offset) {
                Some(brief) => judge(brief, watched.tries, briefs),
                None if watched.dead => match store.held_at(&self.group, &watched.place).await? {
                    Some(record) if record.state == HeldState::Dead.as_str() => Outcome::Failed(record.code),
                    _ => Outcome::Applied,
                },
                None => Outcome::Applied,
            };
            outcomes.push((watched.place.clone(), outcome));
        }
        Ok(outcomes)
    }
}

/// Pure: of a record that is still there.
fn judge(brief: &HeldBrief, tries: i32, briefs: &HashMap<Offset, HeldBrief>) -> Outcome {
    if brief.asked {
        return Outcome::Waiting;
    }
    match brief.behind {
        Some(cause) => match briefs.get(&cause) {
            Some(cause) if !cause.asked => Outcome::Behind,
            // Its cause is asked for or gone, and it is about to be tried.
            _ => Outcome::Waiting,
        },
        None if brief.tries > tries => Outcome::Failed(brief.code.clone()),
        None => Outcome::Behind,
    }
}
