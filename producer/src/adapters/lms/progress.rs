//! How far learners are: requirements for credit, completion of blocks, visits of pages.

use coursebus_schemas::learning::{
    CompletionChanged, CompletionData, CreditRequirementChanged, CreditRequirementData, PageVisitData, PageVisited,
};

/// A requirement for credit, and a learner who is to meet it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreditRequirement {
    /// The run's key.
    pub course_key: String,
    /// The learner's number.
    pub user_id: i64,
    /// `grade`, `proctored_exam`, …
    pub namespace: String,
    /// Which one of its kind.
    pub name: String,
    /// Where the learner stands.
    pub standing: Standing,
}

/// Where a learner stands with a requirement for credit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Not decided, or not any more.
    Open,
    /// Met.
    Satisfied,
    /// Not met, for a reason, as a code.
    Failed(String),
    /// The learner does not want to.
    Declined,
}

/// How much of a block a learner has done.
#[derive(Debug, Clone, PartialEq)]
pub struct Completion {
    /// The run's key.
    pub course_key: String,
    /// The learner's number.
    pub user_id: i64,
    /// The block.
    pub usage_key: String,
    /// 0 to 1.
    pub done: f64,
}

/// A page that learners visit, by what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Page {
    /// A program, by its UUID.
    Program(String),
    /// A course.
    Course(String),
    /// A run.
    CourseRun(String),
}

/// Where a learner stands with a requirement for credit changed.
#[must_use]
pub fn credit_requirement_changed(fact: &CreditRequirement) -> CreditRequirementChanged {
    let (status, reason) = match &fact.standing {
        Standing::Open => ("open", ""),
        Standing::Satisfied => ("satisfied", ""),
        Standing::Failed(reason) => ("failed", reason.as_str()),
        Standing::Declined => ("declined", ""),
    };
    CreditRequirementChanged {
        requirement: CreditRequirementData {
            course_key: fact.course_key.clone(),
            user_id: fact.user_id,
            namespace: fact.namespace.clone(),
            name: fact.name.clone(),
            status: status.to_owned(),
            reason: reason.to_owned(),
        },
    }
}

/// How much of a block a learner has done changed.
#[must_use]
pub fn completion_changed(fact: &Completion) -> CompletionChanged {
    let Completion { course_key, user_id, usage_key, done } = fact.clone();
    CompletionChanged { completion: CompletionData { course_key, user_id, usage_key, completion: done } }
}

/// A learner who was signed in visited a page. Say it with the visit's number as [`crate::adapters::Occurrence::revision`].
#[must_use]
pub fn page_visited(user_id: i64, page: &Page) -> PageVisited {
    let (page, content_key) = match page {
        Page::Program(uuid) => ("program", uuid),
        Page::Course(key) => ("course", key),
        Page::CourseRun(key) => ("course_run", key),
    };
    PageVisited { visit: PageVisitData { user_id, page: page.to_owned(), content_key: content_key.clone() } }
}
