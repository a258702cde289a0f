//! The contracts as files: a catalogue and its schemas, before they are in any registry. Pure: texts in, findings out.
//!
//! [`lint`] holds one state of the files to the rules; [`check`](mod@check) holds it to another state, or to what a registry has;
//! [`diff`] tells what changed, in sentences.

pub mod check;
pub mod diff;
pub mod lint;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Level;

/// The catalogue's file, in the folder of the contracts.
pub const CATALOG: &str = "catalog.toml";
/// Switches for the linter.
pub const LINT: &str = "lint.toml";
/// What the package of Open edX says of its types.
pub const UPSTREAM: &str = "openedx.lock.json";

/// A catalogue with its schemas.
#[derive(Debug)]
pub struct Contracts {
    /// In the order of the catalogue.
    pub events: Vec<Event>,
    switches: Vec<lint::Switch>,
    upstream: Option<BTreeMap<String, Value>>,
}

/// An event type and the files of its minor versions.
#[derive(Debug)]
pub struct Event {
    /// The name on the wire.
    pub name: String,
    /// The topic, without the prefix.
    pub topic: String,
    /// What the registry holds new versions to.
    pub level: Level,
    /// Paths of personal data.
    pub personal_data: Vec<String>,
    /// Oldest first.
    pub versions: Vec<Version>,
}

/// One minor version.
#[derive(Debug, Clone)]
pub struct Version {
    /// Its number.
    pub minor: u32,
    /// Its file, in the folder of the contracts.
    pub file: String,
    /// The schema as it is written.
    pub text: String,
    /// The schema as JSON.
    pub json: Value,
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule's id; docs/contracts.md has a part for each.
    pub rule: &'static str,
    /// The event type.
    pub event: String,
    /// The file, in the folder of the contracts.
    pub file: Option<String>,
    /// The line there, from 1.
    pub line: Option<usize>,
    /// What and where, and what to do.
    pub message: String,
}

/// The files are no contracts.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ContractsError {
    /// There is no catalogue among them.
    #[error("there is no {CATALOG}")]
    NoCatalogue,
    /// A file cannot be read as what it should be.
    #[error("{file} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A type without a schema.
    #[error("event type {event} has no schema in {folder}")]
    NoSchema {
        /// The type.
        event: String,
        /// Where its schemas should be.
        folder: String,
    },
}

#[derive(Deserialize)]
struct CatalogueFile {
    #[serde(default)]
    events: Vec<EventEntry>,
}

#[derive(Deserialize)]
struct EventEntry {
    name: String,
    topic: String,
    compatibility: Option<String>,
    #[serde(default)]
    personal_data: Vec<String>,
}

#[derive(Deserialize)]
struct UpstreamFile {
    schemas: BTreeMap<String, Value>,
}

impl Contracts {
    /// Reads the files of a folder of contracts, by their paths in it.
    ///
    /// # Errors
    /// No catalogue; a file that is not TOML, JSON or a level; a type without a schema.
    pub fn read(files: &BTreeMap<String, String>) -> Result<Self, ContractsError> {
        let catalogue = files.get(CATALOG).ok_or(ContractsError::NoCatalogue)?;
        let catalogue: CatalogueFile = toml::from_str(catalogue).map_err(|e| unreadable(CATALOG, &e))?;
        let events = catalogue.events.into_iter().map(|entry| event(entry, files)).collect::<Result<_, _>>()?;
        let upstream = files.get(UPSTREAM).map(|text| serde_json::from_str::<UpstreamFile>(text));
        let upstream = upstream.transpose().map_err(|e| unreadable(UPSTREAM, &e))?;
        let switches = files.get(LINT).map_or(Ok(Vec::new()), |text| lint::switches(text));
        Ok(Self {
            events,
            switches: switches.map_err(|e| unreadable(LINT, &e))?,
            upstream: upstream.map(|file| file.schemas),
        })
    }

    /// The event type of this name.
    #[must_use]
    pub fn event(&self, name: &str) -> Option<&Event> {
        self.events.iter().find(|event| event.name == name)
    }
}

impl Event {
    /// Whether Open edX defines the fields.
    #[must_use]
    pub fn is_openedx(&self) -> bool {
        self.name.starts_with("org.openedx.")
    }

    /// The registry's subject, as `EventType::value_subject` says it.
    #[must_use]
    pub fn subject(&self, prefix: &str) -> String {
        format!("{prefix}-{}-{}.CloudEvent", self.topic, self.name)
    }
}

fn event(entry: EventEntry, files: &BTreeMap<String, String>) -> Result<Event, ContractsError> {
    let (folder, major) = folder(&entry.name);
    let mut versions = Vec::new();
    for (path, text) in files {
        let Some(minor) = path.strip_prefix(&folder).and_then(|rest| minor(rest, major)) else { continue };
        let json = serde_json::from_str(text).map_err(|e| unreadable(path, &e))?;
        versions.push(Version { minor, file: path.clone(), text: text.clone(), json });
    }
    if versions.is_empty() {
        return Err(ContractsError::NoSchema { event: entry.name, folder });
    }
    versions.sort_by_key(|version| version.minor);
    let default = if entry.name.starts_with("org.openedx.") { Level::Backward } else { Level::FullTransitive };
    let level = entry.compatibility.map_or(Ok(default), |level| level.parse());
    let level = level.map_err(|e| unreadable(CATALOG, &e))?;
    let EventEntry { name, topic, personal_data, .. } = entry;
    Ok(Event { name, topic, level, personal_data, versions })
}

/// The folder of a type's schemas, with a slash behind, and its major version.
fn folder(name: &str) -> (String, u32) {
    let rest = name.strip_prefix("coursebus.").or_else(|| name.strip_prefix("org.openedx.")).unwrap_or(name);
    let version = rest.rsplit_once(".v").and_then(|(event, major)| Some((event, major.parse().ok()?)));
    // One type of Open edX has no version in its name.
    let (rest, major) = version.unwrap_or((rest, 1));
    (format!("avro/{}/", rest.replacen('.', "/", 1)), major)
}

fn minor(file: &str, major: u32) -> Option<u32> {
    let (of, minor) = file.strip_suffix(".avsc")?.split_once('.')?;
    (of.parse::<u32>() == Ok(major)).then(|| minor.parse().ok())?
}

fn unreadable(file: &str, reason: &dyn fmt::Display) -> ContractsError {
    let reason = reason.to_string().split_whitespace().collect::<Vec<_>>().join(" ");
    ContractsError::Unreadable { file: file.to_owned(), reason }
}
