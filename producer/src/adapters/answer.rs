//! What a service answers to an author's request.

use coursebus_schemas::{EventId, publication::AnswerData};

/// A service's answer to a request. State it with [`super::Occurrence::answering`], so that a request that is handled twice
/// is answered once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The id of the request's event.
    pub request: EventId,
    /// The run that it was about.
    pub course_key: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The service did what was asked.
    Accepted,
    /// It did not.
    Failed {
        /// Why, for programs.
        code: String,
        /// Why, and what to do, for the author. Without personal data.
        reason: String,
    },
}

impl Answer {
    pub(super) fn data(&self) -> AnswerData {
        let (outcome, code, reason) = match &self.outcome {
            Outcome::Accepted => ("accepted", "", ""),
            Outcome::Failed { code, reason } => ("failed", code.as_str(), reason.as_str()),
        };
        AnswerData {
            course_key: self.course_key.clone(),
            request_id: self.request.as_str().to_owned(),
            outcome: outcome.to_owned(),
            code: code.to_owned(),
            reason: reason.to_owned(),
        }
    }
}
