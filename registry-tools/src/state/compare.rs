//! Holding a schema to a subject's versions by its level.

use super::{Body, State, Version};
use crate::{
    Level, RegistryError,
    compatibility::{self, Difference, Previous, Schema},
    settings::Config,
    value::Metadata,
};

impl State {
    /// How a schema differs, in what its level forbids, from versions of a subject, which rise. `text` stands alone.
    pub(super) fn differences(
        &self,
        name: &str,
        text: &str,
        metadata: Option<&Metadata>,
        previous: &[(u32, &Version)],
        config: &Config,
    ) -> Result<Vec<Difference>, RegistryError> {
        let level = config.level().unwrap_or(Level::Backward);
        if level == Level::None || previous.is_empty() {
            return Ok(Vec::new());
        }
        let group = |metadata: Option<&Metadata>| {
            let properties = metadata?.properties.as_ref()?;
            config.group().and_then(|group| properties.get(group)).cloned()
        };
        let mine = group(metadata);
        let same = |version: &Version| config.group().is_none() || group(version.body.metadata.as_ref()) == mine;
        let mut compared: Vec<(u32, &Version)> =
            previous.iter().copied().filter(|(_, version)| same(version)).collect();
        if !level.is_transitive() {
            compared.drain(..compared.len().saturating_sub(1));
        }
        let new = parse(text, "the schema")?;
        let old = |(number, version): &(u32, &Version)| {
            Ok((*number, parse(&self.text_of(name, &version.body)?, &format!("version {number} of subject '{name}'"))?))
        };
        let old: Vec<(u32, Schema)> = compared.iter().map(old).collect::<Result<_, RegistryError>>()?;
        let previous: Vec<_> = old.iter().map(|(version, schema)| Previous { version: *version, schema }).collect();
        Ok(compatibility::check(level, &new, &previous))
    }

    fn text_of(&self, name: &str, body: &Body) -> Result<std::sync::Arc<str>, RegistryError> {
        if body.schema_type.as_deref().is_some_and(|kind| kind != "AVRO") {
            let reason = format!("subject '{name}' has versions of another type: Avro is not compatible with them");
            return Err(RegistryError::InvalidSchema { reason });
        }
        self.resolved(name, body)
    }
}

fn parse(text: &str, what: &str) -> Result<Schema, RegistryError> {
    Schema::parse(text, &[]).map_err(|error| RegistryError::InvalidSchema { reason: format!("{what}: {error}") })
}
