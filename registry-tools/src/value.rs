//! What stands beside a schema's text: references, metadata, rules, and the GUID over all of them. Pure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
};

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A schema that another one refers to by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// The name that the text uses.
    pub name: String,
    /// Where it is registered.
    pub subject: String,
    /// Which version; -1 is the latest one, at the time of registering.
    pub version: i32,
}

/// Tags and properties of a schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Tags by the path that they are for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<BTreeMap<String, BTreeSet<String>>>,
    /// Properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub properties: Option<BTreeMap<String, String>>,
    /// Names of properties that are not to be shown in clear.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sensitive: Option<BTreeSet<String>>,
}

impl Metadata {
    /// Both, and where both say something the second.
    #[must_use]
    pub fn over(below: Option<Self>, above: Option<Self>) -> Option<Self> {
        let (Some(below), Some(above)) = (below.clone(), above.clone()) else { return above.or(below) };
        fn both<T: IntoIterator + Extend<T::Item>>(below: Option<T>, above: Option<T>) -> Option<T> {
            match (below, above) {
                (Some(mut below), Some(above)) => {
                    below.extend(above);
                    Some(below)
                }
                (below, above) => above.or(below),
            }
        }
        Some(Self {
            tags: both(below.tags, above.tags),
            properties: both(below.properties, above.properties),
            sensitive: both(below.sensitive, above.sensitive),
        })
    }

    fn hash(&self, md5: &mut Md5) {
        for (path, tags) in self.tags.iter().flatten() {
            md5.update(path);
            tags.iter().for_each(|tag| md5.update(tag));
        }
        for (name, value) in self.properties.iter().flatten() {
            md5.update(name);
            md5.update(value);
        }
        self.sensitive.iter().flatten().for_each(|name| md5.update(name));
    }
}

/// The identity of a schema with all that belongs to it, in every registry the same: a version-less UUID of 16 bytes.
///
/// Source: Confluent's `MD5.ofSchema`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Guid(pub [u8; 16]);

impl Guid {
    /// The GUID of a schema.
    #[must_use]
    pub fn of(schema: &str, references: &[Reference], metadata: Option<&Metadata>, rule_set: Option<&Value>) -> Self {
        let mut md5 = Md5::new();
        md5.update(schema);
        for reference in references {
            md5.update(&reference.name);
            md5.update(&reference.subject);
            md5.update(reference.version.to_be_bytes());
        }
        if let Some(metadata) = metadata {
            md5.update([1]);
            metadata.hash(&mut md5);
        }
        if let Some(rules) = rule_set {
            md5.update([1]);
            hash_rules(rules, &mut md5);
        }
        Self(md5.finalize().into())
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// Not 32 hexadecimal digits, with or without dashes.
#[derive(Debug, thiserror::Error)]
#[error("not a GUID")]
pub struct NotAGuid;

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let digits: Vec<u8> = text.bytes().filter(|b| *b != b'-').collect();
        let value = |digit: u8| char::from(digit).to_digit(16).and_then(|v| u8::try_from(v).ok()).ok_or(NotAGuid);
        let mut bytes = [0; 16];
        if digits.len() != 32 {
            return Err(NotAGuid);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = value(pair[0])? << 4 | value(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

const RULE_LISTS: [&str; 3] = ["migrationRules", "domainRules", "encodingRules"];
const RULES_MAX: usize = 1_000;

/// Whether a rule set has the shape of one: lists of rules, each with a name of its own and a type. What is wrong otherwise.
pub fn check_rules(rules: &Value) -> Result<(), String> {
    let Value::Object(lists) = rules else { return Err("a rule set is an object".to_owned()) };
    let mut count = 0;
    for list in RULE_LISTS {
        let Some(rules) = lists.get(list).filter(|rules| !rules.is_null()) else { continue };
        let Value::Array(rules) = rules else { return Err(format!("{list} is a list of rules")) };
        let mut names = BTreeSet::new();
        for rule in rules {
            let text = |name: &str| rule.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
            let name = text("name").ok_or_else(|| format!("a rule of {list} has no name"))?;
            if !names.insert(name) {
                return Err(format!("two rules of {list} are named '{name}'"));
            }
            text("type").ok_or_else(|| format!("rule '{name}' of {list} has no type"))?;
        }
        count += rules.len();
    }
    if count > RULES_MAX { Err(format!("a rule set has {RULES_MAX} rules at most")) } else { Ok(()) }
}

fn hash_rules(rules: &Value, md5: &mut Md5) {
    for rule in RULE_LISTS.iter().filter_map(|list| rules.get(list)?.as_array()).flatten() {
        hash_rule(rule, md5);
    }
    if let Some(at) = rules.get("enableAt").and_then(Value::as_str) {
        md5.update(at);
    }
}

fn hash_rule(rule: &Value, md5: &mut Md5) {
    let text = |md5: &mut Md5, name: &str| {
        if let Some(text) = rule.get(name).and_then(Value::as_str) {
            md5.update(text);
        }
    };
    ["name", "doc", "kind", "mode", "type"].into_iter().for_each(|name| text(md5, name));
    let tags: BTreeSet<&str> =
        rule.get("tags").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    tags.iter().for_each(|tag| md5.update(tag));
    let params: BTreeMap<&String, &Value> =
        rule.get("params").and_then(Value::as_object).into_iter().flatten().collect();
    for (name, value) in params {
        md5.update(name);
        md5.update(value.as_str().unwrap_or_default());
    }
    ["expr", "onSuccess", "onFailure"].into_iter().for_each(|name| text(md5, name));
    if rule.get("disabled") == Some(&Value::Bool(true)) {
        md5.update([1]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guid_is_the_md5_of_the_schema() {
        let guid = Guid::of(r#""string""#, &[], None, None);
        // printf '"string"' | md5sum
        assert_eq!(guid.to_string(), "095d71cf-1255-6b9d-5e33-0ad575b3df5d");
        assert_eq!(guid.to_string().parse::<Guid>().ok(), Some(guid));
        assert_eq!(guid.to_string().replace('-', "").parse::<Guid>().ok(), Some(guid));
        let reference = Reference { name: "n".into(), subject: "s".into(), version: 1 };
        let others = [
            Guid::of(r#""string""#, &[reference], None, None),
            Guid::of(r#""string""#, &[], Some(&Metadata::default()), None),
            Guid::of(r#""int""#, &[], None, None),
        ];
        assert!(!others.contains(&guid));
        assert_eq!(others.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[test]
    fn rules_have_names_and_types() {
        let check = |json: &str| check_rules(&serde_json::from_str(json).expect("JSON"));
        assert_eq!(check(r#"{"domainRules":[{"name":"a","type":"CEL"},{"name":"b","type":"CEL"}]}"#), Ok(()));
        assert!(check(r#"{"domainRules":[{"name":"a","type":"CEL"},{"name":"a","type":"CEL"}]}"#).is_err());
        assert!(check(r#"{"domainRules":[{"name":"a"}]}"#).is_err());
        assert!(check("[]").is_err());
    }
}
