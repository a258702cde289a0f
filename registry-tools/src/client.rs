//! A registry behind HTTP: ours, Confluent's, or a work-alike.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use coursebus_schemas::SchemaId;
use reqwest::{Method, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Level, Mode, Registered, Registration, Registry, RegistryError, VersionRef};

/// How many schemas are kept by id. They never change; past the bound all are forgotten and fetched again.
const CACHED_MAX: usize = 10_000;
/// How long one call may take.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a call is tried while the registry is away or says 429 or 5xx.
const ATTEMPTS: u32 = 3;

/// A client of a registry server. Calls are tried three times, 200 ms apart and then 400, when the server is away or busy.
#[derive(Debug)]
pub struct HttpRegistry {
    client: reqwest::Client,
    base: Url,
    schemas: Mutex<HashMap<SchemaId, Arc<str>>>,
}

impl HttpRegistry {
    /// A client for the server at `url`; `http://user:password@host` sends basic credentials. No connection is made yet.
    pub fn new(url: &str) -> Result<Self, RegistryError> {
        let wrong = |source: coursebus_transport::Cause| RegistryError::Unavailable {
            what: "take this URL".to_owned(),
            source,
        };
        let mut base: Url = url.parse().map_err(|e: <Url as std::str::FromStr>::Err| wrong(e.into()))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(wrong("a registry's URL starts with http:// or https://".into()));
        }
        // So that a path in the URL stays when calls are joined to it.
        if let Ok(mut path) = base.path_segments_mut() {
            path.pop_if_empty();
        }
        let client = reqwest::Client::builder().timeout(CALL_TIMEOUT).build().map_err(|e| wrong(e.into()))?;
        Ok(Self { client, base, schemas: Mutex::default() })
    }

    async fn call<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        body: Option<Value>,
    ) -> Result<T, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut attempt = 0;
        loop {
            attempt += 1;
            let outcome = self.call_once(method.clone(), url.clone(), body.as_ref()).await;
            match outcome {
                Err(failure) if failure.is_transient() && attempt < ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(100 << attempt)).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn call_once<T: for<'a> Deserialize<'a>>(
        &self,
        method: Method,
        url: Url,
        body: Option<&Value>,
    ) -> Result<T, Failure> {
        const JSON: &str = "application/vnd.schemaregistry.v1+json";
        let mut request = self.client.request(method, url).header("accept", format!("{JSON}, application/json"));
        if let Some(body) = body {
            request = request.header("content-type", JSON).body(body.to_string());
        }
        let response = request.send().await.map_err(Failure::Away)?;
        let status = response.status();
        let body = response.bytes().await.map_err(Failure::Away)?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| Failure::Said { status, said: Said::default() });
        }
        let said = serde_json::from_slice(&body).unwrap_or_default();
        Err(Failure::Said { status, said })
    }
}

/// A call that did not succeed.
enum Failure {
    Away(reqwest::Error),
    Said { status: StatusCode, said: Said },
}

#[derive(Deserialize, Default)]
struct Said {
    #[serde(default)]
    error_code: u32,
    #[serde(default)]
    message: String,
}

impl Failure {
    fn is_transient(&self) -> bool {
        match self {
            Self::Away(_) => true,
            Self::Said { status, .. } => *status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error(),
        }
    }

    /// The registry's own error; `what` is the verb, `subject` what it was about.
    fn into_error(self, what: &str, subject: &str) -> RegistryError {
        let (status, said) = match self {
            Self::Away(error) => {
                // Without the URL, which may hold credentials.
                let source = error.without_url().into();
                return RegistryError::Unavailable { what: what.to_owned(), source };
            }
            Self::Said { status, said } => (status.as_u16(), said),
        };
        let subject = subject.to_owned();
        match (said.error_code, status) {
            (40401 | 40404, _) => RegistryError::UnknownSubject { subject },
            (40402 | 40406, _) => RegistryError::UnknownVersion { subject, version: "asked for".to_owned() },
            (40403, _) => RegistryError::UnknownSchema { subject },
            (40408, _) => RegistryError::NoSubjectLevel { subject },
            (40409, _) => RegistryError::NoSubjectMode { subject },
            (_, 409) => RegistryError::Incompatible { subject, message: said.message },
            (42201, _) => RegistryError::InvalidSchema { reason: said.message },
            (42203, _) => RegistryError::InvalidLevel,
            (42204, _) => RegistryError::InvalidMode,
            (42205, _) => RegistryError::NotPermitted { subject, reason: said.message },
            (code, status) => RegistryError::Unexpected { status, code, message: said.message },
        }
    }
}

#[derive(Deserialize)]
struct IdReply {
    id: u32,
}

#[derive(Deserialize)]
struct SchemaReply {
    schema: String,
}

#[derive(Deserialize)]
struct VersionReply {
    subject: String,
    version: u32,
    id: u32,
    schema: String,
}

impl From<VersionReply> for Registered {
    fn from(reply: VersionReply) -> Self {
        let VersionReply { subject, version, id, schema } = reply;
        Self { subject, version, id: SchemaId(id), schema: schema.into() }
    }
}

#[async_trait]
impl Registry for HttpRegistry {
    async fn schema(&self, id: SchemaId) -> Result<Arc<str>, RegistryError> {
        let cached = || self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = cached().get(&id) {
            return Ok(schema.clone());
        }
        let path = ["schemas", "ids", &id.to_string()];
        let reply: Result<SchemaReply, _> = self.call(Method::GET, &path, &[], None).await;
        let reply = reply.map_err(|failure| match failure.into_error("fetch a schema", "") {
            RegistryError::UnknownSchema { .. } => RegistryError::UnknownId { id },
            other => other,
        })?;
        let schema: Arc<str> = reply.schema.into();
        let mut cache = cached();
        if cache.len() >= CACHED_MAX {
            cache.clear();
        }
        cache.insert(id, schema.clone());
        Ok(schema)
    }

    async fn lookup(&self, subject: &str, schema: &str) -> Result<Registered, RegistryError> {
        let body = json!({ "schema": schema, "schemaType": "AVRO" });
        let reply: Result<VersionReply, _> = self.call(Method::POST, &["subjects", subject], &[], Some(body)).await;
        reply.map(Into::into).map_err(|failure| failure.into_error("look a schema up", subject))
    }

    async fn register(&self, registration: Registration<'_>) -> Result<Registered, RegistryError> {
        let Registration { subject, schema, import } = registration;
        let mut body = json!({ "schema": schema, "schemaType": "AVRO" });
        if let Some((id, version)) = import {
            body["id"] = id.0.into();
            if let Some(version) = version {
                body["version"] = version.into();
            }
        }
        let path = ["subjects", subject, "versions"];
        let reply: Result<IdReply, _> = self.call(Method::POST, &path, &[], Some(body)).await;
        let id = reply.map_err(|failure| match (failure.into_error("register a schema", subject), import) {
            (RegistryError::Unexpected { code: 42207, .. }, Some((id, _))) => RegistryError::IdTaken { id },
            (error, _) => error,
        });
        let id = id?.id;
        // Older registries answer with the id alone.
        let mut registered = self.lookup(subject, schema).await?;
        registered.id = SchemaId(id);
        Ok(registered)
    }

    async fn subjects(&self) -> Result<Vec<String>, RegistryError> {
        let reply: Result<Vec<String>, _> = self.call(Method::GET, &["subjects"], &[], None).await;
        let mut subjects = reply.map_err(|failure| failure.into_error("list subjects", ""))?;
        subjects.sort_unstable();
        Ok(subjects)
    }

    async fn versions(&self, subject: &str) -> Result<Vec<u32>, RegistryError> {
        let path = ["subjects", subject, "versions"];
        let reply: Result<Vec<u32>, _> = self.call(Method::GET, &path, &[], None).await;
        reply.map_err(|failure| failure.into_error("list versions", subject))
    }

    async fn version(&self, subject: &str, version: VersionRef) -> Result<Registered, RegistryError> {
        let number = match version {
            VersionRef::Latest => "latest".to_owned(),
            VersionRef::Number(number) => number.to_string(),
        };
        let path = ["subjects", subject, "versions", &number];
        let reply: Result<VersionReply, _> = self.call(Method::GET, &path, &[], None).await;
        reply.map(Into::into).map_err(|failure| match failure.into_error("fetch a version", subject) {
            RegistryError::UnknownVersion { subject, .. } => RegistryError::UnknownVersion { subject, version: number },
            other => other,
        })
    }

    async fn compatibility(&self, subject: Option<&str>) -> Result<Option<Level>, RegistryError> {
        let reply: Result<Value, _> = self.call(Method::GET, &scoped("config", subject), &[], None).await;
        match reply.map_err(|failure| failure.into_error("tell a level", subject.unwrap_or_default())) {
            Ok(reply) => Ok(reply["compatibilityLevel"].as_str().and_then(|level| level.parse().ok())),
            Err(RegistryError::NoSubjectLevel { .. } | RegistryError::UnknownSubject { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_compatibility(&self, subject: Option<&str>, level: Level) -> Result<(), RegistryError> {
        let body = json!({ "compatibility": level.to_string() });
        let reply: Result<Value, _> = self.call(Method::PUT, &scoped("config", subject), &[], Some(body)).await;
        reply.map(drop).map_err(|failure| failure.into_error("store a level", subject.unwrap_or_default()))
    }

    async fn mode(&self, subject: Option<&str>) -> Result<Option<Mode>, RegistryError> {
        let reply: Result<Value, _> = self.call(Method::GET, &scoped("mode", subject), &[], None).await;
        match reply.map_err(|failure| failure.into_error("tell a mode", subject.unwrap_or_default())) {
            Ok(reply) => Ok(reply["mode"].as_str().and_then(|mode| mode.parse().ok())),
            Err(RegistryError::NoSubjectMode { .. } | RegistryError::UnknownSubject { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_mode(&self, subject: Option<&str>, mode: Mode) -> Result<(), RegistryError> {
        let body = json!({ "mode": mode.to_string() });
        let reply: Result<Value, _> = self.call(Method::PUT, &scoped("mode", subject), &[], Some(body)).await;
        reply.map(drop).map_err(|failure| failure.into_error("store a mode", subject.unwrap_or_default()))
    }
}

fn scoped<'a>(what: &'a str, subject: Option<&'a str>) -> Vec<&'a str> {
    std::iter::once(what).chain(subject).collect()
}
