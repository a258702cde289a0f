//! `/compatibility`: whether a schema could be registered.

use serde_json::json;

use super::{Answer, Call, Reply};
use crate::{RegistryError, VersionRef, compatibility};

pub(super) async fn with_all(call: Call) -> Answer {
    compare(&call, None).await
}

pub(super) async fn with_one(call: Call) -> Answer {
    let version = call.version()?;
    compare(&call, Some(version)).await
}

async fn compare(call: &Call, version: Option<VersionRef>) -> Answer {
    let (subject, draft, verbose) = (call.subject(), call.draft()?, call.says("verbose"));
    let compared = call.registry.find(|state| state.compare(&subject, &draft, version)).await;
    let messages = match compared {
        Ok((level, differences)) => compatibility::messages(level, &differences),
        // Who asks for words gets them.
        Err(error @ RegistryError::InvalidSchema { .. }) if verbose => vec![error.to_string()],
        Err(error) => return Err(error.into()),
    };
    let is_compatible = messages.is_empty();
    Ok(Reply::Json(if verbose {
        json!({ "is_compatible": is_compatible, "messages": messages })
    } else {
        json!({ "is_compatible": is_compatible })
    }))
}
