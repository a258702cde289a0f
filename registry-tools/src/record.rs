//! Records of the `_schemas` topic, as Confluent's registry writes them.
//!
//! Ours are written with exactly Confluent's key bytes; what others wrote is read by content, whatever its white space and
//! order of fields. Kinds and fields that are not known here are left alone.

use coursebus_schemas::SchemaId;
use serde::{Deserialize, Serialize};

use crate::{Level, Mode};

/// The name of the topic.
pub const TOPIC: &str = "_schemas";

/// What a record says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A version of a subject; `None` when it was deleted for good.
    Schema {
        /// The subject.
        subject: String,
        /// From 1.
        version: u32,
        /// The version's contents.
        value: Option<SchemaValue>,
    },
    /// A compatibility level, of a subject or globally; `None` takes it back.
    Config {
        /// The subject, or globally.
        subject: Option<String>,
        /// The level.
        level: Option<Level>,
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
    /// A record of a kind that this registry has no use for.
    Other,
}

/// The value of a SCHEMA record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The schema's text.
    pub schema: String,
    /// Deleted softly: still found by id, not by subject.
    #[serde(default)]
    pub deleted: bool,
}

#[derive(Deserialize)]
struct Key {
    keytype: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    version: Option<u32>,
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
    let wrong_value = |source| Unreadable { part: "value", source };
    // A Confluent registry writes null values as the four letters, too.
    let value = value.filter(|value| *value != b"null");
    let text = |name: &str| -> Result<Option<String>, Unreadable> {
        let Some(value) = value else { return Ok(None) };
        let object: serde_json::Value = serde_json::from_slice(value).map_err(wrong_value)?;
        Ok(object.get(name).and_then(|v| v.as_str()).map(str::to_owned))
    };
    Ok(match (key.keytype.as_str(), key.subject, key.version) {
        ("SCHEMA", Some(subject), Some(version)) => {
            let value = value.map(serde_json::from_slice).transpose().map_err(wrong_value)?;
            Entry::Schema { subject, version, value }
        }
        ("CONFIG", subject, _) => {
            Entry::Config { subject, level: text("compatibilityLevel")?.and_then(|l| l.parse().ok()) }
        }
        ("MODE", subject, _) => Entry::Mode { subject, mode: text("mode")?.and_then(|m| m.parse().ok()) },
        ("DELETE_SUBJECT", Some(subject), _) => {
            let Some(value) = value else { return Ok(Entry::Other) };
            let value: DeleteSubjectValue = serde_json::from_slice(value).map_err(wrong_value)?;
            Entry::DeleteSubject { subject, version: value.version }
        }
        _ => Entry::Other,
    })
}

#[derive(Deserialize)]
struct DeleteSubjectValue {
    version: u32,
}

/// A record's key and value.
pub type Bytes = (String, Option<String>);

/// The record of a version.
#[must_use]
pub fn schema(value: &SchemaValue) -> Bytes {
    let subject = quote(&value.subject);
    let key = format!(r#"{{"keytype":"SCHEMA","subject":{subject},"version":{},"magic":1}}"#, value.version);
    (key, Some(serde_json::json!(value).to_string()))
}

/// The record of a level.
#[must_use]
pub fn config(subject: Option<&str>, level: Level) -> Bytes {
    (plain_key("CONFIG", subject), Some(plain_value(subject, "compatibilityLevel", &level.to_string())))
}

/// The record of a mode.
#[must_use]
pub fn mode(subject: Option<&str>, mode: Mode) -> Bytes {
    (plain_key("MODE", subject), Some(plain_value(subject, "mode", &mode.to_string())))
}

fn plain_key(kind: &str, subject: Option<&str>) -> String {
    match subject {
        Some(subject) => format!(r#"{{"keytype":"{kind}","subject":{},"magic":0}}"#, quote(subject)),
        None => format!(r#"{{"keytype":"{kind}","magic":0}}"#),
    }
}

fn plain_value(subject: Option<&str>, name: &str, value: &str) -> String {
    match subject {
        Some(subject) => format!(r#"{{"subject":{},"{name}":"{value}"}}"#, quote(subject)),
        None => format!(r#"{{"{name}":"{value}"}}"#),
    }
}

fn quote(text: &str) -> String {
    serde_json::Value::from(text).to_string()
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

    #[test]
    fn keys_are_confluents_to_the_byte() {
        let value = SchemaValue {
            subject: "s\"1".into(),
            version: 2,
            id: 7,
            schema_type: None,
            schema: "\"int\"".into(),
            deleted: false,
        };
        let (key, text) = schema(&value);
        assert_eq!(key, r#"{"keytype":"SCHEMA","subject":"s\"1","version":2,"magic":1}"#);
        assert_eq!(
            text.as_deref(),
            Some(r#"{"subject":"s\"1","version":2,"id":7,"schema":"\"int\"","deleted":false}"#)
        );
        assert_eq!(config(None, Level::None).0, r#"{"keytype":"CONFIG","magic":0}"#);
        assert_eq!(mode(Some("s"), Mode::Import).0, r#"{"keytype":"MODE","subject":"s","magic":0}"#);
        let read_back = read(key.as_bytes(), text.as_deref().map(str::as_bytes)).expect("readable");
        assert_eq!(read_back, Entry::Schema { subject: "s\"1".into(), version: 2, value: Some(value) });
    }

    #[test]
    fn other_writers_are_read_by_content() {
        let key = br#"{ "magic": 1, "subject": "s",  "version": 1, "keytype": "SCHEMA" }"#;
        let value = br#"{"deleted": false, "id": 1, "schema": "\"int\"", "subject": "s", "version": 1, "new": {}}"#;
        assert!(matches!(read(key, Some(value)), Ok(Entry::Schema { version: 1, value: Some(_), .. })));
        assert!(matches!(read(key, None), Ok(Entry::Schema { value: None, .. })));
        assert!(matches!(read(br#"{"keytype":"NOOP","magic":0}"#, None), Ok(Entry::Other)));
        assert!(matches!(
            read(br#"{"keytype":"CONFIG","subject":null,"magic":0}"#, Some(br#"{"compatibilityLevel":"NONE"}"#)),
            Ok(Entry::Config { subject: None, level: Some(Level::None) })
        ));
        assert!(read(b"{", None).is_err());
        assert!(read(key, Some(b"{\"id\":")).is_err());
    }
}
