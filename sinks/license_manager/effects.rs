//! What events change in the license manager's view. Pure.

use coursebus_schemas::subscription::{LicenseData, PlanData};
use coursebus_sinks_kit::{Change, EffectError, fields::time};

use super::tables::{LICENSES, PLANS};

pub(super) fn plan(plan: &PlanData, status: &str) -> Result<Vec<Change>, EffectError> {
    let set = [
        ("title", plan.title.as_str().into()),
        ("status", status.into()),
        ("starts", time("plan.starts", &plan.starts)?.into()),
        ("expires", time("plan.expires", &plan.expires)?.into()),
        ("enterprise_customer_uuid", plan.enterprise_customer_uuid.clone().into()),
        ("auto_applies_licenses", plan.auto_applies_licenses.into()),
    ];
    Ok(vec![PLANS.upsert([plan.plan_uuid.as_str().into()], set)])
}

pub(super) fn license(license: &LicenseData) -> Result<Vec<Change>, EffectError> {
    let set = [
        ("plan_uuid", license.plan_uuid.as_str().into()),
        ("user_id", license.user_id.into()),
        ("status", license.status.as_str().into()),
        ("expires", time("license.expires", &license.expires)?.into()),
    ];
    Ok(vec![LICENSES.upsert([license.license_uuid.as_str().into()], set)])
}
