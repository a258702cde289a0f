//! Following references to the schemas that they name.

use std::collections::HashSet;

use super::{Body, State};
use crate::{
    RegistryError,
    canonical::{Definitions, Form, print},
    subject,
    value::Reference,
};
use std::sync::Arc;

/// How many schemas one may refer to, over all steps. At the bound: refused.
const SCHEMAS_MAX: usize = 1_000;
/// How many steps references may go. At the bound: refused.
const STEPS_MAX: usize = 50;
/// How long the texts of all of them may be together. At the bound: refused.
const BYTES_MAX: usize = 10 << 20;

/// The texts that a schema refers to, each behind those that it refers to itself.
struct Walk<'a> {
    state: &'a State,
    seen: HashSet<(String, u32)>,
    texts: Vec<Arc<str>>,
    bytes: usize,
}

impl State {
    /// What the schemas define that these references name. Deleted versions count: they are still what was meant.
    pub(super) fn definitions(&self, parent: &str, references: &[Reference]) -> Result<Definitions, RegistryError> {
        if references.is_empty() {
            return Ok(Definitions::default());
        }
        let mut walk = Walk { state: self, seen: HashSet::new(), texts: Vec::new(), bytes: 0 };
        walk.follow(parent, references, 0)?;
        Definitions::of(walk.texts.iter().map(AsRef::as_ref))
            .map_err(|error| invalid(format!("what it refers to: {error}")))
    }

    /// A schema's text with what it refers to in place.
    pub(super) fn resolved(&self, name: &str, body: &Body) -> Result<Arc<str>, RegistryError> {
        if body.references.is_empty() {
            return Ok(body.schema.clone());
        }
        let elsewhere = self.definitions(name, &body.references)?;
        let printed = print(&body.schema, &elsewhere, Form::Resolved).map_err(|error| invalid(error.to_string()))?;
        Ok(printed.into())
    }

    /// The text of an id that stands alone, whatever it refers to.
    pub(crate) fn standalone(&self, id: u32, subject: Option<&str>) -> Option<Result<Arc<str>, RegistryError>> {
        let name = self.by_id(crate::SchemaId(id), subject)?.subject;
        let body = self.ids(&name)?.body(id)?;
        Some(self.resolved(&name, body))
    }

    /// References with the numbers of the versions that `latest` means now.
    pub(super) fn pinned(&self, parent: &str, references: &[Reference]) -> Result<Vec<Reference>, RegistryError> {
        let pin = |reference: &Reference| {
            let mut reference = reference.clone();
            if reference.version == -1 {
                let name = subject::qualify(parent, &reference.subject);
                let latest = self.live(&name).next_back().map(|(number, _)| number);
                reference.version = latest.and_then(|n| i32::try_from(n).ok()).ok_or_else(|| missing(&reference))?;
            }
            Ok(reference)
        };
        references.iter().map(pin).collect()
    }
}

impl Walk<'_> {
    fn follow(&mut self, parent: &str, references: &[Reference], steps: usize) -> Result<(), RegistryError> {
        if steps >= STEPS_MAX {
            return Err(invalid(format!("references go further than {STEPS_MAX} steps")));
        }
        for reference in references {
            let name = subject::qualify(parent, &reference.subject);
            let number = u32::try_from(reference.version).map_err(|_| missing(reference))?;
            if !self.seen.insert((name.clone(), number)) {
                continue;
            }
            let state = self.state;
            let version = state.subjects.get(&name).and_then(|versions| versions.get(&number));
            let body = &version.ok_or_else(|| missing(reference))?.body;
            self.follow(&name, &body.references, steps + 1)?;
            self.bytes += body.schema.len();
            self.texts.push(body.schema.clone());
            if self.texts.len() > SCHEMAS_MAX || self.bytes > BYTES_MAX {
                return Err(invalid(format!("it refers to more than {SCHEMAS_MAX} schemas or {BYTES_MAX} bytes")));
            }
        }
        Ok(())
    }
}

fn missing(reference: &Reference) -> RegistryError {
    let Reference { name, subject, version } = reference;
    let cut = |text: &str| text.chars().take(80).collect::<String>();
    let reason = format!(
        "reference '{}' names version {version} of subject '{}', which is not registered; register it first",
        cut(name),
        cut(subject)
    );
    invalid(reason)
}

fn invalid(reason: String) -> RegistryError {
    RegistryError::InvalidSchema { reason }
}
