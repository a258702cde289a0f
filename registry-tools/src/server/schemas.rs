//! `/schemas`: by id, by GUID, all.

use serde_json::{Map, Value, json};

use super::{Answer, ApiError, Call, Reply, subjects::described};
use crate::{Found, RegistryError, value::Guid};

pub(super) async fn list(call: Call) -> Answer {
    let prefix = call.text("subjectPrefix").unwrap_or("");
    let latest_only = call.says("latestOnly");
    let schemas = call.registry.read(|state| state.schemas(prefix, call.filter(), latest_only));
    Ok(Reply::Json(call.page(schemas)?.iter().map(described).collect()))
}

pub(super) async fn types(_: Call) -> Answer {
    Ok(Reply::Json(json!(["AVRO"])))
}

/// What stands for an id, with what it refers to in place where `format=resolved` asks for it.
async fn by_id(call: &Call) -> Result<Found, ApiError> {
    let (id, subject) = (call.id()?, call.text("subject"));
    let resolved = call.text("format") == Some("resolved");
    let found = call.registry.find(|state| {
        let mut found = state.by_id(id, subject).ok_or(RegistryError::UnknownId { id })?;
        if resolved {
            found.schema = state.standalone(id.0, subject).ok_or(RegistryError::UnknownId { id })??;
        }
        Ok(found)
    });
    Ok(found.await?)
}

pub(super) async fn get(call: Call) -> Answer {
    let found = by_id(&call).await?;
    let mut object = Map::new();
    if call.text("subject").is_some() {
        object.insert("subject".to_owned(), found.subject.clone().into());
        object.insert("version".to_owned(), found.version.into());
    }
    object.extend(found.about());
    if call.says("fetchMaxId") {
        let highest = call.registry.read(|state| state.highest_id(&found.subject));
        object.insert("maxId".to_owned(), highest.into());
    }
    Ok(Reply::Json(Value::Object(object)))
}

pub(super) async fn schema(call: Call) -> Answer {
    Ok(Reply::Text(by_id(&call).await?.schema.to_string()))
}

async fn uses(call: &Call) -> Result<Vec<(String, u32)>, ApiError> {
    let (id, subject, deleted) = (call.id()?, call.text("subject"), call.says("deleted"));
    let uses = call.registry.find(|state| {
        state.versions_of(id, subject, deleted).ok_or(RegistryError::UnknownSchema { subject: String::new() })
    });
    Ok(uses.await?)
}

pub(super) async fn subjects(call: Call) -> Answer {
    let mut subjects: Vec<String> = uses(&call).await?.into_iter().map(|(subject, _)| subject).collect();
    subjects.dedup();
    Ok(Reply::Json(json!(call.page(subjects)?)))
}

pub(super) async fn versions(call: Call) -> Answer {
    let pair = |(subject, version)| json!({ "subject": subject, "version": version });
    Ok(Reply::Json(call.page(uses(&call).await?)?.into_iter().map(pair).collect()))
}

fn guid(call: &Call) -> Result<(String, Option<Guid>), ApiError> {
    let text: String = call.named("guid").chars().take(40).collect();
    let guid = text.parse().ok();
    Ok((text, guid))
}

pub(super) async fn by_guid(call: Call) -> Answer {
    let (text, guid) = guid(&call)?;
    let unknown = || RegistryError::UnknownGuid { guid: text.clone() };
    let guid = guid.ok_or_else(unknown)?;
    let found = call.registry.find(|state| state.by_guid(&guid).ok_or_else(unknown)).await?;
    Ok(Reply::Json(Value::Object(found.about())))
}

pub(super) async fn ids_of_guid(call: Call) -> Answer {
    let (_, guid) = guid(&call)?;
    let ids = guid.map(|guid| call.registry.read(|state| state.ids_of_guid(&guid))).unwrap_or_default();
    Ok(Reply::Json(ids.into_iter().map(|(context, id)| json!({ "context": context, "id": id })).collect()))
}
