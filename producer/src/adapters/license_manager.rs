//! The license manager: licenses of subscription plans.

use coursebus_schemas::subscription::{
    LicenseActivated, LicenseAssigned, LicenseData, LicenseExpired, LicenseRenewed, LicenseRevoked,
};
use time::OffsetDateTime;

use super::text;

/// A license of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct License {
    /// Its UUID.
    pub uuid: String,
    /// The plan's UUID.
    pub plan_uuid: String,
    /// Who has it; none while nobody does.
    pub user_id: Option<i64>,
    /// When it is over.
    pub expires: OffsetDateTime,
}

/// A license was assigned to a learner.
#[must_use]
pub fn license_assigned(fact: &License) -> LicenseAssigned {
    LicenseAssigned { license: license(fact, "assigned") }
}

/// A learner began to use a license.
#[must_use]
pub fn license_activated(fact: &License) -> LicenseActivated {
    LicenseActivated { license: license(fact, "activated") }
}

/// A license goes on to a later end.
#[must_use]
pub fn license_renewed(fact: &License) -> LicenseRenewed {
    LicenseRenewed { license: license(fact, "activated") }
}

/// A license is over.
#[must_use]
pub fn license_expired(fact: &License) -> LicenseExpired {
    LicenseExpired { license: license(fact, "expired") }
}

/// A license was taken back.
#[must_use]
pub fn license_revoked(fact: &License) -> LicenseRevoked {
    LicenseRevoked { license: license(fact, "revoked") }
}

fn license(fact: &License, status: &str) -> LicenseData {
    LicenseData {
        license_uuid: fact.uuid.clone(),
        plan_uuid: fact.plan_uuid.clone(),
        user_id: fact.user_id,
        status: status.to_owned(),
        expires: text(fact.expires),
    }
}
