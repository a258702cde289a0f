//! Deleting schemas for good, only when no record needs them any more.
//!
//! A record on a topic says its schema by an id; without the schema it can never be read again. So what was deleted softly
//! waits until the topic has kept no record of that time, or until all records were looked at. `_schemas` on the log says
//! when it was deleted, whichever registry wrote it.

mod scan;

use std::{collections::BTreeSet, time::Duration};

use coursebus_transport::{AdminError, Log, ReadError, TopicInfo};

pub use self::scan::Stranded;
use crate::{Kept, Registry, RegistryError, SchemaId, subject};

/// What is to go.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The subject.
    pub subject: &'a str,
    /// One version; none: all.
    pub version: Option<u32>,
    /// The topic that the subject's records are on, where its name does not say it.
    pub topic: Option<&'a str>,
    /// How much is asked before.
    pub care: Care,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

/// How much is asked before a schema goes for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// The topic's retention must have passed since the soft deletion.
    Retention,
    /// No record may have one of the ids: all are looked at.
    Scan,
    /// Nothing; what is stranded is counted.
    Force,
}

/// What went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retired {
    /// The versions.
    pub versions: Vec<u32>,
    /// Records that nobody can read any more; only with [`Care::Force`].
    pub stranded: Vec<Stranded>,
}

/// Schemas that do not go. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RetireError {
    /// Records may still need it.
    #[error(
        "records of topic {topic} may need version {version} of '{subject}' for {} more: it keeps records for {}, and \
         the version was deleted softly {} ago", span(*left), span(*retention), span(*since)
    )]
    TooEarly {
        /// The subject.
        subject: String,
        /// The version that was deleted last.
        version: u32,
        /// The topic.
        topic: String,
        /// How long it keeps records.
        retention: Duration,
        /// How long ago the version was deleted softly.
        since: Duration,
        /// How long to wait.
        left: Duration,
    },
    /// The topic keeps records for ever.
    #[error("topic {topic} is compacted or keeps its records for ever: no time is long enough")]
    KeptForever {
        /// The topic.
        topic: String,
    },
    /// Which topic has its records is not known.
    #[error("no topic of this bus is the one of subject '{subject}' by its name")]
    NoTopic {
        /// The subject.
        subject: String,
    },
    /// When it was deleted softly is not known.
    #[error("_schemas of this bus does not say when version {version} of '{subject}' was deleted softly")]
    NoTime {
        /// The subject.
        subject: String,
        /// The version.
        version: u32,
    },
    /// Records need it.
    #[error(
        "{} records of topic {} need it, the first at partition {}, offset {}",
        found.records, found.topic, found.partition, found.offset
    )]
    InUse {
        /// The first topic that has some.
        found: Stranded,
    },
    /// The registry refuses.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// The log does not tell its topics.
    #[error("the topics could not be looked at")]
    Topics(#[from] AdminError),
    /// The log could not be read.
    #[error("the topics could not be read")]
    Read(#[from] ReadError),
}

/// A time as people say it, in its two largest units.
fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {minutes} min"),
        _ => format!("{days} d {hours} h"),
    }
}

/// Deletes for good what was deleted softly.
///
/// # Errors
/// Those of [`RetireError`]; nothing was deleted then.
pub async fn retire(log: &dyn Log, registry: &dyn Registry, request: Request<'_>) -> Result<Retired, RetireError> {
    let going = going(registry, request).await?;
    let ids = orphans(registry, request.subject, &going).await?;
    let mut stranded = Vec::new();
    if !ids.is_empty() {
        let topics = topics_of(log, request).await?;
        match request.care {
            Care::Retention => wait_is_over(log, request, &going, &topics).await?,
            Care::Scan => {
                if let Some(found) = scan::users(log, &topics, &ids).await?.into_iter().next() {
                    return Err(RetireError::InUse { found });
                }
            }
            Care::Force => stranded = scan::users(log, &topics, &ids).await?,
        }
    }
    let versions = registry.delete(request.subject, request.version, true).await?;
    Ok(Retired { versions, stranded })
}

/// The versions that are meant. All are deleted softly.
async fn going(registry: &dyn Registry, request: Request<'_>) -> Result<Vec<Kept>, RegistryError> {
    let subject = request.subject.to_owned();
    let mut kept = registry.kept(request.subject).await?;
    if let Some(version) = request.version {
        kept.retain(|one| one.version == version);
        if kept.is_empty() {
            return Err(RegistryError::UnknownVersion { subject, version: version.to_string() });
        }
    }
    match (kept.iter().find(|one| !one.deleted), request.version) {
        (None, _) => Ok(kept),
        (Some(_), None) => Err(RegistryError::SubjectNotSoftDeleted { subject }),
        (Some(one), Some(_)) => Err(RegistryError::VersionNotSoftDeleted { subject, version: one.version }),
    }
}

/// The ids that nothing else stands for.
async fn orphans(registry: &dyn Registry, name: &str, going: &[Kept]) -> Result<BTreeSet<SchemaId>, RegistryError> {
    let name = subject::normalize(name);
    let goes = |user: &str, number: u32| user == name && going.iter().any(|one| one.version == number);
    let mut orphans = BTreeSet::new();
    for id in going.iter().map(|one| one.id).collect::<BTreeSet<_>>() {
        if registry.users(id, &name).await?.iter().all(|(user, number)| goes(user, *number)) {
            orphans.insert(id);
        }
    }
    Ok(orphans)
}

/// The topics whose records may have the subject's ids: the one that its name begins with (the longest), or the one that is
/// given, and where records of it are held. Who looks at records may look at all topics.
async fn topics_of(log: &dyn Log, request: Request<'_>) -> Result<Vec<TopicInfo>, RetireError> {
    let mut topics = log.topics().await?;
    let name = subject::split(request.subject).1;
    let named = |topic: &&TopicInfo| name.strip_prefix(&topic.name).is_some_and(|rest| rest.starts_with('-'));
    let own = match request.topic {
        Some(topic) => Some(log.topic(topic).await?.name),
        None => topics.iter().filter(named).map(|topic| topic.name.clone()).max_by_key(String::len),
    };
    match (own, request.care) {
        (Some(own), _) => {
            let held = format!(".held.{own}");
            topics.retain(|topic| topic.name == own || topic.name.ends_with(&held));
        }
        (None, Care::Retention) => return Err(RetireError::NoTopic { subject: request.subject.to_owned() }),
        (None, Care::Scan | Care::Force) => {}
    }
    Ok(topics)
}

async fn wait_is_over(
    log: &dyn Log,
    request: Request<'_>,
    going: &[Kept],
    topics: &[TopicInfo],
) -> Result<(), RetireError> {
    let deleted = scan::deleted_at(log, request.subject).await?;
    for one in going {
        let subject = request.subject.to_owned();
        let Some(since_ms) = deleted.get(&one.version) else {
            return Err(RetireError::NoTime { subject, version: one.version });
        };
        let since = Duration::from_millis(request.now_ms.saturating_sub(*since_ms).try_into().unwrap_or(0));
        for topic in topics {
            let Some(retention) = retention(topic) else {
                return Err(RetireError::KeptForever { topic: topic.name.clone() });
            };
            let left = retention.saturating_sub(since);
            if !left.is_zero() {
                let (version, topic) = (one.version, topic.name.clone());
                return Err(RetireError::TooEarly { subject, version, topic, retention, since, left });
            }
        }
    }
    Ok(())
}

/// How long a topic keeps records; `None`: for ever, or it does not tell.
fn retention(topic: &TopicInfo) -> Option<Duration> {
    let setting = |name: &str| topic.settings.get(name).map(String::as_str);
    if setting("cleanup.policy").is_some_and(|policy| policy.contains("compact")) {
        return None;
    }
    // -1: for ever.
    setting("retention.ms")?.parse().ok().map(Duration::from_millis)
}
