//! What is answered: content types, errors, messages.

use axum::{
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::RegistryError;

/// What an operation comes to.
pub(super) type Answer = Result<Reply, ApiError>;

/// A success.
pub(super) enum Reply {
    Json(Value),
    /// The text of a schema, as it is.
    Text(String),
    /// Nothing to say.
    Empty,
}

/// The content type that was asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted(&'static str);

const TYPES: [&str; 3] =
    ["application/vnd.schemaregistry.v1+json", "application/vnd.schemaregistry+json", "application/json"];

impl Default for Wanted {
    fn default() -> Self {
        Self(TYPES[0])
    }
}

impl Wanted {
    /// The first of ours that the caller takes; `None` where it takes none.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let accepted: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|v| v.split(','))
            .collect();
        let kinds = || accepted.iter().filter_map(|one| one.split(';').next()).map(str::trim);
        if accepted.is_empty() || kinds().any(|kind| matches!(kind, "*/*" | "application/*")) {
            return Some(Self::default());
        }
        TYPES.iter().find(|ours| kinds().any(|kind| kind.eq_ignore_ascii_case(ours))).map(|ours| Self(ours))
    }

    /// Whether a body of this content type is read.
    pub(super) fn reads(headers: &HeaderMap) -> bool {
        let Some(given) = headers.get(header::CONTENT_TYPE) else { return true };
        let kind = given.to_str().unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        TYPES.contains(&kind.as_str()) || kind == "application/octet-stream"
    }
}

impl Reply {
    pub(super) fn told(self, Wanted(kind): Wanted) -> Response {
        match self {
            Self::Json(body) => ([(header::CONTENT_TYPE, kind)], body.to_string()).into_response(),
            Self::Text(text) => ([(header::CONTENT_TYPE, kind)], text).into_response(),
            Self::Empty => StatusCode::NO_CONTENT.into_response(),
        }
    }
}

/// What a call answers with when it cannot do what it was asked.
pub(super) enum ApiError {
    Registry(RegistryError),
    /// A path that does not exist, or a parameter that is not of its kind.
    NotFound,
    MethodNotAllowed,
    NotAcceptable,
    /// A content type that is not JSON.
    UnsupportedMediaType,
    /// A body over the limit.
    BodyTooLarge,
    /// A body that did not come, or not in time.
    NoBody,
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl ApiError {
    pub(super) fn told(self, Wanted(kind): Wanted) -> Response {
        let (status, code, message) = match self {
            Self::Registry(error) => registry(&error),
            Self::NotFound => plain(404, "HTTP 404 Not Found"),
            Self::MethodNotAllowed => plain(405, "HTTP 405 Method Not Allowed"),
            Self::NotAcceptable => plain(406, "HTTP 406 Not Acceptable"),
            Self::NoBody => plain(408, "HTTP 408 Request Timeout"),
            Self::BodyTooLarge => plain(413, "HTTP 413 Request Entity Too Large: a body has 10 MB at most"),
            Self::UnsupportedMediaType => plain(415, "HTTP 415 Unsupported Media Type"),
        };
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = json!({ "error_code": code, "message": message }).to_string();
        (status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }
}

fn plain(status: u16, message: &str) -> (u16, u32, String) {
    (status, u32::from(status), message.to_owned())
}

fn registry(error: &RegistryError) -> (u16, u32, String) {
    let code = error.code();
    if code >= 50000 {
        tracing::error!(error = error as &dyn std::error::Error, "a registry call failed");
    }
    (u16::try_from(code / 100).unwrap_or(500), code, message(error))
}

/// The sentence on the wire: Confluent's where it has a fixed one, which clients look at, ours otherwise.
fn message(error: &RegistryError) -> String {
    match error {
        RegistryError::UnknownSubject { subject } => format!("Subject '{subject}' not found."),
        RegistryError::UnknownVersion { version, .. } => {
            format!("Version {} not found.", if version == "latest" { "-1" } else { version })
        }
        RegistryError::UnknownId { id } => format!("Schema {id} not found"),
        RegistryError::UnknownGuid { guid } => format!("Schema {guid} not found"),
        RegistryError::UnknownSchema { .. } => "Schema not found".to_owned(),
        RegistryError::SubjectSoftDeleted { subject } => {
            format!("Subject '{subject}' was soft deleted.Set permanent=true to delete permanently")
        }
        RegistryError::SubjectNotSoftDeleted { subject } => {
            format!("Subject '{subject}' was not deleted first before being permanently deleted")
        }
        RegistryError::VersionSoftDeleted { subject, version } => {
            format!("Subject '{subject}' Version {version} was soft deleted.Set permanent=true to delete permanently")
        }
        RegistryError::VersionNotSoftDeleted { subject, version } => {
            format!("Subject '{subject}' Version {version} was not deleted first before being permanently deleted")
        }
        RegistryError::NoSubjectLevel { subject } => {
            format!("Subject '{subject}' does not have subject-level compatibility configured")
        }
        RegistryError::NoSubjectMode { subject } => {
            format!("Subject '{subject}' does not have subject-level mode configured")
        }
        RegistryError::Incompatible { message, .. } => message.clone(),
        RegistryError::InvalidVersion { version } => format!(
            "The specified version '{version}' is not a valid version id. Allowed values are between [1, 2^31-1] and the \
             string \"latest\""
        ),
        RegistryError::InvalidLevel => "Invalid compatibility level. Valid values are none, backward, forward, full, \
             backward_transitive, forward_transitive, and full_transitive"
            .to_owned(),
        RegistryError::InvalidMode => "Invalid mode. Valid values are READWRITE, READONLY, IMPORT.".to_owned(),
        RegistryError::ReferenceExists { subject, version } => format!(
            "One or more references exist to the schema {{magic=1,keytype=SCHEMA,subject={subject},version={version}}}."
        ),
        RegistryError::NotPermitted { reason, .. } => reason.clone(),
        RegistryError::InvalidSubject { subject } => format!("The specified subject '{subject}' is not a valid."),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_is_one_that_was_asked_for() {
        let of = |accept: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().expect("a header"));
            Wanted::of(&headers).map(|wanted| wanted.0)
        };
        assert_eq!(of("*/*"), Some(TYPES[0]));
        assert_eq!(of("application/json"), Some(TYPES[2]));
        assert_eq!(of("text/html, application/json;q=0.9, application/vnd.schemaregistry+json"), Some(TYPES[1]));
        assert_eq!(of("application/vnd.schemaregistry.v1+json, application/json"), Some(TYPES[0]));
        assert_eq!(of("text/html"), None);
        assert_eq!(Wanted::of(&HeaderMap::new()).map(|wanted| wanted.0), Some(TYPES[0]));
    }
}
