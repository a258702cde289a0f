//! The license manager's view of plans and licenses.

mod effects;
mod tables;

use coursebus_schemas::subscription::{
    LicenseActivated, LicenseAssigned, LicenseExpired, LicenseRenewed, LicenseRevoked, PlanCreated, PlanExpired,
};
use coursebus_sinks_kit::{SinkSpec, Table, Touch};
use tables::{LICENSES, PLANS};

/// The sink.
#[must_use]
pub fn sink() -> SinkSpec {
    static TABLES: [&Table; 2] = [&LICENSES, &PLANS];
    const MIGRATIONS: &[(i64, &str, &str)] = &[
        (100, "plans", include_str!("migrations/0100_plans.sql")),
        (101, "licenses", include_str!("migrations/0101_licenses.sql")),
    ];
    const PLAN: &[Touch] = &[Touch { table: &PLANS, key: &["plan.plan_uuid"] }];
    const LICENSE: &[Touch] = &[Touch { table: &LICENSES, key: &["license.license_uuid"] }];
    SinkSpec::new("license_manager", "subscription plans and their licenses", &TABLES)
        .migrations(MIGRATIONS)
        .on::<PlanCreated>(PLAN, |e| effects::plan(&e.plan, "active"))
        .on::<PlanExpired>(PLAN, |e| effects::plan(&e.plan, "expired"))
        .on::<LicenseAssigned>(LICENSE, |e| effects::license(&e.license))
        .on::<LicenseActivated>(LICENSE, |e| effects::license(&e.license))
        .on::<LicenseRenewed>(LICENSE, |e| effects::license(&e.license))
        .on::<LicenseExpired>(LICENSE, |e| effects::license(&e.license))
        .on::<LicenseRevoked>(LICENSE, |e| effects::license(&e.license))
}
