//! `/mode`: who may write what.

use serde_json::{Value, json};

use super::{Answer, Call, Reply};
use crate::{Mode, RegistryError};

fn told(mode: Option<Mode>) -> Reply {
    Reply::Json(match mode {
        Some(mode) => json!({ "mode": mode.to_string() }),
        None => json!({}),
    })
}

pub(super) async fn get(call: Call) -> Answer {
    let scope = call.scope();
    let mode = call.registry.read(|state| {
        let of = scope.as_deref();
        if call.says("defaultToGlobal") { Some(state.mode_in_scope(of)) } else { state.mode(of) }
    });
    let mode = mode.ok_or_else(|| RegistryError::NoSubjectMode { subject: scope.unwrap_or_default() })?;
    Ok(told(Some(mode)))
}

pub(super) async fn put(call: Call) -> Answer {
    let (scope, force) = (call.scope(), call.says("force"));
    let body = call.object(RegistryError::InvalidMode)?;
    let mode: Mode = body.get("mode").and_then(Value::as_str).ok_or(RegistryError::InvalidMode)?.parse()?;
    call.registry.write(move |state| state.set_mode(scope.as_deref(), mode, force)).await?;
    Ok(told(Some(mode)))
}

pub(super) async fn delete(call: Call) -> Answer {
    let (scope, recursive) = (call.scope(), call.says("recursive"));
    let mode = call.registry.write(move |state| state.delete_mode(scope.as_deref(), recursive)).await?;
    Ok(told(mode))
}
