//! Differences as Confluent's registry tells them over HTTP. Pure.

use super::difference::Difference;
use crate::Level;

/// The `messages` of `POST /compatibility/…?verbose=true`, in the shape of Confluent's; the description is our sentence.
/// Empty when there is no difference.
#[must_use]
pub fn messages(level: Level, differences: &[Difference]) -> Vec<String> {
    if differences.is_empty() {
        return Vec::new();
    }
    let mut messages = Vec::with_capacity(differences.len() + 2);
    for (i, difference) in differences.iter().enumerate() {
        let Difference { kind, version, reader, .. } = difference;
        messages.push(format!(
            "{{errorType:'{}', description:'{difference} (path '{}')', additionalInfo:'{}'}}",
            kind.name(),
            reader.path,
            kind.info()
        ));
        if differences.get(i + 1).is_none_or(|next| next.version != *version) {
            messages.push(format!("{{oldSchemaVersion: {version}}}"));
        }
    }
    messages.push(format!("{{validateFields: 'false', compatibility: '{level}'}}"));
    messages
}

/// What a registration is refused with (409): Confluent's sentence, with the messages.
#[must_use]
pub fn refusal(subject: &str, level: Level, differences: &[Difference]) -> String {
    format!(
        "Schema being registered is incompatible with an earlier schema for subject \"{subject}\", details: [{}]",
        messages(level, differences).join(", ")
    )
}
