//! The demo's platform: the made-up files in `cli/demo/`, and what its license manager did.

use coursebus_producer::adapters::{license_manager::License, subscription::Plan};
use time::{Date, macros::date};

use super::{
    Dated, Export, Fact, File, Files,
    fact::{midnight, uuid},
    history::{history, order},
};

/// The history of the demo's platform: two courses, forty learners, three subscription plans.
///
/// # Panics
/// Never: the files are part of the program, and a test reads them.
#[must_use]
pub fn demo_history() -> Vec<Dated> {
    let export = Export::read(&FILES).expect("the demo's files are whole");
    let mut history = history(&export, "Demo");
    history.extend(PLANS.iter().flat_map(|plan| plan.facts()));
    history.extend(LICENSES.iter().flat_map(LicenseStory::facts));
    order(&mut history);
    history
}

const FILES: Files = Files::embedded("cli/demo", |file| match file {
    File::Courses => include_str!("../../demo/courses.csv"),
    File::Assessments => include_str!("../../demo/assessments.csv"),
    File::Registrations => include_str!("../../demo/studentRegistration.csv"),
    File::Results => include_str!("../../demo/studentInfo.csv"),
    File::Scores => include_str!("../../demo/studentAssessment.csv"),
});

/// A plan from its creation to its end.
struct PlanStory {
    title: &'static str,
    created: Date,
    starts: Date,
    /// Its licenses are over on this day, if they are not renewed until the plan's end.
    term: Date,
    expires: Date,
    /// Whether the history goes as far as its end.
    over: bool,
}

/// A license from its assignment on.
struct LicenseStory {
    plan: &'static PlanStory,
    learner: i64,
    assigned: Date,
    activated: Option<Date>,
    end: End,
}

/// What became of a license.
enum End {
    /// Nothing yet.
    Open,
    /// Taken back on this day.
    Revoked(Date),
    /// Over at the end of its term.
    Expired,
    /// Renewed at the end of its term.
    Renewed,
    /// Renewed, and over with the plan.
    RenewedAndExpired,
}

static SPRING: PlanStory = PlanStory {
    title: "Observatory staff, spring 2025",
    created: date!(2024 - 12 - 02),
    starts: date!(2025 - 01 - 01),
    term: date!(2025 - 07 - 01),
    expires: date!(2025 - 07 - 01),
    over: true,
};
static READERS: PlanStory = PlanStory {
    title: "Evening readers 2025",
    created: date!(2025 - 01 - 13),
    starts: date!(2025 - 02 - 01),
    term: date!(2025 - 08 - 01),
    expires: date!(2026 - 02 - 01),
    over: true,
};
static STAFF: PlanStory = PlanStory {
    title: "Observatory staff 2025/26",
    created: date!(2025 - 06 - 16),
    starts: date!(2025 - 07 - 01),
    term: date!(2026 - 01 - 01),
    expires: date!(2026 - 07 - 01),
    over: false,
};
static PLANS: [&PlanStory; 3] = [&SPRING, &READERS, &STAFF];

/// Plan, learner, assigned, activated, end.
static LICENSES: [LicenseStory; 13] = [
    license(&SPRING, 1001, date!(2025 - 01 - 06), Some(date!(2025 - 01 - 09)), End::Expired),
    license(&SPRING, 1003, date!(2025 - 01 - 06), Some(date!(2025 - 01 - 21)), End::Expired),
    license(&SPRING, 1009, date!(2025 - 01 - 06), Some(date!(2025 - 01 - 06)), End::Revoked(date!(2025 - 03 - 17))),
    license(&SPRING, 1021, date!(2025 - 02 - 10), None, End::Expired),
    license(&READERS, 1007, date!(2025 - 02 - 01), Some(date!(2025 - 02 - 03)), End::RenewedAndExpired),
    license(&READERS, 1008, date!(2025 - 02 - 01), Some(date!(2025 - 02 - 14)), End::RenewedAndExpired),
    license(&READERS, 1013, date!(2025 - 02 - 01), Some(date!(2025 - 02 - 02)), End::Expired),
    license(&READERS, 1016, date!(2025 - 02 - 03), Some(date!(2025 - 03 - 01)), End::Revoked(date!(2025 - 04 - 01))),
    license(&READERS, 1027, date!(2025 - 05 - 05), Some(date!(2025 - 05 - 06)), End::RenewedAndExpired),
    license(&STAFF, 1001, date!(2025 - 07 - 01), Some(date!(2025 - 07 - 02)), End::Renewed),
    license(&STAFF, 1003, date!(2025 - 07 - 01), Some(date!(2025 - 07 - 15)), End::Renewed),
    license(&STAFF, 1034, date!(2025 - 09 - 15), Some(date!(2025 - 09 - 29)), End::Revoked(date!(2025 - 12 - 08))),
    license(&STAFF, 1040, date!(2025 - 10 - 06), None, End::Open),
];

const fn license(
    plan: &'static PlanStory,
    learner: i64,
    assigned: Date,
    activated: Option<Date>,
    end: End,
) -> LicenseStory {
    LicenseStory { plan, learner, assigned, activated, end }
}

impl PlanStory {
    fn facts(&self) -> Vec<Dated> {
        let plan = Plan {
            uuid: uuid(self.title).to_string(),
            title: self.title.to_owned(),
            starts: midnight(self.starts),
            expires: midnight(self.expires),
            enterprise_customer_uuid: None,
            auto_applies_licenses: false,
        };
        let mut facts = vec![Dated::new(self.created, &plan.uuid, Fact::PlanCreated(plan.clone()))];
        if self.over {
            facts.push(Dated::new(self.expires, &uuid(self.title).to_string(), Fact::PlanExpired(plan)));
        }
        facts
    }
}

impl LicenseStory {
    fn facts(&self) -> Vec<Dated> {
        let PlanStory { title, term, expires, .. } = self.plan;
        let until = |expires: Date| License {
            uuid: uuid(&format!("{title}/{}", self.learner)).to_string(),
            plan_uuid: uuid(title).to_string(),
            user_id: Some(self.learner),
            expires: midnight(expires),
        };
        let mut facts = vec![(self.assigned, Fact::LicenseAssigned(until(*term)))];
        facts.extend(self.activated.map(|day| (day, Fact::LicenseActivated(until(*term)))));
        if matches!(self.end, End::Renewed | End::RenewedAndExpired) {
            facts.push((*term, Fact::LicenseRenewed(until(*expires))));
        }
        match self.end {
            End::Open | End::Renewed => {}
            End::Revoked(day) => facts.push((day, Fact::LicenseRevoked(until(*term)))),
            End::Expired => facts.push((*term, Fact::LicenseExpired(until(*term)))),
            End::RenewedAndExpired => facts.push((*expires, Fact::LicenseExpired(until(*expires)))),
        }
        let who = until(*term).uuid;
        facts.into_iter().map(|(day, fact)| Dated::new(day, &who, fact)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::oulad::{Kind, counts};

    #[test]
    fn the_demo_has_these_facts() {
        let history = demo_history();
        let expected = [
            (Kind::Run, 4),
            (Kind::Enrolled, 64),
            (Kind::Graded, 112),
            (Kind::Unenrolled, 18),
            (Kind::Certified, 43),
            (Kind::PlanCreated, 3),
            (Kind::LicenseAssigned, 13),
            (Kind::LicenseActivated, 11),
            (Kind::LicenseRenewed, 5),
            (Kind::LicenseExpired, 7),
            (Kind::LicenseRevoked, 3),
            (Kind::PlanExpired, 2),
        ];
        assert_eq!(counts(&history), expected.into_iter().collect());
        assert_eq!(history.len(), 285);
        let ids: HashSet<_> = history.iter().map(|dated| &dated.id).collect();
        assert_eq!(ids.len(), history.len());
        assert!(history[4..].is_sorted_by_key(|dated| (dated.time, dated.fact.kind())));
    }

    #[test]
    fn a_license_is_of_a_plan_that_runs_and_of_a_learner_who_is_there() {
        let learners: HashSet<i64> = demo_history()
            .iter()
            .filter_map(|dated| match &dated.fact {
                Fact::Enrolled(fact) => Some(fact.learner.id),
                _ => None,
            })
            .collect();
        assert_eq!(learners.len(), 40);
        let (mut plans, mut licenses) = (HashMap::new(), HashMap::new());
        for dated in demo_history() {
            let kind = dated.fact.kind();
            match dated.fact {
                Fact::PlanCreated(plan) => assert!(plans.insert(plan.uuid, true).is_none()),
                Fact::PlanExpired(plan) => {
                    assert_eq!(dated.time, plan.expires);
                    assert_eq!(plans.insert(plan.uuid, false), Some(true));
                }
                Fact::LicenseAssigned(license) => {
                    assert!(plans[&license.plan_uuid] && learners.contains(&license.user_id.unwrap()));
                    assert!(licenses.insert(license.uuid, (kind, license.expires)).is_none());
                }
                Fact::LicenseActivated(license)
                | Fact::LicenseRenewed(license)
                | Fact::LicenseExpired(license)
                | Fact::LicenseRevoked(license) => {
                    assert!(plans[&license.plan_uuid], "the plan is not over");
                    let (before, expires) = licenses[&license.uuid];
                    match kind {
                        Kind::LicenseActivated => assert_eq!(before, Kind::LicenseAssigned),
                        Kind::LicenseRenewed => assert!(before == Kind::LicenseActivated && license.expires > expires),
                        Kind::LicenseExpired => assert_eq!((dated.time, license.expires), (expires, expires)),
                        _ => assert!(dated.time < expires && before != Kind::LicenseExpired),
                    }
                    licenses.insert(license.uuid, (kind, license.expires));
                }
                _ => {}
            }
        }
        assert_eq!((plans.len(), licenses.len()), (3, 13));
    }
}
