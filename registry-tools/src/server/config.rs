//! `/config`: levels and what else is set.

use super::{Answer, Call, Reply};
use crate::RegistryError;

pub(super) async fn get(call: Call) -> Answer {
    let scope = call.scope();
    let config = call.registry.read(|state| {
        let of = scope.as_deref();
        if call.says("defaultToGlobal") { Some(state.config_in_scope(of)) } else { state.config(of) }
    });
    let config = config.ok_or_else(|| RegistryError::NoSubjectLevel { subject: scope.unwrap_or_default() })?;
    Ok(Reply::Json(config.told()))
}

pub(super) async fn put(call: Call) -> Answer {
    let (scope, change) = (call.scope(), call.object(RegistryError::InvalidLevel)?);
    if change.is_empty() {
        return Err(RegistryError::InvalidLevel.into());
    }
    let config = call.registry.write(move |state| state.set_config(scope.as_deref(), &change)).await?;
    Ok(Reply::Json(config.echoed()))
}

pub(super) async fn delete(call: Call) -> Answer {
    let scope = call.scope();
    let config = call.registry.write(move |state| state.delete_config(scope.as_deref())).await?;
    Ok(Reply::Json(config.told()))
}
