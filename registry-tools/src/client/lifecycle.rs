//! What is deleted softly, and deleting.

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::{HttpRegistry, VersionReply};
use crate::{Kept, RegistryError, SchemaId, subject};

const WITH_DELETED: (&str, &str) = ("deleted", "true");

#[derive(Deserialize)]
struct User {
    subject: String,
    version: u32,
}

pub(super) async fn kept(registry: &HttpRegistry, subject: &str) -> Result<Vec<Kept>, RegistryError> {
    let path = ["subjects", subject, "versions"];
    let list = async |query: &[(&str, &str)]| -> Result<Vec<u32>, RegistryError> {
        let reply = registry.call(Method::GET, &path, query, None).await;
        reply.map_err(|failure| failure.into_error("list versions", subject))
    };
    let all = list(&[WITH_DELETED]).await?;
    let live = match list(&[]).await {
        Err(RegistryError::UnknownSubject { .. }) => Vec::new(),
        live => live?,
    };
    let mut kept = Vec::with_capacity(all.len());
    for version in all {
        let number = version.to_string();
        let path = ["subjects", subject, "versions", &number];
        let reply: Result<VersionReply, _> = registry.call(Method::GET, &path, &[WITH_DELETED], None).await;
        let found = reply.map_err(|failure| failure.into_error("fetch a version", subject))?;
        kept.push(Kept { version, id: SchemaId(found.id), deleted: !live.contains(&version) });
    }
    Ok(kept)
}

pub(super) async fn users(
    registry: &HttpRegistry,
    id: SchemaId,
    subject: &str,
) -> Result<Vec<(String, u32)>, RegistryError> {
    let context = subject::context_key(subject);
    let mut query = vec![WITH_DELETED];
    query.extend(context.as_deref().map(|context| ("subject", context)));
    let path = ["schemas", "ids", &id.to_string(), "versions"];
    let reply: Result<Vec<User>, _> = registry.call(Method::GET, &path, &query, None).await;
    match reply.map_err(|failure| failure.into_error("list who uses an id", subject)) {
        Ok(users) => Ok(users.into_iter().map(|user| (user.subject, user.version)).collect()),
        Err(RegistryError::UnknownSchema { .. }) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

pub(super) async fn delete(
    registry: &HttpRegistry,
    subject: &str,
    version: Option<u32>,
    permanent: bool,
) -> Result<Vec<u32>, RegistryError> {
    let number = version.map(|version| version.to_string());
    let mut path = vec!["subjects", subject];
    path.extend(number.as_deref().into_iter().flat_map(|number| ["versions", number]));
    let query: &[(&str, &str)] = if permanent { &[("permanent", "true")] } else { &[] };
    let reply: Result<Value, _> = registry.call(Method::DELETE, &path, query, None).await;
    let reply = reply.map_err(|failure| failure.into_error("delete", subject))?;
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    Ok(match &reply {
        Value::Array(numbers) => numbers.iter().filter_map(number).collect(),
        // Apicurio's says nothing where a version goes.
        one => number(one).or(version).into_iter().collect(),
    })
}
