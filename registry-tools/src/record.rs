//! Records of the `_schemas` topic, as Confluent's registry writes them.
//!
//! Ours are written with exactly Confluent's key bytes; what others wrote is read by content, whatever its white space and
//! order of fields. Kinds that are not known here are left alone, and fields that are not known stay when a record is
//! written anew.

use std::collections::BTreeMap;

use coursebus_schemas::SchemaId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    Mode,
    settings::Config,
    value::{Metadata, Reference},
};

/// The name of the topic.
pub const TOPIC: &str = "_schemas";

/// What a record says.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// A version of a subject; `None` when it was deleted for good.
    Schema {
        /// The subject.
        subject: String,
        /// From 1.
        version: u32,
        /// The version's contents.
        value: Option<Box<SchemaValue>>,
    },
    /// Settings of a subject or context, or global ones; `None` takes them back.
    Config {
        /// The subject, or globally.
        subject: Option<String>,
        /// The settings.
        config: Option<Config>,
    },
    /// A mode, of a subject or globally; `None` takes it back.
    Mode {
        /// The subject, or globally.
        subject: Option<String>,
        /// The mode.
        mode: Option<Mode>,
    },
    /// All versions of a subject up to this one were deleted softly.
    DeleteSubject {
        /// The subject.
        subject: String,
        /// The last version that is deleted.
        version: u32,
    },
    /// The softly deleted versions of a subject, of a context, or of all were removed.
    ClearSubject {
        /// The subject; `None`: all.
        subject: Option<String>,
    },
    /// A context that subjects are in, with its leading dot.
    Context {
        /// Its name.
        context: String,
        /// Whether it was deleted.
        deleted: bool,
    },
    /// The highest id that was ever given in each context (only ours writes that; for others it is a record without effect).
    IdsGiven(BTreeMap<String, u32>),
    /// A record of a kind that this registry has no use for.
    Other,
}

/// The value of a SCHEMA record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SchemaValue {
    /// The subject.
    pub subject: String,
    /// From 1.
    pub version: u32,
    /// The schema's id.
    pub id: u32,
    /// `AVRO` where it is absent.
    #[serde(rename = "schemaType", default, skip_serializing_if = "Option::is_none")]
    pub schema_type: Option<String>,
    /// The schemas that it refers to.
    #[serde(default, deserialize_with = "or_default", skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Tags and properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Metadata>,
    /// Rules that clients follow.
    #[serde(rename = "ruleSet", default, skip_serializing_if = "Option::is_none")]
    pub rule_set: Option<Value>,
    /// The schema's text.
    pub schema: String,
    /// Deleted softly: still found by id, not by subject.
    #[serde(default)]
    pub deleted: bool,
    /// Fields that are not known here.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

fn or_default<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct Key {
    keytype: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    version: Option<u32>,
    #[serde(default)]
    context: Option<String>,
}

/// A record that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the {part} of a record of {TOPIC} cannot be read")]
pub struct Unreadable {
    part: &'static str,
    source: serde_json::Error,
}

/// Reads a record.
///
/// # Errors
/// [`Unreadable`] for a key or value that is not the JSON it should be.
pub fn read(key: &[u8], value: Option<&[u8]>) -> Result<Entry, Unreadable> {
    let key: Key = serde_json::from_slice(key).map_err(|source| Unreadable { part: "key", source })?;
    // A registry may write a null value as the four letters, too.
    let value = value.filter(|value| *value != b"null");
    let Some(value) = value else { return Ok(removed(key)) };
    Ok(match (key.keytype.as_str(), key.subject, key.version) {
        ("SCHEMA", Some(subject), Some(version)) => {
            Entry::Schema { subject, version, value: Some(Box::new(parsed(value)?)) }
        }
        ("CONFIG", subject, _) => Entry::Config { subject, config: Some(parsed(value)?) },
        ("MODE", subject, _) => Entry::Mode { subject, mode: Some(parsed::<ModeValue>(value)?.mode.0) },
        ("DELETE_SUBJECT", Some(subject), _) => {
            Entry::DeleteSubject { subject, version: parsed::<DeleteSubjectValue>(value)?.version }
        }
        ("CLEAR_SUBJECT", subject, _) => Entry::ClearSubject { subject },
        ("CONTEXT", ..) => match key.context {
            Some(context) => Entry::Context { context, deleted: false },
            None => Entry::Other,
        },
        ("NOOP", ..) => parsed::<NoopValue>(value).map_or(Entry::Other, |noop| Entry::IdsGiven(noop.ids_given)),
        _ => Entry::Other,
    })
}

/// What a record without a value says.
fn removed(key: Key) -> Entry {
    match (key.keytype.as_str(), key.subject, key.version, key.context) {
        ("SCHEMA", Some(subject), Some(version), _) => Entry::Schema { subject, version, value: None },
        ("CONFIG", subject, ..) => Entry::Config { subject, config: None },
        ("MODE", subject, ..) => Entry::Mode { subject, mode: None },
        ("CONTEXT", _, _, Some(context)) => Entry::Context { context, deleted: true },
        _ => Entry::Other,
    }
}

fn parsed<'a, T: Deserialize<'a>>(value: &'a [u8]) -> Result<T, Unreadable> {
    serde_json::from_slice(value).map_err(|source| Unreadable { part: "value", source })
}

#[derive(Deserialize)]
struct DeleteSubjectValue {
    version: u32,
}

#[derive(Deserialize)]
struct ModeValue {
    mode: ModeName,
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct ModeName(Mode);

impl TryFrom<String> for ModeName {
    type Error = crate::RegistryError;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        match name.as_str() {
            // Modes of Confluent's server that ours does not set: nobody registers, and only who brings ids does.
            "READONLY_OVERRIDE" => Ok(Self(Mode::ReadOnly)),
            "FORWARD" => Ok(Self(Mode::Import)),
            name => name.parse().map(Self),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct NoopValue {
    #[serde(rename = "idsGiven")]
    ids_given: BTreeMap<String, u32>,
}

/// A record's key and value.
pub type Bytes = (String, Option<String>);

/// The key of a version.
#[must_use]
pub fn schema_key(subject: &str, version: u32) -> String {
    format!(r#"{{"keytype":"SCHEMA","subject":{},"version":{version},"magic":1}}"#, quote(subject))
}

/// The record of a version.
#[must_use]
pub fn schema(value: &SchemaValue) -> Bytes {
    (schema_key(&value.subject, value.version), Some(serde_json::json!(value).to_string()))
}

/// The key of settings.
#[must_use]
pub fn config_key(subject: Option<&str>) -> String {
    plain_key("CONFIG", subject)
}

/// The record of settings.
#[must_use]
pub fn config(subject: Option<&str>, config: &Config) -> Bytes {
    let mut value = Map::new();
    value.extend(subject.map(|subject| ("subject".to_owned(), subject.into())));
    value.extend(config.fields().filter(|(name, _)| *name != "subject").map(|(n, v)| (n.to_owned(), v.clone())));
    (config_key(subject), Some(Value::Object(value).to_string()))
}

/// The key of a mode.
#[must_use]
pub fn mode_key(subject: Option<&str>) -> String {
    plain_key("MODE", subject)
}

/// The record of a mode.
#[must_use]
pub fn mode(subject: Option<&str>, mode: Mode) -> Bytes {
    let value = match subject {
        Some(subject) => format!(r#"{{"subject":{},"mode":"{mode}"}}"#, quote(subject)),
        None => format!(r#"{{"mode":"{mode}"}}"#),
    };
    (mode_key(subject), Some(value))
}

/// The record that deletes a subject's versions softly.
#[must_use]
pub fn delete_subject(subject: &str, version: u32) -> Bytes {
    let value = format!(r#"{{"subject":{},"version":{version}}}"#, quote(subject));
    (plain_key("DELETE_SUBJECT", Some(subject)), Some(value))
}

/// The record that clears what is deleted softly.
#[must_use]
pub fn clear_subject(subject: Option<&str>) -> Bytes {
    let value = subject.map_or_else(|| "{}".to_owned(), |subject| format!(r#"{{"subject":{}}}"#, quote(subject)));
    (plain_key("CLEAR_SUBJECT", subject), Some(value))
}

/// The record of a context.
#[must_use]
pub fn context(context: &str) -> Bytes {
    let value = format!(r#"{{"tenant":"default","context":{}}}"#, quote(context));
    (context_key(context), Some(value))
}

/// The key of a context.
#[must_use]
pub fn context_key(context: &str) -> String {
    format!(r#"{{"keytype":"CONTEXT","tenant":"default","context":{},"magic":0}}"#, quote(context))
}

/// The record that remembers which ids were given. Its kind is one that other registries skip.
#[must_use]
pub fn ids_given(ids_given: BTreeMap<String, u32>) -> Bytes {
    (plain_key("NOOP", None), Some(serde_json::json!(NoopValue { ids_given }).to_string()))
}

fn plain_key(kind: &str, subject: Option<&str>) -> String {
    match subject {
        Some(subject) => format!(r#"{{"keytype":"{kind}","subject":{},"magic":0}}"#, quote(subject)),
        None => format!(r#"{{"keytype":"{kind}","magic":0}}"#),
    }
}

fn quote(text: &str) -> String {
    Value::from(text).to_string()
}

/// The id of a value, typed.
impl SchemaValue {
    /// The schema's id.
    #[must_use]
    pub fn schema_id(&self) -> SchemaId {
        SchemaId(self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Level;

    fn value() -> SchemaValue {
        serde_json::from_str(r#"{"subject":"s\"1","version":2,"id":7,"schema":"\"int\"","deleted":false}"#)
            .expect("a value")
    }

    #[test]
    fn keys_are_confluents_to_the_byte() {
        let (key, text) = schema(&value());
        assert_eq!(key, r#"{"keytype":"SCHEMA","subject":"s\"1","version":2,"magic":1}"#);
        assert_eq!(
            text.as_deref(),
            Some(r#"{"subject":"s\"1","version":2,"id":7,"schema":"\"int\"","deleted":false}"#)
        );
        assert_eq!(config_key(None), r#"{"keytype":"CONFIG","magic":0}"#);
        assert_eq!(mode(Some("s"), Mode::Import).0, r#"{"keytype":"MODE","subject":"s","magic":0}"#);
        assert_eq!(delete_subject("s", 3).0, r#"{"keytype":"DELETE_SUBJECT","subject":"s","magic":0}"#);
        assert_eq!(delete_subject("s", 3).1.as_deref(), Some(r#"{"subject":"s","version":3}"#));
        assert_eq!(context(".c").0, r#"{"keytype":"CONTEXT","tenant":"default","context":".c","magic":0}"#);
        let read_back = read(key.as_bytes(), text.as_deref().map(str::as_bytes)).expect("readable");
        assert_eq!(read_back, Entry::Schema { subject: "s\"1".into(), version: 2, value: Some(Box::new(value())) });
    }

    #[test]
    fn settings_are_confluents_to_the_byte() {
        let full = Config::default().with_level(Level::Full);
        assert_eq!(config(None, &full).1.as_deref(), Some(r#"{"compatibilityLevel":"FULL"}"#));
        assert_eq!(config(Some("s"), &full).1.as_deref(), Some(r#"{"subject":"s","compatibilityLevel":"FULL"}"#));
    }

    #[test]
    fn other_writers_are_read_by_content() {
        let key = br#"{ "magic": 1, "subject": "s",  "version": 1, "keytype": "SCHEMA" }"#;
        let value = br#"{"deleted": false, "id": 1, "schema": "\"int\"", "subject": "s", "version": 1, "new": {}, "references": null}"#;
        assert!(matches!(read(key, Some(value)), Ok(Entry::Schema { version: 1, value: Some(_), .. })));
        assert!(matches!(read(key, None), Ok(Entry::Schema { value: None, .. })));
        assert!(matches!(read(br#"{"keytype":"NOOP","magic":0}"#, None), Ok(Entry::Other)));
        let level =
            |value: &str| match read(br#"{"keytype":"CONFIG","subject":null,"magic":0}"#, Some(value.as_bytes())) {
                Ok(Entry::Config { subject: None, config: Some(config) }) => config.level(),
                other => panic!("{other:?}"),
            };
        assert_eq!(level(r#"{"compatibilityLevel":"NONE"}"#), Some(Level::None));
        assert_eq!(level(r#"{"normalize":true}"#), None);
        assert!(read(b"{", None).is_err());
        assert!(read(key, Some(b"{\"id\":")).is_err());
        assert!(read(br#"{"keytype":"CONFIG","magic":0}"#, Some(br#"{"compatibilityLevel":"SOME"}"#)).is_err());
        assert!(read(br#"{"keytype":"MODE","magic":0}"#, Some(br#"{"mode":"ODD"}"#)).is_err());
    }

    #[test]
    fn fields_that_are_not_known_stay() {
        let key = schema_key("s", 1);
        let text = r#"{"subject":"s","version":1,"id":1,"schema":"\"int\"","deleted":false,"md5":"x","new":{"a":[1]}}"#;
        let Ok(Entry::Schema { value: Some(value), .. }) = read(key.as_bytes(), Some(text.as_bytes())) else {
            panic!("readable")
        };
        assert_eq!(schema(&value).1.as_deref(), Some(text));
    }
}
