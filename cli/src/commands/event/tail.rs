//! `coursebus event tail`

use std::{
    collections::{HashMap, HashSet},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use coursebus_registry_tools::{Registry, RegistryError};
use coursebus_schemas::{SchemaId, WriterSchema, catalog, json::to_json, metadata::parse_time, wire::unframe};
use coursebus_transport::{AdminError, Log, Offset, ReaderSettings, Record, TopicPartition};
use serde_json::{Value, json};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::{
    context::{Global, stopped},
    failure::Failure,
    output,
};

/// Prints events as JSON lines: what is new, or from a point on.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  coursebus event tail --from earliest --until-end\n  \
    coursebus event tail dev-course-run-lifecycle --from 2026-01-01T00:00:00Z --max 10")]
pub struct Args {
    /// Topics, by full name or without the prefix; all of the catalogue where none is given
    #[arg(value_name = "TOPIC")]
    topics: Vec<String>,
    /// earliest, or a time: records emitted then or later. Without it: what is emitted from now on
    #[arg(long, value_name = "earliest|TIME")]
    from: Option<String>,
    /// End at the end of the topics
    #[arg(long)]
    until_end: bool,
    /// End after so many events
    #[arg(long, value_name = "N")]
    max: Option<u64>,
}

pub async fn run(global: &Global, args: Args) -> Result<ExitCode, Failure> {
    let bus = global.open().await?;
    let start = Start::parse(args.from.as_deref())?;
    let mut positions = Vec::new();
    for topic in topics(bus.log.as_ref(), &args.topics, &global.topic_prefix).await? {
        for number in 0..bus.log.topic(&topic).await?.partitions {
            let partition = TopicPartition::new(topic.as_str(), number);
            let offset = start.offset(bus.log.as_ref(), &partition).await?;
            positions.push((partition, offset));
        }
    }
    let mut open: HashSet<TopicPartition> = positions.iter().map(|(p, _)| p.clone()).collect();
    let mut reader = bus.log.reader(positions, ReaderSettings::default()).await?;
    let mut decoder = Decoder { registry: bus.registry.clone(), schemas: HashMap::new() };
    let mut left = args.max.unwrap_or(u64::MAX);
    let stop = stopped();
    tokio::pin!(stop);
    while left > 0 && !(args.until_end && open.is_empty()) {
        let fetched = tokio::select! {
            fetched = reader.next(Duration::from_secs(1)) => fetched?,
            () = &mut stop => break,
        };
        for record in &fetched.records {
            if left == 0 {
                break;
            }
            output::line(&decoder.show(record).await?)?;
            left -= 1;
        }
        for (partition, _) in fetched.ends {
            open.remove(&partition);
        }
    }
    Ok(ExitCode::SUCCESS)
}

enum Start {
    Now,
    Earliest,
    At(i64),
}

impl Start {
    fn parse(text: Option<&str>) -> Result<Self, Failure> {
        match text {
            None | Some("latest") => Ok(Self::Now),
            Some("earliest") => Ok(Self::Earliest),
            Some(text) => {
                let time = parse_time(text).ok_or_else(|| {
                    let next = "give earliest, or a time such as 2026-01-01T00:00:00Z";
                    Failure::usage("--from is neither 'earliest' nor an RFC 3339 time", next).about("--from")
                })?;
                Ok(Self::At(i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)))
            }
        }
    }

    async fn offset(&self, log: &dyn Log, partition: &TopicPartition) -> Result<Offset, Failure> {
        Ok(match self {
            Self::Now => log.range(partition).await?.latest,
            Self::Earliest => log.range(partition).await?.earliest,
            Self::At(ms) => log.offset_at(partition, *ms).await?,
        })
    }
}

/// The full names of the topics that were asked for, or of all that the catalogue and the bus both have.
async fn topics(log: &dyn Log, given: &[String], prefix: &str) -> Result<Vec<String>, Failure> {
    if given.is_empty() {
        let there: HashSet<String> = log.topics().await?.into_iter().map(|t| t.name).collect();
        let wanted = catalog().topics().iter().map(|t| t.full_topic(prefix));
        return Ok(wanted.filter(|name| there.contains(name)).collect());
    }
    let mut topics = Vec::new();
    for name in given {
        match log.topic(name).await {
            Ok(info) => topics.push(info.name),
            Err(unknown @ AdminError::UnknownTopic { .. }) => match log.topic(&format!("{prefix}-{name}")).await {
                Ok(info) => topics.push(info.name),
                // The name as it was given.
                Err(AdminError::UnknownTopic { .. }) => return Err(unknown.into()),
                Err(error) => return Err(error.into()),
            },
            Err(error) => return Err(error.into()),
        }
    }
    Ok(topics)
}

/// Shows records of any schema, known to the catalogue or not.
struct Decoder {
    registry: Arc<dyn Registry>,
    /// Ids that the registry does not know are remembered for this run.
    schemas: HashMap<SchemaId, Option<WriterSchema>>,
}

impl Decoder {
    async fn show(&mut self, record: &Record) -> Result<Value, Failure> {
        let headers = record.headers();
        let header = |name: &str| -> Option<String> {
            let value = headers.iter().find(|(n, _)| *n == name).and_then(|(_, value)| *value)?;
            Some(String::from_utf8_lossy(value).into_owned())
        };
        let (schema_id, data, error) = self.data(record.value()).await?;
        let minor = header("ce_minorversion").and_then(|text| text.parse::<u32>().ok());
        let mut shown = json!({
            "topic": &**record.topic(),
            "partition": record.partition(),
            "offset": record.offset().0,
            "timestamp": timestamp(record.timestamp_ms()),
            "type": header("ce_type"),
            "id": header("ce_id"),
            "source": header("ce_source"),
            "time": header("ce_time"),
            "minorversion": minor,
            "schema_id": schema_id.map(|id| id.0),
            "key": self.key(record.key()).await?,
            "headers": headers
                .iter()
                .map(|(name, value)| json!([name, value.map(|v| String::from_utf8_lossy(v).into_owned())]))
                .collect::<Vec<_>>(),
            "data": data,
        });
        if let Some(error) = error {
            shown["error"] = error.into();
        }
        Ok(shown)
    }

    async fn data(&mut self, value: Option<&[u8]>) -> Result<(Option<SchemaId>, Value, Option<String>), Failure> {
        let Some(value) = value else { return Ok((None, Value::Null, None)) };
        let (id, datum) = match unframe(value) {
            Ok(framed) => framed,
            Err(error) => return Ok((None, Value::Null, Some(error.to_string()))),
        };
        Ok(match self.schema(id).await? {
            None => (Some(id), Value::Null, Some(format!("the registry has no usable schema {id}"))),
            Some(schema) => match to_json(schema, datum) {
                Ok(data) => (Some(id), data, None),
                Err(error) => (Some(id), Value::Null, Some(error.to_string())),
            },
        })
    }

    /// The key's value; bytes that are no framed key are shown in hexadecimal.
    async fn key(&mut self, key: Option<&[u8]>) -> Result<Value, Failure> {
        let Some(key) = key else { return Ok(Value::Null) };
        if let Ok((id, datum)) = unframe(key)
            && let Some(schema) = self.schema(id).await?
            && let Ok(value) = to_json(schema, datum)
        {
            return Ok(value);
        }
        Ok(key.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into())
    }

    async fn schema(&mut self, id: SchemaId) -> Result<Option<&WriterSchema>, Failure> {
        if !self.schemas.contains_key(&id) {
            let schema = match self.registry.schema(id).await {
                Ok(text) => WriterSchema::parse(&text).ok(),
                Err(RegistryError::UnknownId { .. }) => None,
                Err(error) => return Err(error.into()),
            };
            self.schemas.insert(id, schema);
        }
        Ok(self.schemas.get(&id).and_then(Option::as_ref))
    }
}

/// RFC 3339, UTC, with milliseconds.
fn timestamp(ms: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    time.ok().and_then(|t| t.format(&Rfc3339).ok()).unwrap_or_default()
}
