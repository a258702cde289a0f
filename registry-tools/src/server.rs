//! The registry over HTTP, in Confluent's API as far as it is built: subjects, versions, schemas by id, levels, modes.
//!
//! Bodies are read as JSON whatever their content type, as Confluent's server does for `application/octet-stream`.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use coursebus_schemas::SchemaId;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{LogRegistry, Registered, Registration, Registry, RegistryError, VersionRef};

/// The largest body that is read.
const BODY_BYTES_MAX: usize = 10 << 20;

type Shared = State<Arc<LogRegistry>>;
type Answer = Result<Response, ApiError>;

/// The routes of a registry server.
pub fn routes(registry: Arc<LogRegistry>) -> Router {
    Router::new()
        .route("/", get(async || reply(&json!({}))))
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}", post(lookup))
        .route("/subjects/{subject}/versions", get(versions).post(register))
        .route("/subjects/{subject}/versions/{version}", get(version))
        .route("/subjects/{subject}/versions/{version}/schema", get(version_schema))
        .route("/schemas/types", get(async || reply(&json!(["AVRO"]))))
        .route("/schemas/ids/{id}", get(schema))
        .route("/schemas/ids/{id}/schema", get(schema_text))
        .route("/schemas/ids/{id}/subjects", get(schema_subjects))
        .route("/schemas/ids/{id}/versions", get(schema_versions))
        .route("/config", get(global_level).put(set_global_level))
        .route("/config/{subject}", get(level).put(set_level))
        .route("/mode", get(global_mode).put(set_global_mode))
        .route("/mode/{subject}", get(mode).put(set_mode))
        // Open edX's consumer asks for this and lives with a 404, but with no other failure.
        .route("/associations/resources/-/{topic}", get(async || not_found()))
        .fallback(async || not_found())
        .method_not_allowed_fallback(async || error(405, 405, "HTTP 405 Method Not Allowed"))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(registry)
}

/// What a call answers with when it cannot do what it was asked.
enum ApiError {
    Registry(RegistryError),
    /// A path that does not exist.
    NotFound,
}

impl From<RegistryError> for ApiError {
    fn from(error: RegistryError) -> Self {
        Self::Registry(error)
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self::Registry(failure) = self else { return not_found() };
        let code = failure.code();
        if code >= 50000 {
            tracing::error!(error = &failure as &dyn std::error::Error, "a registry call failed");
        }
        error(u16::try_from(code / 100).unwrap_or(500), code, &failure.to_string())
    }
}

fn error(status: u16, code: u32, message: &str) -> Response {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, reply(&json!({ "error_code": code, "message": message }))).into_response()
}

fn not_found() -> Response {
    error(404, 404, "HTTP 404 Not Found")
}

fn reply(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/vnd.schemaregistry.v1+json")], body.to_string()).into_response()
}

fn body<T: for<'a> Deserialize<'a>>(bytes: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(bytes)
        .map_err(|e| ApiError::Registry(RegistryError::InvalidSchema { reason: format!("the body: {e}") }))
}

#[derive(Deserialize)]
struct SchemaBody {
    schema: String,
    #[serde(rename = "schemaType", default)]
    schema_type: Option<String>,
    #[serde(default)]
    references: Vec<Value>,
    #[serde(default)]
    metadata: Option<Value>,
    #[serde(rename = "ruleSet", default)]
    rule_set: Option<Value>,
    #[serde(default)]
    id: Option<i64>,
    #[serde(default)]
    version: Option<i64>,
}

fn schema_body(bytes: &Bytes) -> Result<SchemaBody, ApiError> {
    let parsed: SchemaBody = body(bytes)?;
    let refuse = |reason: &str| Err(ApiError::Registry(RegistryError::InvalidSchema { reason: reason.to_owned() }));
    match parsed.schema_type.as_deref() {
        None | Some("AVRO" | "") => {}
        Some(_) => return refuse("this registry has schemas of type AVRO only"),
    }
    if !parsed.references.is_empty() {
        return refuse("references are not supported yet");
    }
    // Dropping a rule in silence could leave in clear what was to be encrypted.
    let is_given = |part: &Option<Value>| part.as_ref().is_some_and(|part| !part.is_null());
    if is_given(&parsed.metadata) || is_given(&parsed.rule_set) {
        return refuse("metadata and rule sets are not supported yet");
    }
    Ok(parsed)
}

/// What lists can be asked for.
#[derive(Deserialize)]
struct ListQuery {
    #[serde(rename = "subjectPrefix", default)]
    subject_prefix: String,
    #[serde(default)]
    subject: Option<String>,
    #[serde(default)]
    offset: usize,
    /// All where it is negative or absent.
    #[serde(default)]
    limit: Option<i64>,
}

impl ListQuery {
    /// The part that was asked for.
    fn page<T>(&self, items: impl Iterator<Item = T>) -> Vec<T> {
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        items.skip(self.offset).take(limit).collect()
    }
}

async fn subjects(State(registry): Shared, Query(query): Query<ListQuery>) -> Answer {
    let subjects = registry.subjects().await?.into_iter();
    // The prefix of all contexts: there is one.
    let prefix = query.subject_prefix.strip_prefix(":*:").unwrap_or(&query.subject_prefix);
    Ok(reply(&json!(query.page(subjects.filter(|subject| subject.starts_with(prefix))))))
}

async fn lookup(State(registry): Shared, Path(subject): Path<String>, bytes: Bytes) -> Answer {
    let found = registry.lookup(&subject, &schema_body(&bytes)?.schema).await?;
    Ok(reply(&described(&found)))
}

fn described(found: &Registered) -> Value {
    json!({ "subject": found.subject, "version": found.version, "id": found.id.0, "schema": *found.schema })
}

async fn versions(State(registry): Shared, Path(subject): Path<String>, Query(query): Query<ListQuery>) -> Answer {
    Ok(reply(&json!(query.page(registry.versions(&subject).await?.into_iter()))))
}

async fn register(State(registry): Shared, Path(subject): Path<String>, bytes: Bytes) -> Answer {
    let given = schema_body(&bytes)?;
    let number = |n: i64| u32::try_from(n).ok().filter(|n| *n > 0);
    // Clients send -1 for 'none given'.
    let import = match given.id.and_then(number) {
        Some(id) => Some((SchemaId(id), given.version.and_then(number))),
        None => None,
    };
    let found = registry.register(Registration { subject: &subject, schema: &given.schema, import }).await?;
    Ok(reply(&json!({ "id": found.id.0, "version": found.version, "schemaType": "AVRO", "schema": *found.schema })))
}

async fn version(State(registry): Shared, Path((subject, version)): Path<(String, String)>) -> Answer {
    Ok(reply(&described(&registry.version(&subject, version.parse()?).await?)))
}

async fn version_schema(State(registry): Shared, Path((subject, version)): Path<(String, String)>) -> Answer {
    let found = registry.version(&subject, version.parse::<VersionRef>()?).await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], found.schema.to_string()).into_response())
}

/// An id that is no number is a path that does not exist, as with Confluent's server.
fn schema_id(text: &str) -> Result<SchemaId, ApiError> {
    text.parse().map(SchemaId).map_err(|_| ApiError::NotFound)
}

async fn schema(State(registry): Shared, Path(id): Path<String>) -> Answer {
    Ok(reply(&json!({ "schema": *registry.schema(schema_id(&id)?).await? })))
}

async fn schema_text(State(registry): Shared, Path(id): Path<String>) -> Answer {
    let text = registry.schema(schema_id(&id)?).await?.to_string();
    Ok(([(header::CONTENT_TYPE, "application/json")], text).into_response())
}

async fn schema_subjects(State(registry): Shared, Path(id): Path<String>, Query(query): Query<ListQuery>) -> Answer {
    let mut subjects: Vec<String> = versions_of(&registry, &id, &query).await?.map(|(subject, _)| subject).collect();
    subjects.dedup();
    Ok(reply(&json!(query.page(subjects.into_iter()))))
}

async fn schema_versions(State(registry): Shared, Path(id): Path<String>, Query(query): Query<ListQuery>) -> Answer {
    let versions = versions_of(&registry, &id, &query).await?;
    let pairs = versions.map(|(subject, version)| json!({ "subject": subject, "version": version }));
    Ok(reply(&json!(query.page(pairs))))
}

async fn versions_of<'q>(
    registry: &LogRegistry,
    id: &str,
    query: &'q ListQuery,
) -> Result<impl Iterator<Item = (String, u32)> + use<'q>, ApiError> {
    let versions = registry.versions_of(schema_id(id)?).await?.into_iter();
    Ok(versions.filter(|(subject, _)| query.subject.as_ref().is_none_or(|wanted| wanted == subject)))
}

/// Whether what a subject lacks is answered with what holds for all.
#[derive(Deserialize)]
struct ScopeQuery {
    #[serde(rename = "defaultToGlobal", default)]
    default_to_global: bool,
}

#[derive(Deserialize)]
struct LevelBody {
    compatibility: String,
}

async fn global_level(State(registry): Shared) -> Answer {
    let level = registry.compatibility(None).await?;
    Ok(reply(&json!({ "compatibilityLevel": level.map(|l| l.to_string()) })))
}

async fn level(State(registry): Shared, Path(subject): Path<String>, Query(query): Query<ScopeQuery>) -> Answer {
    let mut level = registry.compatibility(Some(&subject)).await?;
    if level.is_none() && query.default_to_global {
        level = registry.compatibility(None).await?;
    }
    let level = level.ok_or(RegistryError::NoSubjectLevel { subject })?;
    Ok(reply(&json!({ "compatibilityLevel": level.to_string() })))
}

async fn put_level(registry: &LogRegistry, subject: Option<&str>, bytes: &Bytes) -> Answer {
    let given: LevelBody = serde_json::from_slice(bytes).map_err(|_| RegistryError::InvalidLevel)?;
    let level = given.compatibility.parse()?;
    registry.set_compatibility(subject, level).await?;
    Ok(reply(&json!({ "compatibility": level.to_string() })))
}

async fn set_global_level(State(registry): Shared, bytes: Bytes) -> Answer {
    put_level(&registry, None, &bytes).await
}

async fn set_level(State(registry): Shared, Path(subject): Path<String>, bytes: Bytes) -> Answer {
    put_level(&registry, Some(&subject), &bytes).await
}

#[derive(Deserialize)]
struct ModeBody {
    mode: String,
}

async fn global_mode(State(registry): Shared) -> Answer {
    let mode = registry.mode(None).await?;
    Ok(reply(&json!({ "mode": mode.map(|m| m.to_string()) })))
}

async fn mode(State(registry): Shared, Path(subject): Path<String>, Query(query): Query<ScopeQuery>) -> Answer {
    let mut mode = registry.mode(Some(&subject)).await?;
    if mode.is_none() && query.default_to_global {
        mode = registry.mode(None).await?;
    }
    let mode = mode.ok_or(RegistryError::NoSubjectMode { subject })?;
    Ok(reply(&json!({ "mode": mode.to_string() })))
}

async fn put_mode(registry: &LogRegistry, subject: Option<&str>, bytes: &Bytes) -> Answer {
    let given: ModeBody = serde_json::from_slice(bytes).map_err(|_| RegistryError::InvalidMode)?;
    let mode = given.mode.parse()?;
    registry.set_mode(subject, mode).await?;
    Ok(reply(&json!({ "mode": mode.to_string() })))
}

async fn set_global_mode(State(registry): Shared, bytes: Bytes) -> Answer {
    put_mode(&registry, None, &bytes).await
}

async fn set_mode(State(registry): Shared, Path(subject): Path<String>, bytes: Bytes) -> Answer {
    put_mode(&registry, Some(&subject), &bytes).await
}
