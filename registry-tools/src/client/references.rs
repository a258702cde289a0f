//! Fetching what a schema refers to, so that its text stands alone.

use std::collections::HashSet;

use reqwest::Method;

use super::{HttpRegistry, SchemaReply};
use crate::{
    RegistryError,
    canonical::{Definitions, Form, print},
    value::Reference,
};

/// How many schemas one may refer to, over all steps. At the bound: an error.
const SCHEMAS_MAX: usize = 1_000;

/// A schema's text with what it refers to in place.
pub(super) async fn resolved(
    registry: &HttpRegistry,
    schema: &str,
    references: Vec<Reference>,
) -> Result<String, RegistryError> {
    let invalid = |reason: String| RegistryError::InvalidSchema { reason };
    let mut seen: HashSet<(String, i32)> = HashSet::new();
    let mut wanted = references;
    let mut texts = Vec::new();
    // Level by level: what is fetched later is what earlier ones refer to, so it is defined first.
    while let Some(reference) = wanted.pop() {
        if !seen.insert((reference.subject.clone(), reference.version)) {
            continue;
        }
        if seen.len() > SCHEMAS_MAX {
            return Err(invalid(format!("it refers to more than {SCHEMAS_MAX} schemas")));
        }
        let reply = fetch(registry, &reference).await?;
        wanted.extend(reply.references.into_iter().flatten());
        texts.push(reply.schema);
    }
    let elsewhere = defined(texts).map_err(|error| invalid(format!("what it refers to: {error}")))?;
    print(schema, &elsewhere, Form::Resolved).map_err(|error| invalid(error.to_string()))
}

async fn fetch(registry: &HttpRegistry, reference: &Reference) -> Result<SchemaReply, RegistryError> {
    let number = reference.version.to_string();
    let path = ["subjects", &reference.subject, "versions", &number];
    let reply: Result<SchemaReply, _> = registry.call(Method::GET, &path, &[("deleted", "true")], None).await;
    reply.map_err(|failure| failure.into_error("fetch a schema that another one refers to", &reference.subject))
}

/// What texts define that refer to each other in no known order: those that can be read are, until none is left.
fn defined(mut texts: Vec<String>) -> Result<Definitions, crate::canonical::NotASchema> {
    let mut ordered: Vec<String> = Vec::new();
    let mut failed = None;
    while !texts.is_empty() {
        let before = texts.len();
        let mut left = Vec::new();
        for text in texts {
            match Definitions::of(ordered.iter().chain([&text]).map(String::as_str)) {
                Ok(_) => ordered.push(text),
                Err(error) => {
                    failed = Some(error);
                    left.push(text);
                }
            }
        }
        texts = left;
        if let (true, Some(error)) = (texts.len() == before, failed.take()) {
            return Err(error);
        }
    }
    Definitions::of(ordered.iter().map(String::as_str))
}
