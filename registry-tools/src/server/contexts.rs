//! `/contexts`, and what is told of the server itself.

use serde_json::json;

use super::{Answer, ApiError, Call, Reply};
use crate::subject;

pub(super) async fn root(_: Call) -> Answer {
    Ok(Reply::Json(json!({})))
}

pub(super) async fn list(call: Call) -> Answer {
    let prefix = call.text("contextPrefix").unwrap_or("");
    let mut contexts = call.registry.read(crate::state::State::contexts);
    contexts.retain(|context| context.starts_with(prefix));
    Ok(Reply::Json(json!(call.page(contexts)?)))
}

pub(super) async fn delete(call: Call) -> Answer {
    let named = call.named("context");
    // With its delimiters or without.
    let name = if named.starts_with(':') { named } else { format!(":.{}:", named.trim_start_matches('.')) };
    let name = subject::normalize(&name);
    call.registry.write(move |state| state.delete_context(&name)).await?;
    Ok(Reply::Empty)
}

pub(super) async fn cluster(call: Call) -> Answer {
    let cluster = call.registry.cluster().await;
    let clusters = json!({ "kafka-cluster": cluster, "schema-registry-cluster": "schema-registry" });
    Ok(Reply::Json(json!({ "id": "", "scope": { "path": [], "clusters": clusters } })))
}

pub(super) async fn version(_: Call) -> Answer {
    Ok(Reply::Json(json!({ "version": env!("CARGO_PKG_VERSION"), "commitId": "" })))
}

/// There are no associations. Open edX's consumer asks, and lives with a 404, but with no other failure.
pub(super) async fn associations(_: Call) -> Answer {
    Err(ApiError::NotFound)
}

pub(super) async fn openapi(_: Call) -> Answer {
    Ok(Reply::Json(super::openapi::document()))
}
