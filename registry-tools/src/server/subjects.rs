//! `/subjects`: listing, looking a schema up, deleting.

use serde_json::{Map, Value, json};

use super::{Answer, Call, Reply};
use crate::{Found, subject};

pub(super) async fn list(call: Call) -> Answer {
    let prefix = call.text("subjectPrefix").unwrap_or(subject::ALL_CONTEXTS);
    let subjects = call.registry.read(|state| state.subjects(prefix, call.filter()));
    Ok(Reply::Json(json!(call.page(subjects)?)))
}

pub(super) async fn lookup(call: Call) -> Answer {
    let (subject, draft, deleted) = (call.subject(), call.draft()?, call.says("deleted"));
    let found = call.registry.find(|state| state.lookup(&subject, &draft, deleted)).await?;
    Ok(Reply::Json(described(&found)))
}

/// A version as Confluent's API shows it.
pub(super) fn described(found: &Found) -> Value {
    let mut object = Map::new();
    object.insert("subject".to_owned(), found.subject.clone().into());
    object.insert("version".to_owned(), found.version.into());
    object.insert("id".to_owned(), found.id.0.into());
    object.extend(found.about());
    Value::Object(object)
}

pub(super) async fn delete(call: Call) -> Answer {
    let (subject, permanent) = (call.subject(), call.says("permanent"));
    let gone = call.registry.write(move |state| state.delete_subject(&subject, permanent)).await?;
    Ok(Reply::Json(json!(gone)))
}
