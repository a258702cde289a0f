//! The license manager: subscription plans and their licenses.

use coursebus_schemas::subscription::{
    LicenseActivated, LicenseAssigned, LicenseData, LicenseExpired, LicenseRenewed, LicenseRevoked, PlanCreated,
    PlanData, PlanExpired,
};
use time::OffsetDateTime;

use super::text;

/// A subscription plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its UUID.
    pub uuid: String,
    /// What customers read.
    pub title: String,
    /// The first day.
    pub starts: OffsetDateTime,
    /// The first day on which it is over.
    pub expires: OffsetDateTime,
    /// The customer it was sold to.
    pub enterprise_customer_uuid: Option<String>,
    /// New learners of the customer get a license by themselves.
    pub auto_applies_licenses: bool,
}

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

/// A plan was created.
#[must_use]
pub fn plan_created(fact: &Plan) -> PlanCreated {
    PlanCreated { plan: plan(fact) }
}

/// A plan is over.
#[must_use]
pub fn plan_expired(fact: &Plan) -> PlanExpired {
    PlanExpired { plan: plan(fact) }
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

fn plan(fact: &Plan) -> PlanData {
    PlanData {
        plan_uuid: fact.uuid.clone(),
        title: fact.title.clone(),
        starts: text(fact.starts),
        expires: text(fact.expires),
        enterprise_customer_uuid: fact.enterprise_customer_uuid.clone(),
        auto_applies_licenses: fact.auto_applies_licenses,
    }
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

#[cfg(test)]
mod tests {
    use time::macros::datetime;

    use super::*;

    #[test]
    fn the_status_follows_the_fact() {
        let fact = License {
            uuid: "l".into(),
            plan_uuid: "p".into(),
            user_id: Some(7),
            expires: datetime!(2027-01-01 0:00 UTC),
        };
        assert_eq!(license_assigned(&fact).license.status, "assigned");
        assert_eq!(license_activated(&fact).license.status, "activated");
        assert_eq!(license_renewed(&fact).license.status, "activated");
        assert_eq!(license_expired(&fact).license.status, "expired");
        assert_eq!(license_revoked(&fact).license.status, "revoked");
        assert_eq!(license_assigned(&fact).license.expires, "2027-01-01T00:00:00+00:00");
    }
}
