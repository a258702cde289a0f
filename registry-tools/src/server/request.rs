//! What is asked: path, query, body.

use std::{collections::HashMap, sync::Arc, time::Duration};

use axum::{
    RequestExt,
    body::Bytes,
    extract::{FromRequest, Query, RawPathParams, Request},
};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    answer::{ApiError, Wanted},
    operations::Operation,
};
use crate::{
    Draft, Filter, LogRegistry, RegistryError, SchemaId, VersionRef, subject,
    value::{Metadata, Reference},
};

/// The largest body that is read.
pub(super) const BODY_BYTES_MAX: usize = 10 << 20;
/// How many bodies are held at once. At the bound others wait.
pub(super) const BODIES_MAX: usize = 32;
/// How long a body may take to come.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// A request as an operation sees it.
pub(super) struct Call {
    pub(super) registry: Arc<LogRegistry>,
    path: HashMap<String, String>,
    query: HashMap<String, String>,
    body: Bytes,
}

impl Call {
    pub(super) async fn read(
        registry: Arc<LogRegistry>,
        operation: &Operation,
        mut request: Request,
    ) -> Result<Self, ApiError> {
        let path = request.extract_parts::<RawPathParams>().await.map_err(|_| ApiError::NotFound)?;
        let path = path.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let Query(query) = Query::try_from_uri(request.uri()).map_err(|_| ApiError::NotFound)?;
        let body = match operation.body {
            Some(_) if !Wanted::reads(request.headers()) => return Err(ApiError::UnsupportedMediaType),
            Some(_) => match tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, &())).await {
                Err(_late) => return Err(ApiError::NoBody),
                Ok(Err(_over)) => return Err(ApiError::BodyTooLarge),
                Ok(Ok(body)) => body,
            },
            None => Bytes::new(),
        };
        Ok(Self { registry, path, query, body })
    }

    fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// The subject of the path, in the form that it is stored under.
    pub(super) fn subject(&self) -> String {
        subject::normalize(self.part("subject"))
    }

    /// The subject of the path, where levels and modes are meant; `None` for the global ones.
    pub(super) fn scope(&self) -> Option<String> {
        Some(self.subject()).filter(|subject| !subject.is_empty())
    }

    /// The version of the path.
    pub(super) fn version(&self) -> Result<VersionRef, ApiError> {
        Ok(self.part("version").parse()?)
    }

    /// The id of the path. What is no number is a path that does not exist.
    pub(super) fn id(&self) -> Result<SchemaId, ApiError> {
        self.part("id").parse().map(SchemaId).map_err(|_| ApiError::NotFound)
    }

    /// Another part of the path.
    pub(super) fn named(&self, name: &str) -> String {
        self.part(name).to_owned()
    }

    /// A parameter that says yes.
    pub(super) fn says(&self, name: &str) -> bool {
        self.query.get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A parameter's text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    fn number(&self, name: &str) -> Result<Option<usize>, ApiError> {
        let Some(text) = self.query.get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
        let number: i64 = text.parse().map_err(|_| ApiError::NotFound)?;
        Ok(usize::try_from(number).ok().filter(|number| *number > 0))
    }

    /// The part of a list that was asked for; all where no limit above 0 is given.
    pub(super) fn page<T>(&self, items: Vec<T>) -> Result<Vec<T>, ApiError> {
        let (offset, limit) = (self.number("offset")?.unwrap_or(0), self.number("limit")?.unwrap_or(usize::MAX));
        Ok(items.into_iter().skip(offset).take(limit).collect())
    }

    /// Which versions are meant.
    pub(super) fn filter(&self) -> Filter {
        match (self.says("deletedOnly"), self.says("deleted")) {
            (true, _) => Filter::DeletedOnly,
            (false, true) => Filter::All,
            (false, false) => Filter::Live,
        }
    }

    /// The schema in the body.
    pub(super) fn draft(&self) -> Result<Draft, ApiError> {
        let given: SchemaBody = serde_json::from_slice(&self.body)
            .map_err(|e| RegistryError::InvalidSchema { reason: format!("the body: {e}") })?;
        if !matches!(given.schema_type.as_deref(), None | Some("AVRO" | "")) {
            let reason = "Invalid schema type: this registry has schemas of type AVRO only".to_owned();
            return Err(RegistryError::InvalidSchema { reason }.into());
        }
        // Clients send -1 for 'none given', and 0.
        let number = |n: i64| u32::try_from(n).ok().filter(|n| *n > 0 && *n <= i32::MAX.unsigned_abs());
        Ok(Draft {
            schema: given.schema.unwrap_or_default(),
            references: given.references.unwrap_or_default(),
            metadata: given.metadata,
            rule_set: given.rule_set.filter(|rules| !rules.is_null()),
            id: given.id.and_then(number).map(SchemaId),
            version: given.version.and_then(number),
            normalize: self.says("normalize"),
            force: self.says("force"),
        })
    }

    /// The object in the body; `otherwise` where there is none.
    pub(super) fn object(&self, otherwise: RegistryError) -> Result<Map<String, Value>, ApiError> {
        serde_json::from_slice(&self.body).map_err(|_| otherwise.into())
    }
}

#[derive(Deserialize)]
struct SchemaBody {
    #[serde(default)]
    schema: Option<String>,
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Option<Vec<Reference>>,
    #[serde(default)]
    metadata: Option<Metadata>,
    #[serde(rename = "ruleSet", default)]
    rule_set: Option<Value>,
    #[serde(default)]
    id: Option<i64>,
    #[serde(default)]
    version: Option<i64>,
}
