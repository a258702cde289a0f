//! Subscription plans, whose licenses are [`super::license_manager`]'s.

use coursebus_schemas::subscription::{PlanCreated, PlanData, PlanExpired};
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
