//! The exams service: attempts at exams, and what reviews make of them.

use coursebus_schemas::{
    exams::{AttemptReviewData, AttemptReviewed},
    learning::{
        ExamAttemptData, ExamAttemptErrored, ExamAttemptRejected, ExamAttemptReset, ExamAttemptSubmitted,
        ExamAttemptVerified,
    },
};

use super::Learner;

/// A learner's attempt at an exam.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The attempt's number.
    pub id: i64,
    /// Who.
    pub learner: Learner,
    /// The run's key.
    pub course_key: String,
    /// The block that holds the exam.
    pub usage_key: String,
    /// `proctored`, `timed`, …
    pub exam_type: String,
    /// Who asked for the change, if not the learner.
    pub requested_by: Option<Learner>,
}

/// What a review makes of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It counts.
    Verified,
    /// It does not.
    Rejected,
    /// It cannot be told.
    Errored,
}

/// A review of an attempt; a later one replaces it.
#[derive(Debug, Clone, PartialEq)]
pub struct Review {
    /// What it comes to.
    pub verdict: Verdict,
    /// The points that count, and those that could be had; none: those that the learner scored.
    pub points: Option<(f64, f64)>,
    /// Credit is given on it.
    pub counts_for_credit: bool,
    /// Why, as a code, or empty.
    pub reason: String,
}

/// A learner handed in an attempt.
#[must_use]
pub fn attempt_submitted(fact: &Attempt) -> ExamAttemptSubmitted {
    ExamAttemptSubmitted { exam_attempt: attempt(fact) }
}

/// An attempt counts.
#[must_use]
pub fn attempt_verified(fact: &Attempt) -> ExamAttemptVerified {
    ExamAttemptVerified { exam_attempt: attempt(fact) }
}

/// An attempt does not count.
#[must_use]
pub fn attempt_rejected(fact: &Attempt) -> ExamAttemptRejected {
    ExamAttemptRejected { exam_attempt: attempt(fact) }
}

/// An attempt ended with an error.
#[must_use]
pub fn attempt_errored(fact: &Attempt) -> ExamAttemptErrored {
    ExamAttemptErrored { exam_attempt: attempt(fact) }
}

/// An attempt was reset: there may be another.
#[must_use]
pub fn attempt_reset(fact: &Attempt) -> ExamAttemptReset {
    ExamAttemptReset { exam_attempt: attempt(fact) }
}

/// An attempt was reviewed, or reviewed again. With the points and reasons that Open edX's types have no room for; on their
/// topic, so that it keeps its place among them.
#[must_use]
pub fn attempt_reviewed(fact: &Attempt, review: &Review) -> AttemptReviewed {
    let outcome = match review.verdict {
        Verdict::Verified => "verified",
        Verdict::Rejected => "rejected",
        Verdict::Errored => "errored",
    };
    let (earned, possible) = review.points.unzip();
    AttemptReviewed {
        attempt: AttemptReviewData {
            course_key: fact.course_key.clone(),
            usage_key: fact.usage_key.clone(),
            user_id: fact.learner.id,
            attempt_id: fact.id,
            exam_type: fact.exam_type.clone(),
            outcome: outcome.to_owned(),
            earned,
            possible,
            counts_for_credit: review.counts_for_credit,
            reason: review.reason.clone(),
        },
    }
}

fn attempt(fact: &Attempt) -> ExamAttemptData {
    ExamAttemptData {
        student_user: fact.learner.user(),
        course_key: fact.course_key.clone(),
        usage_key: fact.usage_key.clone(),
        exam_type: fact.exam_type.clone(),
        requesting_user: fact.requested_by.as_ref().map(Learner::user),
    }
}
