//! The enterprise service: what it answers to authors.

use coursebus_schemas::publication::EnterpriseAnswered;

use super::Answer;

/// What became of an author's request here.
#[must_use]
pub fn request_answered(answer: &Answer) -> EnterpriseAnswered {
    EnterpriseAnswered { answer: answer.data() }
}
