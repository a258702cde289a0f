//! `/subjects/{subject}/versions`: registering, fetching, deleting.

use serde_json::{Map, Value, json};

use super::{Answer, Call, Reply, subjects::described};
use crate::{Found, RegistryError};

pub(super) async fn list(call: Call) -> Answer {
    let (subject, filter) = (call.subject(), call.filter());
    let versions = call.registry.find(|state| state.versions(&subject, filter)).await?;
    Ok(Reply::Json(json!(call.page(versions)?)))
}

pub(super) async fn register(call: Call) -> Answer {
    let (subject, draft) = (call.subject(), call.draft()?);
    let found = call.registry.write(move |state| state.register(&subject, &draft)).await?;
    let mut object = Map::new();
    object.insert("id".to_owned(), found.id.0.into());
    object.insert("version".to_owned(), found.version.into());
    object.extend(found.about());
    Ok(Reply::Json(Value::Object(object)))
}

/// The version, with what it refers to in place where `format=resolved` asks for it.
async fn found(call: &Call) -> Result<Found, super::ApiError> {
    let (subject, version, deleted) = (call.subject(), call.version()?, call.says("deleted"));
    let mut found = call.registry.find(|state| state.version(&subject, version, deleted)).await?;
    if call.text("format") == Some("resolved") {
        found.schema = call
            .registry
            .read(|state| state.standalone(found.id.0, Some(&found.subject)))
            .ok_or(RegistryError::UnknownId { id: found.id })??;
    }
    Ok(found)
}

pub(super) async fn get(call: Call) -> Answer {
    Ok(Reply::Json(described(&found(&call).await?)))
}

pub(super) async fn schema(call: Call) -> Answer {
    Ok(Reply::Text(found(&call).await?.schema.to_string()))
}

pub(super) async fn delete(call: Call) -> Answer {
    let (subject, version, permanent) = (call.subject(), call.version()?, call.says("permanent"));
    let gone = call.registry.write(move |state| state.delete_version(&subject, version, permanent)).await?;
    Ok(Reply::Json(json!(gone)))
}

pub(super) async fn referenced_by(call: Call) -> Answer {
    let (subject, version, deleted) = (call.subject(), call.version()?, call.says("deleted"));
    let ids = call.registry.find(|state| {
        let found = state.version(&subject, version, true)?;
        Ok(state.referenced_by(&found.subject, found.version, deleted))
    });
    Ok(Reply::Json(json!(call.page(ids.await?)?)))
}
