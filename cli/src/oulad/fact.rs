//! What happened on a platform, when, and under which id.

use std::collections::BTreeMap;

use coursebus_producer::adapters::{cms, license_manager, lms, subscription};
use coursebus_schemas::{
    Event, EventId, EventType,
    authoring::CourseRunCreated,
    learning::{
        CertificateCreated, CourseEnrollmentCreated, CoursePersistentGradeSummaryChanged, CourseUnenrollmentCompleted,
    },
    subscription::{
        LicenseActivated, LicenseAssigned, LicenseExpired, LicenseRenewed, LicenseRevoked, PlanCreated, PlanExpired,
    },
};
use time::{Date, OffsetDateTime, Time};
use uuid::Uuid;

/// Something that happened, as the service that it happened in knows it.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// A course run was created.
    Run(cms::CourseRun),
    /// A learner was enrolled.
    Enrolled(lms::Enrollment),
    /// A learner's grade changed.
    Graded(lms::Grade),
    /// A learner left a run.
    Unenrolled(lms::Enrollment),
    /// A learner earned a certificate.
    Certified(lms::Certificate),
    /// A subscription plan was created.
    PlanCreated(subscription::Plan),
    /// A license was assigned to a learner.
    LicenseAssigned(license_manager::License),
    /// A learner began to use a license.
    LicenseActivated(license_manager::License),
    /// A license goes on to a later end.
    LicenseRenewed(license_manager::License),
    /// A license is over.
    LicenseExpired(license_manager::License),
    /// A license was taken back.
    LicenseRevoked(license_manager::License),
    /// A subscription plan is over.
    PlanExpired(subscription::Plan),
}

/// The kind of a fact. The order is that of facts of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A course run was created.
    Run,
    /// A learner was enrolled.
    Enrolled,
    /// A learner's grade changed.
    Graded,
    /// A learner left a run.
    Unenrolled,
    /// A learner earned a certificate.
    Certified,
    /// A subscription plan was created.
    PlanCreated,
    /// A license was assigned.
    LicenseAssigned,
    /// A license began to be used.
    LicenseActivated,
    /// A license goes on.
    LicenseRenewed,
    /// A license is over.
    LicenseExpired,
    /// A license was taken back.
    LicenseRevoked,
    /// A subscription plan is over.
    PlanExpired,
}

/// How many facts of each kind there are.
pub type Counts = BTreeMap<Kind, u64>;

/// A fact with its day and its id.
#[derive(Debug, Clone, PartialEq)]
pub struct Dated {
    /// Midnight UTC of its day: the event's `ce_time`.
    pub time: OffsetDateTime,
    /// Follows from what happened to whom, so that a second import of the same facts emits the same ids.
    pub id: EventId,
    /// What happened.
    pub fact: Fact,
}

/// The namespace of the ids. Another one would make every import new to every sink.
const NAMESPACE: Uuid = Uuid::from_u128(0x1f0b_6c52_7a1e_4d7c_9a53_3c4e_8f27_d0b6);

impl Dated {
    /// A fact of a day. `who` names what it happened to: no two facts of a kind may have the same.
    pub(super) fn new(day: Date, who: &str, fact: Fact) -> Self {
        let name = format!("{}/{who}", fact.kind().as_str());
        Self { time: midnight(day), id: uuid(&name).into(), fact }
    }
}

impl Fact {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Run(_) => Kind::Run,
            Self::Enrolled(_) => Kind::Enrolled,
            Self::Graded(_) => Kind::Graded,
            Self::Unenrolled(_) => Kind::Unenrolled,
            Self::Certified(_) => Kind::Certified,
            Self::PlanCreated(_) => Kind::PlanCreated,
            Self::LicenseAssigned(_) => Kind::LicenseAssigned,
            Self::LicenseActivated(_) => Kind::LicenseActivated,
            Self::LicenseRenewed(_) => Kind::LicenseRenewed,
            Self::LicenseExpired(_) => Kind::LicenseExpired,
            Self::LicenseRevoked(_) => Kind::LicenseRevoked,
            Self::PlanExpired(_) => Kind::PlanExpired,
        }
    }

    /// The type of its event.
    #[must_use]
    pub fn event_type(&self) -> &'static EventType {
        match self {
            Self::Run(_) => CourseRunCreated::TYPE,
            Self::Enrolled(_) => CourseEnrollmentCreated::TYPE,
            Self::Graded(_) => CoursePersistentGradeSummaryChanged::TYPE,
            Self::Unenrolled(_) => CourseUnenrollmentCompleted::TYPE,
            Self::Certified(_) => CertificateCreated::TYPE,
            Self::PlanCreated(_) => PlanCreated::TYPE,
            Self::LicenseAssigned(_) => LicenseAssigned::TYPE,
            Self::LicenseActivated(_) => LicenseActivated::TYPE,
            Self::LicenseRenewed(_) => LicenseRenewed::TYPE,
            Self::LicenseExpired(_) => LicenseExpired::TYPE,
            Self::LicenseRevoked(_) => LicenseRevoked::TYPE,
            Self::PlanExpired(_) => PlanExpired::TYPE,
        }
    }
}

impl Kind {
    /// Its name for people and for ids, in the past tense.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run created",
            Self::Enrolled => "enrolled",
            Self::Graded => "graded",
            Self::Unenrolled => "unenrolled",
            Self::Certified => "certified",
            Self::PlanCreated => "plan created",
            Self::LicenseAssigned => "license assigned",
            Self::LicenseActivated => "license activated",
            Self::LicenseRenewed => "license renewed",
            Self::LicenseExpired => "license expired",
            Self::LicenseRevoked => "license revoked",
            Self::PlanExpired => "plan expired",
        }
    }
}

/// Counts a history by kind.
#[must_use]
pub fn counts(history: &[Dated]) -> Counts {
    history.iter().fold(Counts::new(), |mut counts, dated| {
        *counts.entry(dated.fact.kind()).or_default() += 1;
        counts
    })
}

/// The UUID of a name, always the same.
pub(super) fn uuid(name: &str) -> Uuid {
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

/// The beginning of a day, in UTC.
pub(super) fn midnight(day: Date) -> OffsetDateTime {
    day.with_time(Time::MIDNIGHT).assume_utc()
}
