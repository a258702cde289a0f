//! The publisher: what authors ask the services to follow.

use coursebus_schemas::publication::{CourseRunPublished, MetadataEditData, MetadataEdited, PublicationData};
use time::OffsetDateTime;

use super::{pacing, text};

/// What every request says. The id of its event is what answers refer to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The run's key.
    pub course_key: String,
    /// The UUID of the course that it is a run of.
    pub course_uuid: String,
    /// The author's number.
    pub author_id: i64,
    /// Until when services are to answer.
    pub answer_by: OffsetDateTime,
}

/// A run as it is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// What learners read.
    pub title: String,
    /// The first day.
    pub start: OffsetDateTime,
    /// The last day.
    pub end: Option<OffsetDateTime>,
    /// Learners set the pace themselves.
    pub self_paced: bool,
}

/// What an author edited; none: as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Edit {
    /// The title.
    pub title: Option<String>,
    /// One paragraph for lists.
    pub short_description: Option<String>,
    /// The page's text, HTML.
    pub overview: Option<String>,
    /// The first day.
    pub start: Option<OffsetDateTime>,
    /// The last day.
    pub end: Option<OffsetDateTime>,
    /// Where the picture is.
    pub image_url: Option<String>,
}

/// An author published a run.
#[must_use]
pub fn course_run_published(request: &Request, fact: &Publication) -> CourseRunPublished {
    CourseRunPublished {
        request: PublicationData {
            course_key: request.course_key.clone(),
            course_uuid: request.course_uuid.clone(),
            title: fact.title.clone(),
            start: text(fact.start),
            end: fact.end.map(text),
            pacing: pacing(fact.self_paced),
            author_id: request.author_id,
            answer_by: text(request.answer_by),
        },
    }
}

/// An author edited what is told of a run.
#[must_use]
pub fn metadata_edited(request: &Request, fact: &Edit) -> MetadataEdited {
    MetadataEdited {
        request: MetadataEditData {
            course_key: request.course_key.clone(),
            course_uuid: request.course_uuid.clone(),
            title: fact.title.clone(),
            short_description: fact.short_description.clone(),
            overview: fact.overview.clone(),
            start: fact.start.map(text),
            end: fact.end.map(text),
            image_url: fact.image_url.clone(),
            author_id: request.author_id,
            answer_by: text(request.answer_by),
        },
    }
}
