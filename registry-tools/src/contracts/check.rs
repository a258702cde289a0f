//! Holds contracts to what was there before: the files of another revision, or the versions of a registry.

use super::{Contracts, Event, Finding, Version};
use crate::{
    canonical::canonical,
    compatibility::{Previous, Schema, check as compare},
};

/// A new version that the level of its type refuses.
pub const INCOMPATIBLE: &str = "incompatible";
/// A version that was there has another schema now, or none.
pub const VERSION_CHANGED: &str = "version-changed";
/// A type that was there is gone.
pub const TYPE_REMOVED: &str = "type-removed";
/// A text that is no schema.
pub const NOT_A_SCHEMA: &str = "not-a-schema";

/// A version that was there before.
#[derive(Debug, Clone, Copy)]
pub struct Before<'a> {
    /// How it is called in sentences: `1.0` in files, `1` in a registry.
    pub name: &'a str,
    /// Its schema.
    pub text: &'a str,
}

/// Holds the files to those of another revision: what was there stays as it was, and what is new is compatible.
#[must_use]
pub fn check(old: &Contracts, new: &Contracts) -> Vec<Finding> {
    let mut findings = Vec::new();
    for event in &new.events {
        let before = old.event(&event.name).map_or(&[][..], |event| event.versions.as_slice());
        let names: Vec<String> = before.iter().map(Version::name).collect();
        let before = before.iter().zip(&names).map(|(version, name)| Before { name, text: &version.text });
        findings.extend(check_event(event, &before.collect::<Vec<_>>()));
    }
    let gone = old.events.iter().filter(|event| new.event(&event.name).is_none());
    findings.extend(gone.map(|event| Finding {
        rule: TYPE_REMOVED,
        event: event.name.clone(),
        file: Some(super::CATALOG.to_owned()),
        line: None,
        message: "the type was in the catalogue and is gone: consumers of it may run; keep it until nobody reads its topic".to_owned(),
    }));
    findings
}

/// Holds one type to the versions that were there, oldest first.
#[must_use]
pub fn check_event(event: &Event, before: &[Before<'_>]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let identity = |text: &str| canonical(text).unwrap_or_else(|_| text.to_owned());
    let known: Vec<String> = before.iter().map(|version| identity(version.text)).collect();
    let ours: Vec<String> = event.versions.iter().map(|version| identity(&version.text)).collect();
    for (version, known) in before.iter().zip(&known) {
        if !ours.contains(known) {
            findings.push(changed(event, version));
        }
    }
    // In the order in which they would be registered: what was there, then the new ones, each held to those before it.
    let parse = |text: &str| Schema::parse(text, &[]);
    let parsed = before.iter().filter_map(|version| Some((parse(version.text).ok()?, version.name.to_owned())));
    let (mut previous, mut names): (Vec<Schema>, Vec<String>) = parsed.unzip();
    for (version, _) in event.versions.iter().zip(&ours).filter(|(_, text)| !known.contains(text)) {
        let schema = match parse(&version.text) {
            Ok(schema) => schema.in_file(&version.file),
            Err(error) => {
                findings.push(finding(NOT_A_SCHEMA, event, version, None, error.to_string()));
                continue;
            }
        };
        findings.extend(refused(event, version, &schema, &previous, &names));
        previous.push(schema);
        names.push(version.name());
    }
    findings
}

fn refused(event: &Event, version: &Version, schema: &Schema, previous: &[Schema], names: &[String]) -> Vec<Finding> {
    let numbered = (1..).zip(previous).map(|(number, schema)| Previous { version: number, schema });
    let differences = compare(event.level, schema, &numbered.collect::<Vec<_>>());
    let told = differences.iter().map(|difference| {
        // The new version is the reader or the writer: its line is the one that can be mended.
        let places = [&difference.reader, &difference.writer];
        let own =
            places.into_iter().find(|place| place.file.as_deref().is_some_and(|file| file.ends_with(&version.file)));
        let number = format!("version {}", difference.version);
        let at = usize::try_from(difference.version).unwrap_or_default();
        let name = format!("version {}", names.get(at.saturating_sub(1)).map_or("?", String::as_str));
        let sentence = difference.to_string().replacen(&number, &name, 1);
        let message = format!("{}: {sentence} ({})", difference.kind.name(), event.level);
        finding(INCOMPATIBLE, event, version, own.and_then(|place| place.line), message)
    });
    told.collect()
}

fn changed(event: &Event, version: &Before<'_>) -> Finding {
    let file = event.versions.iter().find(|ours| ours.name() == version.name).map(|ours| ours.file.clone());
    Finding {
        rule: VERSION_CHANGED,
        event: event.name.clone(),
        file,
        line: None,
        message: format!(
            "version {} was released with another schema than any file has now: put it back, and write what is new as the next minor \
             version",
            version.name
        ),
    }
}

fn finding(rule: &'static str, event: &Event, version: &Version, line: Option<usize>, message: String) -> Finding {
    Finding { rule, event: event.name.clone(), file: Some(version.file.clone()), line, message }
}

impl Version {
    /// `1.0`, as its file is called.
    #[must_use]
    pub fn name(&self) -> String {
        let file = self.file.rsplit('/').next().unwrap_or(&self.file);
        file.trim_end_matches(".avsc").to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const CATALOGUE: &str = "[[events]]\nname = \"coursebus.a.b.done.v1\"\ntopic = \"t\"\n";

    fn contracts(versions: &[&str]) -> Contracts {
        let mut files = BTreeMap::from([("catalog.toml".to_owned(), CATALOGUE.to_owned())]);
        for (minor, fields) in versions.iter().enumerate() {
            let schema = format!("{{\"type\":\"record\",\"name\":\"CloudEvent\",\n\"fields\":[\n{fields}]}}");
            files.insert(format!("avro/a/b.done/1.{minor}.avsc"), schema);
        }
        Contracts::read(&files).expect("contracts")
    }

    const OLD: &str = r#"{"name":"x","type":"int"}"#;

    #[test]
    fn what_is_new_is_held_to_what_was_there() {
        let old = contracts(&[OLD]);
        assert_eq!(check(&old, &old), []);
        let good =
            contracts(&[OLD, "{\"name\":\"x\",\"type\":\"int\"},\n{\"name\":\"y\",\"type\":\"int\",\"default\":0}"]);
        assert_eq!(check(&old, &good), []);
        let bad = contracts(&[OLD, "{\"name\":\"x\",\"type\":\"int\"},\n{\"name\":\"y\",\"type\":\"int\"}"]);
        let found = check(&old, &bad);
        assert_eq!((found[0].rule, found[0].line, found.len()), (INCOMPATIBLE, Some(4), 1));
        assert_eq!(
            found[0].message,
            "READER_FIELD_MISSING_DEFAULT_VALUE: new consumers cannot read events of version 1.0: field `y` has no default, and \
             those events lack it; give it a default, or publish a new major (FULL_TRANSITIVE)"
        );
    }

    #[test]
    fn what_was_there_stays() {
        let old = contracts(&[OLD]);
        let edited = contracts(&[r#"{"name":"x","type":"long"}"#]);
        let found = check(&old, &edited);
        assert_eq!(found.iter().map(|f| f.rule).collect::<Vec<_>>(), [VERSION_CHANGED, INCOMPATIBLE]);
        let none = Contracts::read(&BTreeMap::from([("catalog.toml".to_owned(), String::new())])).expect("contracts");
        assert_eq!(check(&old, &none).iter().map(|f| f.rule).collect::<Vec<_>>(), [TYPE_REMOVED]);
        assert_eq!(check(&none, &old), []);
    }
}
